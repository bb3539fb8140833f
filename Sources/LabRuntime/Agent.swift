import AgentProtocol
import CLinux
import Certificates
import Glibc
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import Synchronization

/// The agent: the first program of a lab kernel, or of namespaces on the host's, which does there what its supervisor asks.
public enum Agent {
    /// The kernel that this process is the agent of, by its environment (``AgentStart``); nil where it is none.
    public static var kernel: KernelKind? {
        guard getpid() == 1, let word = getenv(AgentStart.variable) else { return nil }
        return KernelKind(rawValue: String(cString: word))
    }

    /// Runs the agent; must be called first of all, before any thread exists. Never returns.
    ///
    /// The calling process stays behind as the reaper of orphans; its only child is the agent, and when that ends so does
    /// everything in the lab: the lab kernel is switched off, and namespaces on the host's go with their first process.
    public static func main(on kernel: KernelKind) -> Never {
        // Times of the lab begin near zero; where the kernel has no time namespaces, they are the machine's own.
        if kernel == .host { _ = netlab_restart_clock(1_000_000_000) }
        guard netlab_init_fork(kernel == .lab ? 1 : 0) == 0 else { exit(1) }
        netlab_run_tasks_without_dispatch()
        do {
            let line = try kernel == .lab ? ControlLine(path: "/dev/ttyS0") : ControlLine(socket: 0)
            let desk = RequestDesk(line: line, kernel: kernel, journal: kernel == .host ? Journal(adopting: 1) : nil)
            line.send(.ready(.current, at: LabClock.now))
            try line.serve { desk.take($0, $1) }
        } catch {
            let text = Array("netlab agent: \(error)\n".utf8)
            _ = write(2, text, text.count)
            exit(1)
        }
    }
}

/// Takes requests from the line, does each in a task of its own, and answers.
final class RequestDesk: Sendable {
    private struct Open {
        let task: Task<Void, Never>
        let input: AsyncStream<ExecInput>.Continuation
    }

    fileprivate let line: ControlLine
    fileprivate let kernel: KernelKind
    fileprivate let journal: Journal?
    private let open = Mutex<[UInt32: Open]>([:])
    fileprivate let lab = Mutex<RunningLab?>(nil)
    fileprivate let chance = Mutex<DaemonChance?>(nil)
    /// The host's directory of long messages; -1 for none.
    private let letterbox = Mutex<Int32>(-1)
    /// The nodes by the numbers of their network namespaces (namespaces(7)).
    fileprivate let nodes = Mutex<[ino_t: String]>([:])

    init(line: ControlLine, kernel: KernelKind, journal: Journal?) {
        self.line = line
        self.kernel = kernel
        self.journal = journal
    }

    func take(_ message: ToAgent, _ frame: Frame) {
        switch message {
        case .run: break
        case .letter(let name): open(letter: name)
        case .request(let id, let name, let unbounded): begin(id, name, frame, unbounded: unbounded)
        case .input(let id, let input): _ = open.withLock { $0[id]?.input.yield(input) }
        case .cancel(let id): open.withLock { $0[id]?.task.cancel() }
        case .explain:
            MemoryShortage.end()
            let nodes = nodes.withLock(\.self)
            line.send(.event(.spinning(processes: RunnableProcesses.list(nodes: nodes)), at: LabClock.now))
        }
    }

    /// Takes the message in a file of the letterbox.
    private func open(letter name: String) {
        let directory = letterbox.withLock(\.self)
        let descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        let bytes = GuestSystem.readBytes(descriptor, limit: Frame.maximumLength + 4)
        line.send(.opened(letter: name))
        do {
            var decoder = FrameDecoder()
            decoder.append(bytes ?? [])
            guard let frame = try decoder.next() else { throw FrameError.outOfStep }
            let message = try frame.header(as: ToAgent.self)
            // A letter in a letter would be somebody else's.
            if case .letter = message { return }
            take(message, frame)
        } catch {
            // Whoever waits for what it asked is told by the supervisor, which knows no answer, that the lab is no more.
            let text = Array("netlab agent: \(name) cannot be understood: \(error)\n".utf8)
            _ = write(2, text, text.count)
            exit(1)
        }
    }

    private func begin(_ id: UInt32, _ name: String, _ frame: Frame, unbounded: Bool) {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        if unbounded { line.beginUnbounded() }
        // The lock keeps the task from ending before it is entered.
        open.withLock { open in
            let task = Task {
                let (answer, failure) = await self.answer(AgentCall(id: id, input: input), name, frame)
                _ = self.open.withLock { $0.removeValue(forKey: id) }
                if let answer {
                    self.line.send(answer)
                } else {
                    self.line.send(
                        .failed(id: id, failure ?? LabFailure("The request was given up."), at: LabClock.now))
                }
                if unbounded { self.line.endUnbounded() }
            }
            open[id] = Open(task: task, input: continuation)
        }
    }

