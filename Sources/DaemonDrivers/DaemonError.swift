/// Why a daemon could not be asked, and what to do about it.
public struct DaemonError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// Nobody listens on the control socket.
        case notRunning
        /// No whole answer came before the deadline.
        case timedOut
        /// The daemon does not know the command, or does not want it.
        case refused
        /// The answer is not one this protocol has.
        case malformed
        /// The system failed a call on the way.
        case system
    }

    public let code: Code
    /// What happened, to which daemon.
    public let message: String
    /// What to do next.
    public let remedy: String
    /// The failed system call's errno, where there is one.
    public let cause: Int32?

    public init(code: Code, message: String, remedy: String, cause: Int32? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    public var description: String { "\(message) \(remedy)" }
}
