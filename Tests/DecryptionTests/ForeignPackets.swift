import Decryption
import Foundation
import NetworkTypes
import Testing

/// A packet that another implementation made: one for every combination of algorithms (`make-esp-packets.py`).
struct ForeignPacket: Decodable, CustomTestStringConvertible {
    let association: ESPAssociation
    let sequence: UInt64
    let nextHeader: UInt8
    private let ivHex: String
    private let payloadHex: String
    private let packetHex: String

    private enum CodingKeys: String, CodingKey {
        case association, sequence, nextHeader
        case ivHex = "iv"
        case payloadHex = "payload"
        case packetHex = "packet"
    }

    var iv: [UInt8] { [UInt8](hexadecimal: ivHex) }
    var payload: [UInt8] { [UInt8](hexadecimal: payloadHex) }
    var packet: [UInt8] { [UInt8](hexadecimal: packetHex) }

    var highSequence: UInt32 { UInt32(truncatingIfNeeded: sequence >> 32) }

    var testDescription: String {
        let algorithms = [association.encryption, association.integrity].compactMap(\.self)
        let names = algorithms.map { "\($0.name)/\($0.key.bits)/\($0.tagBits)" }
        return (names + (association.hasExtendedSequence ? ["extended"] : [])).joined(separator: " ")
    }

    static let all: [ForeignPacket] = {
        guard let url = Bundle.module.url(forResource: "Fixtures/esp-packets", withExtension: "json"),
            let packets = try? JSONDecoder().decode([ForeignPacket].self, from: Data(contentsOf: url))
        else { return [] }
        return packets
    }()
}

@Suite struct ForeignPacketTests {
    @Test func `There is a packet for every combination, with and without extended sequence numbers`() {
        #expect(ForeignPacket.all.count == 134)
        let names = Set(ForeignPacket.all.map(\.association.encryption.name))
        #expect(names == Set(ESPAssociation.EncryptionName.allCases.map(\.rawValue)))
        let checks = Set(ForeignPacket.all.compactMap(\.association.integrity?.name))
        #expect(checks == Set(ESPAssociation.IntegrityName.allCases.map(\.rawValue)))
    }

    @Test(arguments: ForeignPacket.all)
    func `What another implementation sealed is opened`(_ foreign: ForeignPacket) throws {
        var decryptor = try ESPDecryptor(foreign.association)
        let payload = try #require(decryptor.open(foreign.packet, highSequence: foreign.highSequence).payload)
        #expect(payload.bytes == foreign.payload)
        #expect(payload.nextHeader == foreign.nextHeader)
        #expect(payload.sequence == foreign.sequence)
    }

    @Test(arguments: ForeignPacket.all)
    func `Sealing gives the other implementation's bytes`(_ foreign: ForeignPacket) throws {
        let sealed = try ESPSealer(foreign.association).seal(
            foreign.payload, nextHeader: foreign.nextHeader, sequence: foreign.sequence, iv: foreign.iv)
        #expect(sealed == foreign.packet)
    }

    @Test(arguments: ForeignPacket.all)
    func `A packet changed in any byte is not opened`(_ foreign: ForeignPacket) throws {
        var decryptor = try ESPDecryptor(foreign.association)
        for index in foreign.packet.indices {
            var changed = foreign.packet
            changed[index] ^= 1 << UInt8(index % 8)
            let opening = decryptor.open(changed, highSequence: foreign.highSequence)
            // The first four bytes say whose packet it is.
            #expect(index < 4 ? opening.malformation != nil : opening.isICVMismatch, "byte \(index)")
        }
    }

    @Test(arguments: ForeignPacket.all)
    func `The high half of an extended sequence number counts, and only there`(_ foreign: ForeignPacket) throws {
        var decryptor = try ESPDecryptor(foreign.association)
        let opening = decryptor.open(foreign.packet, highSequence: foreign.highSequence + 1)
        #expect(opening.isICVMismatch == foreign.association.hasExtendedSequence)
    }

    @Test(arguments: ForeignPacket.all)
    func `Another key opens nothing`(_ foreign: ForeignPacket) throws {
        var other = foreign.association
        let changed = { (key: KeyMaterial) in KeyMaterial(key.bytes.map { $0 ^ 1 }) }
        if let integrity = other.integrity {
            other.integrity?.key = changed(integrity.key)
        } else {
            other.encryption.key = changed(other.encryption.key)
        }
        var decryptor = try ESPDecryptor(other)
        #expect(decryptor.open(foreign.packet, highSequence: foreign.highSequence).isICVMismatch)
    }
}
