import NetworkTypes

/// Why a capture cannot be opened or goes wrong, on which interface, and what to do about it.
public struct CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        case noSuchInterface
        case interfaceDown
        case notPermitted
        /// The filter is no expression of pcap-filter(7), or none for this type of link.
        case badFilter
        /// The capture has been closed.
        case closed
        /// Anything else that libpcap reports: see `cause`.
        case failed
    }

    public let code: Code
    /// What happened, to which interface or filter, and what to do next.
    public let message: String
    /// libpcap's own words, which end with the system's text for errno where there was one.
    public let cause: String?

    init(_ code: Code, _ message: String, cause: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    static func noInterface(_ name: InterfaceName, cause: String) -> CaptureError {
        CaptureError(
            .noSuchInterface, "There is no interface \(name) to capture on: list the node's links", cause: cause)
    }

    public var description: String {
        cause.map { "\(message): \($0)" } ?? message
    }
}
