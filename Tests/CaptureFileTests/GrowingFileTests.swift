import CaptureFile
import Glibc
import Testing

@Suite struct GrowingFileTests {
    /// Blocks of several kinds and sizes, and where each ends.
    static func sample() -> (bytes: [UInt8], boundaries: Set<Int>) {
        var bytes = FileBytes()
        var boundaries: Set<Int> = []
        for round in 0..<2 as Range<UInt8> {
            bytes.section(bytes.option(1, [65, 66]))
            boundaries.insert(bytes.all.count)
            bytes.interface(bytes.option(2, [97]))
            boundaries.insert(bytes.all.count)
            for size in [0, 1, 4, 61] {
                bytes.packet(Array(repeating: round, count: size), options: bytes.option(1, [99]))
                boundaries.insert(bytes.all.count)
            }
            bytes.block(5, Array(repeating: 0, count: 12))
            boundaries.insert(bytes.all.count)
        }
        return (bytes.all, boundaries)
    }

    @Test func `Cut at every byte, a file gives its whole packets and says where it was cut`() throws {
        let (bytes, boundaries) = Self.sample()
        let whole = try ReadFile(bytes)
        #expect(whole.packets.count == 8 && whole.ending == .complete)
        for length in 0..<bytes.count {
            let part = try ReadFile(Array(bytes.prefix(length)))
            #expect(part.error == nil)
            #expect(part.packets.elementsEqual(whole.packets.prefix(part.packets.count)))
            if boundaries.contains(length) {
                #expect(part.ending == .complete)
            } else {
                let start = boundaries.filter { $0 < length }.max() ?? 0
                #expect(part.ending == .truncated(offset: UInt64(start), bytes: length - start))
            }
        }
    }

    @Test(arguments: [1, 7, 64, 200])
    func `A growing file is read as far as it goes, and further when there is more`(_ step: Int) throws {
        let (bytes, boundaries) = Self.sample()
        let scratch = try ScratchFile()
        var reader = CaptureFileReader(descriptor: scratch.descriptor)
        var found: [ReadPacket] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            let end = min(start + step, bytes.count)
            try scratch.append(Array(bytes[start..<end]))
            try reader.readRest(into: &found)
            #expect((reader.ending == .complete) == boundaries.contains(end))
            #expect(reader.comments.isEmpty && reader.withBytes { $0.byteCount } == 0)
        }
        #expect(try found == ReadFile(bytes).packets)
    }

    @Test func `A pipe that does not block is read as it fills`() throws {
        let (bytes, _) = Self.sample()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        try #require(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        var reader = CaptureFileReader(descriptor: ends[0])
        var found: [ReadPacket] = []
        for start in stride(from: 0, to: bytes.count, by: 50) {
            let part = Array(bytes[start..<min(start + 50, bytes.count)])
            #expect(write(ends[1], part, part.count) == part.count)
            try reader.readRest(into: &found)
        }
        close(ends[1])
        #expect(try found == ReadFile(bytes).packets && reader.next() == nil && reader.ending == .complete)
    }

    @Test(arguments: [4096, 5000, 1 << 16, 1 << 20])
    func `Blocks beyond the buffer's size make it grow`(_ bufferSize: Int) throws {
        var bytes = FileBytes()
        bytes.section()
        bytes.interface()
        let sizes = [10, 4000, 9000, 3, 300_000, 5, 65_535]
        for size in sizes { bytes.packet((0..<size).map { UInt8(truncatingIfNeeded: $0 * size) }) }
        let found = try ReadFile(bytes.all, bufferSize: bufferSize)
        #expect(found.ending == .complete)
        #expect(
            found.packets.map(\.bytes) == sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 * size) } })
    }
}
