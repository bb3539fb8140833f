import AgentProtocol
import LabModel
import NetworkTypes
import Reporting

/// A lab as a picture: its clouds from left to right, nodes and links in them, tunnels between.
///
/// The layout is netlab's own and always the same for the same lab: a node's column is its distance in links from the first probe's
/// source, within its cloud; a column's nodes stand in the order of their neighbours to the left.
public struct TopologyFigure {
    private struct Place {
        let x: Double
        let y: Double
    }

    private static let (boxWidth, boxHeight) = (118.0, 40.0)
    private static let (columnWidth, rowHeight) = (158.0, 74.0)
    private static let margin = 16.0
    /// Above the nodes: the clouds' names, and links that go over nodes.
    private static let head = 62.0

    private let topology: Topology
    private let places: [String: Place]
    private let clouds: [(title: String, x: Double, width: Double)]
    private let size: (width: Double, height: Double)
    /// Of a running lab; nil for one as its file has it.
    private let state: State?

    /// What of a running lab is shown in its picture.
    public struct State {
        fileprivate let status: LabStatus
        fileprivate let rates: LabRates?

        public init(_ status: LabStatus, rates: LabRates?) {
            self.status = status
            self.rates = rates
        }

        /// Whether a tunnel is not up though it is to be.
        fileprivate func isDown(tunnel: String) -> Bool {
            status.tunnels.contains { $0.name == tunnel && $0.state == .down }
                || status.plainTunnels.contains { $0.name == tunnel && !$0.isUp }
        }

        /// Whether an interface of a link is down.
        fileprivate func isDown(_ link: Link) -> Bool {
            link.ends.contains { end in
                status.nodes.first { $0.name == end.node }?.interfaces.contains {
                    $0.name == end.routedInterface.description && !$0.isUp
                } ?? false
            }
        }

        /// The daemons of a node that do not run.
        fileprivate func stopped(at node: String) -> [String] {
            status.daemons.filter { $0.name.hasPrefix("\(node)/") && (!$0.isRunning || $0.isSuspended) }.map {
                String($0.name.dropFirst(node.count + 1))
            }
        }
    }

    /// - Parameter state: Of the running lab, so that what is down is drawn as such and tunnels say how much they carry.
    public init(_ topology: Topology, state: State? = nil) {
        self.topology = topology
        self.state = state
        let distances = Self.distances(in: topology)
        let title = { (id: String?) in topology.clouds.first { $0.name == id }?.title ?? id ?? "" }
        let mean = { (nodes: [Node]) in
            Double(nodes.reduce(0) { $0 + distances[$1.name, default: 0] }) / Double(max(nodes.count, 1))
        }
        let groups = Dictionary(grouping: topology.nodes, by: \.cloud).sorted {
            (mean($0.value), title($0.key)) < (mean($1.value), title($1.key))
        }
        var places: [String: Place] = [:]
        var clouds: [(title: String, x: Double, width: Double)] = []
        var x = Self.margin
        let most =
            groups.flatMap { Dictionary(grouping: $0.value) { distances[$0.name, default: 0] }.values.map(\.count) }
            .max() ?? 1
        for (cloud, nodes) in groups {
            let near = nodes.map { distances[$0.name, default: 0] }.min() ?? 0
            let columns = Dictionary(grouping: nodes) { distances[$0.name, default: 0] - near }
            let used = columns.keys.sorted()
            for (place, column) in used.enumerated() {
                let height = { (node: Node) -> Double in
                    let known = topology.neighbours(of: node.name).compactMap { places[$0]?.y }
                    return known.isEmpty ? .infinity : known.reduce(0, +) / Double(known.count)
                }
                let members = (columns[column] ?? []).map { (node: $0, height: height($0)) }.sorted {
                    ($0.height, $0.node.name) < ($1.height, $1.node.name)
                }
                // Columns of few nodes begin lower, so that a chain of them runs through the middle of wide ones.
                let top = Self.head + Double(most - members.count) / 2 * Self.rowHeight
                for (row, member) in members.enumerated() {
                    places[member.node.name] = Place(
                        x: x + Double(place) * Self.columnWidth + 14, y: top + Double(row) * Self.rowHeight)
                }
            }
            let width = Double(used.count) * Self.columnWidth - (Self.columnWidth - Self.boxWidth) + 28
            clouds.append((title(cloud), x, width))
            x += width + 40
        }
        self.places = places
        self.clouds = clouds
        // Tunnels hang below the nodes, one below the other.
        let tunnels = topology.tunnels.count + topology.plainTunnels.count
        size = (x - 40 + Self.margin, Self.head + Double(most) * Self.rowHeight + Double(tunnels) * 26 + Self.margin)
    }

