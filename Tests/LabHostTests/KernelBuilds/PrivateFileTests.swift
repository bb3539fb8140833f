import Glibc
import SystemPackage
import Testing

@testable import KernelBuilds

/// Files and directories in places where somebody else may have been first.
@Suite("PrivateFile")
struct PrivateFileTests {
    @Test
    func `A text is written beside whatever was put at its temporary name, never through it`() async throws {
        try await withTemporaryDirectory { directory in
            let (file, target) = (directory.appending("file"), directory.appending("target"))
            try write("untouched", to: target)
            #expect(symlink(target.string, "\(file).new") == 0)
            try TextFile.write("secret", to: file.string)
            #expect(try TextFile.read(file.string) == "secret")
            #expect(try TextFile.read(target.string) == "untouched")
            // One that has been opened by another before sees nothing of what is written.
            try write("", to: FilePath("\(file).new"))
            let earlier = try FileDescriptor.open(FilePath("\(file).new"), .readOnly)
            defer { try? earlier.close() }
            try TextFile.write("second", to: file.string)
            #expect(try Stat(earlier).size == 0)
            #expect(try Stat(file).permissions == .ownerReadWrite)
        }
    }

    @Test
    func `A text at a link's place takes the link's place`() async throws {
        try await withTemporaryDirectory { directory in
            let (file, target) = (directory.appending("file"), directory.appending("target"))
            try write("untouched", to: target)
            #expect(symlink(target.string, file.string) == 0)
            try TextFile.write("secret", to: file.string)
            #expect(try TextFile.read(target.string) == "untouched")
            #expect(try Stat(file, followTargetSymlink: false).type == .regular)
        }
    }

    @Test(arguments: [0o666, 0o644])
    func `A file that a user names is closed to others, emptied, and read by nobody else`(mode: UInt32) async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending("capture")
            try write("old", to: file)
            #expect(chmod(file.string, mode) == 0)
            close(try PrivateFile.open(named: file.string))
            #expect(try Stat(file).permissions == .ownerReadWrite)
            #expect(try Stat(file).size == 0)
        }
    }

    @Test
    func `The user's own link is followed, a device written as it is`() async throws {
        try await withTemporaryDirectory { directory in
            let link = directory.appending("link")
            #expect(symlink(directory.appending("target").string, link.string) == 0)
            close(try PrivateFile.open(named: link.string))
            #expect(try names(in: directory) == ["link", "target"])
            close(try PrivateFile.open(named: "/dev/null"))
        }
    }

    @Test
    func `A directory must be one, of the user's, and is closed to others`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.appending("keys").string
            try PrivateFile.makeDirectory(path)
            #expect(chmod(path, 0o777) == 0)
            try PrivateFile.makeDirectory(path)
            #expect(try Stat(FilePath(path)).permissions == .ownerReadWriteExecute)
            #expect(throws: SetupError.self) {
                try PrivateFile.makeDirectory(path, for: UserID(rawValue: geteuid() + 1))
            }
            let link = directory.appending("link").string
            #expect(symlink(path, link) == 0)
            let error = #expect(throws: SetupError.self) { try PrivateFile.makeDirectory(link) }
            #expect(error?.code == .directoryUnsafe)
        }
    }

    @Test
    func `What stands in a lab's directory is read; what leads out of it, or never ends, is not`() async throws {
        try await withTemporaryDirectory { directory in
            let lab = directory.appending("lab")
            try makeDirectory(lab)
            try write("text", to: lab.appending("file"))
            try write("secret", to: directory.appending("outside"))
            #expect(symlink("../outside", lab.appending("link").string) == 0)
            #expect(symlink("file", lab.appending("inner").string) == 0)
            #expect(symlink("..", lab.appending("up").string) == 0)
            #expect(mkfifo(lab.appending("pipe").string, 0o600) == 0)
            #expect(try TextFile.read("file", in: lab.string, limit: 4) == "text")
            for name in ["link", "inner", "../outside", "up/outside", "\(directory)/outside", "pipe", ".", "absent"] {
                #expect(throws: Errno.self, "\(name)") { try TextFile.read(name, in: lab.string, limit: 100) }
            }
            #expect(throws: Errno.fileTooLarge) { try TextFile.read("file", in: lab.string, limit: 3) }
            #expect(throws: Errno.fileTooLarge) { try TextFile.read("/dev/zero", limit: 1 << 20) }
        }
    }
}
