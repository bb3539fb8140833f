import Foundation
import LabModel
import Testing

@Suite struct SecretTests {
    private static let text = "do-not-show-me"

    @Test func isNeverShown() {
        let secret = Secret(Self.text)
        var dumped = ""
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        for shown in [
            secret.description, secret.debugDescription, "\(secret)", String(reflecting: secret), "\([secret])",
            "\(secret as Secret?)",
            dumped, "\(Mirror(reflecting: secret).children.map(\.value))",
        ] {
            #expect(!shown.contains(Self.text))
        }
        #expect(secret.reveal() == Self.text)
    }

    @Test func topologyShowsNone() throws {
        let topology = try AwsOci.topology.get()
        var shown = "\(topology) \(String(reflecting: topology))"
        dump(topology, to: &shown)
        #expect(shown.contains("oracle-tunnel-1"))
        #expect(!shown.contains(#/example-?preshared-?key/#))
    }

    @Test func topologyTravelsAsJSON() throws {
        let topology = try AwsOci.topology.get()
        let copy = try JSONDecoder().decode(Topology.self, from: JSONEncoder().encode(topology))
        #expect(copy == topology)
        #expect(copy.tunnel(named: "main")?.proposal?.presharedKey.reveal() == "examplepresharedkeyofmaintunnel1")
    }

    /// What is wrong with a key is said without the key.
    @Test(arguments: ["short-1", "has a space in it", "has-a-\\\"-quote", "line\\nbreak-in-key", "umlaut-ä-in-key"])
    func diagnosticsShowNone(_ key: String) throws {
        let text = try AwsOci.text("lab.yaml").replacing(
            "psk: examplepresharedkeyofmaintunnel1", with: "psk: \"\(key)\"")
        let error = try #require(throws: LabFileError.self) {
            try LabFile(text: text, file: "lab.yaml", companion: AwsOci.text).resolve()
        }
        #expect(error.diagnostics.count == 1 && !error.description.contains(key))
    }

    @Test func unreadableFileShowsNone() throws {
        let text = try AwsOci.text("lab.yaml").replacing("psk: example", with: "psk: \u{7}example")
        let error = try #require(throws: LabFileError.self) {
            try LabFile(text: text, file: "lab.yaml", companion: AwsOci.text).resolve()
        }
        let line = text.prefix { $0 != "\u{7}" }.count { $0.isNewline } + 1
        #expect(error.diagnostics.first?.line == line && error.diagnostics.count == 1)
        #expect(!error.description.contains("preshared-key-of-main"))
    }
}
