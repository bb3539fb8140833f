import AgentProtocol
import CLinux
import DaemonDrivers
import Daemons
import Decryption
import Glibc
import NetworkTypes
import NodeRuntime

/// Gathers the keys of IKE SAs that are made while anyone wants them: from the plutos' logs, where it masks them, and from files
/// in the lab's memory that the charons write for it.
///
/// The plutos' debugging `private` is on from the first ``begin(at:_:)`` to the last ``end()``, and so is the charons' second log.
/// All of it is done one after the other and to its end, whether or not the request that it is for is cancelled.
actor IKEKeyWatch {
    /// A pluto that runs, as the agent reaches it.
    struct Pluto: Sendable {
        let socket: String
        let log: String
    }

    /// A charon that runs.
    struct Charon: Sendable {
        let control: CharonControl
        let sandbox: NodeSandbox
    }

    private struct Watched: Sendable {
        let pluto: Pluto
        /// How much of the log has been read and masked, or was there before.
        var offset: off_t
    }

    private var users = 0
    private var watched: [Watched] = []
    private var found = PlutoKeyLog()
    private var charons: [Charon] = []
    private var last: Task<Void, Never>?

    /// Has the daemons log keys, unless they do already; one that does not answer is left out.
    func begin(at plutos: [Pluto], _ charons: [Charon]) async {
        _ = try? await afterOthers { watch in
            watch.users += 1
            guard watch.users == 1 else { return }
            watch.found = PlutoKeyLog()
            for pluto in plutos {
                var status = stat()
                guard stat(pluto.log, &status) == 0 else { continue }
                // Whoever finds the lab dead knows by the mark which logs to mask. One that is there already was left by
                // a watch that could not do all of it.
                let wasMarked = access(PlutoKeyLog.mark(of: pluto.log), F_OK) == 0
                let mark = open(PlutoKeyLog.mark(of: pluto.log), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                guard mark >= 0 else { continue }
                close(mark)
                watch.watched.append(Watched(pluto: pluto, offset: wasMarked ? 0 : status.st_size))
                _ = try? await NodeProcess.run(PlutoCommand.logPrivate(true, socket: pluto.socket), in: nil)
            }
            for charon in charons where (try? await charon.logKeys(true)) != nil { watch.charons.append(charon) }
        }
    }

    /// All that has been found since the watch began; the last user's call ends it.
    ///
    /// - Throws: ``LabFailure`` where keys may be left in a log, or still get there.
    func end() async throws -> (keys: [IKEKeys], unusable: Int) {
        try await afterOthers { watch in
            watch.users -= 1
            // Before what charon wrote is gone.
            let fromCharons = await watch.charonKeys()
            if watch.users == 0 { try await watch.switchOff() } else { try watch.harvest() }
            // Both ends of an SA tell the same, a charon in full.
            let known = Set(fromCharons.keys.map(\.spis))
            let fromPlutos = watch.found.keys.filter { !known.contains($0.spis) }
            return (
                fromPlutos + fromCharons.keys, watch.found.unusable(besides: fromCharons.keys) + fromCharons.unusable
            )
        }
    }

    /// What the charons have told, each IKE SA once.
    private func charonKeys() async -> (keys: [IKEKeys], unusable: Int) {
        var (keys, lost): ([IKEKeys], Set<KeyMaterial>) = ([], [])
        for charon in charons {
            let (own, others) = await charon.keys()
            keys += own.filter { key in !keys.contains { $0.spis == key.spis } }
            lost.formUnion(others)
        }
        return (keys, lost.subtracting(keys.map(\.encryption.initiatorKey)).count)
    }

    private func switchOff() async throws {
        defer { watched = [] }
        for charon in charons { try? await charon.logKeys(false) }
        charons = []
        var (failures, stillLogging): ([String], Set<String>) = ([], [])
        for pluto in watched.map(\.pluto) {
            // One that is halted (SIGSTOP) takes the command when it goes on, and until then would not let go of it.
            let command = ["timeout", "5"] + PlutoCommand.logPrivate(false, socket: pluto.socket)
            let result = try? await NodeProcess.run(command, in: nil)
            // One that has ended logs nothing any more.
            if let code = result?.code, [0, PlutoCommand.notRunningStatus].contains(code) { continue }
            stillLogging.insert(pluto.log)
            failures.append("\(pluto.socket): \(result?.output ?? "whack(8) cannot be run")")
        }
        try harvest()
        for log in watched.map(\.pluto.log) where !stillLogging.contains(log) { unlink(PlutoKeyLog.mark(of: log)) }
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
            found.read(lines)
            // As long as what it replaces, and in front of where pluto writes.
            let masked = PlutoKeyLog.masked(lines)
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

    private func afterOthers<Result: Sendable>(
        _ body: @escaping @Sendable (isolated IKEKeyWatch) async throws -> Result
    ) async throws -> Result {
        let previous = last
        let task = Task {
            await previous?.value
            return try await body(self)
        }
        last = Task { _ = try? await task.value }
        return try await task.value
    }
}

extension IKEKeyWatch.Charon {
    /// Has charon write keys to a file in the lab's memory, or no longer; what it has written is removed then.
    fileprivate func logKeys(_ isOn: Bool) async throws {
        try sandbox.writeFile(StrongSwanConfiguration.keyLogging(isOn))
        let control = control
        try await offThread { try control.reloadSettings() }
        if !isOn { unlink(sandbox.agentPath(of: StrongSwanConfiguration.keyLog)) }
    }

    fileprivate func keys() async -> (keys: [IKEKeys], unusable: [KeyMaterial]) {
        let path = sandbox.agentPath(of: StrongSwanConfiguration.keyLog)
        let log = CharonKeyLog(GuestSystem.read(path, limit: 64 << 20) ?? "")
        let control = control
        // One that has ended since tells of no SA that was renewed.
        let associations = (try? await offThread { try control.associations() }) ?? []
        return log.keys(with: associations)
    }
}

extension IKEKeys {
    fileprivate var spis: [UInt64] { [initiatorSPI, responderSPI] }
}
