import AgentProtocol
import CLinux
import Glibc
import KernelBuilds
import NetworkTypes
import SystemPackage

/// What a lab runs in: a lab kernel, which is a process of the user's with children that stand for the guest's own address
/// spaces; or on the host's kernel the first process of the lab's namespaces.
///
/// Either leads a process group of its own, and ending it ends everything in the lab.
public struct KernelProcess: Sendable {
    public let id: pid_t
    public let kind: KernelKind

    /// How the guest is started.
    public struct Boot: Sendable {
        public let kernel: FilePath
        /// What runs as the guest's first program: a path without white space.
        public let initProgram: FilePath
        /// Where the kernel keeps its own small files; removed with the lab.
        public let directory: FilePath
        /// The guest's memory. Nobody needs its directory once the kernel runs.
        let memory: GuestMemory
        /// What the guest may write of the host's, besides.
        public let logs: FilePath

        init(kernel: FilePath, initProgram: FilePath, directory: FilePath, memory: GuestMemory, logs: FilePath) {
            self.kernel = kernel
            self.initProgram = initProgram
            self.directory = directory
            self.memory = memory
            self.logs = logs
        }

        /// The kernel's command line (Documentation/admin-guide/kernel-parameters.txt, Documentation/virt/uml).
        ///
        /// The control line is the kernel's standard input; its console goes to standard output.
        var arguments: [String] {
            [
                kernel.string, "mem=\(memory.mebibytes)M", "time-travel=inf-cpu", "root=none", "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "init=\(initProgram)", "umid=kernel", "uml_dir=\(directory)", "con=null", "con0=null,fd:1", "ssl=null",
                "ssl0=fd:0,fd:0",
                // Its own checks of the host are printed, the messages of a boot that goes well are not.
                "loglevel=4",
                // With seccomp filters where the host allows them, else by ptrace(2): since Linux 6.16.
                "seccomp=auto",
                // What the kernel does not know is its first program's environment.
                "\(AgentStart.variable)=\(KernelKind.lab.rawValue)",
                // An agent that crashes says where, and nothing of what its memory held, keys among it.
                "SWIFT_BACKTRACE=registers=none,images=none,threads=crashed",
            ]
        }
    }

    /// Starts a kernel.
    ///
    /// - Parameters:
    ///   - control: The guest's end of the control line; the caller closes its copy.
    ///   - console: Takes what the kernel prints.
    ///   - confinement: What keeps it from writing anything but its directories.
    /// - Precondition: The calling thread lives as long as the kernel is to: when it ends, the kernel is killed.
    /// - Throws: `SetupError` when the program cannot be executed.
    static func start(
        _ boot: Boot, control: FileDescriptor, console: FileDescriptor, confinement: Confinement
    ) throws(SetupError) -> KernelProcess {
        // The guest needs nothing of the caller's environment; its own first program makes its own.
        let environment = ["TMPDIR=\(boot.memory.directory)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"]
        do {
            let id = try confinement.spawn(
                boot.kernel.string, boot.arguments, environment: environment,
                streams: [control.rawValue, console.rawValue, console.rawValue],
                places: [
                    .init(path: boot.logs), .init(path: boot.directory, isTree: true),
                    .init(path: boot.memory.directory),
                ],
                flags: Int32(netlab_die_with_parent))
            return KernelProcess(id: id, kind: .lab)
        } catch {
            throw SetupError(
                .kernelUnusable, "the lab kernel \(boot.kernel) cannot be started, confined by \(confinement)",
                remedy: "`netlab doctor` examines what it needs; `netlab kernel build --force` builds it anew.",
                cause: error)
        }
    }

    /// Starts the agent in namespaces of its own on the host's kernel: everything of the lab is in them, and ends with their
    /// first process. Needs CAP_SYS_ADMIN.
    ///
    /// - Parameters:
    ///   - executable: This program.
    ///   - control, console: As for ``start(_:control:console:confinement:)``, like the precondition.
    ///   - journal: Where the agent notes every change before it makes it.
    /// - Throws: `SetupError` when the kernel does not give namespaces.
    static func startOnHost(
        _ executable: FilePath, control: FileDescriptor, journal: FileDescriptor, console: FileDescriptor
    ) throws(SetupError) -> KernelProcess {
        let environment = [
            "\(AgentStart.variable)=\(KernelKind.host.rawValue)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
        ]
        let id = withCStrings(["netlab-agent"]) { arguments in
            withCStrings(environment) { environment in
                netlab_spawn(
                    executable.string, arguments, environment, [control.rawValue, journal.rawValue, console.rawValue],
                    nil,
                    0, Int32(netlab_die_with_parent) | Int32(netlab_new_namespaces), nil)
            }
        }
        guard id > 0 else {
            throw SetupError(
                .kernelUnusable, "this machine's kernel gives no namespaces of a lab's own",
                remedy: "Run it as root (a container has to be privileged), or on the lab kernel: --kernel lab",
                cause: Errno(rawValue: errno))
        }
        return KernelProcess(id: id, kind: .host)
    }

    /// Keeps the guest on one processor, the one that the fewest lab kernels of this machine are kept on, whoever's they are.
    ///
    /// The kernel and its guest programs never run at the same time: they take turns at every system call and page fault.
    /// On one processor a turn is a switch; on two it wakes up the other one, which takes twice as long in all. The host's own
    /// kernel has all of them.
    func settle() {
        guard kind == .lab else { return }
        let others = ProcessTable.leaders(named: "linux").filter { $0 != id }
        let used = others.map(Self.processors).filter { $0.count == 1 }.flatMap { $0 }
        let allowed = Self.processors(of: 0)
        guard allowed.count > 1 else { return }
        // Of several the last: machines tend to give their own work to the first.
        let chosen = allowed.reversed().min { left, right in
            used.count { $0 == left } < used.count { $0 == right }
        }
        if let chosen { netlab_pin(id, chosen) }
    }

