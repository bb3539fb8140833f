import AgentProtocol
import Daemons
import LabModel
import LabPlan
import NetworkTypes

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
        guard let session = topology.sessions.first(where: { $0.name == name }) else {
            return (false, "there is no BGP session \(name)")
        }
        for speaker in session.speakers {
            let protocols = try await birdProtocols(of: speaker.node)
            guard protocols.isEstablished(name) else {
                return (false, "\(speaker.node): \(protocols.progress(of: name))")
            }
        }
        return (true, "established at both ends")
    }

    func status(of session: BGPSession) async throws -> SessionStatus {
        var speakers: [SessionStatus.Speaker] = []
        for speaker in session.speakers {
            let own = try await birdProtocols(of: speaker.node).first { $0.name == session.name }
            let isEstablished = own?.session?.state == .established
            speakers.append(
                SessionStatus.Speaker(
                    node: speaker.node, asn: speaker.asn, state: own?.session?.state.rawValue ?? "no answer",
                    holdSeconds: isEstablished ? own?.session?.hold?.length.inSeconds : nil,
                    keepaliveSeconds: isEstablished ? own?.session?.keepalive?.length.inSeconds : nil,
                    imported: try await learnedPrefixes(of: speaker.node, by: session.name),
                    exported: isEstablished ? speaker.advertised : [], lastError: own?.session?.lastError))
        }
        return SessionStatus(name: session.name, speakers: speakers)
    }

    private func learnedPrefixes(of node: String, by session: String) async throws -> [IPPrefix] {
        guard answers(.bird, at: node) else { return [] }
        let control = BirdControl(path: try sandbox(node).agentPath(of: BirdConfiguration.socketPath))
        let routes = try await offThread { (try? control.routes()) ?? [] }
        return routes.filter { $0.origin == session }.map(\.prefix)
    }

    /// pluto's own word on every connection of a node; nil where it does not answer.
    func plutoStatus(of node: String) async throws -> PlutoStatus? {
        guard answers(.pluto, at: node) else { return nil }
        let (code, output) = try await NodeProcess.run(
            PlutoCommand.status(socket: sandbox(node).agentPath(of: PlutoCommand.socketPath)), in: nil)
        return code == 0 ? PlutoStatus(output) : nil
    }
}
