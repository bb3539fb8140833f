import Crypto
import CryptoExtras
import FoundationEssentials

/// AES-CCM with an ICV of 8, 12 or 16 bytes (RFC 4309), from counter mode and CBC-MAC (RFC 3610).
struct CCMTransform: ESPTransform {
    let key: SymmetricKey
    let salt: [UInt8]
    let icvLength: Int

    var ivLength: Int { 8 }
    var blockLength: Int { 4 }

    private static let block = 16
    /// The bytes that count a message's length, less one: 4 are left of a block beside the flags and the 11 of the nonce.
    private static let lengthFlag: UInt8 = 3

    func open(_ packet: ESPPacket) throws -> Data? {
        let nonce = salt + packet.iv
        // The first block of the key stream is the ICV's, the message's follow (RFC 3610 section 2.3).
        let padding = [UInt8](repeating: 0, count: Self.block - icvLength)
        let opened = try stream(nonce, over: packet.icv + padding + packet.ciphertext)
        let plaintext = Data(opened.dropFirst(Self.block))
        let expected = try authentication(of: plaintext, nonce: nonce, header: packet.header)
        return opened.prefix(icvLength).elementsEqual(expected.prefix(icvLength)) ? plaintext : nil
    }

    func seal(_ plaintext: [UInt8], header: ESPHeader, iv: [UInt8]) throws -> (ciphertext: [UInt8], icv: [UInt8]) {
        let nonce = salt + iv
        let sealed = try stream(nonce, over: authentication(of: plaintext, nonce: nonce, header: header) + plaintext)
        return (Array(sealed.dropFirst(Self.block)), Array(sealed.prefix(icvLength)))
    }

    private func stream(_ nonce: [UInt8], over bytes: [UInt8]) throws -> Data {
        let first = [Self.lengthFlag] + nonce + UInt32(0).bigEndianBytes
        return try AES._CTR.encrypt(bytes, using: key, nonce: AES._CTR.Nonce(nonceBytes: first))
    }

    /// The CBC-MAC, a whole block of it and not yet encrypted (RFC 3610 section 2.2).
    private func authentication(of plaintext: some Collection<UInt8>, nonce: [UInt8], header: ESPHeader) throws
        -> [UInt8]
    {
        let hasAdditionalData: UInt8 = 0x40
        let flags = hasAdditionalData | UInt8((icvLength - 2) / 2) << 3 | Self.lengthFlag
        let additional = header.additionalData
        var message = [flags] + nonce + UInt32(plaintext.count).bigEndianBytes
        message += UInt16(additional.count).bigEndianBytes + additional
        message.pad(toMultipleOf: Self.block)
        message += plaintext
        message.pad(toMultipleOf: Self.block)
        return try AES.lastBlockOfCBC(message, key: key)
    }
}

extension AES {
    /// CBC-MAC's value of whole blocks: the last block of their encryption with an initialization vector of zeros.
    static func lastBlockOfCBC(_ blocks: [UInt8], key: SymmetricKey) throws -> [UInt8] {
        let zeros = try AES._CBC.IV(ivBytes: [UInt8](repeating: 0, count: 16))
        return try Array(AES._CBC.encrypt(blocks, using: key, iv: zeros, noPadding: true).suffix(16))
    }
}

extension [UInt8] {
    /// Appends zeros until the length is a multiple.
    mutating func pad(toMultipleOf length: Int) {
        append(contentsOf: repeatElement(0, count: (length - count % length) % length))
    }
}
