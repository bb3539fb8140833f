import DaemonDrivers
import LabPlan
import NetworkTypes
import NodeRuntime

/// Mumble of a node, which has no session and reads its file whenever it is asked.
struct MumbleDriver: RoutingDaemonDriver {
    init(at sandbox: NodeSandbox) {}

    func takeUp(_ connections: [ConfigurationChange.Connection]) async throws {}
    func sessions() async throws -> [SessionState] { [] }
    func prefixes(learnedBy session: SessionKey) async throws -> [IPPrefix] { [] }
    func shut(_ session: SessionKey, _ isShut: Bool) async throws {}
    func refresh(_ session: SessionKey) async throws {}
}
