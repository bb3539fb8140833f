import AgentProtocol
import CLinux
import Daemons
import Decryption
import Glibc
import LabRecords
import NodeRuntime

/// Keys of IKE SAs from the plutos' logs, where it masks them.
///
/// Their debugging `private` is on from ``begin()`` to ``end()``.
actor PlutoKeySource: IKEKeySource {
    static let isComplete = false

    private struct Watched: Sendable {
        let pluto: (sandbox: NodeSandbox, log: String)
        /// How much of the log has been read and masked, or was there before.
        var offset: off_t
    }

    private let plutos: [(sandbox: NodeSandbox, log: String)]
    private var watched: [Watched] = []
    private var told = PlutoKeyLog()

    /// - Parameter plutos: Those that run, as the agent reaches them.
    init(_ plutos: [(sandbox: NodeSandbox, log: String)]) {
        self.plutos = plutos
    }

    func begin() async {
        for pluto in plutos {
            var status = stat()
            guard stat(pluto.log, &status) == 0 else { continue }
            // Whoever finds the lab dead knows by the mark which logs to mask. One that is there already was left by
            // a watch that could not do all of it.
            let wasMarked = access(SecretLog.mark(of: pluto.log), F_OK) == 0
            let mark = open(SecretLog.mark(of: pluto.log), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard mark >= 0 else { continue }
            close(mark)
            watched.append(Watched(pluto: pluto, offset: wasMarked ? 0 : status.st_size))
            _ = try? await NodeProcess.run(PlutoCommand.logPrivate(true), in: pluto.sandbox)
        }
    }

    func found(besides known: [IKEKeys]) throws -> (keys: [IKEKeys], unusable: Int) {
        try harvest()
        let others = Set(known.map(\.spis))
        return (told.keys.filter { !others.contains($0.spis) }, told.unusable(besides: known))
    }

    func end() async throws {
        defer { watched = [] }
        var (failures, stillLogging): ([String], Set<String>) = ([], [])
        for pluto in watched.map(\.pluto) {
            // One that is halted (SIGSTOP) takes the command when it goes on, and until then would not let go of it.
            let command = ["timeout", "5"] + PlutoCommand.logPrivate(false)
            let result = try? await NodeProcess.run(command, in: pluto.sandbox)
            // One that has ended logs nothing any more.
            if let code = result?.code, [0, PlutoCommand.notRunningStatus].contains(code) { continue }
            stillLogging.insert(pluto.log)
            failures.append("\(pluto.sandbox.name): \(result?.output ?? "whack(8) cannot be run")")
        }
        try harvest()
        for log in watched.map(\.pluto.log) where !stillLogging.contains(log) { unlink(SecretLog.mark(of: log)) }
        guard failures.isEmpty else {
            throw LabFailure(
                "A pluto did not take the command to log no more keys.",
                remedy: "In its node: ipsec whack --no-debug private. Its log may hold keys: remove it.",
                details: failures)
        }
    }

    /// Reads what the logs have got since the last time, and masks it.
    private func harvest() throws {
        var failures: [String] = []
        for index in watched.indices {
            do {
                try harvest(&watched[index])
            } catch {
                failures.append("\(error)")
            }
        }
        guard failures.isEmpty else {
            throw LabFailure("Keys cannot be masked in a log.", remedy: "Remove the logs.", details: failures)
        }
    }

    private func harvest(_ watched: inout Watched) throws {
        let path = watched.pluto.log
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw LabFailure("\(path) cannot be opened: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, watched.offset)
            guard count >= 0 else { throw LabFailure("\(path) cannot be read: \(String(cString: strerror(errno))).") }
            // A line is written as a whole: one without an end is not there yet.
            guard let end = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) else { break }
            let lines = Array(buffer[...end])
            told.read(lines)
            // As long as what it replaces, and in front of where pluto writes.
            let masked = PlutoDebugging.masked(lines)
            if masked != lines {
                guard pwrite(descriptor, masked, masked.count, watched.offset) == masked.count else {
                    throw LabFailure("\(path) cannot be written: \(String(cString: strerror(errno))).")
                }
            }
            watched.offset += off_t(lines.count)
        }
        // The host's file is the one that people read.
        _ = netlab_write_back(descriptor)
    }
}
