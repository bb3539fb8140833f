import Testing

@testable import Daemons
@testable import LabModel

@Suite("Libreswan's names of algorithms")
struct AlgorithmNameTests {
    /// As `ipsec algparse esp=…` of libreswan 4.10 takes them.
    @Test(
        arguments: [
            (EncryptionAlgorithm.aes256CBC, "aes_cbc256"), (.aes192CTR, "aes_ctr192"), (.aes128GCM8, "aes_gcm_8-128"),
            (.aes192GCM12, "aes_gcm_12-192"), (.aes256GCM16, "aes_gcm256"), (.aes256CCM8, "aes_ccm_8-256"),
            (.aes128CCM12, "aes_ccm_12-128"), (.aes192CCM16, "aes_ccm_16-192"),
            (.chacha20Poly1305, "chacha20_poly1305"),
            (.null, "null"),
        ])
    func `Each cipher's spelling`(algorithm: EncryptionAlgorithm, name: String) {
        #expect(LibreswanConfiguration.name(of: algorithm) == name)
    }
}
