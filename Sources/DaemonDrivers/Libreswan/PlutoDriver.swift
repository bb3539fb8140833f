import Daemons
import LabModel
import LabPlan
import NetworkTypes
import NodeRuntime

/// pluto of a node, by its own whack(8) and addconn: pluto takes no message from a whack of another version.
public struct PlutoDriver: KeyDaemonDriver {
    private let sandbox: NodeSandbox

    public init(at sandbox: NodeSandbox) {
        self.sandbox = sandbox
    }

    public func connections() async throws -> [String: ConnectionState]? {
        let (code, output) = try await NodeProcess.run(PlutoCommand.status, in: sandbox)
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
        try await NodeProcess.succeed(PlutoCommand.readSecrets, at: sandbox.name, in: sandbox)
        for connection in connections {
            // A connection that pluto does not know cannot be unloaded: loading is what counts.
            _ = try await NodeProcess.run(PlutoCommand.unload(connection.name), in: sandbox)
            try await NodeProcess.succeed(PlutoCommand.load(connection.name), at: sandbox.name, in: sandbox)
            guard connection.isUsed else { continue }
            _ = try await NodeProcess.run(PlutoCommand.initiate(connection.name), in: sandbox)
        }
    }

    public func renewChild(of end: TunnelEnd) async throws {
        for (connection, _) in end.connections where try await !renewChild(of: connection) {
            _ = try await NodeProcess.run(PlutoCommand.initiate(connection), in: sandbox)
        }
    }

    public func forget(_ end: TunnelEnd) async throws {
        for (connection, _) in end.connections {
            // One that pluto does not know is forgotten already.
            _ = try await NodeProcess.run(PlutoCommand.unload(connection), in: sandbox)
        }
    }

    /// Whether pluto takes the one or the other command for it.
    private func renewChild(of connection: String) async throws -> Bool {
        for command in PlutoCommand.renewChild(connection) {
            let (code, _) = try await NodeProcess.run(command, in: sandbox)
            if code == 0 { return true }
        }
        return false
    }

    public static func keySource(_ daemons: [(sandbox: NodeSandbox, log: String)]) -> any IKEKeySource {
        PlutoKeySource(daemons)
    }
}
