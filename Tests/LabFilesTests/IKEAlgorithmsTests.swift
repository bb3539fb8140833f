import Testing

@testable import LabModel

@Suite struct IKEAlgorithmsTests {
    @Test(arguments: [
        ("aes_cbc256-sha2_384;modp1536", "AES_CBC_256-HMAC_SHA2_384-MODP1536"),
        ("aes256-sha2_256-dh19", "AES_CBC_256-HMAC_SHA2_256-DH19"),
        ("aes_gcm256-sha2_512;modp2048", "AES_GCM_16_256-HMAC_SHA2_512-MODP2048"),
        ("aes128-sha1;modp2048", "AES_CBC_128-HMAC_SHA1-MODP2048"),
    ])
    func `As pluto says them`(_ written: String, _ name: String) throws {
        #expect(try #require(IKEAlgorithms(libreswan: written)).suite == name)
    }

    @Test(arguments: [
        "aes256-sha2_256", "aes256;modp2048", "aes256-sha2_256;modp2048,aes128-sha1;modp2048", "aes-sha1;modp2048",
        "aes256-sha2_256;modp99", "",
    ])
    func `What leaves something open is not read`(_ written: String) {
        #expect(IKEAlgorithms(libreswan: written) == nil)
    }

    @Test func `Of the article's tunnels`() throws {
        let topology = try AwsOci.topology.get()
        #expect(topology.tunnel(named: "main")?.ikeAlgorithms?.suite == "AES_CBC_256-HMAC_SHA2_384-DH20")
        #expect(topology.tunnel(named: "backup")?.ikeAlgorithms?.suite == "AES_CBC_256-HMAC_SHA2_384-MODP1536")
    }
}
