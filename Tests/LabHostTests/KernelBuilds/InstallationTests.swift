import SystemPackage
import Testing

@testable import KernelBuilds

@Suite("Installation")
struct InstallationTests {
    @Test(arguments: ["lib/netlab/netlab", "bin/netlab"])
    func `A program in lib/netlab, or in bin beside it, is of an installation`(program: String) async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory(directory.pushing("lib/netlab"))
            let installation = try #require(Installation(program: directory.pushing(FilePath(program))))
            #expect(installation.prefix == directory)
            #expect(installation.kernels == directory.pushing("lib/netlab/kernels"))
            #expect(installation.place(ofTree: "strongswan") == directory.pushing("var/lib/netlab/strongswan"))
            #expect(installation.labs == nil)
            try makeDirectory(directory.pushing("share/netlab/Labs"))
            #expect(installation.labs == directory.pushing("share/netlab/Labs"))
        }
    }

    @Test(
        arguments: ["bin/netlab", "lib/netlab", "sbin/netlab", "netlab", "lib/netlab/kernels/netlab"])
    func `A program elsewhere is of none`(program: String) async throws {
        try await withTemporaryDirectory { directory in
            // bin has no lib/netlab beside it, as in a checkout or an image of a container.
            if program != "bin/netlab" { try makeDirectory(directory.pushing("lib/netlab/kernels")) }
            #expect(Installation(program: directory.pushing(FilePath(program))) == nil)
        }
    }

    @Test
    func `The tests are of none`() {
        #expect(Installation.current == nil)
    }
}
