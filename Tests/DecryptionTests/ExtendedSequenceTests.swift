import Testing

@testable import Decryption

/// High halves of extended sequence numbers are worked out as RFC 4303 appendix A2 says.
@Suite struct ExtendedSequenceTests {
    @Test(
        arguments: [
            // Highest so far, low half seen, what it means.
            (0x0_0000_0000, 0x0000_0001, 0x0_0000_0001),
            (0x0_0000_0064, 0xFFFF_FFFF, 0x0_FFFF_FFFF),  // nothing came before 0
            (0x0_FFFF_FFF0, 0x0000_0002, 0x1_0000_0002),  // the low half began anew
            (0x1_0000_0002, 0xFFFF_FFF1, 0x0_FFFF_FFF1),  // late, from before that
            (0x1_0000_0002, 0x0000_0003, 0x1_0000_0003),
            (0x5_8000_0000, 0x8000_0001, 0x5_8000_0001),
            (0x5_8000_0000, 0x0000_0000, 0x5_0000_0000),
            (0x5_8000_0001, 0x0000_0000, 0x6_0000_0000),
            (0x5_0000_0000, 0x8000_0000, 0x4_8000_0000),
            (0xFFFF_FFFF_FFFF_FFFF, 0, 0xFFFF_FFFF_0000_0000),  // the last cycle
        ] as [(UInt64, UInt32, UInt64)])
    func `The nearest number with this low half`(_ highest: UInt64, _ low: UInt32, _ expected: UInt64) {
        #expect(ExtendedSequence(highest: highest).extended(low) == expected)
    }

    @Test(arguments: [ESPAssociation.gcm, ESPAssociation.cbc])
    func `A decryptor follows the numbers past 32 bits`(_ encryption: ESPAssociation.Algorithm) throws {
        let integrity = encryption == ESPAssociation.cbc ? ESPAssociation.sha256 : nil
        let association = ESPAssociation.between(encryption, integrity, extended: true)
        let sealer = try ESPSealer(association)
        let cycle = UInt64(1) << 32
        var decryptor = try ESPDecryptor(association, highestSequence: cycle - 3)
        // In order, late, again, and further on.
        for sequence in [cycle - 2, cycle - 1, cycle, cycle + 1, cycle - 1, cycle + 1, cycle + 90] {
            let packet = try sealer.seal([1, 2, 3, 4], sequence: sequence)
            #expect(decryptor.open(packet).payload?.sequence == sequence)
        }
        // Negative control: one that was not told where the numbers are.
        var late = try ESPDecryptor(association)
        #expect(late.open(try sealer.seal([1], sequence: cycle + 100)).isICVMismatch)
    }

    @Test func `What is not authentic does not move the numbers`() throws {
        let association = ESPAssociation.between(ESPAssociation.gcm, extended: true)
        let sealer = try ESPSealer(association)
        var decryptor = try ESPDecryptor(association, highestSequence: 0xFFFF_FFF0)
        var forged = try sealer.seal([1], sequence: 0x1_7000_0000)
        forged[forged.count - 1] ^= 1
        #expect(decryptor.open(forged).isICVMismatch)
        #expect(decryptor.open(try sealer.seal([1], sequence: 0xFFFF_FFF1)).payload?.sequence == 0xFFFF_FFF1)
    }
}
