import Daemons
import LabModel
import RoutingDaemons

/// What netlab takes from users' own files, and what it leaves to the daemons alone.
public struct OwnFilesReport: Sendable {
    private let topology: Topology

    public init(_ topology: Topology) {
        self.topology = topology
    }

    public func text(style: Style) -> String {
        let ends = topology.tunnels.flatMap { tunnel in tunnel.ends.compactMap { text(of: $0, tunnel, style) } }
        let speakers = topology.nodes.compactMap { text(of: $0, style) }
        let daemons = topology.nodes.compactMap { settings(of: $0, style) }
        let all = ends + daemons + speakers
        return all.isEmpty ? "The lab has no files of its user's own." : all.joined(separator: "\n")
    }

    private func text(of end: TunnelEnd, _ tunnel: Tunnel, _ style: Style) -> String? {
        guard case .own(let files) = end.configuration, let own = end.own else { return nil }
        let open = Set(own.open.map { String($0.prefix { $0 != "=" && $0 != " " }) })
        let others = own.settings.keys.filter { !own.taken.contains($0) && !open.contains($0) }.sorted()
        var lines = [
            style.strong("\(files.configurationName), \(end.connection), at \(end.node) for tunnel \(tunnel.name)")
        ]
        lines.append("  computed with: " + Self.list(own.taken))
        if !others.isEmpty { lines.append("  the daemon's alone: " + Self.list(others)) }
        if !own.open.isEmpty {
            lines.append(style.warning("  not understood, so that nothing is predicted: " + Self.list(own.open)))
        }
        return lines.joined(separator: "\n")
    }

    private func text(of node: Node, _ style: Style) -> String? {
        guard let own = topology.ownRouting(of: node.name), let daemon = topology.routingDaemonProfile(of: node.name)
        else { return nil }
        var lines = [style.strong("\(daemon.product)'s configuration at \(node.name)")]
        for session in own.sessions {
            lines.append("  computed with, of \(session.name) in line \(session.line): " + Self.list(session.taken))
        }
        let isRead = { topology.told(in: $0, at: node.name) != nil }
        for (names, source) in [
            (own.sessions.filter(isRead), "as its exports say"),
            (own.sessions.filter { !isRead($0) }, "as the lab file's `bgp:` says, for its exports are not read so far"),
        ] where !names.isEmpty {
            lines.append("  what it tells in \(Self.list(names.map(\.name))): \(source)")
        }
        lines.append("  what it takes: as the lab file's `bgp:` says")
        let open = topology.openRouting(of: node.name)
        if !open.isEmpty {
            lines.append(style.warning("  not computed, so that nothing is predicted: " + Self.list(open)))
        }
        return lines.joined(separator: "\n")
    }

    private func settings(of node: Node, _ style: Style) -> String? {
        guard let own = topology.ownKeySettings(of: node.name), let daemon = topology.keyDaemonProfile(of: node.name)
        else { return nil }
        var lines = [style.strong("\(daemon.settingsFile ?? "settings") of \(daemon.product) at \(node.name)")]
        lines.append("  computed with: " + Self.list(own.taken))
        if !own.overruled.isEmpty { lines.append("  netlab's own counts: " + Self.list(own.overruled)) }
        if !own.others.isEmpty { lines.append("  the daemon's alone: " + Self.list(own.others)) }
        if !own.open.isEmpty {
            lines.append(style.warning("  not understood, so that nothing is predicted: " + Self.list(own.open)))
        }
        return lines.joined(separator: "\n")
    }

    private static func list(_ names: [String]) -> String { names.isEmpty ? "nothing" : names.joined(separator: ", ") }
}