    /// - Returns: The frame of the answer, or why there is none.
    private func answer(_ call: AgentCall, _ name: String, _ frame: Frame) async -> (Frame?, LabFailure?) {
        do {
            guard let kind = AgentWorks.kinds[name] else {
                throw LabFailure("An agent does not know the request \(name).")
            }
            return (try await answer(call, kind, frame), nil)
        } catch let failure as LabFailure {
            return (nil, failure)
        } catch is CancellationError {
            return (nil, LabFailure("The request was given up."))
        } catch {
            return (nil, LabFailure("\(error)"))
        }
    }

    private func answer<Work: AgentWork>(_ call: AgentCall, _ kind: Work.Type, _ frame: Frame) async throws -> Frame {
        let reply = try await frame.body(as: kind).work(at: self, call)
        do { return try Frame(FromAgent.reply(id: call.id, at: LabClock.now), body: reply) } catch {
            throw LabFailure("The answer to \(Work.name) cannot be sent: \(error)")
        }
    }

    /// Makes the lab's own file system, and what of the host's it is to reach.
    fileprivate func setUp(_ setup: GuestSetup) throws {
        // Opened before what may be in front of it is mounted.
        let openDirectory = { (path: String) in Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let trees = setup.trees.mapValues(openDirectory)
        let logs = setup.logDirectory.map(openDirectory)
        if kernel == .lab { letterbox.withLock { $0 = setup.letterbox.map(openDirectory) ?? -1 } }
        defer { for descriptor in trees.values + [logs].compactMap(\.self) where descriptor >= 0 { close(descriptor) } }
        try GuestSystem.mountFileSystems(keeping: setup.keptDirectories, on: kernel)
        for (name, descriptor) in trees where descriptor >= 0 {
            try GuestSystem.bind(descriptor, on: NodeSandbox.place(ofTree: name))
        }
        netlab_sethostname(setup.hostname)
        guard let directory = setup.logDirectory, let logs else { return }
        switch kernel {
        case .lab:
            try GuestSystem.mountHostDirectory(directory, on: "/var/log/netlab")
            // Where the kernel's own console goes: there the supervisor looks for what ended a lab.
            let console = Glibc.open("/var/log/netlab/console.log", O_WRONLY | O_APPEND | O_CLOEXEC)
            if console >= 0 {
                dup2(console, 2)
                close(console)
            }
        case .host:
            guard logs >= 0 else { throw LabFailure("The directory of logs \(directory) cannot be opened.") }
            try GuestSystem.bind(logs, on: "/var/log/netlab", isWritable: true)
        }
    }

    fileprivate func capture(
        _ id: UInt32, _ request: CaptureRequest, file: String, input: AsyncStream<ExecInput>
    ) async throws -> CaptureSummary {
        let line = self.line
        let lab = try running()
        // For IKE's keys programs are run, which take for ever on a clock that stands still.
        let unbounded = request.withIKEKeys
        let session = try await line.running(unbounded) {
            try await lab.capture(request, file: file) { line.send(.grown(id: id, bytes: $0)) }
        }
        await session.untilEnd(of: input)
        // Nobody waits for an answer to a request that was given up.
        if Task.isCancelled {
            await line.running(unbounded) { await session.abandon() }
            throw CancellationError()
        }
        return try await line.running(unbounded) { try await session.finish() }
    }

    /// Where the agent sees a file of the lab's directory of logs.
    fileprivate static func logPath(_ name: String) throws -> String {
        guard !name.contains("/"), !name.hasPrefix("."), !name.utf8.contains(0) else {
            throw LabFailure("\"\(name)\" is not the plain name of a capture file.")
        }
        return "/var/log/netlab/\(name)"
    }

    fileprivate func running() throws -> RunningLab { try running(lab.withLock { $0 }) }

    fileprivate func running(_ lab: RunningLab?) throws -> RunningLab {
        guard let lab else { throw LabFailure("No lab has been built here yet.") }
        return lab
    }
}

/// One request on its way: its number, and what comes with it.
struct AgentCall {
    let id: UInt32
    let input: AsyncStream<ExecInput>
}

/// A request that an agent knows.
private protocol AgentWork: LabRequest {
    func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Reply
}

private enum AgentWorks {
    /// By name.
    static let kinds = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let all: [any AgentWork.Type] = [
        GuestSetup.self, BuildNodes.self, TearDown.self, ShowStatus.self, Explain.self, CountTraffic.self, Await.self,
        ExecRequest.self,
        ProbeRequest.self, CapturePackets.self, Observe.self, CauseFaults.self, HealFaults.self, ListFaults.self,
        Play.self,
        Examine.self,
    ]
}

extension GuestSetup: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Done {
        try desk.setUp(self)
        // Programs take a clock that shows zero seconds for one that was never read: ping(8) then does not pause.
        try await LabSleep.wait(until: LabTime(nanoseconds: 1_000_000_000))
        if let startDate, desk.kernel == .lab { try GuestSystem.setDate(startDate) }
        if let random {
            let chance = try DaemonChance(random)
            desk.chance.withLock { $0 = chance }
        }
        return Done()
    }
}

