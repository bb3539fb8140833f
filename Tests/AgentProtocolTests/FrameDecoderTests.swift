import AgentProtocol
import Testing

@Suite struct FrameDecoderTests {
    private static let messages = ["", "a", "line\nbreak", String(repeating: "é", count: 300)]

    private static func stream() throws -> [UInt8] {
        try messages.flatMap { try FrameDecoder.encode($0) }
    }

    private func frames(_ pieces: some Sequence<some Sequence<UInt8>>) throws -> [String] {
        var decoder = FrameDecoder()
        var found: [String] = []
        for piece in pieces {
            decoder.append(piece)
            while let frame = try decoder.next() {
                found.append(try FrameDecoder.decode(String.self, from: frame))
            }
        }
        return found
    }

    @Test func frameIsLengthAndJSON() throws {
        #expect(try FrameDecoder.encode("ab") == [0, 0, 0, 4] + Array("\"ab\"".utf8))
    }

    /// However the bytes arrive, the frames are the same.
    @Test func everySplitInTwo() throws {
        let stream = try Self.stream()
        for cut in 0...stream.count {
            #expect(try frames([stream[..<cut], stream[cut...]]) == Self.messages)
        }
    }

    @Test func everySplitOfAShortStreamInThree() throws {
        let stream = try FrameDecoder.encode("x") + FrameDecoder.encode("yz")
        for first in 0...stream.count {
            for second in first...stream.count {
                #expect(try frames([stream[..<first], stream[first..<second], stream[second...]]) == ["x", "yz"])
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 64, 4096])
    func pieces(_ size: Int) throws {
        let stream = try Self.stream()
        let pieces = stride(from: 0, to: stream.count, by: size).map { stream[$0..<min($0 + size, stream.count)] }
        #expect(try frames(pieces) == Self.messages)
    }

    @Test func anIncompleteFrameIsNone() throws {
        let frame = try FrameDecoder.encode("hello")
        for length in 0..<frame.count {
            #expect(try frames([frame[..<length]]).isEmpty)
        }
    }

    /// Past the point where the decoder forgets what it has handed out.
    @Test func manyFrames() throws {
        let texts = (0..<2000).map { "\($0) " + String(repeating: "x", count: 100) }
        let stream = try texts.flatMap { try FrameDecoder.encode($0) }
        let pieces = stride(from: 0, to: stream.count, by: 1000).map { stream[$0..<min($0 + 1000, stream.count)] }
        #expect(try frames(pieces) == texts)
    }

    @Test func anEmptyFrame() throws {
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, 0])
        #expect(try decoder.next() == [])
        #expect(try decoder.next() == nil)
    }

    @Test(
        arguments: [
            ([1, 0, 0, 1], (16 << 20) + 1), ([0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_295),
            (Array("HTTP".utf8), 0x4854_5450),
        ] as [([UInt8], Int)])
    func tooLong(_ bytes: [UInt8], _ length: Int) throws {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        let error = try #require(throws: FrameError.self) { try decoder.next() }
        #expect(error.length == length && error.description.contains("claims \(length) bytes"))
    }

    @Test func theLongestIsAwaited() throws {
        var decoder = FrameDecoder()
        decoder.append([1, 0, 0, 0])
        #expect(FrameDecoder.maximumLength == 1 << 24)
        #expect(try decoder.next() == nil)
    }

    @Test(arguments: ["", "{", "[]", "{\"nonsense\":{}}", "null"])
    func whatIsNoMessageIsRefused(_ text: String) {
        #expect(throws: DecodingError.self) { try FrameDecoder.decode(ToAgent.self, from: Array(text.utf8)) }
    }
}
