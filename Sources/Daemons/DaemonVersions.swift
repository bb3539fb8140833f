import DaemonProfiles
import LabModel

/// Which daemons a prediction is made for: their timers are not all in their configuration.
public struct DaemonVersions: Hashable, Sendable {
    private let versions: [DaemonID: DaemonVersion]
    /// Of the systems that nodes have in place of the host's.
    private let systems: [NodeSystem: [DaemonID: DaemonVersion]]

    /// - Parameters:
    ///   - versions: The host's. A daemon that is not among them is taken for the one that netlab was tried with.
    ///   - systems: Those of other systems. A daemon that is not among them is of a version that nobody knows.
    public init(
        _ versions: [DaemonID: DaemonVersion], of systems: [NodeSystem: [DaemonID: DaemonVersion]] = [:]
    ) {
        self.versions = versions
        self.systems = systems
    }

    /// The host's.
    public subscript(daemon: DaemonID) -> DaemonVersion { versions[daemon] ?? Self.triedWith(daemon) }

    /// What a system has; nil where that is not known.
    ///
    /// - Parameter system: Nil for the host's.
    public func version(of daemon: DaemonID, in system: NodeSystem?) -> DaemonVersion? {
        guard let system else { return self[daemon] }
        return systems[system]?[daemon]
    }

    /// What figures are taken for at a node; where its version is not known, that which netlab was tried with.
    public subscript(daemon: DaemonID, at node: Node?) -> DaemonVersion {
        version(of: daemon, in: node?.system) ?? Self.triedWith(daemon)
    }

    /// What Debian 12 has, and the figures of each daemon were read in.
    public static let measured = DaemonVersions([:])

    /// The version that the rules for a daemon were tried with.
    public static func triedWith(_ daemon: DaemonID) -> DaemonVersion {
        DaemonRegistry.profile(daemon)?.measuredVersion ?? DaemonVersion(major: 0, minor: 0)
    }

    /// A daemon that nodes of a lab run.
    public struct Running: Hashable, Sendable {
        public let daemon: DaemonID
        /// Where its nodes have it from; nil for the host.
        public let system: NodeSystem?
        /// Nil where it is not known.
        public let version: DaemonVersion?

        /// As tables and reports call it.
        public var name: String { daemon.product + (system.map { " of \($0)" } ?? "") }
        /// As lab files call it.
        public var keyword: String { DaemonRegistry.profile(daemon)?.keyword ?? daemon.rawValue }
        public var versionText: String { version?.description ?? "of a version that is not known" }
    }

    /// The daemons that a lab runs, each with its version, in the order of their names, the host's first.
    public func running(in topology: Topology) -> [Running] {
        let all = topology.nodes.flatMap { node in
            topology.daemons(of: node.name).map {
                Running(daemon: $0, system: node.system, version: version(of: $0, in: node.system))
            }
        }
        return Set(all).sorted { $0.name < $1.name }
    }

    /// What has to be said of predictions for a lab: of each daemon that is not of the version that its figures were measured with.
    public func caveats(for topology: Topology) -> [String] {
        running(in: topology).compactMap { running in
            let tried = Self.triedWith(running.daemon)
            let place = running.system.map { "in \($0)" } ?? "here"
            guard let version = running.version else {
                return
                    "Which version \(running.daemon.product) has \(place) is not known, and its figures were measured with \(tried): the windows may be others."
            }
            return version == tried
                ? nil
                : "\(running.daemon.product) is \(version) \(place), and its figures were measured with \(tried): the windows may be others."
        }
    }
}

extension DaemonID {
    /// What the daemon belongs to, by its own spelling.
    public var product: String { DaemonRegistry.profile(self)?.product ?? rawValue }
}
