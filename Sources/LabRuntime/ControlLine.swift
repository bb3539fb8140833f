import AgentProtocol
import CLinux
import Glibc
import NetworkTypes
import NodeRuntime
import Synchronization

/// The agent's side of the line to its supervisor, and with it the lab's clock.
///
/// In a lab kernel with `time-travel=inf-cpu`, processing takes no time and the clock jumps to the next timer whenever
/// nothing is left to run. So a limit is a moment that this line's thread sleeps until: the kernel gets there as fast as its
/// work allows, and getting there means that all work due earlier is done. From then on a ``ClockAnchor`` holds the clock.
public final class ControlLine: Sendable {
    private let reader: Int32
    private let writer: Int32
    private let wake: Int32
    /// Whether the lab's clock is this line's: not on the host's kernel, whose time nobody holds.
    private let holdsClock: Bool
    private let writing = Mutex<Void>(())
    private let unbounded = Mutex(Unbounded())
    private let anchor: ClockAnchor

    /// What lets the clock run without a limit.
    private struct Unbounded {
        /// How many there are.
        var count = 0
        /// How many there have been.
        var begun = 0
    }

    /// Counters to add to whenever the clock is about to stand still; see ``announceHolds(to:)``.
    private static let holdListeners = Mutex<Set<Int32>>([])

    /// Opens the line.
    ///
    /// - Parameter path: A terminal device such as /dev/ttyS0, which is put into raw mode.
    /// - Throws: ``LabFailure``.
    public init(path: String) throws {
        reader = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        writer = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        wake = netlab_eventfd()
        anchor = ClockAnchor(settled: wake)
        holdsClock = true
        guard reader >= 0, writer >= 0, wake >= 0 else {
            throw LabFailure("The control line \(path) cannot be opened: \(String(cString: strerror(errno))).")
        }
        var settings = termios()
        tcgetattr(reader, &settings)
        cfmakeraw(&settings)
        tcsetattr(reader, TCSANOW, &settings)
    }

    /// Takes over a connected stream socket, on a kernel whose clock goes by itself.
    ///
    /// - Throws: ``LabFailure``.
    public init(socket: Int32) throws {
        reader = fcntl(socket, F_DUPFD_CLOEXEC, 3)
        writer = reader
        wake = netlab_eventfd()
        anchor = ClockAnchor(settled: wake)
        holdsClock = false
        guard reader >= 0, wake >= 0 else {
            throw LabFailure("The control line cannot be opened: \(String(cString: strerror(errno))).")
        }
        // What was standard input is nobody's now.
        close(socket)
        _ = open("/dev/null", O_RDWR)
    }

    /// Sends a message; returns when the kernel has taken all of it.
    ///
    /// One that cannot be written, which none of netlab's own is, is said on standard error instead.
    public func send(_ message: FromAgent) {
        do { send(try Frame(message)) } catch {
            let text = Array("netlab agent: \(error)\n".utf8)
            _ = write(2, text, text.count)
        }
    }

    /// Sends a message; returns when the kernel has taken all of it.
    func send(_ frame: Frame) {
        let bytes = frame.bytes
        writing.withLock { _ in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(writer, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR || errno == EAGAIN else { return }
                rest = rest.dropFirst(max(0, count))
            }
        }
    }

    /// Lets the clock run without a limit for as long as there is one more of these than of ``endUnbounded()``.
    public func beginUnbounded() {
        unbounded.withLock {
            $0.count += 1
            $0.begun += 1
        }
        nudge()
    }

    public func endUnbounded() {
        unbounded.withLock { $0.count -= 1 }
        nudge()
    }

    /// Runs `body`, and if it is so wanted lets the clock run without a limit meanwhile.
    func running<Result: Sendable>(
        _ isUnbounded: Bool, _ body: @Sendable () async throws -> Result
    ) async rethrows -> Result {
        if isUnbounded { beginUnbounded() }
        defer { if isUnbounded { endUnbounded() } }
        return try await body()
    }

    /// Lets a thread that waits for its moment know that the clock may stand still before it comes.
    ///
    /// - Parameter counter: An eventfd(2), which becomes readable; to be taken back before it is closed.
    static func announceHolds(to counter: Int32) { _ = holdListeners.withLock { $0.insert(counter) } }
    static func stopAnnouncingHolds(to counter: Int32) { _ = holdListeners.withLock { $0.remove(counter) } }

    private func nudge() {
        var one: UInt64 = 1
        _ = Glibc.write(wake, &one, 8)
    }

    /// Serves the line for ever, on the calling thread, which goes before everything else in the lab: not even a program that never
    /// pauses keeps the supervisor out.
    ///
    /// - Parameter handle: Called on this thread for every message but ``ToAgent/run(until:)``; must not block.
    /// - Throws: ``LabFailure``.
    public func serve(handle: (ToAgent, Frame) -> Void) throws -> Never {
        var decoder = FrameDecoder()
        var limit = LabTime(nanoseconds: 0)
        var isHeld = false
        var isAnnounced = false
        /// How many had let the clock run when it was held last.
        var begunWhenHeld = 0
        var unacknowledged = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        if holdsClock {
            try anchor.start()
            _ = netlab_schedule_realtime()
        }
        while true {
            let now = LabClock.now
            let free = unbounded.withLock(\.self)
            if !holdsClock || free.count > 0 || now < limit {
                if isHeld { anchor.release() }
                isHeld = false
                sleep(until: !holdsClock || free.count > 0 ? nil : limit, from: now)
            } else if !isHeld || free.begun != begunWhenHeld {
                // Also after a request that let the clock run and was over before this thread came to see it: whoever sent it waits
                // to hear that the clock stands still again.
                begunWhenHeld = free.begun
                isHeld = true
                isAnnounced = false
                anchor.hold()
                var one: UInt64 = 1
                for counter in Self.holdListeners.withLock({ $0 }) { _ = Glibc.write(counter, &one, 8) }
            } else if !isAnnounced, anchor.isSettled {
                isAnnounced = true
                send(.held(at: now))
            } else {
                sleep(until: nil, from: now)
            }
            let count =
                holdsClock ? read(reader, &buffer, buffer.count) : netlab_receive(reader, &buffer, buffer.count)
            // A socket ends with the supervisor, and all of the lab with both.
            if count == 0, !holdsClock { exit(0) }
            guard count > 0 else { continue }
            unacknowledged += count
            if unacknowledged >= LineWindow.acknowledgedEvery {
                send(.received(bytes: unacknowledged))
                unacknowledged = 0
            }
            decoder.append(buffer[..<count])
            while let frame = try decoder.next() {
                let message = try frame.header(as: ToAgent.self)
                if case .run(let until) = message {
                    limit = until
                    // Answer even a limit that has passed already.
                    if isHeld, LabClock.now >= limit { isHeld = false }
                } else {
                    handle(message, frame)
                }
            }
        }
    }

    private func sleep(until limit: LabTime?, from now: LabTime) {
        let rest = limit.map { $0.nanoseconds - now.nanoseconds } ?? -1
        _ = netlab_wait_readable([reader, wake], 2, rest)
        var count: UInt64 = 0
        _ = Glibc.read(wake, &count, 8)
    }
}
