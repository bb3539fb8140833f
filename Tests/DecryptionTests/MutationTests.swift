import Decryption
import Foundation
import Testing

/// Whatever bytes arrive, they are opened or refused: nothing in them ends the program.
@Suite struct MutationTests {
    /// SplitMix64: the same packets in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// In all seeds together; `NETLAB_FUZZ_INPUTS` asks for another number.
    private static let inputs =
        ProcessInfo.processInfo.environment["NETLAB_FUZZ_INPUTS"].flatMap(Int.init) ?? 200_000
    private static let seeds = 8

    private static func mutated(_ original: [UInt8], with generator: inout Generator) -> [UInt8] {
        var bytes = original
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
        case 1: bytes.append(contentsOf: (0..<Int.random(in: 1...40, using: &generator)).map { UInt8($0) })
        case 2: bytes.removeFirst(Int.random(in: 0...bytes.count, using: &generator))
        case 3:
            bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in .random(in: 0...255, using: &generator)
            }
        case 4:  // With the right SPI, and anything after it.
            for index in bytes.indices.dropFirst(4) { bytes[index] = .random(in: 0...255, using: &generator) }
        default:
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
        }
        return bytes
    }

    @Test(arguments: 0..<seeds)
    func `No bytes end the program, and none that were changed are opened`(_ seed: Int) throws {
        var generator = Generator(state: UInt64(seed))
        var decryptors = try ForeignPacket.all.map { try ESPDecryptor($0.association) }
        let packets = ForeignPacket.all.map { (bytes: $0.packet, high: $0.highSequence) }
        try #require(!packets.isEmpty)
        var opened = 0
        for _ in 0..<Self.inputs / Self.seeds {
            let index = Int.random(in: packets.indices, using: &generator)
            let bytes = Self.mutated(packets[index].bytes, with: &generator)
            let high = Bool.random(using: &generator) ? packets[index].high : nil
            guard decryptors[index].open(bytes, highSequence: high).payload != nil else { continue }
            opened += 1
            #expect(bytes == packets[index].bytes)
        }
        // A change may leave a packet as it was; nothing else may be opened.
        #expect(opened < Self.inputs / Self.seeds / 20)
    }
}
