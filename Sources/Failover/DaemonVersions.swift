/// Which daemons a prediction is made for: their timers are not all in their configuration.
public struct DaemonVersions: Hashable, Sendable, Codable {
    public let libreswan: DaemonVersion
    public let strongswan: DaemonVersion
    public let bird: DaemonVersion

    public init(libreswan: DaemonVersion, strongswan: DaemonVersion = measured.strongswan, bird: DaemonVersion) {
        self.libreswan = libreswan
        self.strongswan = strongswan
        self.bird = bird
    }

    /// What Debian 12 has, and the rules of this module were tried with.
    public static let measured = DaemonVersions(
        libreswan: DaemonVersion(major: 4, minor: 10), strongswan: DaemonVersion(major: 5, minor: 9, patch: 8),
        bird: DaemonVersion(major: 2, minor: 0, patch: 12))
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

    /// Reads what a program says of itself: the first numbers with points between them, as in `Libreswan 4.10` and
    /// `BIRD version 2.0.12`; nil where there are none.
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
