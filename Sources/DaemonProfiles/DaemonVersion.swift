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
