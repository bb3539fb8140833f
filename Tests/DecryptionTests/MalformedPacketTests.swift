import Testing

@testable import Decryption

/// What is not ESP as RFC 4303 has it is told apart from what is not authentic.
@Suite struct MalformedPacketTests {
    private let cbc = ESPAssociation.between(ESPAssociation.cbc, ESPAssociation.sha256)
    private let gcm = ESPAssociation.between(ESPAssociation.gcm)
    private let tripleDES = ESPAssociation.between(ESPAssociation.tripleDES, ESPAssociation.sha256)

    /// What comes of a plaintext that is authentic, whatever its trailer is.
    private func opening(of plaintext: [UInt8]) throws -> ESPOpening {
        let packet = try ESPSealer(gcm).seal(plaintext: plaintext, sequence: 1, iv: Array(0..<8))
        var decryptor = try ESPDecryptor(gcm)
        return decryptor.open(packet)
    }

    @Test func `Fewer bytes than the algorithms need`() throws {
        // Header 8, IV 16, one block 16, ICV 16.
        let packet = try ESPSealer(cbc).seal([1, 2, 3], sequence: 1)
        var decryptor = try ESPDecryptor(cbc)
        #expect(packet.count == 56)
        for length in 0..<packet.count {
            let malformation = decryptor.open(Array(packet.prefix(length))).malformation
            #expect(malformation == .tooShort(length: length, minimum: 56))
        }
        #expect(decryptor.open(packet).payload?.bytes == [1, 2, 3])
    }

    @Test func `An encrypted part that is not whole blocks`() throws {
        var decryptor = try ESPDecryptor(cbc)
        let packet = try ESPSealer(cbc).seal(Array(0..<30), sequence: 1)
        for extra in 1..<16 {
            let malformation = decryptor.open(packet + [UInt8](repeating: 0, count: extra)).malformation
            #expect(malformation == .partialBlock(length: 32 + extra, blockLength: 16))
        }
        // A whole block more is only wrong.
        #expect(decryptor.open(packet + [UInt8](repeating: 0, count: 16)).isICVMismatch)
    }

    @Test func `Another association's packet`() throws {
        var decryptor = try ESPDecryptor(cbc)
        var other = cbc
        other.spi = 0x99
        let packet = try ESPSealer(other).seal([1], sequence: 1)
        #expect(decryptor.open(packet).malformation == .otherSPI(0x99))
    }

    @Test func `More padding than there are bytes`() throws {
        #expect(try opening(of: [1, 2, 3, 4, 5, 6, 7, 4]).malformation == .padLength(7, available: 6))
        let whole = try opening(of: [1, 2, 3, 4, 5, 6, 6, 4]).payload
        #expect(whole?.bytes == [])
        #expect(whole?.padLength == 6)
    }

    @Test(arguments: [[9, 9, 9, 2, 2, 2, 3, 4], [9, 9, 9, 0, 0, 0, 3, 4], [9, 9, 9, 1, 2, 4, 3, 4]])
    func `Padding that is not 1, 2, 3`(_ plaintext: [UInt8]) throws {
        #expect(try opening(of: plaintext).malformation == .padding)
        #expect(try opening(of: [9, 9, 9, 1, 2, 3, 3, 4]).payload?.bytes == [9, 9, 9])
    }

    @Test(arguments: 0..<70)
    func `Any payload is padded to whole blocks, and found again`(_ length: Int) throws {
        let payload = (0..<length).map { UInt8(200 - $0) }
        for association in [cbc, gcm, tripleDES] {
            let packet = try ESPSealer(association).seal(payload, nextHeader: 41, sequence: 7)
            var decryptor = try ESPDecryptor(association)
            let opened = try #require(decryptor.open(packet).payload)
            #expect(opened.bytes == payload)
            #expect(opened.nextHeader == 41)
            #expect(opened.sequence == 7)
            #expect(opened.padLength < 16)
        }
    }

    @Test func `An initialization vector of another length is refused`() throws {
        #expect(throws: DecryptionError.self) { try ESPSealer(gcm).seal([1], sequence: 1, iv: [1, 2, 3]) }
    }
}
