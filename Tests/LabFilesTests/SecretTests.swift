import Foundation
import LabFiles
import LabModel
import Testing

@Suite struct SecretTests {
    private static let text = "do-not-show-me"

    @Test func `Is never shown`() {
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

    /// The keys of a lab, of which none may be shown.
    private static func keys(of topology: Topology) -> [String] {
        topology.tunnels.flatMap(\.ends).compactMap { $0.proposal?.presharedKey?.reveal() }
    }

    /// Which of these keys a text shows: as they are, in hexadecimal, or in base64.
    private static func leaks(of keys: [String], in text: String) -> [String] {
        keys.filter { key in
            let bytes = Array(key.utf8)
            let hexadecimal = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            // A whole number of three bytes encodes as it does within a longer text.
            let base64 = Data(bytes.prefix(bytes.count / 3 * 3)).base64EncodedString()
            return [key, hexadecimal, base64].contains { text.lowercased().contains($0.lowercased()) }
        }
    }

    @Test func `Topology shows none`() throws {
        let topology = try AwsOci.topology.get()
        var shown = "\(topology) \(String(reflecting: topology))"
        dump(topology, to: &shown)
        #expect(shown.contains("oracle-tunnel-1"))
        let keys = Self.keys(of: topology)
        #expect(!keys.isEmpty)
        #expect(Self.leaks(of: keys, in: shown) == [])
    }

    /// A leak would be found, however it was written.
    @Test func `A planted leak is found`() throws {
        let topology = try AwsOci.topology.get()
        let keys = Self.keys(of: topology)
        let key = try #require(keys.first)
        let bytes = Data(key.utf8)
        for leak in [
            key, key.uppercased(), bytes.map { String(format: "%02X", $0) }.joined(), bytes.base64EncodedString(),
        ] {
            #expect(Self.leaks(of: keys, in: "\(topology) \(leak) and more").contains(key))
        }
    }

    @Test func `Topology travels as JSON`() throws {
        let topology = try AwsOci.topology.get()
        let copy = try JSONDecoder().decode(Topology.self, from: JSONEncoder().encode(topology))
        #expect(copy == topology)
        #expect(
            copy.tunnel(named: "main")?.ends[0].proposal?.presharedKey?.reveal() == "examplepresharedkeyofmaintunnel1")
    }

    /// What is wrong with a key is said without the key.
    @Test(arguments: ["short-1", "has a space in it", "has-a-\\\"-quote", "line\\nbreak-in-key", "umlaut-ä-in-key"])
    func `Diagnostics show none`(_ key: String) throws {
        let text = try AwsOci.text("lab.yaml").replacing(
            "psk: examplepresharedkeyofmaintunnel1", with: "psk: \"\(key)\"")
        let error = try #require(throws: LabFileError.self) {
            try LabFile(text: text, file: "lab.yaml", companion: AwsOci.text).resolve()
        }
        #expect(error.diagnostics.count == 1 && !error.description.contains(key))
    }

    @Test func `Unreadable file shows none`() throws {
        let text = try AwsOci.text("lab.yaml").replacing("psk: example", with: "psk: \u{7}example")
        let error = try #require(throws: LabFileError.self) {
            try LabFile(text: text, file: "lab.yaml", companion: AwsOci.text).resolve()
        }
        let line = text.prefix { $0 != "\u{7}" }.count { $0.isNewline } + 1
        #expect(error.diagnostics.first?.line == line && error.diagnostics.count == 1)
        #expect(Self.leaks(of: ["presharedkeyofmaintunnel1"], in: text) == ["presharedkeyofmaintunnel1"])
        #expect(Self.leaks(of: ["presharedkeyofmaintunnel1"], in: error.description) == [])
    }
}
