import LabModel

/// Which daemons a prediction is made for: their timers are not all in their configuration.
public struct DaemonVersions: Hashable, Sendable {
    private let versions: [DaemonID: DaemonVersion]

    /// - Parameter versions: A daemon that is not among them is taken for the one that netlab was tried with.
    public init(_ versions: [DaemonID: DaemonVersion]) {
        self.versions = versions
    }

    public subscript(daemon: DaemonID) -> DaemonVersion { versions[daemon] ?? Self.triedWith(daemon) }

    /// What Debian 12 has, and the figures of each daemon were read in.
    public static let measured = DaemonVersions([:])

    /// The version that the rules for a daemon were tried with.
    public static func triedWith(_ daemon: DaemonID) -> DaemonVersion {
        DaemonRegistry.profile(daemon)?.measuredVersion ?? DaemonVersion(major: 0, minor: 0)
    }

    /// The daemons that a lab runs, each with its version, in the order of their names.
    public func running(in topology: Topology) -> [(daemon: DaemonID, version: DaemonVersion)] {
        let daemons = Set(topology.nodes.flatMap { topology.daemons(of: $0.name) })
        return daemons.sorted { $0.product < $1.product }.map { ($0, self[$0]) }
    }

    /// What has to be said of predictions for a lab: of each daemon that is not of the version that its figures were measured with.
    public func caveats(for topology: Topology) -> [String] {
        running(in: topology).compactMap { daemon, version in
            let tried = Self.triedWith(daemon)
            return version == tried
                ? nil
                : "\(daemon.product) is \(version) here, and its figures were measured with \(tried): the windows may be others."
        }
    }
}

extension DaemonID {
    /// What the daemon belongs to, by its own spelling.
    public var product: String { DaemonRegistry.profile(self)?.product ?? rawValue }
}

/// A program's version.
public struct DaemonVersion: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let major: Int
    public let minor: Int
    public let patch: Int

    public init(major: Int, minor: Int, patch: Int = 0) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads what a program says of itself: the first numbers with points between them, as in `NAME 4.10`; nil
    /// where there are none.
    public init?(output: String) {
        for word in output.split(whereSeparator: { !$0.isASCII || !($0.isNumber || $0 == ".") }) {
            let parts = word.split(separator: ".").map { Int($0) }
            guard parts.count >= 2, let major = parts[0], let minor = parts[1] else { continue }
            self.init(major: major, minor: minor, patch: parts.count > 2 ? parts[2] ?? 0 : 0)
            return
        }
        return nil
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    public var description: String { "\(major).\(minor)" + (patch == 0 ? "" : ".\(patch)") }
}
