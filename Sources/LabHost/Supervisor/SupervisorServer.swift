import AgentProtocol
import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import KernelBuilds
import Logging
import Synchronization
import SystemPackage

/// The process that a running lab belongs to: boots its kernel, answers commands, and cleans up when the lab ends.
public enum SupervisorServer {
    /// Runs a lab's supervisor to the lab's end; to be called on the main thread of a process of its own.
    ///
    /// The lab's directory has been claimed by the caller. It is gone when this returns, unless the kernel ended without
    /// having been asked to: then the record says so to whoever looks next.
    ///
    /// - Parameters:
    ///   - kernel: What the lab runs on.
    ///   - seed: Makes the lab's dates, and the random numbers of its daemons, those of every other lab with this seed.
    ///   - keepsTemporaryFiles: Leaves the host's /tmp visible, for a program that may itself be
    ///     there.
    public static func run(
        lab: LabDirectory, source: String, variant: String?, kernel: ChosenKernel, executable: FilePath,
        keepsTemporaryFiles: Bool, seed: UInt64? = nil, nodes: Int = 0,
        trees: [String: String] = [:]
    ) throws {
        var log = Logger(label: "supervisor") { StreamLogHandler.standardError(label: $0) }
        log.logLevel = .info
        let ending = Ending()
        defer { if ending.isWanted { lab.retire() } }
        // A hang-up or a Ctrl-C is for the command that started us, not for the lab.
        for number in [SIGHUP, SIGINT, SIGPIPE] { signal(number, SIG_IGN) }
        let own = getpid()
        var record = LabDirectory.Record(
            lab: lab.name, source: source, variant: variant, supervisor: own,
            supervisorStart: ProcessTable.startTime(of: own) ?? 0, runsOn: kernel.kind,
            startedAt: Date().timeIntervalSince1970)
        // The guest can write whatever is where its kernel may: the memory file gets a place that has nothing else.
        var memory: GuestMemory?
        if kernel.kind == .lab {
            memory = try GuestMemory.find(ProcessInfo.processInfo.environment, nodes: nodes)
            memory?.directory.append(
                LabDirectory.memoryPlacePrefix + String(UInt64.random(in: .min ... .max), radix: 36))
        }
        record.memoryDirectory = memory?.directory.string
        try lab.write(record)
        let memoryDirectory = memory?.directory.string
        let removeMemoryDirectory: @Sendable () -> Void = {
            if let memoryDirectory { LabDirectory.removeMemoryPlace(memoryDirectory) }
        }
        defer { removeMemoryDirectory() }
        let setup = try setup(
            of: lab, guestProgram: guestProgram(executable), keepsTemporaryFiles: keepsTemporaryFiles, seed: seed,
            trees: trees)
        let (kernel, control) = try boot(lab: lab, kernel: kernel, executable: executable, memory: memory)
        let names = kernel.kind == .host ? NamespaceNames(lab: lab) : nil
        defer {
            kernel.end()
            names?.remove()
        }
        kernel.settle()
        // A lab that a command keeps to itself ends with it.
        if let owner = LabDirectory.owner(ofLab: lab.name) {
            ProcessWatch.whenParentEnds(owner) {
                ending.want()
                kernel.end()
            }
        }
        record.kernel = kernel.id
        record.kernelStart = ProcessTable.startTime(of: kernel.id)
        try lab.write(record)
        log.info("kernel started", metadata: ["pid": "\(kernel.id)"])

        let (ends, endContinuation) = AsyncStream.makeStream(of: String.self)
        let finalLog = log
        // A machine that shuts down, or a CI system that gives up, ends the lab like `down`.
        let (terminations, terminationContinuation) = AsyncStream.makeStream(of: Void.self)
        let termination = SignalWatch([SIGTERM]) { _ in terminationContinuation.yield() }
        defer { termination.end() }
        Task {
            do {
                let line = try FrameChannel<FromAgent, ToAgent>.adopting(control.rawValue)
                let letters = kernel.kind == .lab ? lab.path : nil
                let supervisor = Supervisor(
                    kernel: kernel, line: line, letterbox: letters, ending: ending, log: finalLog)
                Task { await supervisor.listen() }
                Task { await supervisor.tickForEver() }
                Task {
                    for await how in ends { await supervisor.kernelEnded(how) }
                }
                Task {
                    for await _ in terminations { await supervisor.end() }
                }
                guard await supervisor.untilReady() else { throw await supervisor.endedFailure }
                removeMemoryDirectory()
                // Nobody has a use for the kernel's own console, which asks nobody who he is.
                unlink(lab.kernelFiles.appending("kernel/mconsole").string)
                try await supervisor.reply(to: setup, unbounded: true)
                try FrameChannel<ToSupervisor, FromSupervisor>.listening(at: lab.socket.string) { client in
                    Task { await Desk(supervisor: supervisor, names: names, client: client).serve() }
                }
                await supervisor.endUnlessAsked(within: .seconds(15))
            } catch {
                finalLog.error("\(error)")
                kernel.end()
            }
        }
        // This thread started the kernel and must outlive it: the kernel is told to die with it.
        var how = kernel.wait()
        if let reason = ending.reason {
            how = reason
        } else if !ending.isWanted {
            let words = KernelConsole(lab.console).cause?.words
            let room = (memory?.directory.removingLastComponent()).flatMap(HostDirectories.freeBytes)
            how = memory?.explanation(of: words, room: room) ?? (words.map { "\(how); on its console: \($0)" } ?? how)
        }
        log.info("kernel ended", metadata: ["how": "\(how)", "asked": "\(ending.isWanted)"])
        if !ending.isWanted {
            record.ended = how
            try? lab.write(record)
        }
        endContinuation.yield(how)
        // Commands that wait for an answer get it before the process goes.
        usleep(100_000)
    }

