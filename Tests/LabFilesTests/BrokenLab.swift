import LabFiles
import LabModel
import Testing

/// A lab with one of everything, and an edit that breaks it.
struct BrokenLab: Sendable, CustomTestStringConvertible {
    static let text = """
        name: base
        clouds:
          aws: {title: AWS}
        defaults:
          link: {mtu: 1500}
        nodes:
          vm:
            cloud: aws
            routes: {0.0.0.0/0: 10.0.0.1}
            security:
              - {from: 10.0.0.0/8, protocol: udp, ports: [500]}
          router:
            role: router
            routes: {10.9.0.0/16: 10.0.1.2}
            rules: [{from: 10.0.0.0/24, table: 100}]
            sysctls: {net.ipv4.ip_forward: 1}
          gateway:
            role: internet-gateway
            routes: {0.0.0.0/0: 192.0.2.2}
            nat: {outside: wan, map: {203.0.113.20: 10.0.0.2}}
          peer: {role: router}
        links:
          lan: {ends: {vm:eth0: 10.0.0.2/24, router:lan: 10.0.0.1/24}}
          up: {ends: {router:up: 10.0.1.1/30, gateway:down: 10.0.1.2/30}}
          wan: {ends: {gateway:wan: 192.0.2.1/30, peer:wan: 192.0.2.2/30}, rate: 1gbit, delay: 1ms, loss: 0.1%}
          spare: {ends: {router:spare: 10.0.7.1/30, peer:spare: 10.0.7.2/30}}
        tunnels:
          main:
            psk: example-key-of-main
            ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 8h}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 5, lifetime: 1h}
            dpd: {delay: 10s, timeout: 30s}
            ends:
              router: {address: 10.0.1.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen}
              peer: {address: 192.0.2.2, interface: vpn1, inside: 169.254.1.2/30}
          idle:
            unused: true
            psk: example-key-of-idle
            ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-gcm-16}
            ends:
              router: {address: 10.0.0.1, interface: vpn2, inside: 169.254.2.1/30}
              peer: {address: 192.0.2.2, interface: vpn2, inside: 169.254.2.2/30}
          own:
            ends:
              vm: {config: vm.conf, secrets: key, connection: one, interface: vti1, inside: 192.168.2.1/30}
              peer: {config: peer.conf, secrets: key, connection: two, interface: vti1, inside: 192.168.2.2/30}
        bgp:
          main:
            over: main
            speakers:
              router: {asn: 64512, keepalive: 10s, hold: 30s, advertise: 10.0.0.0/24}
              peer: {asn: 65001}
        probes:
          there: {from: vm, to: peer}

        """

    private struct NoSuchFile: Error, CustomStringConvertible {
        let description = "no such file"
    }

    static func companion(_ name: String) throws -> String {
        let files = [
            "vm.conf":
                "conn one\n    authby=secret\n    auto=start\n    leftid=203.0.113.20\n    left=10.0.0.2\n    right=192.0.2.2\n    mark=5/0xffffffff\n    vti-interface=vti1\n",
            "peer.conf":
                "conn two\n    authby=secret\n    auto=add\n    left=192.0.2.2\n    right=203.0.113.20\n    leftsubnet=0.0.0.0/0\n    rightsubnet=0.0.0.0/0\n    mark=0x6\n    vti-interface=vti1\n",
            "any.conf":
                "conn two\n    authby=secret\n    auto=add\n    left=192.0.2.2\n    right=%any\n    mark=6\n    vti-interface=vti1\n",
            "unmarked.conf":
                "conn one\n    authby=secret\n    auto=start\n    leftid=203.0.113.20\n    left=10.0.0.2\n    right=192.0.2.2\n    vti-interface=vti1\n",
            "private.conf":
                "conn two\n    authby=secret\n    auto=add\n    rightid=203.0.113.20\n    left=192.0.2.2\n    right=10.0.0.2\n    mark=6\n    vti-interface=vti1\n",
            "foreign.conf":
                "conn one\n    authby=secret\n    auto=start\n    leftid=203.0.113.20\n    left=10.0.0.9\n    right=192.0.2.2\n    mark=5\n    vti-interface=vti1\n",
            "quick-strongswan.conf": "charon {\n    retransmit_tries = 1\n}\n",
            "key": ": PSK \"example-key-of-own\"\n",
        ]
        guard let text = files[name] else { throw NoSuchFile() }
        return text
    }

    let text: String
    /// Where the diagnostic must point; nil for the file as a whole.
    let line: Int?
    let message: String
    let remedy: String
    let testDescription: String

    /// - Parameter new: What stands in place of `old`; `§` marks the line that is wrong and is taken out.
    init(_ old: String, _ new: String, _ message: String, _ remedy: String) {
        self.init(text: Self.text.replacing(old, with: new, maxReplacements: 1), message, remedy)
    }

    /// - Parameter expect: What stands under `expect:`, each line indented by two.
    init(expect: String, _ message: String, _ remedy: String) {
        self.init(text: Self.text(expecting: expect), message, remedy)
    }

    static func text(expecting expect: String) -> String {
        text + "expect:\n"
            + expect.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
    }

    init(text: String, _ message: String, _ remedy: String) {
        let before = text.prefix { $0 != "§" }
        line = before.endIndex == text.endIndex ? nil : before.count { $0.isNewline } + 1
        self.text = text.replacing("§", with: "")
        self.message = message
        self.remedy = remedy
        testDescription = message
    }

    static func resolve(_ text: String) throws(LabFileError) -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(text: text, file: "lab.yaml", companion: companion).resolve()
    }

    /// Holds the lab against what must be said of it, and nothing else.
    func expectOnlyDiagnostic() throws {
        let error = try #require(throws: LabFileError.self) { try Self.resolve(text) }
        let diagnostic = try #require(error.diagnostics.first)
        #expect(error.diagnostics.count == 1, "\(error)")
        #expect(diagnostic.severity == .error && diagnostic.file == "lab.yaml")
        #expect(diagnostic.line == line, "\(error)")
        #expect(diagnostic.message.contains(message), "\(error)")
        #expect(diagnostic.remedy.contains(remedy), "\(error)")
    }

    /// The same, with the diagnostic expected where a text begins.
    func at(_ place: String) -> BrokenLab {
        let range = text.firstRange(of: place)
        let start = range?.lowerBound ?? text.endIndex
        return BrokenLab(text: String(text[..<start]) + "§" + text[start...], message, remedy)
    }
}
