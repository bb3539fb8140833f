import CaptureFile
import Testing

@Suite struct AnnotatorTests {
    static func annotate(_ bytes: [UInt8], _ comments: [Int: [String]]) throws -> (
        bytes: [UInt8], ending: CaptureEnding
    ) {
        let source = try ScratchFile(bytes)
        let destination = try ScratchFile()
        let ending = try withExtendedLifetime(source) {
            try CaptureFileAnnotator.copy(from: source.descriptor, to: destination.descriptor, adding: comments)
        }
        return (destination.contents, ending)
    }

    @Test(arguments: [false, true])
    func `Comments come before those that were there, and all else stays`(_ isBigEndian: Bool) throws {
        var bytes = FileBytes(isBigEndian: isBigEndian)
        for _ in 0..<2 {
            bytes.section(bytes.option(4, [65]))
            bytes.interface(bytes.option(2, [97, 98]))
            bytes.packet([1, 2, 3], ticks: 1)
            let comment = bytes.option(1, Array("old".utf8)) + bytes.option(2, bytes.number(2 as UInt32))
            bytes.block(0x8000_1234, [1, 2, 3, 4])
            bytes.packet([4, 5], ticks: 2, options: comment)
            let lengths = bytes.number(2 as UInt32) + bytes.number(20 as UInt32)
            bytes.block(2, Array(repeating: 0, count: 12) + lengths + [8, 9, 0, 0])
            bytes.isBigEndian.toggle()
        }
        let before = try ReadFile(bytes.all)
        let (annotated, ending) = try Self.annotate(bytes.all, [1: ["eins"], 2: ["zwei", "drei"], 6: ["alt"], 4: []])
        let after = try ReadFile(annotated)
        #expect(ending == .complete && after.ending == .complete && after.error == nil)
        #expect(after.packets.map(\.comments) == [["eins"], ["zwei", "drei", "old"], [], [], ["old"], ["alt"]])
        #expect(after.packets.map(\.bytes) == before.packets.map(\.bytes))
        #expect(after.interfaces == before.interfaces)
        var stripped = after.packets.map(\.packet)
        for index in stripped.indices { stripped[index].hasComments = before.packets[index].packet.hasComments }
        #expect(stripped == before.packets.map(\.packet))
        // Negative control: without comments, not a byte changes.
        #expect(try Self.annotate(bytes.all, [:]).bytes == bytes.all)
    }

    @Test func `A section's stated length is given up, for it would be wrong`() throws {
        var bytes = FileBytes()
        bytes.section()
        bytes.all.replaceSubrange(16..<24, with: bytes.number(20 as Int64))
        bytes.interface()
        let annotated = try Self.annotate(bytes.all, [:]).bytes
        #expect(annotated[16..<24].allSatisfy { $0 == 0xFF } && annotated.count == bytes.all.count)
    }

    @Test func `A cut file is copied as far as it is whole`() throws {
        let (bytes, _) = GrowingFileTests.sample()
        let result = try Self.annotate(Array(bytes.dropLast(2)), [8: ["last"]])
        let found = try ReadFile(result.bytes)
        #expect(found.ending == .complete && found.packets.count == 8 && found.packets.last?.comments.first == "last")
        guard case .truncated = result.ending else {
            Issue.record("not truncated: \(result.ending)")
            return
        }
    }

    @Test func `What cannot be annotated is refused`() throws {
        let (bytes, _) = GrowingFileTests.sample()
        #expect(refusal { _ = try Self.annotate(bytes, [9: ["x"], 12: ["y"]]) }?.code == .notFound)
        let classic = ReaderTests.classic(false, 0xA1B2_C3D4)
        #expect(refusal { _ = try Self.annotate(classic, [1: ["x"]]) }?.code == .unsupported)
        var simple = FileBytes()
        simple.section()
        simple.interface()
        simple.block(3, simple.number(0 as UInt32) + [])
        simple.block(3, simple.number(4 as UInt32) + [1, 2, 3, 4])
        #expect(refusal { _ = try Self.annotate(simple.all, [2: ["x"]]) }?.code == .unsupported)
        #expect(refusal { _ = try Self.annotate(simple.all, [:]) } == nil)
    }
}
