import Foundation
import Imports
import Testing

/// What cannot be imported is said: what it is, where it is wrong, what to do.
@Suite struct BadInputTests {
    private func error(_ texts: String..., names: [String] = ["input.json", "other.json"]) -> ImportError? {
        let inputs = zip(names, texts).map { ImportFile(path: $0, text: $1) }
        return #expect(throws: ImportError.self) { try LabImport(name: "a", inputs: inputs) { _ in nil } }
    }

    @Test func `Broken JSON has its place`() {
        let message = error("{\"VpnConnections\": [\n  {\"VpnConnectionId\": }\n]}")?.message ?? ""
        #expect(
            message.hasPrefix("input.json is no JSON that can be read:")
                && message.contains("line 2, column 23: a value is missing"), "\(message)")
        #expect(error("")?.message.contains("input.json") ?? false)
    }

    @Test func `Deep nesting ends`() {
        let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        #expect(error(deep)?.message.hasPrefix("input.json is no JSON that can be read:") ?? false)
        #expect(
            error(String(repeating: "[", count: 100) + String(repeating: "]", count: 100))?.message.contains(
                "64 levels") ?? false)
    }

    @Test func `Another tool's JSON is described`() {
        let message = error("{\"Reservations\": [], \"NextToken\": null}")?.message ?? ""
        #expect(
            message.contains(
                "input.json is JSON of something that is not read: its members are NextToken, Reservations"),
            "\(message)")
    }

    @Test func `A state without a VPN says how much it has`() {
        let message =
            error(
                "{\"format_version\":\"1.0\",\"values\":{\"root_module\":{\"resources\":[{\"address\":\"a.b\",\"type\":\"a\",\"values\":{}}]}}}"
            )?.message ?? ""
        #expect(message.contains("Terraform's, with 1 resources, of which 0 are read"), "\(message)")
    }

    @Test func `Terraform's own file is told from what it prints`() {
        let found = error("{\"version\":4,\"terraform_version\":\"1.9.5\",\"resources\":[]}")
        #expect(found?.remedy.contains("terraform show -json > state.json") ?? false)
    }

    @Test func `A text that nobody reads`() {
        #expect(error("hello")?.message.contains("neither JSON nor a file of connections") ?? false)
        #expect(error("hello", "{}")?.message.contains("is no JSON, and 1 other inputs are") ?? false)
    }

    @Test func `A document that is no XML leaves the options`() throws {
        let text =
            "{\"VpnConnections\":[{\"VpnConnectionId\":\"vpn-1\",\"CustomerGatewayConfiguration\":\"<vpn_connection><ike>\",\"Options\":{\"TunnelOptions\":[{\"OutsideIpAddress\":\"192.0.2.1\"}]}}]}"
        let made = try LabImport(name: "a", inputs: [ImportFile(path: "x.json", text: text)]) { _ in nil }
        #expect(
            made.notes.contains {
                $0.text.contains(
                    "x.json: VpnConnections[0].CustomerGatewayConfiguration of vpn-1 is no XML that can be read (its line 1: <ike> is not closed)"
                )
            })
    }

    /// A title that would end its line, or begin a key of its own, is a text in the lab file.
    @Test func `Names cannot break out of the lab file`() throws {
        let name = "x\\\" , provider: evil}\\nnodes: {}\\n# \\u001b[31m"
        let text =
            "{\"VpnConnections\":[{\"VpnConnectionId\":\"\(name)\",\"CustomerGatewayId\":\"\(name)\",\"Options\":{\"TunnelOptions\":[{\"OutsideIpAddress\":\"192.0.2.1\"}]}}]}"
        let made = try LabImport(name: "a", inputs: [ImportFile(path: "x\n.json", text: text)]) { _ in nil }
        #expect(!made.files[0].text.contains("\u{1B}"))
        _ = try Inputs.resolve(made)
    }
}
