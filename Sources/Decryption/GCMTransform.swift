import Crypto
import CryptoExtras
import FoundationEssentials

/// AES-GCM with an ICV of 8, 12 or 16 bytes (RFC 4106).
struct GCMTransform: ESPTransform {
    let key: SymmetricKey
    let salt: [UInt8]
    let icvLength: Int

    var ivLength: Int { 8 }
    var blockLength: Int { 4 }

    private static let fullTag = 16

    func open(_ packet: ESPPacket) throws -> Data? {
        guard icvLength == Self.fullTag else { return try openTruncated(packet) }
        let sealed = try AES.GCM.SealedBox(combined: packet.salted(with: salt))
        // A wrong tag is the only failure left: the lengths of key and box are right.
        return try? AES.GCM.open(sealed, using: key, authenticating: packet.header.additionalData)
    }

    /// The library knows only the whole tag, so the plaintext is made first and sealed again to get its tag.
    ///
    /// GCM encrypts in counter mode; the block counter begins at 2, since 1 is the tag's (NIST SP 800-38D section 7.1).
    private func openTruncated(_ packet: ESPPacket) throws -> Data? {
        let nonce = salt + packet.iv
        let counter = try AES._CTR.Nonce(nonceBytes: nonce + UInt32(2).bigEndianBytes)
        let plaintext = try AES._CTR.decrypt(packet.ciphertext, using: key, nonce: counter)
        let sealed = try AES.GCM.seal(
            plaintext, using: key, nonce: AES.GCM.Nonce(data: nonce), authenticating: packet.header.additionalData)
        return sealed.tag.prefix(icvLength).elementsEqual(packet.icv) ? plaintext : nil
    }

    func seal(_ plaintext: [UInt8], header: ESPHeader, iv: [UInt8]) throws -> (ciphertext: [UInt8], icv: [UInt8]) {
        let sealed = try AES.GCM.seal(
            plaintext, using: key, nonce: AES.GCM.Nonce(data: salt + iv), authenticating: header.additionalData)
        return (Array(sealed.ciphertext), Array(sealed.tag.prefix(icvLength)))
    }
}
