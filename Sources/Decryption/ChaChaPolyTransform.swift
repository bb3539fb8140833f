import Crypto
import FoundationEssentials

/// ChaCha20-Poly1305 (RFC 7634).
struct ChaChaPolyTransform: ESPTransform {
    let key: SymmetricKey
    let salt: [UInt8]

    var ivLength: Int { 8 }
    var icvLength: Int { 16 }
    var blockLength: Int { 4 }

    func open(_ packet: ESPPacket) throws -> Data? {
        let sealed = try ChaChaPoly.SealedBox(combined: packet.salted(with: salt))
        // A wrong tag is the only failure left: the lengths of key and box are right.
        return try? ChaChaPoly.open(sealed, using: key, authenticating: packet.header.additionalData)
    }

    func seal(_ plaintext: [UInt8], header: ESPHeader, iv: [UInt8]) throws -> (ciphertext: [UInt8], icv: [UInt8]) {
        let sealed = try ChaChaPoly.seal(
            plaintext, using: key, nonce: ChaChaPoly.Nonce(data: salt + iv), authenticating: header.additionalData)
        return (Array(sealed.ciphertext), Array(sealed.tag))
    }
}
