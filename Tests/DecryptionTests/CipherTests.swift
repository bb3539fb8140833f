import Testing

@testable import Decryption

/// One cipher serves many messages, in any order and from many threads, and no message changes what comes of another.
@Suite struct CipherTests {
    static let all: [(Cipher.Algorithm, keyLength: Int, tagLength: Int)] = [
        (.aesCBC, 32, 0), (.aesCTR, 24, 0), (.tripleDESCBC, 24, 0), (.aesGCM, 16, 8), (.aesCCM, 32, 12),
        (.chaChaPoly, 32, 16),
    ]

    private static func cipher(_ algorithm: Cipher.Algorithm, _ keyLength: Int, _ tagLength: Int) throws -> Cipher {
        try Cipher(algorithm, key: (0..<keyLength).map { UInt8($0) }, tagLength: tagLength)
    }

    private static func opened(
        _ sealed: (ciphertext: [UInt8], tag: [UInt8]), by cipher: Cipher, iv: [UInt8], additional: [UInt8]
    ) throws -> [UInt8]? {
        try sealed.ciphertext.withUnsafeBytes { ciphertext in
            try sealed.tag.withUnsafeBytes {
                try cipher.open(ciphertext, iv: iv, authenticating: additional, tag: $0)
            }
        }
    }

    @Test(arguments: all)
    func `From many threads at once`(_ algorithm: Cipher.Algorithm, _ keyLength: Int, _ tagLength: Int) async throws {
        let cipher = try Self.cipher(algorithm, keyLength, tagLength)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let message = (0..<48 * (1 + number % 7)).map { UInt8(truncatingIfNeeded: $0 + number) }
                    let iv = [UInt8](repeating: UInt8(number), count: algorithm.ivLength)
                    let additional = tagLength == 0 ? [] : [UInt8](repeating: 7, count: 8 + 4 * (number % 2))
                    let sealed = try cipher.seal(message, iv: iv, authenticating: additional)
                    let alone = try Self.cipher(algorithm, keyLength, tagLength)
                        .seal(message, iv: iv, authenticating: additional)
                    #expect(sealed.ciphertext == alone.ciphertext && sealed.tag == alone.tag)
                    #expect(sealed.tag.count == tagLength)
                    #expect(try Self.opened(sealed, by: cipher, iv: iv, additional: additional) == message)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: all)
    func `What was refused leaves nothing behind`(
        _ algorithm: Cipher.Algorithm, _ keyLength: Int, _ tagLength: Int
    ) throws {
        let cipher = try Self.cipher(algorithm, keyLength, tagLength)
        let iv = [UInt8](repeating: 9, count: algorithm.ivLength)
        let additional: [UInt8] = tagLength == 0 ? [] : Array(0..<8)
        let message: [UInt8] = Array(0..<96)
        let sealed = try cipher.seal(message, iv: iv, authenticating: additional)
        #expect(throws: LibcryptoError.self) { try cipher.seal(message, iv: iv + [0], authenticating: additional) }
        #expect(throws: LibcryptoError.self) {
            try Self.opened((sealed.ciphertext, sealed.tag + [0]), by: cipher, iv: iv, additional: additional)
        }
        if algorithm == .aesCBC || algorithm == .tripleDESCBC {
            #expect(throws: LibcryptoError.self) { try cipher.seal(message + [1, 2, 3], iv: iv) }
            #expect(throws: LibcryptoError.self) {
                try Self.opened((sealed.ciphertext.dropLast(), []), by: cipher, iv: iv, additional: [])
            }
        }
        if tagLength > 0 {
            let forged = (sealed.ciphertext, sealed.tag.map { $0 ^ 1 })
            #expect(try Self.opened(forged, by: cipher, iv: iv, additional: additional) == nil)
            #expect(try Self.opened(sealed, by: cipher, iv: iv, additional: additional + [0]) == nil)
        }
        #expect(try Self.opened(sealed, by: cipher, iv: iv, additional: additional) == message)
        let again = try cipher.seal(message, iv: iv, authenticating: additional)
        #expect(again.ciphertext == sealed.ciphertext && again.tag == sealed.tag)
    }

    @Test(arguments: all) func `An empty message`(
        _ algorithm: Cipher.Algorithm, _ keyLength: Int, _ tagLength: Int
    ) throws {
        let cipher = try Self.cipher(algorithm, keyLength, tagLength)
        let iv = [UInt8](repeating: 9, count: algorithm.ivLength)
        let sealed = try cipher.seal([], iv: iv)
        #expect(sealed.ciphertext == [])
        #expect(try Self.opened(sealed, by: cipher, iv: iv, additional: []) == [])
        guard tagLength > 0 else { return }
        #expect(try Self.opened(([], sealed.tag.map { ~$0 }), by: cipher, iv: iv, additional: []) == nil)
    }

    @Test func `A key of another length is refused`() {
        for (algorithm, _, tagLength) in Self.all {
            #expect(throws: LibcryptoError.self) { try Self.cipher(algorithm, 17, tagLength) }
            #expect(throws: LibcryptoError.self) { try Self.cipher(algorithm, 0, tagLength) }
        }
    }

    @Test func `HMAC takes a key of any length, none included`() throws {
        // RFC 2104: keys are filled up with zeros, so these are one.
        let values = try [0, 1, 64].map { length in
            try [UInt8](1...3).withUnsafeBytes {
                try HMAC(.sha256, key: [UInt8](repeating: 0, count: length)).value(of: $0)
            }
        }
        #expect(values[0].count == 32 && values[0] == values[1] && values[1] == values[2])
    }
}
