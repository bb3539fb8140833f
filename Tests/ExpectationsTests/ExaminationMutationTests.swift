import Foundation
import PacketFormats
import Testing

@testable import Expectations

@Suite("Damaged packets and captures")
struct ExaminationMutationTests {
    private static let inputs = ProcessInfo.processInfo.environment["NETLAB_FUZZ_INPUTS"].flatMap { Int($0) } ?? 200_000
    private static let expectations = """
        plain: {encapsulation: [there, back], in: plain, as: [esp]}
        stack: {encapsulation: sixes, in: plain, as: [vlan 7, esp, 6in4]}
        nat: {encapsulation: inside, in: nat, on: [natwire, nat-inside, wire]}
        open: {encapsulation: [there, sixes], as: 6in4}
        secret: {confidentiality: [there, back, inside], allow: [arp, ike]}
        """

    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private static func mutate(_ bytes: inout [UInt8], with generator: inout Generator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let position = Int.random(in: 0..<min(bytes.count, 96), using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
            default: bytes[position] = [0, 0xFF, 4, 6, 41, 44, 50, 17].randomElement(using: &generator) ?? 0
            }
        }
    }

    @Test
    func `No frame, and no packet out of ESP, brings reading down`() {
        var generator = Generator(state: 1)
        let seeds = WirePacketTests.cases.map(\.frame)
        var wrapped = 0
        for _ in 0..<Self.inputs / 2 {
            var bytes = seeds.randomElement(using: &generator) ?? []
            Self.mutate(&bytes, with: &generator)
            var packet = WirePacket(bytes.span.bytes, linkType: .ethernet)
            if packet.wrappings.count > 0 { wrapped += 1 }
            if let esp = packet.esp, esp.range.upperBound > bytes.count {
                Issue.record("ESP at \(esp.range) of \(bytes.count) bytes")
            }
            let payload = Array(bytes.dropFirst(14))
            packet.open(payload.span.bytes)
        }
        #expect(wrapped > Self.inputs / 20)
    }

    @Test
    func `No capture of damaged packets brings an examination down, and its verdicts name packets that are there`()
        throws
    {
        var generator = Generator(state: 2)
        let ordinary = try SyntheticCapture.ordinary()
        for round in 0..<max(1, Self.inputs / 2 / 400) {
            var capture = SyntheticCapture()
            for _ in 0..<400 {
                guard let record = ordinary.records.randomElement(using: &generator) else { continue }
                var bytes = record.bytes
                if Bool.random(using: &generator) { Self.mutate(&bytes, with: &generator) }
                capture.add(bytes, at: record.place, direction: Bool.random(using: &generator) ? .inbound : .outbound)
                if Int.random(in: 0..<50, using: &generator) == 0 {
                    capture.change(lastAt: record.place) { $0.originalLength = bytes.count + 9 }
                }
            }
            if round % 3 == 0 { capture.missingBytes = Int.random(in: 0..<2000, using: &generator) }
            let verdicts = try JudgedLab.verdicts(
                expecting: Self.expectations, of: capture, keys: round % 2 == 0 ? Way.keys : [])
            #expect(verdicts.count == 5)
            for verdict in verdicts.values {
                #expect(verdict.outcome != .pass)
                #expect(verdict.evidence.allSatisfy { (1...400).contains($0.packet) })
            }
        }
    }
}
