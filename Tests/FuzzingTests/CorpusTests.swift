import Foundation
import Testing

/// The bytes that were found so far: seeds, which the fuzzer begins with, and whatever once brought a reader down.
@Suite struct CorpusTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    private static func files(of target: FuzzTarget) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: directory.appending(path: target.rawValue), includingPropertiesForKeys: nil
        ).sorted { $0.path() < $1.path() }
    }

    /// An input takes some milliseconds: whatever hangs would hang for ever.
    @Test(.timeLimit(.minutes(20)), arguments: FuzzTarget.allCases)
    func `Every input is read`(_ target: FuzzTarget) throws {
        let files = try Self.files(of: target)
        try #require(!files.isEmpty, "\(target.rawValue) has no seeds")
        for file in files {
            do {
                try target.read(Array(try Data(contentsOf: file)))
            } catch {
                Issue.record("\(target.rawValue)/\(file.lastPathComponent): \(error)")
            }
        }
    }

    /// Negative control: what the targets look at can be wrong.
    @Test func `A violation is thrown`() {
        #expect(throws: Violation.self) { try require(false, "wrong") }
    }

    /// A directory of another name would never be read.
    @Test func `Every directory is a target's`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path())
        #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }
}
