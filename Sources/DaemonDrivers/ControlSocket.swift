import Glibc

/// A connected Unix stream socket on which every call ends by one deadline.
///
/// Source: unix(7), poll(2).
struct ControlSocket {
    private let descriptor: Int32
    private let path: String
    private let daemon: String
    private let deadline: ContinuousClock.Instant

    init(path: String, daemon: String, deadline: ContinuousClock.Instant) throws(DaemonError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < capacity, !bytes.contains(0) else {
            throw DaemonError(
                code: .system, message: "\(path) cannot be the path of \(daemon)'s control socket.",
                remedy: "A socket's path has 1 to \(capacity - 1) bytes.", cause: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure(errno, daemon: daemon, path: path) }
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            let error = errno
            Glibc.close(descriptor)
            throw Self.failure(error, daemon: daemon, path: path)
        }
        self.descriptor = descriptor
        self.path = path
        self.daemon = daemon
        self.deadline = deadline
    }

    func close() {
        Glibc.close(descriptor)
    }

    /// What has come, at least one byte; nil when the other side has closed.
    func read() throws(DaemonError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 { return Array(buffer[..<count]) }
            if count == 0 { return nil }
            try wait(for: POLLIN, after: errno)
        }
    }

    func write(_ bytes: [UInt8]) throws(DaemonError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 { rest = rest.dropFirst(count) } else { try wait(for: POLLOUT, after: errno) }
        }
    }

    /// Waits until a call that has failed with `error` is worth another try.
    private func wait(for event: Int32, after error: Int32) throws(DaemonError) {
        if error == EINTR { return }
        guard error == EAGAIN || error == EWOULDBLOCK else { throw Self.failure(error, daemon: daemon, path: path) }
        let left = (deadline - ContinuousClock.now) / .milliseconds(1)
        var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        let ready = left > 0 ? poll(&request, 1, Int32(min(left.rounded(.up), 60_000))) : 0
        if ready == 0 {
            throw DaemonError(
                code: .timedOut, message: "\(daemon) at \(path) did not answer in time.",
                remedy: "See in its log what it is busy with.", cause: ETIMEDOUT)
        }
    }

    private static func failure(_ error: Int32, daemon: String, path: String) -> DaemonError {
        let reason = String(cString: strerror(error))
        let isAbsent = error == ENOENT || error == ECONNREFUSED
        return DaemonError(
            code: isAbsent ? .notRunning : .system,
            message: isAbsent
                ? "\(daemon) does not run: nobody listens at \(path)." : "\(daemon) at \(path): \(reason).",
            remedy: isAbsent ? "See the end of its log." : "See whether it still runs.", cause: error)
    }
}