    private static func distances(in topology: Topology) -> [String: Int] {
        var distances: [String: Int] = [:]
        var next = [topology.probes.first?.source, topology.nodes.first?.name].compactMap(\.self).prefix(1).map(\.self)
        var distance = 0
        while distances.count < topology.nodes.count {
            if next.isEmpty { next = topology.nodes.map(\.name).filter { distances[$0] == nil }.prefix(1).map(\.self) }
            for node in next { distances[node] = distance }
            next = Set(next.flatMap(topology.neighbours)).filter { distances[$0] == nil }.sorted()
            distance += 1
        }
        return distances
    }

    /// As SVG, to stand in a page.
    var markup: Markup {
        """
        <svg class="wide" viewBox="0 0 \(size.width) \(size.height)" width="\(size.width)" role="img" aria-label="\(words)">
        \(clouds.map(cloud))\(topology.links.map(link))\(tunnels)\(topology.nodes.map(node))</svg>

        """
    }

    /// As a file of its own, with its colours.
    public var svg: String {
        let style: Markup = """
            <style>text { font: 12px system-ui, sans-serif; fill: #1b1f24 } .small { font-size: 10.5px; fill: #57606a }
            .link { stroke: #57606a; fill: none } .tunnel { stroke: #0550ae; fill: none; stroke-width: 2.2 }
            .plain { stroke: #7a4b00; stroke-dasharray: 7 4 } .unused { stroke-dasharray: 2 5 }
            .down { stroke: #cf222e; stroke-dasharray: 3 3 } .small.lost { fill: #b3141f; font-weight: 700 }
            .node { fill: #fff; stroke: #1b1f24 } .node.down { stroke: #cf222e } .cloud { fill: #f5f6f8; stroke: #c9ced6 }</style>
            <rect width="100%" height="100%" fill="#fff"/>
            """
        let all: Markup = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size.width) \(size.height)" width="\(size.width)" height="\(size.height)" role="img" aria-label="\(words)">
            \(style)\(clouds.map(cloud))\(topology.links.map(link))\(tunnels)\(topology.nodes.map(node))</svg>

            """
        return all.text
    }

    /// For who does not see it.
    private var words: String {
        let tunnels = topology.tunnels.map { "\($0.name) between \($0.ends.map(\.node).joined(separator: " and "))" }
        return "\(Self.count(topology.nodes, "node")) and \(Self.count(topology.links, "link"))"
            + (tunnels.isEmpty ? "" : "; tunnels: \(tunnels.joined(separator: ", "))") + brokenWords
    }

    private static func count(_ parts: [some Any], _ noun: String) -> String {
        parts.count == 1 ? "1 \(noun)" : "\(parts.count) \(noun)s"
    }

    private var brokenWords: String {
        guard let state else { return "" }
        let down =
            (topology.tunnels.map(\.name) + topology.plainTunnels.map(\.name)).filter(state.isDown(tunnel:))
            .map { "tunnel \($0)" } + topology.links.filter(state.isDown).map { "link \($0.name)" }
            + topology.nodes.flatMap { node in state.stopped(at: node.name).map { "\(node.name)/\($0)" } }
        return down.isEmpty ? "; nothing is down" : "; down: \(down.joined(separator: ", "))"
    }

    private func cloud(_ cloud: (title: String, x: Double, width: Double)) -> Markup {
        let rows = (places.values.map(\.y).max() ?? 0) + Self.boxHeight
        return """
            <rect class="cloud" x="\(cloud.x)" y="8" width="\(cloud.width)" height="\(rows + 6)" rx="8"/>
            <text x="\(cloud.x + 10)" y="28">\(cloud.title)</text>

            """
    }

    private func node(_ node: Node) -> Markup {
        guard let place = places[node.name] else { return .empty }
        let daemons = topology.daemons(of: node.name).map(\.rawValue).joined(separator: ", ")
        let addresses = topology.linkEnds(of: node.name).flatMap(\.end.addresses).map(\.description)
        let stopped = state?.stopped(at: node.name) ?? []
        let under = stopped.isEmpty ? daemons : "\(stopped.joined(separator: ", ")) stopped"
        return """
            <g><title>\(node.summary.isEmpty ? node.name : node.summary) (\(addresses.joined(separator: ", ")))</title>
            <rect class="node\(stopped.isEmpty ? "" : " down")" x="\(place.x)" y="\(place.y)" width="\(Self.boxWidth)" height="\(Self.boxHeight)" rx="5"/>
            <text x="\(place.x + Self.boxWidth / 2)" y="\(place.y + (daemons.isEmpty ? 24 : 18))" text-anchor="middle">\(node.name)</text>
            <text class="small\(stopped.isEmpty ? "" : " lost")" x="\(place.x + Self.boxWidth / 2)" y="\(place.y + 32)" text-anchor="middle">\(under)</text></g>

