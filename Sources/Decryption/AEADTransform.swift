/// AES-CCM with an ICV of 8, 12 or 16 bytes (RFC 4309), AES-GCM with one of those (RFC 4106), ChaCha20-Poly1305 (RFC 7634).
struct AEADTransform: ESPTransform {
    private let cipher: Cipher
    private let salt: [UInt8]
    let icvLength: Int

    var ivLength: Int { 8 }
    var blockLength: Int { 4 }

    /// - Throws: `LibcryptoError`, where there is no such cipher.
    init(_ algorithm: Cipher.Algorithm, key: [UInt8], salt: [UInt8], icvLength: Int) throws {
        cipher = try Cipher(algorithm, key: key, tagLength: icvLength)
        self.salt = salt
        self.icvLength = icvLength
    }

    func open(_ packet: ESPPacket) throws -> [UInt8]? {
        try cipher.open(
            packet.ciphertext, iv: salt + packet.iv, authenticating: packet.header.additionalData, tag: packet.icv)
    }

    func seal(_ plaintext: [UInt8], header: ExtendedESPHeader, iv: [UInt8]) throws -> (
        ciphertext: [UInt8], icv: [UInt8]
    ) {
        let (ciphertext, tag) = try cipher.seal(plaintext, iv: salt + iv, authenticating: header.additionalData)
        return (ciphertext, tag)
    }
}
