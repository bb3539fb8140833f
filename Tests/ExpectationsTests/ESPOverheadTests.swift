import Testing

@testable import HeaderStacks
@testable import LabModel

@Suite("The bytes of ESP's algorithms")
struct ESPTransformTests {
    /// Every pair that makes sense: each authenticated cipher alone, every other one with each integrity algorithm.
    static let all: [ESPOverhead] = Cipher.allCases.flatMap { cipher in
        let integrities: [IntegrityAlgorithm?] = cipher.isAuthenticated ? [nil] : IntegrityAlgorithm.allCases
        return integrities.compactMap { try? ESPOverhead(cipher: cipher, integrity: $0) }
    }

    @Test
    func `22 pairs: 7 ciphers that authenticate and 3 with each of 5 integrity algorithms`() {
        #expect(Self.all.count == 7 + 3 * 5)
    }

    @Test(
        arguments: [
            (Cipher.aesCBC, IntegrityAlgorithm?.some(.sha2_256), 16, 16, 16), (.aesCBC, .sha1, 16, 12, 16),
            (.aesCTR, .sha1, 8, 12, 4), (.aesCTR, .sha2_384, 8, 24, 4), (.null, .sha1, 0, 12, 4),
            (.null, .sha2_512, 0, 32, 4), (.null, .aesXCBC, 0, 12, 4), (.aesGCM8, nil, 8, 8, 4),
            (.aesGCM12, nil, 8, 12, 4), (.aesGCM16, nil, 8, 16, 4), (.aesCCM8, nil, 8, 8, 4),
            (.aesCCM12, nil, 8, 12, 4),
            (.aesCCM16, nil, 8, 16, 4), (.chacha20Poly1305, nil, 8, 16, 4),
        ])
    func `Initialization vector, block and integrity check value are the RFCs'`(
        cipher: Cipher, integrity: IntegrityAlgorithm?, iv: Int, icv: Int, alignment: Int
    ) throws {
        let transform = try ESPOverhead(cipher: cipher, integrity: integrity)
        #expect(transform.ivLength == iv)
        #expect(transform.icvLength == icv)
        #expect(transform.alignment == alignment)
    }

    @Test(arguments: all)
    func `Padding is the shortest that fills the alignment`(transform: ESPOverhead) throws {
        for payload in 0...600 {
            let shortest = try #require((0...255).first { (payload + $0 + 2).isMultiple(of: transform.alignment) })
            #expect(transform.paddingLength(payload: payload) == shortest)
            let sum = 8 + transform.ivLength + payload + shortest + 2 + transform.icvLength
            #expect(transform.espLength(payload: payload) == sum)
        }
    }

    @Test(arguments: all)
    func `The payloads of an ESP packet's length are those that make it, and no others`(transform: ESPOverhead) {
        let made = Dictionary(grouping: 0...400) { transform.espLength(payload: $0) }
        for length in 0...380 {
            #expect(transform.payloads(espLength: length).map(Array.init) == made[length])
        }
        #expect(transform.payloads(espLength: .min) == nil)
        #expect(transform.payloads(espLength: -4) == nil)
        _ = transform.payloads(espLength: .max)
    }

    @Test
    func `A cipher that authenticates takes no integrity algorithm, and one that does not needs it`() {
        for cipher in Cipher.allCases {
            let wrong: IntegrityAlgorithm? = cipher.isAuthenticated ? .sha2_256 : nil
            let error = #expect(throws: EncapsulationError.self) { try ESPOverhead(cipher: cipher, integrity: wrong) }
            #expect(error?.message.hasPrefix(cipher.rawValue) == true)
            #expect(error?.remedy.isEmpty == false)
        }
    }
}
