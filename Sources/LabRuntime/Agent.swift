import AgentProtocol
import CLinux
import Expectations
import Glibc
import LabModel
import LabPlan
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
            line.send(.ready(at: ControlLine.now))
            try line.serve { desk.take($0) }
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

    private let line: ControlLine
    private let kernel: KernelKind
    private let journal: Journal?
    private let open = Mutex<[UInt32: Open]>([:])
    private let lab = Mutex<RunningLab?>(nil)
    private let chance = Mutex<DaemonChance?>(nil)
    /// The host's directory of long messages; -1 for none.
    private let letterbox = Mutex<Int32>(-1)
    /// The nodes by the numbers of their network namespaces (namespaces(7)).
    private let nodes = Mutex<[ino_t: String]>([:])

    init(line: ControlLine, kernel: KernelKind, journal: Journal?) {
        self.line = line
        self.kernel = kernel
        self.journal = journal
    }

    func take(_ message: ToAgent) {
        switch message {
        case .run: break
        case .letter(let name): open(letter: name)
        case .request(let id, let request, let unbounded): begin(id, request, unbounded: unbounded)
        case .input(let id, let input): _ = open.withLock { $0[id]?.input.yield(input) }
        case .cancel(let id): open.withLock { $0[id]?.task.cancel() }
        case .explain:
            MemoryShortage.end()
            let nodes = nodes.withLock(\.self)
            line.send(.event(.spinning(processes: RunnableProcesses.list(nodes: nodes)), at: ControlLine.now))
        }
    }

    /// Takes the message in a file of the letterbox.
    private func open(letter name: String) {
        let directory = letterbox.withLock(\.self)
        let descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        let bytes = GuestSystem.readBytes(descriptor, limit: FrameDecoder.maximumLength + 4)
        line.send(.opened(letter: name))
        var decoder = FrameDecoder()
        decoder.append(bytes ?? [])
        guard let frame = try? decoder.next(), let message = try? FrameDecoder.decode(ToAgent.self, from: frame) else {
            return
        }
        // A letter in a letter would be somebody else's.
        if case .letter = message { return }
        take(message)
    }

    private func begin(_ id: UInt32, _ request: AgentRequest, unbounded: Bool) {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        if unbounded { line.beginUnbounded() }
        // The lock keeps the task from ending before it is entered.
        open.withLock { open in
            let task = Task {
                let reply: AgentReply
                do {
                    reply = try await self.answer(id, request, input: input)
                } catch let failure as LabFailure {
                    reply = .failed(failure)
                } catch is CancellationError {
                    reply = .failed(LabFailure("The request was given up."))
                } catch {
                    reply = .failed(LabFailure("\(error)"))
                }
                _ = self.open.withLock { $0.removeValue(forKey: id) }
                let now = ControlLine.now
                self.line.send(.reply(id: id, reply, at: now))
                if unbounded { self.line.endUnbounded() }
            }
            open[id] = Open(task: task, input: continuation)
        }
    }

    private func answer(_ id: UInt32, _ request: AgentRequest, input: AsyncStream<ExecInput>) async throws -> AgentReply
    {
        switch request {
        case .setUp(let setup):
            try setUp(setup)
            // Programs take a clock that shows zero seconds for one that was never read: ping(8) then does not pause.
            try await LabSleep.wait(until: LabTime(nanoseconds: 1_000_000_000))
            if let start = setup.startDate, kernel == .lab { try GuestSystem.setDate(start) }
            if let random = setup.random {
                let chance = try DaemonChance(random)
                self.chance.withLock { $0 = chance }
            }
            return .done
        case .build(let topology):
            let line = self.line
            let lab = RunningLab(
                topology: topology, kernel: kernel, chance: chance.withLock(\.self), diskJournal: journal
            ) {
                line.send(.event($0, at: ControlLine.now))
            }
            self.lab.withLock { $0 = lab }
            try await lab.build(Plan(for: topology)) { line.send(.progress(id: id, $0)) }
            let namespaces = await lab.sandboxes.mapValues(\.network.descriptor)
            nodes.withLock { nodes in
                for (node, descriptor) in namespaces {
                    var status = stat()
                    if fstat(descriptor, &status) == 0 { nodes[status.st_ino] = node }
                }
            }
            return .built(namespaces: namespaces)
        case .tearDown:
            try await running().tearDown()
            lab.withLock { $0 = nil }
            return .done
        case .status:
            return .status(try await running().status())
        case .traffic(let interval):
            return .traffic(try await running().traffic(every: interval))
        case .wait(let condition, let deadline):
            let (holds, seen) = try await running().wait(for: condition, within: deadline)
            return .waited(holds, lastSeen: seen)
        case .exec(let request):
            let lab = self.lab.withLock { $0 }
            let sandbox = try await request.node.isEmpty ? nil : running(lab).sandbox(request.node)
            let line = self.line
            let code = try await NodeProcess.follow(request, in: sandbox, input: input) {
                line.send(.output(id: id, $0))
            }
            return .exited(code: code)
        case .probe(let request):
            return .probed(try await running().run(request))
        case .capture(let request, let file):
            return .captured(try await capture(id, request, file: Self.logPath(file), input: input))
        case .observe(let request, let file):
            return .observed(try await running().observe(request, file: try Self.logPath(file)))
        case .fail(let faults, let duration):
            return .faults(try await line.running(true) { try await self.running().fail(faults, for: duration) })
        case .heal(let faults):
            return .faults(try await line.running(true) { try await self.running().heal(faults) })
        case .faults:
            return .faults(await (try running()).activeFaults)
        case .play(let script, let file):
            let line = self.line
            return .played(
                try await running().play(script, file: try Self.logPath(file), input: input) {
                    line.send(.passed(id: id, $0))
                })
        case .examine(let features):
            return .examined(KernelTrial.findings(features))
        }
    }

    /// Makes the lab's own file system, and what of the host's it is to reach.
    private func setUp(_ setup: GuestSetup) throws {
        // Opened before what may be in front of it is mounted.
        let openDirectory = { (path: String) in Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let (strongSwan, logs) = (setup.strongSwan.map(openDirectory), setup.logDirectory.map(openDirectory))
        if kernel == .lab { letterbox.withLock { $0 = setup.letterbox.map(openDirectory) ?? -1 } }
        defer { for descriptor in [strongSwan, logs].compactMap(\.self) where descriptor >= 0 { close(descriptor) } }
        try GuestSystem.mountFileSystems(keeping: setup.keptDirectories, on: kernel)
        if let strongSwan, strongSwan >= 0 { try GuestSystem.bind(strongSwan, on: NodeSandbox.strongSwanTree) }
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

    private func capture(
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
    private static func logPath(_ name: String) throws -> String {
        guard !name.contains("/"), !name.hasPrefix("."), !name.utf8.contains(0) else {
            throw LabFailure("\"\(name)\" is not the plain name of a capture file.")
        }
        return "/var/log/netlab/\(name)"
    }

    private func running() throws -> RunningLab { try running(lab.withLock { $0 }) }

    private func running(_ lab: RunningLab?) throws -> RunningLab {
        guard let lab else { throw LabFailure("No lab has been built here yet.") }
        return lab
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
