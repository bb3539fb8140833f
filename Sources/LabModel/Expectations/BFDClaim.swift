/// BFD beside a BGP session is up at both of its speakers, and notices a silence in time; or it is down at one of them.
public struct BFDClaim: Hashable, Sendable, Codable {
    public let session: String
    public let isUp: Bool
    /// After how long without a packet of its peer's either speaker gives it up; nil for what follows from both speakers' timers (RFC 5880,
    /// section 6.8.4).
    public let detection: Duration?

    public init(session: String, isUp: Bool, detection: Duration? = nil) {
        self.session = session
        self.isUp = isUp
        self.detection = detection
    }
}
