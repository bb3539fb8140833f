import Testing

@testable import LabFiles
@testable import LabModel

@Suite("Names of algorithms")
struct AlgorithmTests {
    @Test(arguments: EncryptionAlgorithm.allCases)
    func `A name is the cipher's with its key's bits`(algorithm: EncryptionAlgorithm) {
        let words = algorithm.rawValue.split(separator: "-")
        let bits = words.filter { ["128", "192", "256"].contains($0) }
        #expect(algorithm.keyBits == bits.first.flatMap { Int($0) })
        #expect(algorithm.cipher.rawValue == words.filter { !bits.contains($0) }.joined(separator: "-"))
    }

    @Test
    func `Every cipher of AES has its three keys`() {
        let algorithms = Dictionary(grouping: EncryptionAlgorithm.allCases, by: \.cipher)
        for cipher in Cipher.allCases {
            let bits = algorithms[cipher]?.compactMap(\.keyBits)
            #expect(bits == (cipher == .null || cipher == .chacha20Poly1305 ? [] : [128, 192, 256]))
        }
    }

    @Test(arguments: EncryptionAlgorithm.allCases)
    func `The daemon does not protect IKE with every cipher of ESP`(algorithm: EncryptionAlgorithm) throws {
        let written = "ike: {encryption: aes-256-cbc"
        #expect(BrokenLab.text.contains(written))
        let text = BrokenLab.text.replacing(written, with: "ike: {encryption: \(algorithm.rawValue)")
        let name = algorithm.rawValue
        let isRefused = name.contains("ccm") || name == "null"
        let error: LabFileError?
        do {
            _ = try LabFile(text: text, file: "lab.yaml", companion: BrokenLab.companion).resolve()
            error = nil
        } catch let refusal {
            error = refusal
        }
        let message = "tunnels.main.ike.encryption: libreswan does not protect IKE with \(name)"
        #expect(error?.diagnostics.filter { $0.severity == .error }.map(\.message) == (isRefused ? [message] : nil))
    }
}
