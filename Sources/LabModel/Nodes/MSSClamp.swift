/// What is done to the maximum segment size that TCP connections announce when they begin (RFC 9293, section 3.7.1).
///
/// A clamp only ever lowers it.
public enum MSSClamp: Hashable, Sendable, Codable {
    case off
    /// To what fits the route's MTU in either direction.
    case toPathMTU
    /// To so many bytes.
    case to(Int)
}
