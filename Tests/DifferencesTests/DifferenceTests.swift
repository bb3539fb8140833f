import Differences
import LabFiles
import LabModel
import Testing

/// What differs between two labs is named in the lab file's words; what only looks different is not.
@Suite struct DifferenceTests {
    private static let text = """
        name: two
        nodes:
          east: {role: router}
          west: {role: router}
        links:
          wan: {ends: {east:eth0: 192.0.2.1/30, west:eth0: 192.0.2.2/30}, delay: 5ms}
        tunnels:
          vpn:
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-gcm-16, pfs-group: 14}
            dpd: {delay: 10s, timeout: 30s}
            ends:
              east: {address: 192.0.2.1, interface: vpn0, inside: 169.254.10.1/30}
              west: {address: 192.0.2.2, interface: vpn0, inside: 169.254.10.2/30, startup: listen}
        bgp:
          sites: {over: vpn, speakers: {east: {asn: 65001, hold: 30s, advertise: 10.1.0.0/16}, west: {asn: 65002, hold: 30s}}}
        probes:
          inside: {from: east, to: 169.254.10.2}
        """

    private func topology(_ text: String) throws -> Topology {
        struct NoFile: Error {}
        return try LabFile(text: text, file: "lab.yaml") { _ in throw NoFile() }.resolve().topology
    }

    private func changes(_ old: String, _ new: String) throws -> [LabDifference.Change] {
        let (before, after) = (Self.text, Self.text.replacing(old, with: new))
        #expect(before != after, "\(old) is not in the lab")
        return try LabDifference(from: topology(before), to: topology(after)).changes
    }

    private func line(_ change: LabDifference.Change) -> String {
        "\(change.section).\(change.name).\(change.setting ?? ""): \(change.before ?? "-") > \(change.after ?? "-")"
    }

    @Test(arguments: [
        ("delay: 5ms", "delay: 7ms", ["links.wan.delay: 5ms > 7ms"]),
        (
            "hold: 30s, advertise", "hold: 60s, advertise",
            ["bgp.sites.speakers.east.keepalive: 10s > 20s", "bgp.sites.speakers.east.hold: 30s > 1m"]
        ),
        ("startup: listen", "startup: initiate", ["tunnels.vpn.ends.west.startup: listen > initiate"]),
        (
            "timeout: 30s", "timeout: 40s",
            ["east", "west"].map {
                "tunnels.vpn.ends.\($0).dpd: asks after 10s, dead after 30s > asks after 10s, dead after 40s"
            }
        ),
        (
            "  inside: {", "  other: {",
            ["probes.inside.: east to 169.254.10.2 > -", "probes.other.: - > east to 169.254.10.2"]
        ),
    ])
    func `A change is named once`(_ old: String, _ new: String, _ expected: [String]) throws {
        #expect(try changes(old, new).map(line) == expected)
    }

    /// Text alone is no difference: a default that is written down.
    @Test func `Another spelling of the same lab is none`() throws {
        #expect(try changes("delay: 5ms", "delay: 5000us, mtu: 1500, rate: 1gbit") == [])
    }

    @Test func `Keys that differ are named and not shown`() throws {
        let found = try changes("an-example-key", "a-different-key")
        #expect(found.map(line) == ["east", "west"].map { "tunnels.vpn.ends.\($0).psk: (secret) > (secret)" })
    }
}
