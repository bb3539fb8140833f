import Testing

@testable import LabRuntime
@testable import NodeRuntime

@Suite("Want of memory")
struct MemoryShortageTests {
    @Test
    func `The kernel's log says whom it has taken`() {
        let log = "<3>[    2.17] Out of memory: Killed process 307 (python3) total-vm:980864kB, anon-rss:964244kB\n"
        #expect(MemoryShortage.isNoted(307, in: log))
        #expect(!MemoryShortage.isNoted(30, in: log))
        #expect(!MemoryShortage.isNoted(7, in: log))
    }

    @Test
    func `Amounts of /proc/meminfo`() {
        let text = "MemTotal:        1022696 kB\nMemFree:          901616 kB\nMemAvailable:     959096 kB\n"
        #expect(MemoryShortage.amount("MemTotal", in: text) == 1_022_696)
        #expect(MemoryShortage.amount("MemAvailable", in: text) == 959_096)
        #expect(MemoryShortage.amount("Mem", in: text) == nil)
    }
}
