import Foundation
import SystemPackage
import Testing

/// Labs that come and go many times: the last leaves the machine as the first did.
///
/// `scripts/test-kills` runs more cycles.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct CycleTests {
    /// How many cycles there are; set by `scripts/test-kills`.
    static let count = ProcessInfo.processInfo.environment["NETLAB_CYCLES"].flatMap { Int($0) }

    @Test func `Labs come and go on the lab kernel`() async throws {
        try await LabHome.with { home in
            let pair = try home.writePair()
            try await Self.cycle(pair, kernel: "lab", in: home)
            let before = try await HostState.settled(of: home)
            let count = Self.count ?? 4
            for _ in 0..<count { try await Self.cycle(pair, kernel: "lab", in: home) }
            var differences: [String] = []
            try await eventually(within: .seconds(10), "the state before the cycles") {
                differences = await HostState.of(home).differences(from: before)
                return differences.isEmpty
            }
            #expect(differences == [])
            print("cycles: \(count) on the lab kernel: \(differences.count) differences")
        }
    }

    /// A lab that stays serves many commands; neither its supervisor nor its kernel grows by them.
    @Test func `A supervisor does not grow`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let list = try await home.netlab.succeed("list", "--format", "json").output
            let pids = list.matches(of: #/"(?:kernel|supervisor)_pid" : (\d+)/#).compactMap { pid_t($0.1) }
            try #require(pids.count == 2)
            func commands() async throws {
                try await home.netlab.succeed("exec", "pair", "left", "--", "true")
                try await home.netlab.succeed("fail", "pair", "link wire down")
                try await home.netlab.succeed("heal", "pair", "--all")
                try await home.netlab.succeed("status", "pair")
            }
            for _ in 0..<3 { try await commands() }
            let before = pids.map(Growth.init(of:))
            let count = Self.count ?? 6
            for _ in 0..<count { try await commands() }
            let after = pids.map(Growth.init(of:))
            print("cycles: \(4 * count) commands to one lab: kernel and supervisor from \(before) to \(after)")
            for (before, after) in zip(before, after) {
                #expect(after.descriptors == before.descriptors)
                #expect(after.threads <= before.threads + 1)
                #expect(after.residentMegabytes <= before.residentMegabytes + 8)
            }
        }
    }

    /// Brings a lab up and takes it down.
    fileprivate static func cycle(_ lab: String, kernel: String, in home: LabHome) async throws {
        try await home.netlab.succeed("up", lab, "--kernel", kernel)
        try await home.netlab.succeed("down", "--all")
    }
}

/// The same on the host's own kernel, with what the kernel itself keeps.
extension MachineTests {
    /// What the kernel has one of for every namespace, link, SA, policy, mount, process and open file.
    private static let caches = [
        "net_namespace", "pid_namespace", "nsproxy", "mnt_cache", "xfrm_state", "xfrm_dst", "task_struct",
        "sock_inode_cache", "UNIX", "PACKET", "fib6_nodes", "ip_fib_trie", "filp",
    ]

    @Test func `Labs come and go on the host's kernel`() async throws {
        try await LabHome.with { home in
            let pair = try home.writePair()
            for _ in 0..<3 { try await CycleTests.cycle(pair, kernel: "host", in: home) }
            let before = try await HostState.settled(of: home)
            let (objects, free) = (Self.objects, Self.freeMegabytes)
            let count = CycleTests.count ?? 4
            for _ in 0..<count { try await CycleTests.cycle(pair, kernel: "host", in: home) }
            var differences: [String] = []
            var grown: [String] = []
            // Namespaces are taken apart some time after the last process has left them.
            try await eventually(within: .seconds(30), "the state before the cycles") {
                differences = await HostState.of(home).differences(from: before)
                let now = Self.objects
                grown = Self.caches.filter { (now[$0] ?? 0) > (objects[$0] ?? 0) + Self.slack(of: $0) }
                return differences.isEmpty && grown.isEmpty
            }
            #expect(differences == [])
            let figures = Self.caches.compactMap { name in
                objects[name].map { "\(name) \($0) to \(Self.objects[name] ?? 0)" }
            }
            print(
                "cycles: \(count) on the host's kernel: \(differences.count) differences; free memory \(free) to "
                    + "\(Self.freeMegabytes) MB; objects: \(figures.joined(separator: ", "))")
            #expect(grown == [])
            #expect(Self.freeMegabytes >= free - 32)
        }
    }

    /// Of namespaces not one more; of what the kernel frees in batches or this test itself uses, some.
    private static func slack(of cache: String) -> Int { cache.hasSuffix("_namespace") ? 0 : 64 }

    /// Objects in use, by cache (slabinfo(5)).
    private static var objects: [String: Int] {
        let lines = Host.contents("/proc/slabinfo").split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(
            lines.compactMap { words in words.count > 1 ? Int(words[1]).map { (String(words[0]), $0) } : nil }
        ) { first, _ in first }
    }

    private static var freeMegabytes: Int {
        let line = Host.contents("/proc/meminfo").firstMatch(of: #/MemAvailable: +(\d+) kB/#)
        return (line.flatMap { Int($0.1) } ?? 0) / 1024
    }
}

/// What a process uses.
private struct Growth: CustomStringConvertible {
    let descriptors: Int
    let threads: Int
    let residentMegabytes: Int

    init(of process: pid_t) {
        descriptors = Host.names(in: FilePath("/proc/\(process)/fd")).count
        threads = Host.names(in: FilePath("/proc/\(process)/task")).count
        let line = Host.contents("/proc/\(process)/status").firstMatch(of: #/VmRSS:\s+(\d+) kB/#)
        residentMegabytes = (line.flatMap { Int($0.1) } ?? 0) / 1024
    }

    var description: String { "\(residentMegabytes) MB, \(descriptors) descriptors, \(threads) threads" }
}
