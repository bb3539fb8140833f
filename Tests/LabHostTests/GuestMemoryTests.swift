import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

@Suite("Guest memory")
struct GuestMemoryTests {
    @Test
    func `The directory: TMPDIR, TMP, TEMP, in this order, empty ones passed over`() {
        #expect(GuestMemory.directory(["TMPDIR": "/a", "TMP": "/b"]) == "/a")
        #expect(GuestMemory.directory(["TMPDIR": "", "TEMP": "/c"]) == "/c")
        #expect(["/dev/shm", "/tmp", "/var/tmp"].contains(GuestMemory.directory([:])))
    }

    @Test
    func `Of the usual directories the first with enough room, or else the one with the most`() {
        let (small, some, plenty) = (
            GuestMemory(directory: "/dev/shm", mebibytes: 48), GuestMemory(directory: "/tmp", mebibytes: 700),
            GuestMemory(directory: "/var/tmp", mebibytes: 1024)
        )
        #expect(GuestMemory.best(of: [small, some, plenty]) == plenty)
        #expect(GuestMemory.best(of: [small, some]) == some)
        #expect(GuestMemory.best(of: [plenty, some]) == plenty)
        #expect(GuestMemory.best(of: []) == nil)
    }

    @Test
    func `A guest is told of no more memory than its file has room for`() {
        #expect(GuestMemory.fitting(in: nil) == 1024)
        #expect(GuestMemory.fitting(in: 10 << 30) == 1024)
        #expect(GuestMemory.fitting(in: 300 << 20) == 284)
        #expect(throws: SetupError.self) { try GuestMemory.find(["TMPDIR": "/proc"], nodes: 1) }
    }

    @Test
    func `What a kernel's last words mean, where they are about its memory`() {
        let memory = GuestMemory(directory: "/dev/shm/netlab-0-x", mebibytes: 300)
        let full = memory.explanation(of: "[    1.0] Kernel panic - not syncing: Kernel mode signal 7", room: 0)
        #expect(full?.contains("/dev/shm has no room left") == true)
        let stuck = memory.explanation(
            of: "[    1.0] Kernel panic - not syncing: System is deadlocked on memory", room: nil)
        #expect(stuck?.contains("300 MB") == true)
        #expect(memory.explanation(of: "[    1.0] Kernel panic - not syncing: Attempted to kill init!", room: 0) == nil)
        let silent = memory.explanation(of: nil, room: 50 << 20)
        #expect(silent?.contains("it said nothing, and /dev/shm has room for 50 MB of its 300 MB") == true)
        #expect(memory.explanation(of: nil, room: 400 << 20) == nil)
        #expect(memory.explanation(of: nil, room: nil) == nil)
    }

    @Test
    func `Whether a directory is a tmpfs: the last mount on it counts`() {
        let mounts = "proc /proc proc rw 0 0\next4 /dev/shm ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw,noexec 0 0\n"
        #expect(GuestMemory.isMemoryFileSystem("/dev/shm", mounts: mounts))
        #expect(!GuestMemory.isMemoryFileSystem("/tmp", mounts: mounts))
        #expect(!GuestMemory.isMemoryFileSystem("/dev/shm", mounts: mounts + "none /dev/shm overlay rw 0 0\n"))
    }
}
