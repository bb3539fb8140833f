import LabFiles
import LabModel
import NetworkTypes
import Testing

@Suite("The algorithms of a tunnel's ESP")
struct ESPAlgorithmsTests {
    /// Each is accepted by `ipsec algparse -v2 esp=…` of libreswan 4.10 as what stands here.
    @Test(
        arguments: [
            ("aes_gcm256;modp1536", "aes-256-gcm-16"), ("aes_gcm_256", "aes-256-gcm-16"),
            ("aes_gcm-256", "aes-256-gcm-16"),
            ("aes_gcm_c256", "aes-256-gcm-16"), ("aes_gcm_16_256", "aes-256-gcm-16"),
            ("aes_gcm_16-256", "aes-256-gcm-16"),
            ("AES_GCM256", "aes-256-gcm-16"), ("aes_gcm256-null", "aes-256-gcm-16"), ("aes_gcm_a256", "aes-256-gcm-8"),
            ("aes_gcm_12_256", "aes-256-gcm-12"), ("aes_ccm_c_256", "aes-256-ccm-16"), ("aes_ccm256", "aes-256-ccm-16"),
            ("chacha20_poly1305", "chacha20-poly1305"), ("aes256-sha2_256", "aes-256-cbc with sha2-256"),
            ("aes256-sha2_256;dh19+dh20", "aes-256-cbc with sha2-256"), ("aes-256-sha2", "aes-256-cbc with sha2-256"),
            ("aes_cbc256-sha2_256-modp2048", "aes-256-cbc with sha2-256"), ("aes128-sha1", "aes-128-cbc with sha1"),
            ("aes_cbc_192-sha512", "aes-192-cbc with sha2-512"), ("aes_ctr192-sha1", "aes-192-ctr with sha1"),
            ("aes256-aes_xcbc", "aes-256-cbc with aes-xcbc"), ("null-sha1", "null with sha1"),
        ])
    func `As libreswan spells them`(_ text: String, _ meaning: String) {
        #expect(ESPAlgorithms(libreswan: text)?.description == meaning)
    }

    @Test(
        arguments: [
            "", ";", "-", ",", "aes_gcm256,aes_gcm128", "aes_gcm256+aes_gcm128", "aes256-sha2_256+sha2_512", "aes_gcm",
            "aes", "aes256",
            "aes-sha1", "aes256-md5", "3des-sha1", "aes512-sha1", "aes_gcm16_512", "null", "null256-sha1",
            "chacha20_poly1305256", "256",
            "camellia256-sha1", ";modp1536", "✓-sha1",
        ])
    func `Several, none, or what is not known tells nothing`(_ text: String) {
        #expect(ESPAlgorithms(libreswan: text) == nil)
    }

    private func tunnel(_ name: String, vm: String, peer: String = "") throws -> Tunnel {
        let lab = try LabFile(text: BrokenLab.text, file: "lab.yaml") { file in
            switch file {
            case "vm.conf": try BrokenLab.companion(file) + vm
            case "peer.conf": try BrokenLab.companion(file) + peer
            default: try BrokenLab.companion(file)
            }
        }.resolve().topology
        return try #require(lab.tunnel(named: name))
    }

    @Test(
        arguments: [
            ("", nil, nil), ("    esp=aes_gcm128\n", "aes-128-gcm-16", nil),
            ("    phase2alg=aes256-sha1;modp2048\n", "aes-256-cbc with sha1", nil),
            ("    phase2alg=aes_gcm256,aes_gcm128\n", nil, nil),
            ("    ikelifetime=8h\n    salifetime=3600\n", nil, "8h 1h"),
            ("    ikelifetime=8h\n    keylife=30m\n", nil, "8h 30m"),
            ("    ikelifetime=8h\n", nil, nil), ("    ikelifetime=long\n    salifetime=1h\n", nil, nil),
        ] as [(String, String?, String?)])
    func `Of the user's own files`(_ parameters: String, _ algorithms: String?, _ lifetimes: String?) throws {
        let tunnel = try tunnel("own", vm: parameters)
        #expect(tunnel.algorithms?.description == algorithms)
        #expect(tunnel.isUDPEncapsulated, "vm is behind the gateway's NAT")
        #expect(tunnel.lifetimes.map { "\($0.ike.shortText) \($0.esp.shortText)" } == lifetimes)
    }

    @Test
    func `Of the lab file`() throws {
        let main = try tunnel("main", vm: "")
        #expect(main.algorithms?.description == "aes-256-cbc with sha2-256" && !main.isUDPEncapsulated)
        #expect(main.lifetimes.map { [$0.ike, $0.esp] } == [.seconds(28800), .seconds(3600)])
        #expect(try tunnel("idle", vm: "").algorithms?.description == "aes-256-gcm-16")
    }

    @Test(
        arguments: [("yes", true), ("on", true), ("no", false), ("auto", false)])
    func `UDP because a file says so, without any NAT`(_ word: String, _ isEncapsulated: Bool) throws {
        let text = BrokenLab.text.replacing("map: {203.0.113.20: 10.0.0.2}", with: "map: {203.0.113.20: 10.0.0.1}")
            .replacing("config: peer.conf", with: "config: any.conf")
        let lab = try LabFile(text: text, file: "lab.yaml") { file in
            try BrokenLab.companion(file) + (file == "vm.conf" ? "    encapsulation=\(word)\n" : "")
        }.resolve().topology
        #expect(try #require(lab.tunnel(named: "own")).isUDPEncapsulated == isEncapsulated)
    }
}