    private static func processors(of process: pid_t) -> [Int32] {
        var list = [Int32](repeating: 0, count: 1024)
        let count = netlab_allowed_processors(process, &list, Int32(list.count))
        return Array(list.prefix(max(0, Int(count))))
    }

    /// Takes the processor from the guest; its clock stands still.
    func stop() { kill(id, SIGSTOP) }

    /// Gives it back.
    func resume() { kill(id, SIGCONT) }

    /// Ends the guest with everything in it.
    func end() {
        kill(-id, SIGKILL)
        kill(id, SIGKILL)
    }

    /// Ends the guest programs of a kernel that is gone.
    ///
    /// Nobody traces them any more: one that was computing goes on as a process of the host's.
    static func endOrphans(of kernel: pid_t, directory: FilePath) {
        for process in ProcessTable.members(ofGroup: kernel) {
            // The group's number may be somebody else's by now; the kernel's command line, which they inherit, is not.
            let words = (try? TextFile.read("/proc/\(process)/cmdline"))?.split(separator: "\0") ?? []
            if words.contains("uml_dir=\(directory)") { kill(process, SIGKILL) }
        }
    }

    /// Waits until the last process of a kernel that has been killed is gone, for 5 s of wall time at most.
    ///
    /// On a busy machine a process with a gigabyte of memory takes its time to end.
    static func awaitEnd(ofGroup kernel: pid_t) {
        let deadline = ContinuousClock.now + .seconds(5)
        while ProcessTable.members(ofGroup: kernel).contains(where: { ProcessTable.state(of: $0) != "Z" }),
            ContinuousClock.now < deadline
        {
            usleep(2000)
        }
    }

    /// Breaks into a guest program that never calls its kernel, so that the kernel can look at its interrupts.
    ///
    /// Every guest address space is a child process here; the one that computes is the one that is running. SIGALRM is the
    /// one signal that User-Mode Linux takes calmly at every moment of such a process's life, its birth included
    /// (start_userspace and wait_stub_done, arch/um/os-Linux/skas/process.c); any other can be the kernel's end.
    func interruptRunningProgram() {
        for child in ProcessTable.children(of: id) where ProcessTable.state(of: child) == "R" {
            kill(child, SIGALRM)
        }
    }

    /// Whether guest programs compute, by several looks in a twentieth of a second: they and their kernel take turns.
    var runsPrograms: Bool {
        let looks = 10
        let seen = (0..<looks).count { _ in
            usleep(5000)
            return ProcessTable.children(of: id).contains { ProcessTable.state(of: $0) == "R" }
        }
        return seen * 4 >= looks
    }

    /// What the kernel's process and those of its guest programs are doing, as the host sees it, in words.
    var activity: String {
        if let state = ProcessTable.state(of: id), state == "T" || state == "t" {
            return "its kernel, process \(id), has been stopped by a signal or a debugger"
        }
        let running = ProcessTable.children(of: id).filter { ProcessTable.state(of: $0) == "R" }
        if !running.isEmpty {
            return
                "a program in it computes and heeds no interrupt (process \(running.map(String.init).joined(separator: ", ")) here)"
        }
        return ProcessTable.state(of: id) == "R"
            ? "its kernel, process \(id), is computing" : "its kernel, process \(id), is waiting"
    }

    /// Waits until the kernel has ended; its exit status in words.
    func wait() -> String {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? "exit code \(status >> 8 & 0xFF)" : "signal \(signal)"
    }
}

/// What /proc says about the host's processes (proc(5)).
public enum ProcessTable {
    static func state(of process: pid_t) -> Character? {
        fields(of: process)?.first?.first
    }

    /// When a process that still runs started, in clock ticks since boot: with its id, a name that is never used twice.
    public static func startTime(of process: pid_t) -> UInt64? {
        // A zombie is nobody: only its parent has yet to notice. Nor is a process that is ending (PF_EXITING, linux/sched.h), whose
        // files may be closed already.
        guard let fields = fields(of: process), fields.count > 19, fields[0] != "Z",
            let flags = UInt64(fields[6]), flags & 4 == 0
        else { return nil }
        return UInt64(fields[19])
    }

    static func children(of process: pid_t) -> [pid_t] {
        let path = "/proc/\(process)/task/\(process)/children"
        return (try? TextFile.read(path))?.split(separator: " ").compactMap { pid_t($0) } ?? []
    }

    /// The processes of a process group.
    static func members(ofGroup group: pid_t) -> [pid_t] {
        all().filter { process in fields(of: process).map { $0.count > 2 && $0[2] == "\(group)" } ?? false }
    }

    /// The processes of a name (proc(5), comm) that lead a process group.
    static func leaders(named name: String) -> [pid_t] {
        all().filter { process in
            guard let comm = try? TextFile.read("/proc/\(process)/comm"), comm == "\(name)\n",
                let fields = fields(of: process), fields.count > 2
            else { return false }
            return fields[2] == "\(process)"
        }
    }

    static func all() -> [pid_t] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [pid_t] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let process = pid_t(name) { found.append(process) }
        }
        return found
    }

    /// The fields after the name, from the state on.
    static func fields(of process: pid_t) -> [Substring]? {
        guard let stat = try? TextFile.read("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else {
            return nil
        }
        return stat[stat.index(after: end)...].split(separator: " ")
    }
}
