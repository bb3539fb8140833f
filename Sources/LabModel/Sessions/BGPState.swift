/// A state of a BGP session at one of its speakers: those of RFC 4271, section 8.2.2, and what daemons have besides.
public enum BGPState: String, Hashable, Sendable, Codable, CustomStringConvertible {
    case idle = "Idle"
    case connect = "Connect"
    case active = "Active"
    case openSent = "OpenSent"
    case openConfirm = "OpenConfirm"
    case established = "Established"
    case close = "Close"
    case down = "Down"
    case passive = "Passive"
    /// The daemon does not answer, or knows no such session.
    case noAnswer = "no answer"

    /// Whether the speaker tries to bring the session up.
    public var isTrying: Bool { [.idle, .connect, .active, .openSent, .openConfirm].contains(self) }

    public var description: String { rawValue }
}
