import NetworkTypes
import Testing

@testable import Netlink

/// Whatever the bytes are, reading them ends, and within them.
@Suite struct MalformedMessageTests {
    @Test func `Truncated and overlong lengths`() {
        #expect(Reply.all(in: []).isEmpty)
        #expect(Reply.all(in: [1, 2, 3]).isEmpty)
        // A header that claims 15 bytes, and one that claims 17 of 16.
        for length in [15, 17, 0] as [UInt8] {
            #expect(Reply.all(in: [length, 0, 0, 0] + Array(repeating: 0, count: 12)).isEmpty)
        }
        #expect(Attributes([4, 0, 1]).all.isEmpty)
        #expect(Attributes([3, 0, 1, 0]).all.isEmpty)
        #expect(Attributes([9, 0, 1, 0, 7, 7, 7, 7]).all.isEmpty)
        let attributes = Attributes([5, 0, 1, 0x80, 7, 0, 0, 0, 255, 255, 2, 0])
        #expect(
            attributes.all.count == 1 && attributes[1]?.integer(UInt8.self) == 7
                && attributes[1]?.integer(UInt16.self) == nil)
    }

    @Test func `Noise never traps`() {
        var generator = RepeatableGenerator()
        for _ in 0..<2000 {
            let length = Int.random(in: 0...600, using: &generator)
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...10, using: &generator) }
            if bytes.count >= 16 {
                bytes.replaceSubrange(0..<4, with: [UInt8(length & 0xFF), UInt8(length >> 8), 0, 0])
            }
            for reply in Reply.all(in: bytes) {
                _ = LinkInfo(reply)
                _ = AddressInfo(reply, names: [:])
                _ = Route(reply, names: [:])
                _ = SecurityPolicy(reply)
                _ = SecurityAssociation(reply)
            }
        }
    }
}

/// SplitMix64: the same noise in every run, and no system call for each byte.
private struct RepeatableGenerator: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
