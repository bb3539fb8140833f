import AgentProtocol
import DaemonDrivers
import Daemons
import LabModel
import LabPlan
import NetworkTypes
import NodeRuntime

// What the daemons say of themselves.
extension RunningLab {
    /// Whether a daemon can be asked: one that is suspended would never answer, and on a clock that stands still the
    /// time to wait for it would never be over.
    func answers(_ kind: DaemonID, at node: String) -> Bool {
        daemons[DaemonName(node: node, kind: kind).description]?.isRunning ?? false
    }

    /// The driver of a node's daemon; nil where it does not answer.
    private func driver(of daemon: DaemonID, at node: String) throws -> (any DaemonDriver)? {
        guard answers(daemon, at: node), let type = DriverRegistry.driver(daemon) else { return nil }
        return type.init(at: try sandbox(node))
    }

    func driver(of daemon: DaemonName) throws -> (any DaemonDriver)? { try driver(of: daemon.kind, at: daemon.node) }

    /// The driver of what negotiates at a node; nil where nothing does, or does not answer.
    func keyDriver(of node: String) throws -> (any KeyDaemonDriver)? {
        try topology.keyDaemon(of: node).flatMap { try driver(of: $0, at: node) } as? any KeyDaemonDriver
    }

    /// The driver of what speaks BGP at a node; nil where nothing does, or does not answer.
    func routingDriver(of node: String) throws -> (any RoutingDaemonDriver)? {
        try topology.routingDaemon(of: node).flatMap { try driver(of: $0, at: node) } as? any RoutingDaemonDriver
    }

    /// What a speaker says of a session; nil where it does not answer or knows no such session.
    private func state(of session: String, at node: String) async throws -> SessionState? {
        guard let key = topology.sessionKey(session, at: node) else { return nil }
        return try await routingDriver(of: node)?.sessions().first { $0.isOf(key) }
    }

    func isEstablished(_ session: String, at node: String) async throws -> Bool {
        try await state(of: session, at: node)?.state == .established
    }

    func sessionState(_ name: String) async throws -> (holds: Bool, seen: String) {
        let nodes =
            topology.session(named: name)?.speakers.map(\.node)
            ?? topology.oneSidedSession(named: name).map { [$0.node] }
        guard let nodes else { return (false, "there is no BGP session \(name)") }
        for node in nodes {
            let state = try await state(of: name, at: node)
            guard let state, state.state == .established else {
                let words = state.map { "\(name): \($0.state)" + ($0.lastError.map { ", \($0)" } ?? "") }
                return (false, "\(node): \(words ?? "\(name): no such session")")
            }
        }
        return (true, nodes.count == 1 ? "established" : "established at both ends")
    }

    private func prefixes(learnedBy session: String, at node: String) async throws -> [IPPrefix] {
        guard let key = topology.sessionKey(session, at: node) else { return [] }
        return try await routingDriver(of: node)?.prefixes(learnedBy: key) ?? []
    }

    func status(of session: BGPSession) async throws -> SessionStatus {
        var speakers: [SessionStatus.Speaker] = []
        for speaker in session.speakers {
            speakers.append(
                try await status(
                    of: session.name, at: speaker.node, asn: speaker.asn, advertised: speaker.advertised))
        }
        // What a speaker passes on is what its peer has got from it.
        for (index, speaker) in session.speakers.enumerated() where speaker.passesOn {
            let told = speakers[1 - index].imported
            if speakers[index].state == .established {
                speakers[index].exported += told.filter { !speaker.advertised.contains($0) }
            }
        }
        return SessionStatus(name: session.name, speakers: speakers)
    }

    func status(of session: OneSidedSession) async throws -> SessionStatus {
        let speaker = try await status(
            of: session.name, at: session.node, asn: session.asn, advertised: session.advertised)
        return SessionStatus(name: session.name, speakers: [speaker], reasonToBeDown: session.reason)
    }

    private func status(
        of session: String, at node: String, asn: ASN, advertised: [IPPrefix]
    ) async throws -> SessionStatus.Speaker {
        let own = try await state(of: session, at: node)
        return SessionStatus.Speaker(
            node: node, asn: asn, state: own?.state ?? .noAnswer, holdSeconds: own?.hold?.inSeconds,
            keepaliveSeconds: own?.keepalive?.inSeconds,
            imported: try await prefixes(learnedBy: session, at: node),
            exported: own?.state == .established ? advertised : [], lastError: own?.lastError, bfd: own?.bfd)
    }
}
