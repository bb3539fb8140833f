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

    func ospfState(_ place: String) async throws -> (holds: Bool, seen: String) {
        let adjacencies = topology.ospfAdjacencies(at: place)
        for adjacency in adjacencies {
            for end in try await status(of: adjacency).ends where !end.isFull {
                return (false, "\(end.node): \(end.neighbor) on \(adjacency.link) is \(end.state ?? "no neighbour")")
            }
        }
        return (true, adjacencies.count == 1 ? "adjacent" : "adjacent on all \(adjacencies.count) links")
    }

    func status(of adjacency: OSPFDomain.Adjacency) async throws -> OSPFStatus {
        var ends: [OSPFStatus.End] = []
        for own in [adjacency.ends.0, adjacency.ends.1] {
            let peer = adjacency.peer(of: own.node)
            let known = try await routingDriver(of: own.node)?.ospfNeighbors().first {
                $0.address == peer.address.address
            }
            ends.append(
                OSPFStatus.End(
                    node: own.node, interface: own.interface, neighbor: peer.node, state: known?.state,
                    isFull: known?.isFull ?? false, cost: own.cost, deadInSeconds: known?.deadIn?.inSeconds))
        }
        return OSPFStatus(link: adjacency.link, ends: ends)
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
        for (index, speaker) in session.speakers.enumerated()
        where speaker.passesOn || topology.ospfEdge(at: speaker.node)?.tellsPeers == true {
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
            exported: own?.state == .established ? advertised : [], lastError: own?.lastError, bfd: own?.bfd,
            bfdDetectionSeconds: own?.bfdDetection?.inSeconds)
    }
}
