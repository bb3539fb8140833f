import Daemons
import LabModel
import LabPlan
import NetworkTypes
import NodeRuntime

/// pluto of a node, by whack(8) and addconn.
public struct PlutoDriver: KeyDaemonDriver {
    private let sandbox: NodeSandbox
    private let socket: String

    public init(at sandbox: NodeSandbox) {
        self.sandbox = sandbox
        socket = sandbox.agentPath(of: PlutoCommand.socketPath)
    }

    public func connections() async throws -> [String: ConnectionState]? {
        let (code, output) = try await NodeProcess.run(PlutoCommand.status(socket: socket), in: nil)
        guard code == 0 else { return nil }
        let status = PlutoStatus(output)
        return Set(status.connections.map(\.name)).reduce(into: [:]) { states, name in
            guard let connection = status.connection(named: name) else { return }
            states[name] = ConnectionState(
                ike: connection.ikeAlgorithms,
                ikeReplacedIn: status.ikeSAs.first { $0.number == connection.newestIKESA }?.replaceIn,
                childReplacedIn: status.childSAs.first { $0.number == connection.newestChildSA }?.replaceIn)
        }
    }

    /// As `ipsec auto --replace` and `ipsec auto --up --asynchronous` do for each.
    public func takeUp(_ connections: [ConfigurationChange.Connection]) async throws {
        try await NodeProcess.succeed(PlutoCommand.readSecrets(socket: socket), at: sandbox.name)
        for connection in connections {
            // A connection that pluto does not know cannot be unloaded: loading is what counts.
            _ = try await NodeProcess.run(PlutoCommand.unload(connection.name, socket: socket), in: nil)
            try await NodeProcess.succeed(PlutoCommand.load(connection.name), at: sandbox.name, in: sandbox)
            guard connection.isUsed else { continue }
            _ = try await NodeProcess.run(PlutoCommand.initiate(connection.name, socket: socket), in: nil)
        }
    }

    public func renewChild(of end: TunnelEnd) async throws {
        for (connection, _) in end.connections where try await !renewChild(of: connection) {
            _ = try await NodeProcess.run(PlutoCommand.initiate(connection, socket: socket), in: nil)
        }
    }

    /// Whether pluto takes the one or the other command for it.
    private func renewChild(of connection: String) async throws -> Bool {
        for command in PlutoCommand.renewChild(connection, socket: socket) {
            let (code, _) = try await NodeProcess.run(command, in: nil)
            if code == 0 { return true }
        }
        return false
    }

    public static func keySource(_ daemons: [(sandbox: NodeSandbox, log: String)]) -> any IKEKeySource {
        PlutoKeySource(daemons.map { (socket: $0.sandbox.agentPath(of: PlutoCommand.socketPath), log: $0.log) })
    }
}
