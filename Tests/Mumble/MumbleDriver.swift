import DaemonDrivers
import LabPlan
import NetworkTypes
import NodeRuntime

/// Mumble of a node, which has no session and reads its file whenever it is asked.
struct MumbleDriver: RoutingDaemonDriver {
    init(at sandbox: NodeSandbox) {}

    func takeUp(_ connections: [ConfigurationChange.Connection]) async throws {}
    func sessions() async throws -> [SessionState] { [] }
    func prefixes(learnedBy session: String) async throws -> [IPPrefix] { [] }
    func shut(_ session: String, _ isShut: Bool) async throws {}
    func refresh(_ session: String) async throws {}
}
