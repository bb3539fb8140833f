import DaemonProfiles
import Daemons
import Foundation
import KernelBuilds
import LabModel
import SystemPackage
import Testing
import Userlands

/// Root directories of a user's own, made for the test from nothing.
struct RootDirectoryTests {
    private let bird = DaemonRegistry.usualRoutingDaemon

    private func withRoot(_ body: (FilePath) throws -> Void) throws {
        let path = FilePath(NSTemporaryDirectory()).appending("netlab-root-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        for name in ["usr/bin", "usr/sbin", "var/lib/dpkg"] {
            try FileManager.default.createDirectory(
                atPath: path.string + "/" + name, withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(atPath: path.string + "/bin", withDestinationPath: "usr/bin")
        try write(shell(machine: 62), to: "usr/bin/sh", in: path)
        try write([], to: "usr/sbin/bird", in: path)
        try body(path)
    }

    private func write(_ bytes: [UInt8], to name: String, in root: FilePath) throws {
        try Data(bytes).write(to: URL(filePath: root.string + "/" + name))
    }

    /// The beginning of a program for 64 bits, as elf(5) has it.
    private func shell(machine: UInt8) -> [UInt8] {
        [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9) + [3, 0, machine, 0]
    }

    private func problem(_ root: FilePath) -> String? {
        #expect(throws: SetupError.self) { try RootDirectory(root.string).userland(for: [bird]) }?.reason
    }

    @Test func `A directory with what its daemons need is taken, and dpkg's list says their versions`() throws {
        try withRoot { root in
            #expect(try RootDirectory(root.string).userland(for: [bird]).versions == [:])
            try write(
                Array(
                    "Package: bird2\nStatus: install ok installed\nVersion: 2.17.1-1\n\nPackage: dash\nVersion: 0.5.12\n"
                        .utf8),
                to: "var/lib/dpkg/status", in: root)
            let userland = try RootDirectory(root.string).userland(for: [bird])
            #expect(userland.versions == [.bird: DaemonVersion(major: 2, minor: 17, patch: 1)])
            #expect(userland.trees == [NodeSystem.directory(root.string).treeName: root.string])
        }
    }

    @Test func `What a daemon needs and is not there is named, with its package`() throws {
        try withRoot { root in
            try FileManager.default.removeItem(atPath: root.string + "/usr/sbin/bird")
            let error = #expect(throws: SetupError.self) { try RootDirectory(root.string).userland(for: [bird]) }
            #expect(error?.reason.contains("it has no /usr/sbin/bird of BIRD") == true)
            #expect(error?.remedy.contains("bird2") == true)
            #expect(throws: Never.self) { try RootDirectory(root.string).userland(for: []) }
        }
    }

    @Test func `Programs for another processor are refused`() throws {
        try withRoot { root in
            // AArch64 (elf(5), EM_AARCH64).
            try write(shell(machine: 183), to: "usr/bin/sh", in: root)
            #expect(problem(root)?.contains("(/usr/bin/sh) are for another processor than x86-64") == true)
            try write(Array("#!/bin/true\n".utf8), to: "usr/bin/sh", in: root)
            #expect(problem(root)?.contains("no shell") == true)
        }
    }

    @Test func `A directory that is none, or keeps bin apart from usr, is refused`() throws {
        try withRoot { root in
            #expect(problem(root.appending("nothing"))?.contains("there is no such directory") == true)
            try FileManager.default.removeItem(atPath: root.string + "/bin")
            try FileManager.default.createDirectory(atPath: root.string + "/bin", withIntermediateDirectories: false)
            #expect(problem(root)?.contains("its bin is not a link to usr/bin") == true)
        }
    }
}