    /// What the guest is told; without a seed, its date and its chance are this machine's.
    static func setup(
        of lab: LabDirectory, guestProgram: FilePath, keepsTemporaryFiles: Bool, seed: UInt64?,
        trees: [String: String] = [:]
    ) throws -> GuestSetup {
        let random = try seed.map { try SeededRandom(seed: $0, besides: guestProgram) }
        return GuestSetup(
            hostname: lab.name, logDirectory: lab.logs.string,
            keptDirectories: keepsTemporaryFiles ? ["/tmp", "/var/tmp"] : [],
            startDate: random.map(startDate), random: random, trees: DaemonTrees.all.merging(trees) { $1 },
            letterbox: lab.path.string)
    }

    /// A moment between 2020 and 2051 that depends on nothing but the seed; in seconds since 1970.
    private static func startDate(_ random: SeededRandom) -> Int64 {
        1_577_836_800 + Int64(random.stream(of: "date", start: 0) % 1_000_000_000)
    }

    static func boot(lab: LabDirectory, kernel: ChosenKernel, executable: FilePath, memory: GuestMemory?) throws -> (
        KernelProcess, control: SystemPackage.FileDescriptor
    ) {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Errno(rawValue: errno)
        }
        let (own, guest) = (
            SystemPackage.FileDescriptor(rawValue: ends[0]), SystemPackage.FileDescriptor(rawValue: ends[1])
        )
        defer { try? guest.close() }
        let console = try SystemPackage.FileDescriptor.open(
            lab.consoleLog, .writeOnly, options: [.create, .append, .closeOnExec, .noFollow],
            permissions: [.ownerReadWrite])
        defer { try? console.close() }
        guard case .lab(let built) = kernel, let memory else {
            let journal = try SystemPackage.FileDescriptor.open(
                lab.journal, .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
            defer { try? journal.close() }
            return (
                try KernelProcess.startOnHost(executable, control: guest, journal: journal, console: console), own
            )
        }
        guard let confinement = Confinement.find(ProcessInfo.processInfo.environment) else {
            let finding = Doctor.confinementFinding(nil)
            throw SetupError(.toolsMissing, finding.detail, remedy: finding.remedy ?? "")
        }
        for directory in [memory.directory, lab.kernelFiles] where mkdir(directory.string, 0o700) != 0 {
            throw SetupError(
                .directoryUnavailable, "cannot make the directory \(directory)",
                remedy: "Look at its parent's permissions and free space, or set TMPDIR to another one.",
                cause: Errno(rawValue: errno))
        }
        guard symlink(guestProgram(executable).string, lab.initProgram.string) == 0 else {
            throw Errno(rawValue: errno)
        }
        let boot = KernelProcess.Boot(
            kernel: built.path, initProgram: lab.initProgram, directory: lab.kernelFiles, memory: memory, logs: lab.logs
        )
        return (
            try KernelProcess.start(boot, control: guest, console: console, confinement: confinement), own
        )
    }

    /// This program, as labs' guests run it: one with a sanitizer in it finds no room there, so scripts/test names another.
    private static func guestProgram(_ executable: FilePath) -> FilePath {
        ProcessInfo.processInfo.environment["NETLAB_GUEST"].map { FilePath($0) } ?? executable
    }
}

/// Whether a lab's end was asked for: what tells an end from a death.
final class Ending: Sendable {
    private let wanted = Atomic<Bool>(false)

    var isWanted: Bool { wanted.load(ordering: .acquiring) }
    func want() { wanted.store(true, ordering: .releasing) }

    private let blamed = Mutex<String?>(nil)

    /// Why the supervisor itself has given the lab up; nil where it has not.
    var reason: String? { blamed.withLock(\.self) }
    func blame(_ reason: String) { blamed.withLock { $0 = $0 ?? reason } }
}
