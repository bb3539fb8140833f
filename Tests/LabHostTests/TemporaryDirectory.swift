import FoundationEssentials
import Glibc
import SystemPackage

/// Runs `body` with a directory of its own, which is gone afterwards, whether `body` throws or not.
func withTemporaryDirectory(_ body: (FilePath) async throws -> Void) async throws {
    var template = Array("/tmp/netlab-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { FilePath(platformString: $0) }
    }
    guard let directory = made else { throw Errno(rawValue: errno) }
    defer { try? FileManager.default.removeItem(atPath: directory.string) }
    try await body(directory)
}

func write(_ text: String, to path: FilePath, executable: Bool = false) throws {
    let permissions: FilePermissions = executable ? .ownerReadWriteExecute : .ownerReadWrite
    let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate], permissions: permissions)
    _ = try file.closeAfter { try file.writeAll(text.utf8) }
}

func makeDirectory(_ path: FilePath) throws {
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
}

/// The names in a directory, sorted.
func names(in directory: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.string).sorted()
}
