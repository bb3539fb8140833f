/// Why packets of an association cannot be opened or sealed here.
public struct DecryptionError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// The association uses an algorithm, or a length of key or ICV, that is not supported.
        case unsupported
        /// The association cannot be right: a cipher without its integrity algorithm, a key of a wrong length.
        case invalid
    }

    public let code: Code
    /// What is wrong, with which association, and what would do.
    public let message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