extension BuildNodes: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> [String: Int32] {
        let line = desk.line
        var topology = topology
        do {
            try topology.makeWireGuardKeys()
            try topology.makeCertificates(at: CertificateDate.now)
        } catch {
            throw LabFailure(
                "The lab cannot have its certificates: \(error).",
                remedy:
                    "A lab with `--seed` has a date of its own, when certificates of yours may not be valid: leave it out."
            )
        }
        let lab = RunningLab(
            topology: topology, kernel: desk.kernel, chance: desk.chance.withLock(\.self), diskJournal: desk.journal
        ) {
            line.send(.event($0, at: LabClock.now))
        }
        desk.lab.withLock { $0 = lab }
        try await lab.build(Plan(for: topology)) { line.send(.progress(id: call.id, $0)) }
        let namespaces = await lab.sandboxes.mapValues(\.network.descriptor)
        desk.nodes.withLock { nodes in
            for (node, descriptor) in namespaces {
                var status = stat()
                if fstat(descriptor, &status) == 0 { nodes[status.st_ino] = node }
            }
        }
        return namespaces
    }
}

extension TearDown: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Done {
        try await desk.running().tearDown()
        desk.lab.withLock { $0 = nil }
        return Done()
    }
}

extension ShowStatus: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> LabStatus {
        try await desk.running().status(askingProbes: asksProbes)
    }
}

extension CountTraffic: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> TrafficSample {
        try await desk.running().traffic(every: interval)
    }
}

extension Await: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Reply {
        let (holds, seen) = try await desk.running().wait(for: condition, within: deadline)
        return Reply(holds: holds, lastSeen: seen)
    }
}

extension ExecRequest: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Int32 {
        let lab = desk.lab.withLock { $0 }
        let sandbox = try await node.isEmpty ? nil : desk.running(lab).sandbox(node)
        let line = desk.line
        return try await NodeProcess.follow(self, in: sandbox, input: call.input) {
            line.send(.output(id: call.id, $0))
        }
    }
}

extension ProbeRequest: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> ProbeResult {
        try await desk.running().run(self)
    }
}

extension Explain: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Explanation {
        try await desk.running().explain(probe, patience: patience)
    }
}

extension CapturePackets: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> CaptureSummary {
        try await desk.capture(call.id, request, file: RequestDesk.logPath(file), input: call.input)
    }
}

extension Observe: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> Observation {
        try await desk.running().observe(request, file: RequestDesk.logPath(file))
    }
}

extension CauseFaults: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> [ActiveFault] {
        try await desk.line.running(true) { try await desk.running().fail(faults, for: duration) }
    }
}

extension HealFaults: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> [ActiveFault] {
        try await desk.line.running(true) { try await desk.running().heal(faults) }
    }
}

extension ListFaults: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> [ActiveFault] {
        await (try desk.running()).activeFaults
    }
}

extension Play: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> ScriptRecord {
        let line = desk.line
        return try await desk.running().play(script, file: RequestDesk.logPath(file), input: call.input) {
            line.send(.passed(id: call.id, $0))
        }
    }
}

extension Examine: AgentWork {
    fileprivate func work(at desk: RequestDesk, _ call: AgentCall) async throws -> [KernelFinding] {
        KernelTrial.findings(features)
    }
}

/// What is using the processor, for when the clock does not move.
enum RunnableProcesses {
    /// `NODE, process ID: COMMAND LINE` of each that is ready to run, the caller left out.
    static func list(nodes: [ino_t: String] = [:]) -> [String] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let id = Int32(name), id != getpid(), let text = GuestSystem.read("/proc/\(name)/stat"),
                isRunnable(stat: text), let words = GuestSystem.read("/proc/\(name)/cmdline"), !words.isEmpty
            else { continue }
            var status = Glibc.stat()
            let isKnown = fstatat(AT_FDCWD, "/proc/\(name)/ns/net", &status, 0) == 0
            let place = (isKnown ? nodes[status.st_ino] : nil).map { "\($0), " } ?? ""
            found.append("\(place)process \(id): \(words.split(separator: "\0").joined(separator: " "))")
        }
        return found
    }

    /// Whether a line of /proc/PID/stat (proc(5)) has state R; the name before it may contain anything.
    static func isRunnable(stat: String) -> Bool {
        guard let end = stat.lastIndex(of: ")") else { return false }
        return stat[stat.index(after: end)...].drop(while: \.isWhitespace).first == "R"
    }
}
