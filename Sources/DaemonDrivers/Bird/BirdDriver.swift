import Daemons
import LabModel
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import RoutingDaemons

/// BIRD of a node, by its control socket.
public struct BirdDriver: RoutingDaemonDriver {
    private let control: BirdControl

    public init(at sandbox: NodeSandbox) {
        control = BirdControl(path: sandbox.agentPath(of: BirdConfiguration.socketPath))
    }

    public func takeUp(_ connections: [ConfigurationChange.Connection]) async throws { try await tell("configure") }

    public func sessions() async throws -> [SessionState] {
        let control = control
        let protocols = try await offThread { (try? control.protocols()) ?? [] }
        // Without a BFD protocol it answers with an error.
        let bfd = try await offThread { (try? control.bfdSessions()) ?? [:] }
        return protocols.compactMap { instance in
            guard let session = instance.session else { return nil }
            let isUp = session.state == .established
            return SessionState(
                name: instance.name, neighbor: session.neighbor, state: session.state,
                hold: isUp ? session.hold?.length : nil,
                keepalive: isUp ? session.keepalive?.length : nil, lastError: session.lastError,
                bfd: session.neighbor.flatMap { bfd[$0]?.state },
                bfdDetection: session.neighbor.flatMap { bfd[$0]?.detection })
        }
    }

    public func prefixes(learnedBy session: SessionKey) async throws -> [IPPrefix] {
        let control = control
        let instance = try await name(of: session)
        return try await offThread { (try? control.routes()) ?? [] }.filter { $0.origin == instance }.map(\.prefix)
    }

    public func bgpRoutes(of sessions: [SessionKey]) async throws -> [ObservedBGPRoute]? {
        let control = control
        let (routes, protocols) = try await offThread { (try control.routes(), try control.protocols()) }
        let instances = Dictionary(protocols.map { ($0.name, $0.session) }) { first, _ in first }
        return routes.compactMap { route in
            guard let attributes = route.attributes, let instance = instances[route.origin] ?? nil,
                let session = sessions.first(where: { $0.neighbor == instance.neighbor })
            else { return nil }
            var observed = ObservedBGPRoute(
                prefix: route.prefix, session: session.name, isBest: route.isPrimary, path: route.path,
                origin: attributes.origin, localPreference: attributes.localPreference, med: attributes.med,
                weight: nil, communities: attributes.communities, peerID: instance.neighborID)
            observed.reflection = attributes.reflection
            return observed
        }
    }

    public func shut(_ session: SessionKey, _ isShut: Bool) async throws {
        try await tell("\(isShut ? "disable" : "enable") '\(name(of: session))'")
    }

    /// One that is not up has nothing to tell, which BIRD answers with an error.
    public func refresh(_ session: SessionKey) async throws { try? await tell("reload in '\(name(of: session))'") }

    /// BIRD's name of a session: a user's own file may have another than the lab file.
    private func name(of session: SessionKey) async throws -> String {
        let control = control
        let protocols = try await offThread { (try? control.protocols()) ?? [] }
        return protocols.first { $0.session?.neighbor == session.neighbor }?.name ?? session.name
    }

    private func tell(_ command: String) async throws {
        let control = control
        _ = try await offThread { try control.reply(to: command) }
    }
}
