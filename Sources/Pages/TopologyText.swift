import LabModel

/// A lab's picture as text for other programs to draw.
public struct TopologyText {
    private let topology: Topology

    public init(_ topology: Topology) {
        self.topology = topology
    }

    private typealias Edge = (ends: [String], label: String, isTunnel: Bool)

    private var edges: [Edge] {
        topology.links.map { ($0.ends.map(\.node), $0.name, false) }
            + topology.tunnels.map { ($0.ends.map(\.node), $0.name, true) }
            + topology.plainTunnels.map { ($0.ends.map(\.node), "\($0.name) (\($0.kind.rawValue))", true) }
    }

    /// Nodes by clouds, those without one last.
    private var groups: [(title: String?, nodes: [String])] {
        let inClouds = topology.clouds.map { cloud in
            (title: cloud.title as String?, nodes: topology.nodes.filter { $0.cloud == cloud.name }.map(\.name))
        }
        let others = topology.nodes.filter { $0.cloud == nil }.map(\.name)
        return (inClouds + [(title: nil, nodes: others)]).filter { !$0.nodes.isEmpty }
    }

    /// As Mermaid, which GitHub and GitLab draw: a flowchart with a subgraph for each cloud, and thick lines for tunnels.
    public var mermaid: String {
        let number = Dictionary(
            topology.nodes.enumerated().map { ($1.name, "n\($0)") }, uniquingKeysWith: { first, _ in first })
        let name = { (node: String) in number[node] ?? "n" }
        var lines = ["flowchart LR"]
        for (place, group) in groups.enumerated() {
            let nodes = group.nodes.map { "\(name($0))[\(Self.quoted($0, "#quot;"))]" }
            guard let title = group.title else {
                lines += nodes.map { "  \($0)" }
                continue
            }
            lines.append("  subgraph c\(place)[\(Self.quoted(title, "#quot;"))]")
            lines += nodes.map { "    \($0)" } + ["  end"]
        }
        lines += edges.map { edge in
            let line = edge.isTunnel ? "==" : "--"
            return
                "  \(name(edge.ends[0])) \(line) \(Self.quoted(edge.label, "#quot;")) \(line)\(edge.isTunnel ? "=" : "-") \(name(edge.ends[1]))"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// As the language of Graphviz, dot(1).
    public var dot: String {
        let quoted = { (text: String) in Self.quoted(text.replacing("\\", with: "\\\\"), "\\\"") }
        var lines = ["graph \(quoted(topology.name)) {", "  rankdir=LR; node [shape=box];"]
        for (place, group) in groups.enumerated() {
            let nodes = group.nodes.map { "\(quoted($0));" }.joined(separator: " ")
            lines.append(
                group.title.map { "  subgraph cluster_\(place) { label=\(quoted($0)); \(nodes) }" } ?? "  \(nodes)")
        }
        lines += edges.map { edge in
            let style = edge.isTunnel ? ", style=bold, constraint=false" : ""
            return "  \(quoted(edge.ends[0])) -- \(quoted(edge.ends[1])) [label=\(quoted(edge.label))\(style)];"
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// In double quotes, those in it replaced, on one line.
    private static func quoted(_ text: String, _ quote: String) -> String {
        "\"" + text.replacing("\"", with: quote).split(whereSeparator: \.isNewline).joined(separator: " ") + "\""
    }
}
