/// AES-XCBC-MAC, for messages of any length (RFC 3566 section 4); libcrypto has only its successor.
struct XCBC: Sendable {
    private static let block = 16
    private static let zeros = [UInt8](repeating: 0, count: block)

    /// Encrypts the blocks, in CBC mode.
    private let cipher: Cipher
    /// Goes into a last block that is whole.
    private let wholeBlock: [UInt8]
    /// Goes into a last block that was padded.
    private let paddedBlock: [UInt8]

    /// - Throws: where the key does not have 16 bytes.
    init(key: [UInt8]) throws {
        let deriving = try Cipher(.aesCBC, key: key)
        let derived = try (1...3).map { (number: UInt8) in
            // One block alone comes out as the cipher itself has it, where the vector is zeros.
            try deriving.seal([UInt8](repeating: number, count: Self.block), iv: Self.zeros).ciphertext
        }
        cipher = try Cipher(.aesCBC, key: derived[0])
        wholeBlock = derived[1]
        paddedBlock = derived[2]
    }

    /// The whole value, 16 bytes, of which ESP sends 12: the last block of the encryption.
    func value(of message: [UInt8]) throws -> [UInt8] {
        var blocks = message
        let isWhole = !message.isEmpty && message.count.isMultiple(of: Self.block)
        if !isWhole {
            blocks.append(0x80)
            blocks.append(
                contentsOf: repeatElement(0, count: (Self.block - blocks.count % Self.block) % Self.block))
        }
        let last = blocks.count - Self.block
        for (index, byte) in (isWhole ? wholeBlock : paddedBlock).enumerated() { blocks[last + index] ^= byte }
        return try Array(cipher.seal(blocks, iv: Self.zeros).ciphertext.suffix(Self.block))
    }
}
