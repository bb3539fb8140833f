import Foundation
import NetworkTypes
import Testing

@testable import Decryption

/// Wireshark decrypts IKEv2 messages with the table made here.
@Suite struct TsharkIKETests {
    /// A Delete payload for two ESP associations (RFC 7296 section 3.11).
    private static let deletion: [UInt8] = [0, 0, 0, 16, 3, 4, 0, 2, 0xCA, 0xFE, 0, 1, 0xCA, 0xFE, 0, 2]

    /// Keys for every combination, each with its own SPIs.
    private static let combinations: [IKEKeys] = {
        let integrities: [IKEKeys.Pair<IKEKeys.Integrity>] = [
            pair(.sha1, 20), pair(.sha256, 32), pair(.sha384, 48), pair(.sha512, 64),
        ]
        let separate = [16, 24, 32].flatMap { bytes in integrities.map { (pair(IKEKeys.Encryption.cbc, bytes), $0) } }
        let combined = [IKEKeys.Encryption.gcm8, .gcm12, .gcm16].flatMap { aead in
            [20, 28, 36].map { (pair(aead, $0), nil as IKEKeys.Pair<IKEKeys.Integrity>?) }
        }
        return (separate + combined).enumerated().map { number, pairs in
            IKEKeys(
                initiatorSPI: 0x0102_0304_0506_0700 + UInt64(number),
                responderSPI: 0xA1A2_A3A4_A5A6_A700 + UInt64(number),
                encryption: pairs.0, integrity: pairs.1)
        }
    }()

    private static func pair<Algorithm>(_ algorithm: Algorithm, _ bytes: Int) -> IKEKeys.Pair<Algorithm> {
        let material = { (first: UInt8) in KeyMaterial((0..<bytes).map { first &+ UInt8($0) }) }
        return .init(algorithm, initiatorKey: material(1), responderKey: material(101))
    }

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
            let message = header + iv + (try Cipher(.aesCBC, key: encryptionKey).seal(plaintext, iv: iv).ciphertext)
            let hash = try HMAC(digest(integrity.algorithm), key: key(integrity))
            return message + (try message.withUnsafeBytes { try hash.value(of: $0) }).prefix(icvLength)
        }
        let (ciphertext, tag) = try Cipher(.aesGCM, key: encryptionKey.dropLast(4), tagLength: icvLength)
            .seal(plaintext, iv: encryptionKey.suffix(4) + iv, authenticating: header)
        return header + iv + ciphertext + tag
    }

    private static func digest(_ algorithm: IKEKeys.Integrity) -> HMAC.Digest {
        switch algorithm {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    /// The SPIs that tshark finds in Delete payloads: for each association, in the initiator's message and in the responder's.
    private func deletedSPIs(_ keys: [IKEKeys], table: [IKEKeys]) async throws -> [String] {
        let packets = try keys.flatMap { keys in
            try [true, false].map { fromInitiator in
                let message = try Self.message(keys, fromInitiator: fromInitiator)
                return ipPacket(
                    from: [192, 0, 2, 1], to: [198, 51, 100, 2], protocol: 17, udpDatagram(from: 500, to: 500, message))
            }
        }
        let readings = try await Tshark.read(
            packets, files: WiresharkKeys(associations: [], ike: table).files, fields: ["isakmp.delete.spi"])
        return readings.map { $0.joined() }
    }

    @Test func `Messages of both directions are decrypted with every combination`() async throws {
        let found = try await deletedSPIs(Self.combinations, table: Self.combinations)
        #expect(found == Array(repeating: "cafe0001,cafe0002", count: 42))
    }

    @Test func `Integrity keys of which a part is missing do not matter`() async throws {
        let cut = Self.combinations.map { keys in
            var keys = keys
            keys.integrity?.initiatorKey = KeyMaterial([1, 2, 3])
            return keys
        }
        let found = try await deletedSPIs(Self.combinations, table: cut)
        #expect(found == Array(repeating: "cafe0001,cafe0002", count: 42))
    }

    @Test func `Without keys they are not`() async throws {
        #expect(try await deletedSPIs(Self.combinations, table: []) == Array(repeating: "", count: 42))
    }
}
