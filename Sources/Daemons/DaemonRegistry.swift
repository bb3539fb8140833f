import DaemonProfiles
import LabModel
import RoutingDaemons
import Synchronization

/// Every daemon that labs can run: a new one is a line here.
public enum DaemonRegistry {
    private static let known: [any DaemonProfile] = [Libreswan(), StrongSwan(), Bird(), Frr()]

    /// Daemons that a program has brought along, as netlab's own tests do.
    private static let added = Mutex<[any DaemonProfile]>([])

    /// Adds a daemon, before anything else is done.
    public static func add(_ daemon: any DaemonProfile) { added.withLock { $0.append(daemon) } }

    public static var all: [any DaemonProfile] { known + added.withLock(\.self) }
    public static var keyDaemons: [any KeyDaemon] { all.compactMap { $0 as? any KeyDaemon } }
    public static var routingDaemons: [any RoutingDaemon] { all.compactMap { $0 as? any RoutingDaemon } }

    /// What a node runs whose lab file does not choose.
    public static let usualKeyDaemon: any KeyDaemon = Libreswan()
    public static let usualRoutingDaemon: any RoutingDaemon = Bird()

    public static func profile(_ id: DaemonID) -> (any DaemonProfile)? { all.first { $0.id == id } }

    /// - Parameter id: Of a daemon that negotiates tunnels, as a valid topology has it.
    public static func keyDaemon(_ id: DaemonID) -> any KeyDaemon { profile(id) as? any KeyDaemon ?? usualKeyDaemon }

    /// - Parameter id: Of a daemon that speaks BGP, as a valid topology has it.
    public static func routingDaemon(_ id: DaemonID) -> any RoutingDaemon {
        profile(id) as? any RoutingDaemon ?? usualRoutingDaemon
    }
}

extension Topology {
    /// What negotiates the tunnels that end at a node; nil where none does.
    public func keyDaemonProfile(of node: String) -> (any KeyDaemon)? {
        keyDaemon(of: node).map(DaemonRegistry.keyDaemon)
    }

    /// What speaks BGP at a node; nil where nothing does.
    public func routingDaemonProfile(of node: String) -> (any RoutingDaemon)? {
        routingDaemon(of: node).map(DaemonRegistry.routingDaemon)
    }
}
