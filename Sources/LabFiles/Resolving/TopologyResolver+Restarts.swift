import Daemons
import LabModel
import NetworkTypes
import RoutingDaemons
import YAMLReading

// What sessions say of route reflectors and of graceful restart, and cannot come of.
extension TopologyResolver {
    /// Reports a client that cannot be one.
    func examineReflection(of session: BGPSession, _ spec: SessionSpec, _ place: String) {
        for written in spec.speakers where written.reflects?.value == true {
            guard let own = session.speakers.first(where: { $0.node == written.node.value }),
                let peer = session.peer(of: own)
            else { continue }
            if peer.asn != own.asn {
                collector.error(
                    written.reflects?.line,
                    "\(place): \(peer.node) is in another AS than \(own.node), and only speakers of one AS are a route reflector and its client (RFC 4456)",
                    "Remove `reflect:`; what other sessions have told it, \(own.node) tells by `transit: on`.")
            } else if written.policy.isDefaultOnly {
                collector.error(
                    written.reflects?.line,
                    "\(place): \(own.node) has `default-only` and `reflect`, which contradict each other",
                    "Remove one of them: with `default-only` it tells a default route and nothing else.")
            } else if wires?.ownRouting(of: own.node) != nil {
                report(ownFileOf: own.node, written.reflects?.line, place, "a client")
            }
        }
    }

    /// Reports graceful restart that one of the speakers alone has, or that its own file would have to say.
    func compareGracefulRestart(of session: BGPSession, _ spec: SessionSpec, _ place: String) {
        for written in spec.speakers where written.gracefulRestart != nil {
            guard wires?.ownRouting(of: written.node.value) != nil else { continue }
            report(ownFileOf: written.node.value, written.gracefulRestart?.line, place, "graceful restart")
        }
        for speaker in session.speakers {
            guard let time = speaker.gracefulRestart, let peer = session.peer(of: speaker) else { continue }
            let own = wires?.ownRouting(of: peer.node).map { $0.session(with: speaker.address)?.helpsRestart ?? false }
            guard !(own ?? (peer.gracefulRestart != nil)) else { continue }
            let line =
                spec.speakers.first { $0.node.value == speaker.node }?.gracefulRestart?.line
                ?? spec.gracefulRestart?.line
            collector.warning(
                line ?? spec.name.line,
                "\(place): \(speaker.node) would be waited for \(time.shortText) when it restarts, and \(peer.node) has no graceful restart, so it takes the routes back at once (RFC 4724, section 4.2)",
                "Give the session `graceful-restart: \(time.shortText)`, for both.")
        }
    }

    /// Reports a router that would have to tell its peers different times.
    func examineRestartTimes(of topology: Topology) {
        for node in topology.nodes where node.routingConfiguration == nil {
            let daemon = DaemonRegistry.routingDaemon(node.routingDaemon)
            let sessions = file.sessions.filter { spec in spec.speakers.contains { $0.node.value == node.name } }
            let times = sessions.compactMap { spec in
                spec.speakers.first { $0.node.value == node.name }?.gracefulRestart ?? spec.gracefulRestart
            }
            guard daemon.hasOneRestartTime, let first = times.first,
                let other = times.first(where: { $0.value != first.value })
            else { continue }
            collector.error(
                other.line,
                "\(node.name) would be away for \(first.value.shortText) in one session and \(other.value.shortText) in another, and \(daemon.product) has one time for all (`bgp graceful-restart restart-time`)",
                "Write the same `graceful-restart:` in all sessions of \(node.name).")
        }
    }

    private func report(ownFileOf node: String, _ line: Int?, _ place: String, _ what: String) {
        collector.error(
            line, "\(place): \(node) has its own configuration, which is used as it is",
            "Write \(what) there, and remove it here.")
    }
}
