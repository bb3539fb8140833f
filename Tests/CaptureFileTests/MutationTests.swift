import CaptureFile
import Glibc
import Testing

/// Whatever the bytes are, reading them ends, and within them.
@Suite struct MutationTests {
    static let inputs = getenv("NETLAB_FUZZ_INPUTS").flatMap { Int(String(cString: $0)) } ?? 200_000

    static func seeds() -> [[UInt8]] {
        var bigEndian = FileBytes(isBigEndian: true)
        bigEndian.section()
        bigEndian.interface(bigEndian.option(9, [0x8A]))
        bigEndian.packet([1, 2, 3], ticks: 1024, options: bigEndian.option(1, [65]))
        bigEndian.block(3, bigEndian.number(2 as UInt32) + [1, 2, 0, 0])
        return [
            LiteralBytesTests.file, GrowingFileTests.sample().bytes, bigEndian.all,
            ReaderTests.classic(false, 0xA1B2_C3D4), ReaderTests.classic(true, 0xA1B2_3C4D),
        ]
    }

    /// Changes a few bytes, words or lengths of a file, or its size.
    static func mutate(_ seed: [UInt8], using generator: inout RepeatableGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard !bytes.isEmpty else { return bytes }
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes.removeSubrange(place...)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
            case 3: bytes[place] = [0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 4:
                // A small number or a huge one where a word stands.
                let word = place & ~3
                guard word + 4 <= bytes.count else { continue }
                let value: UInt32 =
                    [0, 8, 12, 16, 28, 32, 0x0100_0000, 0x8000_0000, .max].randomElement(using: &generator) ?? 0
                withUnsafeBytes(of: value) { bytes.replaceSubrange(word..<(word + 4), with: $0) }
            case 5: bytes.removeSubrange(place..<min(place + 4, bytes.count))
            case 6: bytes.insert(contentsOf: bytes[place..<min(place + 8, bytes.count)], at: place)
            default: bytes.append(contentsOf: bytes[place...].prefix(64))
            }
        }
        return bytes
    }

    @Test func `Mutated files are read to an end or to an error`() throws {
        let seeds = Self.seeds()
        let file = try ScratchFile()
        var generator = RepeatableGenerator(state: 1)
        var whole = 0
        var truncated = 0
        var wrong = 0
        for number in 0..<Self.inputs {
            let bytes = Self.mutate(seeds[number % seeds.count], using: &generator)
            try file.replace(bytes)
            let found = ReadFile(file.descriptor)
            // No more is delivered than was there, and each packet as long as it says.
            let delivered = found.packets.reduce(0) { $0 + $1.bytes.count }
            if delivered > bytes.count || !found.packets.allSatisfy({ $0.bytes.count == $0.packet.capturedLength }) {
                Issue.record("more than there was, in mutation \(number): \(bytes)")
            }
            switch (found.error, found.ending) {
            case (let error?, _):
                wrong += 1
                if error.errno != nil || (error.offset ?? .max) > UInt64(bytes.count) {
                    Issue.record("\(error) in mutation \(number): \(bytes)")
                }
            case (nil, .complete?): whole += 1
            case (nil, .truncated(let offset, let rest)?):
                truncated += 1
                if offset + UInt64(rest) != UInt64(bytes.count) {
                    Issue.record("ends at \(offset) + \(rest) of \(bytes.count) in mutation \(number): \(bytes)")
                }
            case (nil, nil): Issue.record("no ending in mutation \(number): \(bytes)")
            }
        }
        // Negative control: mutations do damage, and not always.
        #expect(min(whole, truncated, wrong) > Self.inputs / 50)
    }
}

/// SplitMix64: the same numbers in every run.
struct RepeatableGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
