import Glibc

/// What is wrong with a capture file, where, and what to do about it.
public struct CaptureFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// Neither pcapng nor pcap.
        case notACapture
        /// The file breaks its format's rules.
        case malformed
        /// The file keeps to the rules, but this cannot be done with it.
        case unsupported
        /// More than the format, or this reader, takes.
        case tooLarge
        /// An interface or a packet that the file does not have.
        case notFound
        /// read(2) failed.
        case unreadable
        /// write(2) failed; the file may end within a block.
        case unwritable
    }

    public let code: Code
    public let message: String
    /// Where the offending block begins, in bytes from the file's start.
    public let offset: UInt64?
    /// The system call's error number.
    public let errno: Int32?

    public init(_ code: Code, _ message: String, offset: UInt64? = nil, errno: Int32? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.errno = errno
    }

    public var description: String {
        var text = message
        if let offset { text += " (at byte \(offset))" }
        if let errno { text += ": \(String(cString: strerror(errno)))" }
        return text
    }
}
