import CLinux
import Glibc
import Synchronization
import SystemPackage

/// A connected Unix stream socket, with a thread that waits for what comes in: unix(7).
///
/// Whoever sends gives the kernel his bytes himself, so that a message takes no way through another thread. Only what the
/// kernel has no room for stays in a queue, which the thread sees off.
final class StreamSocket: Sendable {
    /// How much may wait for a peer that does not read; one that leaves more is hung up on.
    static let queueLimit = 64 << 20

    private let descriptor: CInt
    /// Wakes the thread, eventfd(2).
    private let wake: CInt
    private let state = Mutex(State())

    private struct State {
        var isOpen = true
        /// Whether it is to be closed: at once, or when everything has been sent.
        var ending: Ending?
        var queue: [UInt8] = []
        /// How much of the queue has been sent.
        var sent = 0
        /// Those who wait for the socket to be closed.
        var waiters: [CheckedContinuation<Void, Never>] = []

        var waiting: Int { queue.count - sent }
    }

    private enum Ending {
        case atOnce, whenSent
    }

    /// Takes over a connected socket, also where this throws.
    init(_ descriptor: CInt) throws {
        self.descriptor = descriptor
        wake = netlab_eventfd()
        guard wake >= 0 else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
    }

    deinit {
        guard state.withLock({ $0.isOpen }) else { return }
        Glibc.close(descriptor)
        Glibc.close(wake)
    }

    /// Connects to a socket by its name.
    static func connect(to path: String) throws -> StreamSocket {
        let descriptor = try make()
        // Without waiting: one with too many who wait is not going to answer.
        let result = try withAddress(path, of: descriptor) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        return try StreamSocket(descriptor)
    }

