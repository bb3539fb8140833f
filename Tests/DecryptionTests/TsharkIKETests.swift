import Crypto
import CryptoExtras
import Foundation
import Testing

@testable import Decryption

/// Wireshark decrypts IKEv2 messages with the table made here.
@Suite struct TsharkIKETests {
    private static let spis: (initiator: UInt64, responder: UInt64) = (0x0102_0304_0506_0708, 0xA1A2_A3A4_A5A6_A7A8)

    /// A Delete payload for two ESP associations (RFC 7296 section 3.11).
    private static let deletion: [UInt8] = [0, 0, 0, 16, 3, 4, 0, 2, 0xCA, 0xFE, 0, 1, 0xCA, 0xFE, 0, 2]

    static let combinations: [IKEKeys] = {
        let material = { (count: Int, first: UInt8) in KeyMaterial((0..<count).map { first &+ UInt8($0) }) }
        func keys(_ encryption: IKEKeys.Encryption, _ bytes: Int, _ integrity: (IKEKeys.Integrity, Int)?) -> IKEKeys {
            IKEKeys(
                initiatorSPI: spis.initiator, responderSPI: spis.responder,
                encryption: .init(encryption, initiatorKey: material(bytes, 1), responderKey: material(bytes, 101)),
                integrity: integrity.map { integrity, bytes in
                    .init(integrity, initiatorKey: material(bytes, 51), responderKey: material(bytes, 151))
                })
        }
        let integrities: [(IKEKeys.Integrity, Int)] = [(.sha1, 20), (.sha256, 32), (.sha384, 48), (.sha512, 64)]
        let separate = [16, 24, 32].flatMap { bytes in integrities.map { keys(.cbc, bytes, $0) } }
        let combined = [IKEKeys.Encryption.gcm8, .gcm12, .gcm16].flatMap { aead in
            [16, 24, 32].map { keys(aead, $0 + 4, nil) }
        }
        return separate + combined
    }()

    /// An INFORMATIONAL request with an Encrypted payload (RFC 7296 sections 3.1 and 3.14; RFC 5282 for AES-GCM).
    private static func message(_ keys: IKEKeys, fromInitiator: Bool) throws -> [UInt8] {
        func key<A>(_ pair: IKEKeys.Pair<A>) -> [UInt8] {
            (fromInitiator ? pair.initiatorKey : pair.responderKey).bytes
        }
        let encryptionKey = key(keys.encryption)
        let ivLength = keys.encryption.algorithm == .cbc ? 16 : 8
        let iv = [UInt8](repeating: 0x77, count: ivLength)
        let plaintext = deletion + (keys.encryption.algorithm == .cbc ? [UInt8](repeating: 0, count: 15) + [15] : [0])
        let icvLength =
            switch keys.integrity?.algorithm {
            case .sha1: 12
            case .sha256: 16
            case .sha384: 24
            case .sha512: 32
            case nil: Int(keys.encryption.algorithm.rawValue.dropFirst(3)) ?? 0
            }
        let payloadLength = 4 + ivLength + plaintext.count + icvLength
        let (encrypted, informational, deletePayload): (UInt8, UInt8, UInt8) = (46, 37, 42)
        let header =
            bytes(keys.initiatorSPI) + bytes(keys.responderSPI)
            + [encrypted, 0x20, informational, fromInitiator ? 0x08 : 0] + bytes(UInt32(5))
            + bytes(UInt32(28 + payloadLength)) + [deletePayload, 0] + bytes(UInt16(payloadLength))
        if let integrity = keys.integrity {
            let cipher = ESPCipher.cbc(SymmetricKey(data: encryptionKey))
            let message = header + iv + (try cipher.encrypt(plaintext, iv: iv))
            return message + authentication(integrity.algorithm, key(integrity), message).prefix(icvLength)
        }
        let sealed = try AES.GCM.seal(
            plaintext, using: SymmetricKey(data: encryptionKey.dropLast(4)),
            nonce: AES.GCM.Nonce(data: encryptionKey.suffix(4) + iv), authenticating: header)
        return header + iv + sealed.ciphertext + sealed.tag.prefix(icvLength)
    }

    private static func authentication(_ algorithm: IKEKeys.Integrity, _ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch algorithm {
        case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        }
    }

    /// The SPIs that tshark finds in Delete payloads, in the initiator's message and in the responder's.
    private func deletedSPIs(_ keys: IKEKeys, table: [IKEKeys]) async throws -> [String] {
        let packets = try [true, false].map { fromInitiator in
            let message = try Self.message(keys, fromInitiator: fromInitiator)
            return ipPacket(
                from: [192, 0, 2, 1], to: [198, 51, 100, 2], protocol: 17, udpDatagram(from: 500, to: 500, message))
        }
        let readings = try await Tshark.read(
            packets, files: WiresharkKeys(associations: [], ike: table).files, fields: ["isakmp.delete.spi"])
        return readings.map { $0.joined() }
    }

    @Test(arguments: combinations)
    func `Messages of both directions are decrypted`(_ keys: IKEKeys) async throws {
        #expect(try await deletedSPIs(keys, table: [keys]) == ["cafe0001,cafe0002", "cafe0001,cafe0002"])
    }

    @Test func `Without keys they are not`() async throws {
        let keys = try #require(Self.combinations.first)
        #expect(try await deletedSPIs(keys, table: []) == ["", ""])
    }
}
