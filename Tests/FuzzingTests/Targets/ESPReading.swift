import Foundation
import NetworkTypes

@testable import Decryption

/// ESP: the first byte chooses an association, the rest is a packet of it, and then what was sealed in an authentic one.
enum ESPReading {
    static func read(_ bytes: [UInt8]) throws {
        guard let first = bytes.first else { return }
        let association = associations[Int(first) % associations.count]
        let rest = Array(bytes.dropFirst())
        var decryptor = try ESPDecryptor(association)
        for high in [nil, 1] as [UInt32?] {
            _ = decryptor.open(rest.span.bytes, highSequence: high)
        }
        // No fuzzer gets past an integrity check value: here is what would be behind it.
        let sealer = try ESPSealer(association)
        let iv = [UInt8](repeating: 7, count: sealer.ivLength)
        let whole = rest.count - rest.count % 16
        let hostile = try sealer.seal(plaintext: Array(rest.prefix(whole)), sequence: 5, iv: iv)
        _ = decryptor.open(hostile.span.bytes)
        let packet = try sealer.seal(rest.span.bytes, nextHeader: first, sequence: 6, iv: iv)
        guard case .opened(let payload) = decryptor.open(packet.span.bytes) else {
            throw Violation(description: "\(association.encryption.name): what was sealed is not opened")
        }
        let isSame = payload.withBytes { $0.withUnsafeBytes { Array($0) == rest } }
        try require(isSame && payload.nextHeader == first, "\(association.encryption.name) opens something else")
    }

    /// Each algorithm, with keys that count up, and extended sequence numbers or not.
    private static let associations: [ESPAssociation] = {
        typealias Algorithm = ESPAssociation.Algorithm
        let key = { (length: UInt8) in KeyMaterial(Array(0..<length)) }
        let sha1 = Algorithm(name: "hmac(sha1)", key: key(20), tagBits: 96)
        let sha512 = Algorithm(name: "hmac(sha512)", key: key(64), tagBits: 256)
        let xcbc = Algorithm(name: "xcbc(aes)", key: key(16), tagBits: 96)
        let pairs: [(Algorithm, Algorithm?)] = [
            (Algorithm(name: "ecb(cipher_null)", key: key(0)), sha1),
            (Algorithm(name: "cbc(aes)", key: key(32)), sha512),
            (Algorithm(name: "rfc3686(ctr(aes))", key: key(20)), xcbc),
            (Algorithm(name: "rfc4106(gcm(aes))", key: key(36), tagBits: 128), nil),
            (Algorithm(name: "rfc4309(ccm(aes))", key: key(19), tagBits: 64), nil),
            (Algorithm(name: "rfc7539esp(chacha20,poly1305)", key: key(36), tagBits: 128), nil),
            (Algorithm(name: "cbc(des3_ede)", key: key(24)), sha1),
        ]
        return pairs.flatMap { encryption, integrity in
            [false, true].map { isExtended in
                ESPAssociation(
                    source: .v4(IPv4Address(rawValue: 1)), destination: .v4(IPv4Address(rawValue: 2)), spi: 0x0102_0304,
                    encryption: encryption, integrity: integrity, hasExtendedSequence: isExtended)
            }
        }
    }()
}
