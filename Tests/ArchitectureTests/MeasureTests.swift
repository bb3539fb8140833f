import Foundation
import Testing

/// How far the house is what it is meant to be, in numbers.
@Suite struct MeasureTests {
    @Test
    func `No target is too long, and no file knows a daemon that need not`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let process = Process()
        process.executableURL = root.appending(path: "scripts/measures")
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(output)")
        #expect(output.contains("LabModel") && output.contains("StrongSwan: "))
    }
}
