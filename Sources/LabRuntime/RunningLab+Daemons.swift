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
    func answers(_ kind: DaemonKind, at node: String) -> Bool {
        daemons[DaemonName(node: node, kind: kind).description]?.isRunning ?? false
    }

    /// BIRD's own word on every session of a node; empty where BIRD does not answer.
    func birdProtocols(of node: String) async throws -> [BirdProtocol] {
        guard answers(.bird, at: node) else { return [] }
        let control = BirdControl(path: try sandbox(node).agentPath(of: BirdConfiguration.socketPath))
        return try await offThread { (try? control.protocols()) ?? [] }
    }

    func sessionState(_ name: String) async throws -> (holds: Bool, seen: String) {
        let nodes =
            topology.session(named: name)?.speakers.map(\.node)
            ?? topology.oneSidedSession(named: name).map { [$0.node] }
        guard let nodes else { return (false, "there is no BGP session \(name)") }
        for node in nodes {
            let protocols = try await birdProtocols(of: node)
            guard protocols.isEstablished(name) else { return (false, "\(node): \(protocols.progress(of: name))") }
        }
        return (true, nodes.count == 1 ? "established" : "established at both ends")
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
            if speakers[index].state == BirdProtocol.Session.State.established.rawValue {
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
        let own = try await birdProtocols(of: node).first { $0.name == session }
        let isEstablished = own?.session?.state == .established
        return SessionStatus.Speaker(
            node: node, asn: asn, state: own?.session?.state.rawValue ?? "no answer",
            holdSeconds: isEstablished ? own?.session?.hold?.length.inSeconds : nil,
            keepaliveSeconds: isEstablished ? own?.session?.keepalive?.length.inSeconds : nil,
            imported: try await learnedPrefixes(of: node, by: session),
            exported: isEstablished ? advertised : [], lastError: own?.session?.lastError)
    }

    private func learnedPrefixes(of node: String, by session: String) async throws -> [IPPrefix] {
        guard answers(.bird, at: node) else { return [] }
        let control = BirdControl(path: try sandbox(node).agentPath(of: BirdConfiguration.socketPath))
        let routes = try await offThread { (try? control.routes()) ?? [] }
        return routes.filter { $0.origin == session }.map(\.prefix)
    }

    /// What a node's key daemon says of itself; nil where it does not answer.
    func keyState(of node: String) async throws -> KeyDaemonState? {
        switch topology.keyDaemon(of: node) {
        case .libreswan: return try await plutoStatus(of: node).map { .pluto($0) }
        case .strongswan:
            guard answers(.charon, at: node) else { return nil }
            let control = try charon(of: node)
            return try await offThread { (try? control.associations()).map { .charon($0) } }
        }
    }

    func charon(of node: String) throws -> CharonControl {
        CharonControl(path: try sandbox(node).agentPath(of: StrongSwanConfiguration.socketPath))
    }

    /// pluto's own word on every connection of a node; nil where it does not answer.
    func plutoStatus(of node: String) async throws -> PlutoStatus? {
        guard answers(.pluto, at: node) else { return nil }
        let (code, output) = try await NodeProcess.run(
            PlutoCommand.status(socket: sandbox(node).agentPath(of: PlutoCommand.socketPath)), in: nil)
        return code == 0 ? PlutoStatus(output) : nil
    }
}
