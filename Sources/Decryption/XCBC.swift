import Crypto
import CryptoExtras

/// AES-XCBC-MAC, for messages of any length (RFC 3566 section 4).
struct XCBC: Sendable {
    /// Encrypts the blocks.
    private let key: SymmetricKey
    /// Goes into a last block that is whole.
    private let wholeBlock: [UInt8]
    /// Goes into a last block that was padded.
    private let paddedBlock: [UInt8]

    /// - Throws: where the key does not have 16 bytes.
    init(key: SymmetricKey) throws {
        let derived = try (1...3).map { (number: UInt8) in
            var block = [UInt8](repeating: number, count: 16)
            try AES.permute(&block, key: key)
            return block
        }
        self.key = SymmetricKey(data: derived[0])
        wholeBlock = derived[1]
        paddedBlock = derived[2]
    }

    /// The whole value, 16 bytes, of which ESP sends 12.
    func value(of message: [UInt8]) throws -> [UInt8] {
        var blocks = message
        let isWhole = !message.isEmpty && message.count.isMultiple(of: 16)
        if !isWhole {
            blocks.append(0x80)
            blocks.pad(toMultipleOf: 16)
        }
        let last = blocks.count - 16
        for (index, byte) in (isWhole ? wholeBlock : paddedBlock).enumerated() { blocks[last + index] ^= byte }
        return try AES.lastBlockOfCBC(blocks, key: key)
    }
}
