/// What each side says first: which netlab it is, and how it speaks.
///
/// This message, and the frame around it, stay as they are in every version, so that any two can tell each other who they are.
public struct ProtocolVersion: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Raised with every change of a message or of what travels in one.
    public let number: Int
    /// The release of netlab, `0.1.0`.
    public let release: String

    public init(number: Int, release: String) {
        self.number = number
        self.release = release
    }

    public static let current = ProtocolVersion(number: 15, release: "0.1.0")

    /// Whether the two understand each other.
    public func understands(_ other: Self) -> Bool { number == other.number }

    public var description: String { "netlab \(release) (protocol \(number))" }
}