    /// A socket without a name or a peer.
    private static func make() throws -> CInt {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Calls `body` with a path as an address; closes the socket where it is too long for one.
    private static func withAddress(
        _ path: String, of descriptor: CInt, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            Glibc.close(descriptor)
            throw Errno.fileNameTooLong
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    // MARK: Sending

    /// Sends bytes after all that were sent before, without waiting; those that cannot be delivered any more are dropped.
    func send(_ bytes: [UInt8]) {
        let isNews = state.withLock { state in
            guard state.isOpen, state.ending == nil else { return false }
            return enqueue(bytes, &state)
        }
        if isNews { nudge() }
    }

    /// Sends last bytes, and returns when they are on their way and the socket is closed.
    func finish(_ bytes: [UInt8]) async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                guard state.isOpen else { return true }
                if state.ending == nil {
                    _ = enqueue(bytes, &state)
                    state.ending = state.ending ?? .whenSent
                }
                state.waiters.append(continuation)
                return false
            }
            isClosed ? continuation.resume() : nudge()
        }
    }

    /// Closes the socket, soon; what has not been sent is dropped.
    func close() {
        state.withLock { $0.ending = .atOnce }
        nudge()
    }

    /// Sends what the kernel takes and keeps the rest.
    ///
    /// - Returns: Whether the thread has to know of it.
    private func enqueue(_ bytes: [UInt8], _ state: inout State) -> Bool {
        let wasEmpty = state.waiting == 0
        // An empty queue takes the array as it is.
        if wasEmpty {
            (state.queue, state.sent) = (bytes, 0)
            sendQueue(&state)
        } else {
            state.queue += bytes
        }
        if state.waiting > Self.queueLimit { state.ending = .atOnce }
        return (wasEmpty && state.waiting > 0) || state.ending != nil
    }

    private func sendQueue(_ state: inout State) {
        while state.waiting > 0 {
            let count = state.queue.withUnsafeBytes { bytes in
                let rest = bytes[state.sent...]
                return Glibc.send(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
                    CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count >= 0 {
                state.sent += count
            } else if errno == EAGAIN {
                // Not with every packet that fits: that would move the queue again and again.
                if state.sent > state.waiting {
                    state.queue.removeFirst(state.sent)
                    state.sent = 0
                }
                return
            } else if errno != EINTR {
                // Nobody will read it; what the peer said before it went is read still.
                break
            }
        }
        (state.queue, state.sent) = ([], 0)
    }

    private func nudge() {
        state.withLock { state in
            guard state.isOpen else { return }
            var one: UInt64 = 1
            _ = write(wake, &one, 8)
        }
    }

    // MARK: Receiving

    /// Receives and sees off the queue until the connection ends, and closes the socket; to be called once, on a thread of its
    /// own.
    ///
    /// - Parameter receive: Takes what has come in; false ends the connection.
    func serve(_ receive: (UnsafeRawBufferPointer) -> Bool) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { buffer.deallocate() }
        var waiting = [
            pollfd(fd: descriptor, events: 0, revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        while let events = wanted() {
            waiting[0].events = events
            guard poll(&waiting, 2, -1) > 0 else { continue }
            if waiting[1].revents != 0 {
                var count: UInt64 = 0
                _ = read(wake, &count, 8)
            }
            if waiting[0].revents & Int16(POLLOUT) != 0 { state.withLock { sendQueue(&$0) } }
            if waiting[0].revents & ~Int16(POLLOUT) != 0, !self.receive(into: buffer, receive) { break }
        }
        let waiters = state.withLock { state in
            state.isOpen = false
            // Under the lock: the numbers may be others' as soon as they are free.
            Glibc.close(descriptor)
            Glibc.close(wake)
            (state.queue, state.sent) = ([], 0)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// What to wait for; nil where the socket is to be closed.
    private func wanted() -> Int16? {
        state.withLock { state in
            if state.ending == .atOnce || (state.ending == .whenSent && state.waiting == 0) { return nil }
            return Int16(state.waiting > 0 ? POLLIN | POLLOUT : POLLIN)
        }
    }

    /// - Returns: Whether there may be more.
    private func receive(
        into buffer: UnsafeMutableRawBufferPointer, _ receive: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        let count = netlab_receive(descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
        return receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}

extension StreamSocket {
    private static let backlog: CInt = 256

    /// Listens at a path as long as this process lives, and calls `accept` on a thread of its own for every connection of this
    /// process's user or of root; anyone else's is closed, even where the socket's directory would let them reach it.
    ///
    /// - Throws: `Errno`, where the path is taken or too long, or there can be no more threads.
    static func listen(at path: String, accept: @escaping @Sendable (StreamSocket) -> Void) throws {
        let descriptor = try make()
        // Between bind(2) and listen(2) a socket has its name and refuses whoever connects: it gets this name when it answers.
        let unready = "\(path).new"
        let isBound = try withAddress(unready, of: descriptor) { bind(descriptor, $0, $1) } == 0
        guard isBound, Glibc.listen(descriptor, backlog) == 0, chmod(unready, 0o600) == 0, rename(unready, path) == 0
        else {
            let error = Errno(rawValue: errno)
            Glibc.close(descriptor)
            throw error
        }
        do {
            try SocketThread.start { Self.acceptForEver(descriptor, accept) }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private static func acceptForEver(_ descriptor: CInt, _ accept: (StreamSocket) -> Void) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            poll(&waiting, 1, -1)
            let connection = netlab_accept(descriptor)
            guard connection >= 0 else {
                switch errno {
                // Somebody will close something; until then the connection waits, and this need not run in circles.
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: usleep(100_000)
                default: break
                }
                continue
            }
            guard let peer = peer(of: connection), peer.user == geteuid() || peer.user == 0 else {
                Glibc.close(connection)
                continue
            }
            if let socket = try? StreamSocket(connection) { accept(socket) }
        }
    }

    /// Who is at the other end: SO_PEERCRED, unix(7).
    private static func peer(of descriptor: CInt) -> netlab_peer? {
        var peer = netlab_peer()
        var length = socklen_t(MemoryLayout<netlab_peer>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else { return nil }
        return peer
    }
}

/// Threads that live as long as a socket.
enum SocketThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Calls a function on a thread of its own.
    ///
    /// - Throws: `Errno`, where there can be no more threads.
    static func start(_ run: @escaping @Sendable () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let code = pthread_create(
            &thread, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw Errno(rawValue: code)
        }
    }
}
