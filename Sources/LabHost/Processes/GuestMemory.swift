import FoundationEssentials
import Glibc
import KernelBuilds
import SystemPackage

/// A lab kernel's memory: a sparse file, of which only what was touched takes room, and which must allow execution.
///
/// The kernel dies when its file cannot grow (SIGBUS). So it is told of no more memory than there is room for: then it first gives
/// up what it has cached, and at the worst a program.
struct GuestMemory: Sendable, Hashable {
    /// Where the kernel makes the file.
    var directory: FilePath
    /// How much the guest has.
    let mebibytes: Int

    /// What a lab gets where there is room, unless it is a large one.
    static let usual = 1024
    /// What one of so many nodes gets: four times what nodes without daemons fill (`scripts/bench chain`). Not all labs get as much: the
    /// kernel has a record of each page, a sixty-fourth of it.
    static func wanted(nodes: Int) -> Int { max(usual, 256 + 2 * nodes) }
    /// Less than this is not enough for the labs that come with netlab.
    static let needed = 192
    /// What is left to others on the same file system, in mebibytes.
    private static let spare = 16

    /// Where this machine has room for a lab's memory, and for how much.
    ///
    /// - Throws: `directoryUnavailable` when there is not enough, or files there cannot be executed.
    static func find(_ environment: [String: String], nodes: Int) throws(SetupError) -> GuestMemory {
        let directory = directory(environment)
        let remedy = "Set TMPDIR to a directory with 500 MB of room that is not mounted noexec."
        if let obstacle = Doctor.executionObstacle(directory) {
            throw SetupError(
                .directoryUnavailable, "the lab kernel cannot keep its memory in \(directory)", remedy: remedy,
                cause: obstacle)
        }
        let memory = GuestMemory(
            directory: directory,
            mebibytes: fitting(in: HostDirectories.freeBytes(directory), wanted: wanted(nodes: nodes)))
        guard memory.mebibytes >= needed else {
            throw SetupError(
                .directoryUnavailable,
                "\(directory) has no room for a lab's memory: \(max(0, memory.mebibytes)) MB, and a lab needs \(needed) MB",
                remedy: remedy)
        }
        return memory
    }

    /// The directory for the memory file: TMPDIR, TMP or TEMP if one is set, as User-Mode Linux has it
    /// (arch/um/os-Linux/mem.c), else the first of the usual ones that has room and lets files be executed.
    static func directory(_ environment: [String: String]) -> FilePath {
        let candidates = directories(environment)
        if candidates.count == 1 { return candidates[0] }
        return best(
            of: candidates.filter { Doctor.executionObstacle($0) == nil }
                .map { GuestMemory(directory: $0, mebibytes: fitting(in: HostDirectories.freeBytes($0))) })?.directory
            ?? "/tmp"
    }

    /// The directories that memory files can be in.
    static func directories(_ environment: [String: String]) -> [FilePath] {
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            if let value = environment[variable], !value.isEmpty { return [FilePath(value)] }
        }
        let mounts = (try? TextFile.read("/proc/self/mounts")) ?? ""
        return (isMemoryFileSystem("/dev/shm", mounts: mounts) ? ["/dev/shm"] : []) + ["/tmp", "/var/tmp"]
    }

    /// The first with all that is wanted, or else the one with the most.
    static func best(of candidates: [GuestMemory]) -> GuestMemory? {
        candidates.first { $0.mebibytes >= usual } ?? candidates.max { $0.mebibytes < $1.mebibytes }
    }

    /// How much memory a guest can have in so many bytes of room, in mebibytes; nil bytes for room that is unknown.
    static func fitting(in bytes: Int?, wanted: Int = usual) -> Int {
        bytes.map { min(wanted, ($0 >> 20) - spare) } ?? wanted
    }

    /// The most mebibytes that the file has from its first to its last: where the guest's memory begins in it is where the host
    /// lets the kernel's heap begin, at most 1 GiB after the kernel itself (arch/x86/kernel/process.c, arch_randomize_brk).
    /// With 1024 MiB of memory, 60 starts measured 1048 to 1997.
    static let longestFile = usual + 1024 + 256

    /// Whether a tmpfs is mounted at `path`, by the text of /proc/self/mounts: of several mounts the last is seen.
    static func isMemoryFileSystem(_ path: String, mounts: String) -> Bool {
        for mount in mounts.split(separator: "\n").reversed() {
            let words = mount.split(separator: " ")
            if words.count > 2, words[1] == path { return words[2] == "tmpfs" }
        }
        return false
    }

    /// What a kernel's end has to do with its memory, by its last words, and by the room there is now that it is gone; nil where nothing.
    func explanation(of lastWords: String?, room: Int?) -> String? {
        let place = directory.removingLastComponent()
        guard let lastWords else {
            // Without room for more of it, the kernel may die before it can say so.
            let room = (room ?? .max) >> 20
            guard room < mebibytes else { return nil }
            return
                "it said nothing, and \(place) has room for \(room) MB of its \(mebibytes) MB of memory: set TMPDIR to a directory with 500 MB of room"
        }
        if lastWords.contains("Kernel mode signal 7") {
            return
                "\(place) has no room left for its memory: set TMPDIR to a directory with 500 MB of room"
        }
        if lastWords.contains("deadlocked on memory") || lastWords.contains("no killable processes") {
            return "its memory, \(mebibytes) MB, was full, and nothing in it could be ended"
        }
        return nil
    }
}

extension Doctor {
    static func memory(_ environment: [String: String]) -> DoctorFinding {
        let directory = GuestMemory.directory(environment)
        return memoryFinding(
            directory, room: HostDirectories.freeBytes(directory), obstacle: executionObstacle(directory))
    }

    /// The judgement on a directory with room for so many bytes, in which an executable mapping failed with `obstacle`.
    static func memoryFinding(_ directory: FilePath, room: Int?, obstacle: Errno?) -> DoctorFinding {
        func finding(_ status: DoctorFinding.Status, _ detail: String, _ remedy: String? = nil) -> DoctorFinding {
            DoctorFinding(
                name: "memory file", purpose: "a lab's memory is a file, which must allow execution", status: status,
                detail: "\(directory): \(detail)", remedy: remedy)
        }
        let elsewhere = "Set TMPDIR to a directory with 500 MB of room that is not mounted noexec."
        switch obstacle {
        case .notPermitted?, .permissionDenied?:
            return finding(.missing, "files there cannot be executed (mounted noexec?)", elsewhere)
        case let obstacle?:
            return finding(.missing, "cannot make a file there: \(obstacle)", elsewhere)
        case nil:
            break
        }
        guard let room else { return finding(.warning, "its free space is unknown") }
        let (free, memory) = ("\(room / 1_000_000) MB free", GuestMemory.fitting(in: room))
        if memory < GuestMemory.needed { return finding(.missing, "only \(free)", elsewhere) }
        guard memory < GuestMemory.comfortable else { return finding(.ok, free) }
        return finding(.warning, "only \(free), so labs have \(memory) MB of memory", elsewhere)
    }
}

extension GuestMemory {
    /// What a lab fills at most, in mebibytes, by the measure of the labs that come with netlab.
    static let comfortable = 476
}
