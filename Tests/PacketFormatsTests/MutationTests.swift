import Foundation
import NetworkTypes
import PacketFormats
import Testing

/// Random numbers that a seed determines, so that a failure can be repeated (splitmix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Changed samples: no input makes a decoder read outside its bytes (which traps) or report a place outside of them.
@Suite struct MutationTests {
    /// `NETLAB_FUZZ_INPUTS` sets how many inputs there are in all.
    private static let inputs = ProcessInfo.processInfo.environment["NETLAB_FUZZ_INPUTS"].flatMap(Int.init) ?? 200_000
    private static let linkTypes: [LinkType] = [.ethernet, .raw, .linuxCooked, .ipv4, .ipv6, LinkType(rawValue: 147)]

    /// Each seed runs on its own, in parallel.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `No input leaves its bytes`(_ seed: UInt64) {
        let corpus = Sample.all.map { (linkType: $0.linkType, bytes: $0.bytes) }
        var random = SeededGenerator(state: seed)
        var layers = 0
        for input in 0..<Self.inputs / 8 {
            let sample = corpus[Int.random(in: corpus.indices, using: &random)]
            let other = corpus[Int.random(in: corpus.indices, using: &random)].bytes
            let bytes = Self.mutated(sample.bytes, with: other, using: &random)
            let isAsSampled = Int.random(in: 0..<8, using: &random) > 0
            let linkType =
                isAsSampled ? sample.linkType : Self.linkTypes[Int.random(in: 0..<Self.linkTypes.count, using: &random)]
            let seen = Self.dissect(bytes, linkType)
            // A walk may not go on for ever; of BGP messages, each takes 19 bytes.
            guard let seen, seen <= Dissection.maximumDepth + 2 + bytes.count / 19 else {
                Issue.record("seed \(seed), input \(input), \(linkType): \(bytes.map { String($0, radix: 16) })")
                return
            }
            layers += seen
        }
        // Most inputs are still dissected: else the test would prove little.
        #expect(layers > Self.inputs / 8 * 5 / 2)
    }

    /// The number of layers; nil where one is reported outside of the frame.
    private static func dissect(_ bytes: [UInt8], _ linkType: LinkType) -> Int? {
        let frame = bytes.span.bytes
        var layers = 0
        var isWithin = true
        var verifier = ChecksumVerifier()
        Dissection.walk(frame, linkType: linkType) { layer, header, body in
            layers += 1
            isWithin =
                isWithin && header.lowerBound >= 0 && header.upperBound <= body.lowerBound
                && body.upperBound <= bytes.count
            _ = verifier.status(of: layer, header: header, body: body, in: frame)
            let rest = frame.extracting(body)
            switch layer {
            case .ike(let ike):
                try? IKEPayload.forEach(in: rest, first: ike.firstPayload) { _, data in
                    isWithin = isWithin && data.lowerBound >= 0 && data.upperBound <= rest.byteCount
                    return true
                }
            case .icmp, .icmpv6, .payload, .esp:
                Dissection.walkPacket(frame, in: body) { _, header, inner in
                    isWithin =
                        isWithin && header.lowerBound >= body.lowerBound && inner.upperBound <= body.upperBound
                    return true
                }
            default: break
            }
            return true
        }
        // What nothing led to may be decoded as anything, too.
        _ = try? BGPMessage(frame)
        _ = try? TCPHeader(frame)
        _ = try? IPv6OptionsHeader(frame)
        try? IKEPayload.forEach(in: frame, first: .securityAssociation) { _, _ in true }
        let line = PacketLine(frame, linkType: linkType).description
        return isWithin && !line.isEmpty && !line.contains("\n") ? layers : nil
    }

    private static func mutated(
        _ sample: [UInt8], with other: [UInt8], using random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = sample
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(place...)
            case 1 where place < bytes.count:
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2 where place < bytes.count:
                // The values at which lengths and counts go wrong.
                bytes[place] =
                    [0, 1, 2, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
            case 3:
                bytes.replaceSubrange(place..., with: other[Int.random(in: 0...other.count, using: &random)...])
            case 4:
                let filler = (0..<Int.random(in: 1...24, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                bytes.insert(contentsOf: filler, at: place)
            case 5:
                bytes.removeSubrange(place..<Int.random(in: place...bytes.count, using: &random))
            default: break
            }
        }
        return bytes
    }
}
