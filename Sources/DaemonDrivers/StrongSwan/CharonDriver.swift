import Daemons
import LabModel
import LabPlan
import NetworkTypes
import NodeRuntime

/// charon of a node, by its vici socket and by swanctl(8).
public struct CharonDriver: KeyDaemonDriver {
    private let sandbox: NodeSandbox
    private let control: CharonControl

    public init(at sandbox: NodeSandbox) {
        self.sandbox = sandbox
        control = CharonControl(path: sandbox.agentPath(of: StrongSwanConfiguration.socketPath))
    }

    public func connections() async throws -> [String: ConnectionState]? {
        let control = control
        guard let associations = try await offThread({ try? control.associations() }) else { return nil }
        let names = Set(associations.map(\.name))
        return Dictionary(
            uniqueKeysWithValues: names.map { name in
                let newest = associations.newest(name)
                // charon tells when it renews an IKE SA, and when a child SA ends.
                let state = ConnectionState(
                    ike: newest?.algorithms?.suite, ikeReplacedIn: newest?.rekeyIn,
                    childReplacedIn: associations.newestChild(name)?.lifeLeft)
                return (name, state)
            })
    }

    /// As an operator does it: what a connection has is ended, the files are read, and what does not begin by that is begun.
    public func takeUp(_ connections: [ConfigurationChange.Connection]) async throws {
        let control = control
        // A connection that charon does not know ends in nothing: loading is what counts.
        for name in Set(connections.map(\.name)).sorted() {
            _ = try await offThread { try? control.terminate(connection: name) }
        }
        try await NodeProcess.succeed(StrongSwanConfiguration.loadArguments, at: sandbox.name, in: sandbox)
        // A connection that has changed is begun by loading it, if that is what its start_action says.
        let begun = Set(try await offThread { try control.associations() }.map(\.name))
        for connection in connections where connection.isUsed && !begun.contains(connection.name) {
            _ = try await offThread { try? control.initiate(child: connection.child) }
        }
    }

    public func renewChild(of end: TunnelEnd) async throws {
        let control = control
        try await offThread {
            for (_, child) in end.connections {
                do { try control.rekey(child: child) } catch { try? control.initiate(child: child) }
            }
        }
    }

    public func forget(_ end: TunnelEnd) async throws {
        let control = control
        for name in Set(end.connections.map(\.name)).sorted() {
            // One that charon does not know, or that has no IKE SA, is refused: then there is nothing to end.
            try await offThread {
                try? control.terminate(connection: name)
                try? control.unload(connection: name)
            }
        }
    }

    public static func keySource(_ daemons: [(sandbox: NodeSandbox, log: String)]) -> any IKEKeySource {
        CharonKeySource(daemons.map(\.sandbox))
    }
}
