import ConfigurationFormats
import Testing

@testable import Daemons
@testable import LabFiles
@testable import LabModel

@Suite struct StrongSwanSettingsTests {
    static let text = """
        # a comment
        connections {
            main : templates.psk, templates.other {   # takes in two
                version = 2
                local_addrs = 203.0.113.1   # the first counts
                children { net { esp_proposals = aes256-sha256 } }
            }
            main {
                version = 1
            }
        }
        include conf.d/*.conf
        templates {
            psk {
                version = 9
                dpd_delay = 10s
                local {
                    auth = psk
                }
            }
            other {
                dpd_delay = 20s
            }
        }
        secrets {
            ike-1 {
                secret = "with \\"quotes\\", a # and a }"
            }
        }
        include = no
        """

    @Test func `Sections, values, comments, references and quotes`() throws {
        let settings = try StrongSwanSettings(Self.text)
        let main = ["connections", "main"]
        #expect(settings.value(at: main + ["version"]) == "1")
        #expect(settings.value(at: main + ["local_addrs"]) == "203.0.113.1")
        #expect(settings.value(at: main + ["children", "net", "esp_proposals"]) == "aes256-sha256")
        #expect(settings.value(at: main + ["local", "auth"]) == "psk")
        #expect(settings.value(at: ["secrets", "ike-1", "secret"]) == "with \"quotes\", a # and a }")
        #expect(settings.value(at: ["include"]) == "no")
        #expect(settings.sectionNames == ["connections", "templates", "secrets"])
    }

    @Test(arguments: [
        ("a {\n", 2, "not closed"), ("a\n", 1, "neither `=` nor `{`"), ("\n}\n", 2, "without a section"),
        ("a = \"x\n", 2, "quoted value"), ("a {\n = 1\n}\n", 2, "not the beginning"),
        ("a : {\n}\n", 1, "nothing behind"),
        (String(repeating: "a {\n", count: 100), 64, "too deeply"),
    ])
    func `What is wrong is told with its line`(text: String, line: Int, message: String) {
        let error = #expect(throws: StrongSwanSettings.ParseError.self) { try StrongSwanSettings(text) }
        #expect(error?.line == line)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `Sections that refer to each other in a ring are read`() throws {
        let settings = try StrongSwanSettings("a : b {\n x = 1\n}\nb : a {\n y = 2\n}\n")
        #expect(settings.value(at: ["a", "y"]) == "2" && settings.value(at: ["b", "x"]) == "1")
    }

    /// SplitMix64: the same texts in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test func `Whatever a text holds, it is read or refused`() {
        var generator = Generator(state: 1)
        let original = Array(Self.text.utf8)
        var (read, refused) = (0, 0)
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = .random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2:
                    bytes.insert(
                        contentsOf: "{}=:\"#\n\\".utf8.randomElement(using: &generator).map { [$0] } ?? [], at: at)
                default: bytes.swapAt(at, Int.random(in: bytes.indices, using: &generator))
                }
            }
            if (try? StrongSwanSettings(String(decoding: bytes, as: UTF8.self))) == nil {
                refused += 1
            } else {
                read += 1
            }
        }
        #expect(read > 0 && refused > 0)
    }

    @Test(arguments: [
        ("aes256-sha256-modp1024", "aes-256-cbc, sha2-256, group 2"),
        ("aes128gcm16-prfsha384-ecp384", "aes-128-gcm-16, sha2-384, group 20"),
        ("chacha20poly1305-prfsha256-x25519", "chacha20-poly1305, sha2-256, group 31"),
        ("aes-sha1-modp2048", "aes-128-cbc, sha1, group 14"),
        ("aes256-sha256-prfsha256-ecp256", "aes-256-cbc, sha2-256, group 19"),
        ("aes256-sha256", nil), ("aes256-sha256-modp2048,aes128-sha1-modp2048", nil), ("default", nil),
        ("aes256-sha256-sha1-modp2048", nil), ("3des-sha1-modp1024", nil), ("aes256-sha256-modp2048-ke1_mlkem768", nil),
    ])
    func `A proposal that leaves no choice is known`(text: String, algorithms: String?) {
        #expect(IKEAlgorithms(strongswan: text)?.description == algorithms)
    }
}

@Suite("Diagnostics of strongSwan") struct StrongSwanDiagnosticTests {
    /// The base lab with strongSwan at both ends of its first tunnels.
    private static let text = BrokenLab.text
        .replacing("  router:\n    role: router\n", with: "  router:\n    role: router\n    ike: strongswan\n")

