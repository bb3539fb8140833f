import LabFiles
import LabModel
import Testing

/// A pre-shared key in a file of its own beside the lab file.
@Suite struct KeyFileTests {
    private struct NoFile: Error {}

    private func resolve(_ psk: String, _ files: [String: String]) throws -> Topology {
        let text = """
            name: two
            nodes: {east: {role: router}, west: {role: router}}
            links: {wan: {ends: {east:eth0: 192.0.2.1/30, west:eth0: 192.0.2.2/30}}}
            tunnels:
              main:
                psk: \(psk)
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, pfs-group: 14}
                ends:
                  east: {address: 192.0.2.1, interface: vpn0, inside: 169.254.10.1/30}
                  west: {address: 192.0.2.2, interface: vpn0, inside: 169.254.10.2/30, startup: listen}
            """
        return try LabFile(text: text, file: "lab.yaml") { name in
            guard let text = files[name] else { throw NoFile() }
            return text
        }.resolve().topology
    }

    private func complaints(_ psk: String, _ files: [String: String]) -> [String] {
        let error = #expect(throws: LabFileError.self) { try resolve(psk, files) }
        return error?.diagnostics.filter { $0.severity == .error }.map(\.message) ?? []
    }

    @Test func `The file's text is the key, but for a newline at its end`() throws {
        let keys = try resolve("{file: main.psk}", ["main.psk": "a-key-in-a-file\n"]).tunnels[0].ends.map {
            $0.proposal?.presharedKey?.reveal()
        }
        #expect(keys == ["a-key-in-a-file", "a-key-in-a-file"])
    }

    @Test func `What is no key is said, and not shown`() {
        let found = complaints("{file: main.psk}", ["main.psk": "two words in a file"])
        #expect(found == ["tunnels.main.psk: what is in main.psk is not a usable pre-shared key"])
        #expect(
            complaints("{file: main.psk}", [:]).contains {
                $0.hasPrefix("tunnels.main.psk: the file \"main.psk\" cannot be read")
            })
        #expect(complaints("{file: ../main.psk}", [:]).contains { $0.contains("is not the plain name of a file") })
        #expect(complaints("{path: main.psk}", [:]).contains { $0.contains("unknown key \"path\"") })
    }
}