            """
    }

    private func link(_ link: Link) -> Markup {
        let ends = link.ends.compactMap { places[$0.node] }.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
        guard ends.count == 2 else { return .empty }
        let (first, second) = (ends[0], ends[1])
        let (middle, half) = (Self.boxHeight / 2, Self.boxWidth / 2)
        let path: Markup
        if second.x - first.x < Self.boxWidth {
            path = "M\(first.x + half) \(first.y + Self.boxHeight) L\(second.x + half) \(second.y)"
        } else if isCrossed(from: first, to: second) {
            // Over the nodes between, not behind them.
            let between = places.values.filter { $0.x >= first.x && $0.x <= second.x }.map(\.y).min() ?? first.y
            let top = between - 18
            path =
                "M\(first.x + half) \(first.y) C\(first.x + half + 20) \(top) \(first.x + Self.boxWidth) \(top) \(first.x + Self.boxWidth + 30) \(top) L\(second.x - 30) \(top) C\(second.x) \(top) \(second.x + half - 20) \(top) \(second.x + half) \(second.y)"
        } else {
            path =
                "M\(first.x + Self.boxWidth) \(first.y + middle) C\(first.x + Self.boxWidth + 24) \(first.y + middle) \(second.x - 24) \(second.y + middle) \(second.x) \(second.y + middle)"
        }
        let addresses = link.ends.map { end in
            "\(end.node):\(end.interface) \(end.addresses.map(\.description).joined(separator: ", "))"
        }
        return """
            <path class="link\(state?.isDown(link) ?? false ? " down" : "")" d="\(path)"><title>\(link.name): \(addresses.joined(separator: " - ")), MTU \(link.mtu.bytes), \(link.delay.shortText)</title></path>

            """
    }

    /// Whether a node stands on the straight way between two others.
    private func isCrossed(from first: Place, to second: Place) -> Bool {
        places.values.contains { place in
            guard place.x > first.x, place.x < second.x else { return false }
            let height = first.y + (second.y - first.y) * (place.x - first.x) / (second.x - first.x)
            return abs(height - place.y) < Self.boxHeight
        }
    }

    private var tunnels: [Markup] {
        let all =
            topology.tunnels.map {
                ($0.name, $0.ends.map(\.node), $0.isUnused ? "tunnel unused" : "tunnel", $0.summary)
            }
            + topology.plainTunnels.map { ($0.name, $0.ends.map(\.node), "tunnel plain", $0.kind.rawValue) }
        let bottom = (places.values.map(\.y).max() ?? 0) + Self.boxHeight + 20
        return all.enumerated().map { number, tunnel in
            let ends = tunnel.1.compactMap { places[$0] }.sorted { $0.x < $1.x }
            guard ends.count == 2 else { return .empty }
            let y = bottom + Double(number) * 26
            // Beside each other where several begin at a node.
            let shift = Double(number % 5) * 6 - 12
            let feet = ends.map { foot(of: $0, shift) }
            let isDown = state?.isDown(tunnel: tunnel.0) ?? false
            let rates = state?.rates?.text(of: tunnel.0).map { ": \($0)" } ?? ""
            return """
                <path class="\(tunnel.2)\(isDown ? " down" : "")" d="M\(feet[0].path) L\(feet[0].x) \(y) L\(feet[1].x) \(y) L\(feet[1].back)"><title>\(tunnel.0) \(tunnel.3)</title></path>
                <text class="small\(isDown ? " lost" : "")" x="\(feet[0].x + 8)" y="\(y - 4)">\(tunnel.0)\(isDown ? " down" : rates)</text>

                """
        }
    }

    /// How a tunnel leaves a node on its way down: below it, or at its left where another node stands there.
    private func foot(of place: Place, _ shift: Double) -> (x: Double, path: Markup, back: Markup) {
        let isCovered = places.values.contains { $0.x == place.x && $0.y > place.y }
        guard isCovered else {
            let (x, y) = (place.x + Self.boxWidth / 2 + shift, place.y + Self.boxHeight)
            return (x, "\(x) \(y)", "\(x) \(y)")
        }
        let (x, y) = (place.x - 10 - (shift + 12) / 4, place.y + Self.boxHeight / 2 + 8 + shift / 2)
        return (x, "\(place.x) \(y) L\(x) \(y)", "\(x) \(y) L\(place.x) \(y)")
    }
}

extension Topology {
    /// The nodes at the other ends of a node's links.
    fileprivate func neighbours(of node: String) -> [String] {
        linkEnds(of: node).compactMap { link, end in link.peer(of: end)?.node }
    }
}
