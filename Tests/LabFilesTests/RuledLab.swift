import LabFiles
import LabModel
import NetworkTypes
import Providers
import Testing

/// Two clouds of one provider each, joined by two tunnels with BGP and by a line, sound by the rules below; and an edit.
struct RuledLab {
    static let lab = """
        name: ruled
        clouds:
          red: {provider: red}
          blue: {provider: blue}
        nodes:
          red-gw:
            cloud: red
            role: router
            routes: {10.1.0.0/16: 10.1.255.2}
            sysctls: {net.ipv4.ip_forward: 1}
          red-vm: {cloud: red, routes: {0.0.0.0/0: 10.1.0.1}}
          red-net: {cloud: red, role: router, routes: {10.2.0.0/16: 10.1.255.1}}
          blue-gw: {cloud: blue, role: router}
          blue-vm: {cloud: blue, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          red-inside: {ends: {red-gw:net: 10.1.255.1/30, red-net:gw: 10.1.255.2/30}}
          red-lan: {ends: {red-vm:eth0: 10.1.0.9/24, red-net:lan: 10.1.0.1/24}}
          blue-lan: {ends: {blue-vm:eth0: 10.2.0.9/24, blue-gw:lan: 10.2.0.1/24}}
          wan-1: {ends: {red-gw:wan1: 198.51.100.1/30, blue-gw:wan1: 198.51.100.2/30}}
          wan-2: {ends: {red-gw:wan2: 198.51.100.5/30, blue-gw:wan2: 198.51.100.6/30}}
          line: {ends: {red-gw:line: 192.0.2.1/30, blue-gw:line: 192.0.2.2/30}, mtu: 1500}
        tunnels:
          one:
            psk: ExampleKeyOfOne
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14, lifetime: 28800s}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 14, lifetime: 3600s}
            dpd: {delay: 10s, timeout: 30s}
            mtu: 1400
            mss: 1350
            ends:
              red-gw: {address: 198.51.100.1, interface: vpn1, inside: 169.254.21.1/30}
              blue-gw: {address: 198.51.100.2, interface: vpn1, inside: 169.254.21.2/30}
          two:
            psk: ExampleKeyOfTwo
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14, lifetime: 28800s}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 14, lifetime: 3600s}
            dpd: {delay: 10s, timeout: 30s}
            mtu: 1400
            mss: 1350
            ends:
              red-gw: {address: 198.51.100.5, interface: vpn2, inside: 169.254.22.1/30}
              blue-gw: {address: 198.51.100.6, interface: vpn2, inside: 169.254.22.2/30}
        bgp:
          one:
            over: one
            speakers:
              red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: 10.1.0.0/16}
              blue-gw: {asn: 65010, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/16}
          two:
            over: two
            speakers:
              red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: 10.1.0.0/16}
              blue-gw: {asn: 65010, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/16}
          line:
            over: line
            password: example-key
            speakers:
              red-gw: {asn: 64512, advertise: 10.1.0.0/16}
              blue-gw: {asn: 65010, advertise: 10.2.0.0/16}

        """

    /// Red has no rules of its own; blue has the ones that a test is about.
    static func providers(blue rules: String, red: String = "") -> ProviderLibrary {
        let files = ["red": file("red", red), "blue": file("blue", rules)]
        return ProviderLibrary(names: ["blue", "red"]) { name in
            (try #require(files[name]), "providers/\(name).yaml")
        }
    }

    /// A provider's file, with a source `doc`, and these rules.
    static func file(_ name: String, _ rules: String) -> String {
        """
        name: \(name)
        title: \(name.capitalized)
        sources:
          doc: {title: A page, url: "https://example.net/doc", read: 2026-11-21}
        \(rules.isEmpty ? "" : "rules:\n" + rules.split(separator: "\n").map { "  \($0)\n" }.joined())
        """
    }

    let text: String
    let library: ProviderLibrary

    /// - Parameters:
    ///   - rules: Blue's, in YAML.
    ///   - edits: Texts of the sound lab and what stands in their place.
    init(_ rules: String, _ edits: [(String, String)] = [], red: String = "", more: String = "") throws {
        text =
            try edits.reduce(Self.lab) { text, edit in
                try #require(text.contains(edit.0), "\(edit.0) is not in the lab")
                return text.replacing(edit.0, with: edit.1, maxReplacements: 1)
            } + more
        library = Self.providers(blue: rules, red: red)
    }

    /// All that is said of it.
    var diagnostics: [LabFileDiagnostic] {
        do {
            return try resolved().warnings
        } catch {
            return error.diagnostics
        }
    }

    func resolved() throws(LabFileError) -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(text: text, file: "lab.yaml", providers: library) { _ in "" }.resolve()
    }

    /// The number of the line that is this text, or else begins with it, but for its indentation.
    func line(of start: String) -> Int? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }
        return (lines.firstIndex { $0 == start } ?? lines.firstIndex { $0.hasPrefix(start) }).map { $0 + 1 }
    }
}
