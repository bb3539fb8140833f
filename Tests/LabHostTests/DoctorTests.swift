import FoundationEssentials
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

@Suite("Doctor")
struct DoctorTests {
    @Test
    func `Each finding that is not ok says what to do`() async {
        let findings = await Doctor.examine(environment: ["PATH": "/nowhere", "HOME": "relative"])
        #expect(findings.allSatisfy { $0.status == .ok || $0.remedy != nil || $0.name == "memory file" })
        #expect(Set(findings.map(\.name)).count == findings.count)
        let kernel = findings.first { $0.name == "lab kernel" }
        #expect(kernel?.status == .missing)
    }

    @Test
    func `A program is found in the first directory that has it; a directory or plain file of its name is none`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let (first, second) = (directory.appending("first"), directory.appending("second"))
            try makeDirectory(first.appending("bird"))
            try makeDirectory(second)
            #expect(ProgramSearch.find("bird", in: [first, second]) == nil)
            try write("", to: second.appending("bird"))
            #expect(ProgramSearch.find("bird", in: [first, second]) == nil)
            try write("", to: second.appending("birdc"), executable: true)
            #expect(ProgramSearch.find("birdc", in: [first, second]) == second.appending("birdc"))
        }
    }

    @Test
    func `A missing program: labs need it, or only people do`() throws {
        let pluto = try #require(Doctor.programs.first { $0.name == "pluto" })
        #expect(pluto.finding(at: nil).status == .missing)
        #expect(pluto.finding(at: nil).remedy == "apt-get install libreswan")
        #expect(pluto.finding(at: "/usr/libexec/ipsec/pluto").status == .ok)
        let ping = try #require(Doctor.programs.first { $0.name == "ping" })
        #expect(ping.finding(at: nil).status == .warning)
    }

    @Test
    func `The packages of the remedies are those that scripts/netlab installs`() throws {
        let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let text = try String(contentsOfFile: root.pushing("scripts/packages").string, encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
        func installed(_ stage: String) -> Set<String> {
            Set(lines.filter { $0.count > 1 && $0[0] == stage }.map { String($0[1]) })
        }
        #expect(installed("run") == Set(Doctor.programs.map(\.package)))
        let buildTools = Set(KernelBuildTools.requirements.map(\.package)).subtracting(["tar"])
        #expect(installed("kernel") == buildTools.union(["libc6-dev"]))
    }

    @Test
    func `The memory file: room and the right to execute`() {
        let plenty = 2_000_000_000
        #expect(Doctor.memoryFinding("/dev/shm", room: plenty, obstacle: nil).status == .ok)
        #expect(Doctor.memoryFinding("/dev/shm", room: 64_000_000, obstacle: nil).status == .missing)
        let tight = Doctor.memoryFinding("/dev/shm", room: 300 << 20, obstacle: nil)
        #expect(tight.status == .warning)
        #expect(tight.detail.contains("284 MB of memory"))
        let noexec = Doctor.memoryFinding("/dev/shm", room: plenty, obstacle: .notPermitted)
        #expect(noexec.status == .missing)
        #expect(noexec.detail.contains("noexec"))
        #expect(noexec.remedy?.contains("TMPDIR") == true)
        #expect(Doctor.memoryFinding("/gone", room: nil, obstacle: .noSuchFileOrDirectory).status == .missing)
    }

    @Test
    func `What only the lab kernel needs is not looked at for labs on the host's`() async {
        let only: Set = ["processor", "lab kernel", "memory file", "file size", "confinement", "cache directory"]
        let (lab, host) = (Set(await Doctor.examine().map(\.name)), Set(await Doctor.examine(for: .host).map(\.name)))
        #expect(lab.subtracting(host) == only && host.isSubset(of: lab))
    }

    @Test
    func `Open files, a file's size and processes: enough, tight, too few`() {
        #expect(
            [0, 2303 << 20, 2304 << 20, .max].map { Doctor.fileSizeFinding($0).status } == [
                .missing, .missing, .ok, .ok,
            ])
        #expect([100, 1000, 1024].map { Doctor.openFilesFinding($0).status } == [.missing, .warning, .ok])
        #expect([19, 63, 64].map { Doctor.processesFinding($0).status } == [.missing, .warning, .ok])
    }

    @Test
    func `An executable mapping is tried for real, and leaves nothing`() async throws {
        try await withTemporaryDirectory { directory in
            #expect(Doctor.executionObstacle(directory) == nil)
            let left = try names(in: directory)
            #expect(left == [])
            #expect(Doctor.executionObstacle(directory.appending("none")) == .noSuchFileOrDirectory)
        }
    }

    @Test
    func `A full disk is a warning with a remedy`() {
        #expect(Doctor.roomFinding(free: 5_000_000).status == .warning)
        #expect(Doctor.roomFinding(free: 5_000_000_000).status == .ok)
        #expect(Doctor.roomFinding(free: nil).status == .ok)
    }
}
