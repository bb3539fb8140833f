/// What a lab kernel has printed, and the line of it that says why it ended.
///
/// A panic ends with a stack trace of some thirty lines; what was wrong stands before it, and often not in the panic's own line.
public struct KernelConsole: Sendable {
    /// Why a kernel ended, in its own words, and what to do.
    public struct Cause: Sendable, Hashable {
        public let words: String
        public let remedy: String
    }

    private let lines: [Substring]

    public init(_ text: String) {
        lines = text.split(whereSeparator: \.isNewline).map(Self.withoutTime).filter { !$0.isEmpty }
    }

    /// Whether guest programs run under seccomp filters, which is the fast way, or else under ptrace(2); nil where the kernel did not say,
    /// as those before Linux 6.16 do not, which know ptrace alone.
    public var usesSeccomp: Bool? {
        lines.first { $0.hasPrefix("Checking that seccomp filters can be installed...") }.map { $0.hasSuffix("OK") }
    }

    /// What kept the kernel from going on; nil where nothing printed tells.
    public var cause: Cause? {
        guard let words = panic ?? crash ?? complaint ?? lastLine else { return nil }
        return Cause(words: words, remedy: Self.remedy(for: words))
    }

    /// A panic's reason, with what was printed before it where the reason is only that init died.
    private var panic: String? {
        guard let index = lines.lastIndex(where: { $0.contains(Self.panicMark) }) else { return nil }
        let line = lines[index]
        let reason = line.firstRange(of: Self.panicMark).map { line[$0.upperBound...] } ?? line
        let before = lines[..<index].last { !Self.isTrace($0) && !Self.isRoutine($0) }
        return (["panic: \(reason.drop(while: \.isWhitespace))"] + (before.map { ["before that: \($0)"] } ?? []))
            .joined(separator: "; ")
    }

    private static let panicMark = "Kernel panic - not syncing:"

    /// How a crash of the agent begins, by the C library's word or by Swift's: what follows is a trace.
    private var crash: String? {
        lines.first { $0.hasPrefix("*** ") && !$0.contains("Backtracing from") }
            .map { "the agent crashed: \($0.trimmingPrefix(#/[* ]+/#).replacing(#/ ?\*+/#, with: ""))" }
    }

    /// The last line in which a check of the host failed.
    private var complaint: String? {
        lines.last { line in !Self.isPassed(line) && Self.complaints.contains { line.contains($0) } }.map(String.init)
    }

    /// How User-Mode Linux says that the host does not give what it needs (arch/um/os-Linux/start_up.c, mem.c).
    private static let complaints = [
        "check_ptrace", "check_sysemu", "start_ptraced_child", "check_seccomp", "SECCOMP userspace requested", "noexec",
        "Failed to initialize default registers", "cannot create", "Couldn't", "failed, errno", "Kernel mode signal",
        "PROT_EXEC mmap", "start_userspace", "Too few physical memory", "deadlocked on memory",
    ]

    private var lastLine: String? { lines.last { !Self.isTrace($0) && !Self.isRoutine($0) }.map(String.init) }

    /// Whether a line is of a check that the host has passed.
    private static func isPassed(_ line: Substring) -> Bool { line.hasPrefix("Checking ") && line.hasSuffix("OK") }

    /// Without the kernel's time in front of it: `[    0.120000] `.
    private static func withoutTime(_ line: Substring) -> Substring {
        guard line.first == "[", let end = line.firstIndex(of: "]"),
            line[line.index(after: line.startIndex)..<end].allSatisfy({ $0.isNumber || $0 == "." || $0 == " " })
        else { return line.drop(while: \.isWhitespace) }
        return line[line.index(after: end)...].drop(while: \.isWhitespace)
    }

    /// Whether a line belongs to the description of a processor's state and of a stack.
    private static func isTrace(_ line: Substring) -> Bool {
        let beginnings = [
            "CPU:", "Pid:", "PID:", "Modules linked", "Hardware name", "Stack:", "Call Trace:", "RIP:", "RSP:", "RAX:",
            "RDX:",
            "RBP:", "R10:", "R13:", "ESP:", "EAX:", "<IRQ>", "</IRQ>", "<TASK>", "</TASK>", "---[", "EIP:", "Comm:",
            "Tainted",
        ]
        if beginnings.contains(where: { line.hasPrefix($0) }) || line.contains("+0x") { return true }
        // Words of a stack.
        return line.split(separator: " ").allSatisfy { word in
            word.count >= 8 && word.allSatisfy { $0.isHexDigit || $0 == "<" || $0 == ">" || $0 == "[" || $0 == "]" }
        }
    }

    /// Whether a line only says what was looked at, or that it was well.
    private static func isRoutine(_ line: Substring) -> Bool {
        ["Core dump limits", "soft -", "hard -", "Checking environment variables"].contains { line.hasPrefix($0) }
            || isPassed(line) || (line.hasPrefix("Checking ") && line.hasSuffix("no"))
            || line.hasPrefix("Warning: tempdir") || line.hasPrefix("/")
    }

    private static func remedy(for words: String) -> String {
        if words.hasPrefix("the agent crashed") {
            return "This is an error of netlab's: the lab's console has where it was, which is worth a report."
        }
        let isAny = { (parts: [String]) in parts.contains { words.contains($0) } }
        if isAny(["fp regs", "fp_registers", "PTRACE_SETREGSET"]) {
            return
                "This processor has registers that this kernel was not built for. Build a newer one: netlab kernel build --force"
        }
        if isAny(["noexec", "PROT_EXEC", "cannot create"]) {
            return "Set TMPDIR to a directory with 500 MB of room that is not mounted noexec."
        }
        if isAny(["check_ptrace", "check_sysemu", "start_ptraced_child", "SECCOMP"]) {
            return
                "This machine, or the container's profile, forbids ptrace(2) and seccomp filters: the lab kernel needs one of both."
        }
        if isAny(["Kernel mode signal 7"]) {
            return "The directory of the lab's memory is full: set TMPDIR to one with 500 MB of room."
        }
        if isAny(["deadlocked on memory", "no killable processes"]) {
            return
                "The lab's memory was full, and nothing in it could be ended: give TMPDIR more room, or the lab fewer nodes."
        }
        return "`netlab kernel build --force` builds the newest kernel there is; `netlab doctor` examines this machine."
    }
}
