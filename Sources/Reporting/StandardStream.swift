import Glibc

/// This process's standard output or standard error, written to at once.
public enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The terminal's width; nil where it is none.
    public var columns: Int? {
        var size = winsize()
        guard isTerminal, ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    public func write(_ text: String) {
        write(Array(text.utf8))
    }

    /// Writes all of it; ends the process, as SIGPIPE would, when nobody reads any more.
    public func write(_ bytes: [UInt8]) {
        // What was printed before must come before.
        fflush(nil)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EPIPE { exit(128 + SIGPIPE) }
            guard count > 0 || errno == EINTR || errno == EAGAIN else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
