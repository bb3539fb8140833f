import AgentProtocol
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

struct SeedTests {
    private func setup(seed: UInt64?, in directory: FilePath) throws -> GuestSetup {
        let home = HostDirectories(environment: ["HOME": directory.string], temporary: directory)
        return try SupervisorServer.setup(
            of: LabDirectory(name: "lab", directories: home), guestProgram: directory.appending("netlab"),
            keepsTemporaryFiles: false, seed: seed)
    }

    @Test func `Without a seed, a lab has this machine's date and the kernel's random numbers`() async throws {
        try await withTemporaryDirectory { directory in
            // Nor does it need the library.
            let setup = try setup(seed: nil, in: directory)
            #expect(setup.startDate == nil && setup.random == nil)
        }
    }

    @Test func `A seed is told to the guest, with the library beside the program`() async throws {
        try await withTemporaryDirectory { directory in
            try write("library", to: directory.appending(SeededRandom.libraryName))
            let setup = try setup(seed: 7, in: directory)
            #expect(setup.random == SeededRandom(seed: 7, library: Bytes(Array("library".utf8))))
            #expect(try setup.startDate == self.setup(seed: 7, in: directory).startDate)
            #expect(try setup.startDate != self.setup(seed: 8, in: directory).startDate)
        }
    }

    @Test func `A missing library is named with the way to get it`() async throws {
        try await withTemporaryDirectory { directory in
            let error = #expect(throws: SetupError.self) { try setup(seed: 7, in: directory) }
            #expect(error?.message.contains(SeededRandom.libraryName) == true)
            #expect(error?.remedy.contains("swift build") == true)
        }
    }

    @Test func `Seeds, daemons and starts each have a stream of their own`() {
        let streams = [UInt64(7), 8].flatMap { seed in
            ["a/bird", "b/bird", "a/pluto"].flatMap { daemon in
                (0...2).map { SeededRandom(seed: seed, library: Bytes([])).stream(of: daemon, start: $0) }
            }
        }
        #expect(Set(streams).count == 18)
    }
}
