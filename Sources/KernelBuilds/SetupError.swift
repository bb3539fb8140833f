import SystemPackage

/// Why something that a lab needs from this machine is not there: a directory, a tool, the lab kernel.
///
/// Its description is what a user reads: what happened to which object, and on the next line what to do about it.
public struct SetupError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// No place for files: no home directory, or one that cannot be written.
        case directoryUnavailable
        /// A directory that others could have put in our place.
        case directoryUnsafe
        /// The lab kernel cannot run on this processor.
        case unsupportedArchitecture
        /// Programs or packages that the build needs are not installed.
        case toolsMissing
        /// This user may not start or open as much as is needed.
        case limitTooLow
        /// Not enough room to build in.
        case diskFull
        /// The kernel source is absent or unreadable.
        case sourceUnusable
        /// A setting of the lab kernel's configuration did not come out as asked for.
        case configurationUnmet
        /// A step of the build failed.
        case buildFailed
        /// A kernel is there and does not run.
        case kernelUnusable
    }

    public let code: Code
    /// What happened, to which object.
    public let message: String
    /// What to do next.
    public let remedy: String
    /// The system call's error behind it, where there is one.
    public let cause: Errno?

    public init(_ code: Code, _ message: String, remedy: String, cause: Errno? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    /// What happened, and why.
    public var reason: String { message + (cause.map { ": \($0)" } ?? "") }

    public var description: String { "\(reason)\n\(remedy)" }
}
