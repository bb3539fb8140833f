import AgentProtocol
import CLinux
import DaemonProfiles
import Daemons
import Glibc
import LabModel
import NetworkTypes
import Synchronization

/// A node's boot script from its beginning on: it runs, has ended, and may have left programs running.
///
/// What it and they print goes to the node's logs, each line with the lab's date and time.
public final class BootRun: Sendable {
    /// How it ended.
    public struct End: Sendable {
        public let code: Int32
        /// In words: `ended with code 2`.
        public let words: String
        public let took: Duration
    }

    private struct State {
        var end: End?
        var waiters: [CheckedContinuation<Void, Never>] = []
        var lastLines: [String] = []
    }

    public let script: BootScript
    private let process: NodeProcess
    private let start: LabTime
    private let state = Mutex(State())

    private static let keptLines = 8

    /// Starts the script; returns at once.
    ///
    /// - Throws: ``LabFailure``, also where there is no such program as its first line names.
    public init(_ script: BootScript, in sandbox: NodeSandbox) throws {
        self.script = script
        let log = BootLog(path: Daemon.logFile(node: sandbox.name, kind: DaemonID(rawValue: BootScript.title)))
        let ended = netlab_eventfd()
        guard ended >= 0 else {
            throw LabFailure("A boot script cannot be waited for: \(String(cString: strerror(errno))).")
        }
        let null = try NodeProcess.openNull()
        let pipe = try Pipe()
        defer {
            close(null)
            close(pipe.writer)
        }
        log.write("netlab: \(script.name) begins")
        start = LabClock.now
        do {
            process = try NodeProcess(script.arguments, in: sandbox, streams: (null, pipe.writer, pipe.writer))
        } catch let failure as LabFailure {
            close(pipe.reader)
            close(ended)
            throw LabFailure(
                "The boot script \(script.name) of \(sandbox.name) cannot be run: \(failure.message)",
                remedy: "Its first line names \(script.arguments[0]).", code: failure.code)
        }
        Task { [self] in
            let end = try await process.end()
            let took = LabClock.now - start
            state.withLock { $0.end = End(code: end.code, words: end.description, took: took) }
            var one: UInt64 = 1
            _ = Glibc.write(ended, &one, 8)
        }
        Task { [self] in
            try await offThread { self.follow(pipe.reader, until: ended, log) }
        }
    }

    /// Logs what is printed, on the calling thread, until nobody is left who could print; tells of the script's end when all that it has
    /// printed is there.
    private func follow(_ output: Int32, until ended: Int32, _ log: BootLog) {
        var places = [output, ended].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var line: [UInt8] = []
        func finishLine() {
            let text = String(decoding: line, as: UTF8.self)
            line = []
            log.write(text)
            state.withLock { $0.lastLines = Array(($0.lastLines + [text]).suffix(Self.keptLines)) }
        }
        while places.contains(where: { $0.fd >= 0 }) {
            guard poll(&places, nfds_t(places.count), -1) > 0 else { continue }
            if places[0].revents != 0 {
                let count = read(output, &buffer, buffer.count)
                if count > 0 {
                    for byte in buffer[..<count] {
                        if byte == 0x0A { finishLine() } else { line.append(byte) }
                        if line.count >= 1 << 12 { finishLine() }
                    }
                } else if errno != EINTR || count == 0 {
                    places[0].fd = -1
                }
                continue
            }
            if !line.isEmpty { finishLine() }
            places[1].fd = -1
            let end = state.withLock(\.end)
            if let end { log.write("netlab: \(script.name) \(end.words) after \(end.took.shortText)") }
            isTold.store(true, ordering: .releasing)
            wake()
        }
        if !line.isEmpty { finishLine() }
        close(output)
        close(ended)
        log.close()
    }

    /// Whether all that the script has printed before its end is in the log.
    private let isTold = Atomic(false)

    /// How the script ended, or nil where it has not by then.
    public func end(by deadline: LabTime) async -> End? {
        let alarm = Task { [self] in
            try? await LabSleep.wait(until: deadline)
            wake()
        }
        defer { alarm.cancel() }
        while !isTold.load(ordering: .acquiring), LabClock.now < deadline, !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    state.withLock { $0.waiters.append(continuation) }
                    // It may have ended, or been given up, in the meantime.
                    if isTold.load(ordering: .acquiring) || Task.isCancelled || LabClock.now >= deadline { wake() }
                }
            } onCancel: {
                wake()
            }
        }
        return isTold.load(ordering: .acquiring) ? state.withLock(\.end) : nil
    }

    private func wake() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The last lines that it or what it has left running has printed.
    public var lastLines: [String] { state.withLock(\.lastLines) }

    /// Ends the script, and what it has left running in its own process group.
    public func stop() { process.send(SIGKILL) }
}

/// A log of a node's that is written line by line.
private struct BootLog {
    private let descriptor: Int32

    init(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    }

    /// Writes a line with the date and the time that the lab's daemons have, as BIRD does.
    func write(_ line: String) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var date = tm()
        gmtime_r(&now.tv_sec, &date)
        var text = [CChar](repeating: 0, count: 32)
        let length = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &date)
        let second = String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
        let bytes = Array("\(second).\(milliseconds) \(line)\n".utf8)
        // A log that cannot be written keeps no script from running.
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }

    func close() { Glibc.close(descriptor) }
}
