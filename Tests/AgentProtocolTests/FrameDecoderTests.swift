import AgentProtocol
import Testing

@Suite struct FrameDecoderTests {
    private static let messages = ["", "a", "line\nbreak", String(repeating: "é", count: 300)]

    private static func stream() throws -> [UInt8] {
        try messages.flatMap { try Frame($0).bytes }
    }

    private func frames(_ pieces: some Sequence<some Sequence<UInt8>>) throws -> [String] {
        var decoder = FrameDecoder()
        var found: [String] = []
        for piece in pieces {
            decoder.append(piece)
            while let frame = try decoder.next() {
                found.append(try frame.header(as: String.self))
            }
        }
        return found
    }

    @Test func `Frame is lengths and JSON`() throws {
        #expect(try Frame("ab").bytes == [0, 0, 0, 8, 0, 0, 0, 4] + Array("\"ab\"".utf8))
        let frame = try Frame("ab", body: [1, 2])
        #expect(frame.bytes == [0, 0, 0, 13, 0, 0, 0, 4] + Array("\"ab\"[1,2]".utf8))
        #expect(try frame.body(as: [Int].self) == [1, 2])
    }

    /// However the bytes arrive, the frames are the same.
    @Test func `Every split in two`() throws {
        let stream = try Self.stream()
        for cut in 0...stream.count {
            #expect(try frames([stream[..<cut], stream[cut...]]) == Self.messages)
        }
    }

    @Test func `Every split of a short stream in three`() throws {
        let stream = try Frame("x").bytes + Frame("yz").bytes
        for first in 0...stream.count {
            for second in first...stream.count {
                #expect(try frames([stream[..<first], stream[first..<second], stream[second...]]) == ["x", "yz"])
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 4096])
    func `Pieces`(_ size: Int) throws {
        let stream = try Self.stream()
        let pieces = stride(from: 0, to: stream.count, by: size).map { stream[$0..<min($0 + size, stream.count)] }
        #expect(try frames(pieces) == Self.messages)
    }

    @Test func `An incomplete frame is none`() throws {
        let frame = try Frame("hello").bytes
        for length in 0..<frame.count {
            #expect(try frames([frame[..<length]]).isEmpty)
        }
    }

    /// Past the point where the decoder forgets what it has handed out.
    @Test func `Many frames`() throws {
        let texts = (0..<2000).map { "\($0) " + String(repeating: "x", count: 100) }
        let stream = try texts.flatMap { try Frame($0).bytes }
        let pieces = stride(from: 0, to: stream.count, by: 1000).map { stream[$0..<min($0 + 1000, stream.count)] }
        #expect(try frames(pieces) == texts)
    }

    @Test func `An empty frame`() throws {
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, 4, 0, 0, 0, 0])
        #expect(try decoder.next() == .empty)
        #expect(try decoder.next() == nil)
    }

    @Test(
        arguments: [
            ([1, 0, 0, 1], (16 << 20) + 1), ([0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_295),
            (Array("HTTP".utf8), 0x4854_5450),
        ] as [([UInt8], Int)])
    func `Too long`(_ bytes: [UInt8], _ length: Int) throws {
        var decoder = FrameDecoder()
        decoder.append(bytes + [0, 0, 0, 0])
        let error = try #require(throws: FrameError.self) { try decoder.next() }
        #expect(error == .tooLong(length) && error.description.contains("of \(length) bytes"))
    }

    @Test(arguments: [[0, 0, 0, 3, 0, 0, 0, 0], [0, 0, 0, 4, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]])
    func `A header longer than its frame`(_ bytes: [UInt8]) {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        #expect(throws: FrameError.outOfStep) { try decoder.next() }
    }

    @Test func `The longest is awaited`() throws {
        var decoder = FrameDecoder()
        decoder.append([1, 0, 0, 0, 0, 0, 0, 2])
        #expect(Frame.maximumLength == 1 << 24)
        #expect(try decoder.next() == nil)
    }

    @Test(arguments: ["", "{", "[]", "{\"nonsense\":{}}", "null"])
    func `What is no message is refused`(_ text: String) {
        let header = Array(text.utf8)
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, UInt8(header.count + 4), 0, 0, 0, UInt8(header.count)] + header)
        #expect(throws: FrameError.self) { try decoder.next()?.header(as: ToAgent.self) }
    }
}
