import Daemons
import LabModel

/// What negotiates a node's tunnels: which program it is, and what it reads.
public enum KeyDaemonConfiguration {
    /// Every file below /etc that a node's key daemon reads; none for a node without a tunnel.
    public static func files(for node: String, in topology: Topology) -> [ConfigurationFile] {
        let daemon = topology.keyDaemon(of: node)
        let log = Daemon.logFile(node: node, kind: daemon.kind)
        return switch daemon {
        case .libreswan:
            LibreswanConfiguration.files(
                for: node, in: topology, logFile: log, nssDirectory: LibreswanConfiguration.defaultNSSDirectory)
        case .strongswan: StrongSwanConfiguration.files(for: node, in: topology, logFile: log)
        }
    }

    /// The steps that start a node's key daemon.
    static func start(_ node: Node, in topology: Topology) -> [Action] {
        let files = files(for: node.name, in: topology).map { Action.writeFile(node: node.name, $0) }
        switch node.ike {
        case .libreswan:
            return files + [
                .createKeyStore(node: node.name, directory: LibreswanConfiguration.defaultNSSDirectory),
                .startDaemon(Daemon(node: node.name, kind: .pluto, arguments: LibreswanConfiguration.plutoArguments)),
            ]
        case .strongswan:
            return files + [
                .startDaemon(
                    Daemon(node: node.name, kind: .charon, arguments: StrongSwanConfiguration.charonArguments))
            ]
        }
    }
}
