import Daemons
import LabModel
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import RoutingDaemons

/// FRR of a node, by bgpd's socket.
public struct FrrDriver: RoutingDaemonDriver {
    private let control: FrrControl
    private let ospfControl: FrrControl
    private let bfdControl: FrrControl
    private let sandbox: NodeSandbox

    public init(at sandbox: NodeSandbox) {
        control = FrrControl(path: sandbox.agentPath(of: Frr.socketPath))
        ospfControl = FrrControl(path: sandbox.agentPath(of: Frr.ospfSocketPath))
        bfdControl = FrrControl(path: sandbox.agentPath(of: Frr.bfdSocketPath))
        self.sandbox = sandbox
    }

    /// Gives it the lines that netlab's faults change, those of neighbours, and begins the sessions anew that they are of, as an operator
    /// does: FRR goes on with a session's hold time until then.
    public func takeUp(_ connections: [ConfigurationChange.Connection]) async throws {
        let sandbox = sandbox
        let wanted = try sandbox.withMounts { GuestSystem.read(Frr.configurationPath) ?? "" }
        let running = try await ask(["show running-config"])
        let change = FrrChange(from: running, to: wanted)
        guard !change.commands.isEmpty else { return }
        try await ask(["configure terminal"] + change.commands + ["end"])
        for neighbor in change.neighbors { try await ask(["clear bgp \(neighbor)"]) }
    }

    public func sessions() async throws -> [SessionState] {
        let control = control
        let neighbors = try await offThread { (try? control.neighbors()) ?? [] }
        var detections: [IPAddress: Duration] = [:]
        if neighbors.contains(where: { $0.bfd != nil }) {
            let control = bfdControl
            detections = FrrBFDPeer.detections(
                try await offThread { (try? control.run(["show bfd peers json"])) ?? "" })
        }
        return neighbors.map { neighbor in
            let isUp = neighbor.state == .established
            return SessionState(
                name: nil, neighbor: neighbor.address, state: neighbor.state, hold: isUp ? neighbor.hold : nil,
                keepalive: isUp ? neighbor.keepalive : nil, lastError: isUp ? nil : neighbor.lastError,
                bfd: neighbor.bfd, bfdDetection: neighbor.bfd == .up ? detections[neighbor.address] : nil)
        }
    }

    public func prefixes(learnedBy session: SessionKey) async throws -> [IPPrefix] {
        let family = session.neighbor.bitWidth == 32 ? "ipv4" : "ipv6"
        let command = "show bgp \(family) unicast neighbors \(session.neighbor) routes json"
        return FrrRoutes.prefixes((try? await ask([command])) ?? "")
    }

    public func ospfNeighbors() async throws -> [OSPFNeighborState] {
        let control = ospfControl
        return FrrOSPFNeighbor.parse(
            try await offThread { (try? control.run(["show ip ospf neighbor json"])) ?? "" })
    }

    /// Its list of all routes has no communities.
    public func bgpRoutes(of sessions: [SessionKey]) async throws -> [ObservedBGPRoute]? {
        let control = control
        let neighbors = try await offThread { try control.neighbors() }
        let identifiers = Dictionary(neighbors.map { ($0.address, $0.routerID) }) { first, _ in first }
        var routes: [FrrRoutes.Route] = []
        for family in ["ipv4", "ipv6"] { routes += FrrRoutes.all(try await ask(["show bgp \(family) unicast json"])) }
        return routes.compactMap { route in
            guard let session = sessions.first(where: { $0.neighbor == route.peer }) else { return nil }
            return ObservedBGPRoute(
                prefix: route.prefix, session: session.name, isBest: route.isBest, path: route.path,
                origin: route.origin,
                localPreference: route.localPreference, med: route.med, weight: route.weight, communities: [],
                peerID: identifiers[route.peer] ?? nil)
        }
    }

    public func shut(_ session: SessionKey, _ isShut: Bool) async throws {
        guard let router = FrrChange.router(in: try await ask(["show running-config"])) else { return }
        try await ask([
            "configure terminal", router, "\(isShut ? "" : "no ")neighbor \(session.neighbor) shutdown", "end",
        ])
    }

    /// One that is not up has nothing to tell.
    public func refresh(_ session: SessionKey) async throws {
        let family = session.neighbor.bitWidth == 32 ? "ipv4" : "ipv6"
        _ = try? await ask(["clear bgp \(family) unicast \(session.neighbor) soft in"])
    }

    @discardableResult
    private func ask(_ commands: [String]) async throws -> String {
        let control = control
        return try await offThread { try control.run(commands) }
    }
}