    private static func broken(_ old: String, _ new: String, _ message: String, _ remedy: String) -> BrokenLab {
        BrokenLab(
            text: text.replacing("pfs-group: 5", with: "pfs-group: 20").replacing(old, with: new, maxReplacements: 1),
            message, remedy)
    }

    @Test func `strongSwan and libreswan may be at the ends of one tunnel`() throws {
        let topology = try BrokenLab.resolve(Self.text.replacing("pfs-group: 5", with: "pfs-group: 20")).topology
        #expect(topology.daemons(of: "router") == [.charon, .bird] && topology.daemons(of: "peer") == [.pluto, .bird])
    }

    @Test(arguments: [
        broken("ike: strongswan", "ike: strongswann§", "\"strongswann\" is not one of the IKE daemons", "strongswan"),
        broken("group: 20", "group: 2§", "group 2 (modp1024) is not in Debian's libreswan", "have peer run strongSwan"),
        broken(
            "{encryption: aes-256-cbc, integrity: sha2-384", "{encryption: null§, integrity: sha2-384",
            "does not protect IKE with null", "aes-256-cbc"),
        broken("pfs-group: 20", "pfs-group: 14§", "the first renewal fails: libreswan at peer", "`pfs-group: 20`"),
        broken(
            "    esp: {encryption: aes-256-gcm-16}\n",
            "    esp: {encryption: aes-256-gcm-16}\n    dpd: {delay: 10s, timeout: 60s}\n",
            "charon at router repeats its questions for 50s here and for 20s in main", "one setting for all tunnels"
        ).at("  idle:\n"),
    ])
    func `File`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test func `Group 2 is there when both ends run strongSwan`() throws {
        let text = Self.text.replacing("peer: {role: router}", with: "peer: {role: router, ike: strongswan}")
            .replacing("group: 20", with: "group: 2")
        // The tunnel with libreswan's files is the only thing wrong then.
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        #expect(error.diagnostics.allSatisfy { $0.message.contains("peer.conf") }, "\(error)")
    }

    private static func own(_ conf: String) -> Result<Topology, LabFileError> {
        let lab = """
            name: own
            nodes:
              a: {role: router, ike: strongswan}
              b: {role: router, ike: strongswan}
            links:
              w: {ends: {a:w: 203.0.113.10/24, b:w: 203.0.113.11/24}}
            tunnels:
              t:
                psk: example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 2}
                esp: {encryption: aes-256-cbc, integrity: sha2-256}
                ends:
                  a: {address: 203.0.113.10, interface: x}
                  b: {config: swanctl.conf, connection: mine, interface: x}
            """
        return Result { () throws(LabFileError) in
            try LabFile(text: lab, file: "lab.yaml") { _ in conf }.resolve().topology
        }
    }

    private static let good = """
        connections {
          mine {
            local_addrs = 203.0.113.11
            remote_addrs = 203.0.113.10
            if_id_in = 7
            if_id_out = 7
            dpd_delay = 10s
            children {
              net {
                esp_proposals = aes256-sha256
              }
            }
            local { auth = psk
            }
          }
        }
        """

    @Test func `A connection of a user's own file is read`() throws {
        let topology = try Self.own(Self.good).get()
        let end = try #require(topology.tunnel(named: "t")?.ends.last)
        #expect(end.steering.number == 7 && end.child == "net" && "\(end.localAddress)" == "203.0.113.11")
        #expect(end.own?.deadPeerDelay == .seconds(10))
    }

    @Test(arguments: [
        ("mine {", "other {", "has no connection \"mine\""),
        ("if_id_in = 7", "if_id_in = 8", "are not the same both ways"),
        ("children {", "kids {", "has no child"),
        (
            "remote_addrs = 203.0.113.10", "remote_addrs = 203.0.113.99",
            "remote_addrs=203.0.113.99, but the other end is reached at 203.0.113.10"
        ),
        ("local_addrs = 203.0.113.11", "", "does not say which address is the tunnel's"),
        ("esp_proposals = aes256-sha256", "esp_proposals", "line 10: esp_proposals is followed by neither"),
    ])
    func `What is wrong in it is told`(old: String, new: String, message: String) throws {
        let result = Self.own(Self.good.replacing(old, with: new))
        guard case .failure(let error) = result else {
            Issue.record("nothing was found wrong")
            return
        }
        #expect(error.diagnostics.contains { $0.message.contains(message) }, "\(error)")
    }
}
