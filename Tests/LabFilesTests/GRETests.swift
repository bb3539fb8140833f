import LabFiles
import LabModel
import Testing

/// GRE tunnels in lab files: what is optional in their header, what they carry, and what is no GRE's.
@Suite("GRE in lab files")
struct GRETests {
    private static func read(_ kind: String, address: String = "192.0.2", inside: String = "10.9.9") throws -> (
        topology: Topology?, errors: [String]
    ) {
        let text = """
            name: pair
            nodes:
              a: {role: router}
              b: {role: router}
            links:
              wire: {ends: {a:e0: [192.0.2.1/24, "2001:db8::1/64"], b:e0: [192.0.2.2/24, "2001:db8::2/64"]}}
            tunnels:
              t:
                \(kind)
                ends:
                  a: {address: "\(address)\(address.contains(":") ? "" : ".")1", interface: t0, inside: "\(inside)\(inside.contains(":") ? "" : ".")1/30", routes: [10.2.0.0/16, "2001:db8:2::/64"]}
                  b: {address: "\(address)\(address.contains(":") ? "" : ".")2", interface: t0, inside: "\(inside)\(inside.contains(":") ? "" : ".")2/30"}
            """
        do {
            return (try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology, [])
        } catch {
            return (nil, error.diagnostics.map(\.message))
        }
    }

    @Test(arguments: [
        ("kind: gre", [20, 4], 1476), ("kind: gre, key: 0", [20, 8], 1472),
        ("kind: gre, key: 7, sequence-numbers: yes, checksum: yes", [20, 16], 1464),
    ])
    func `Its header has what is asked for, and its MTU counts that`(kind: String, lengths: [Int], mtu: Int) throws {
        let fields = kind.split(separator: ",").map { $0.drop { $0 == " " } }.joined(separator: "\n    ")
        let (topology, errors) = try Self.read(fields)
        let tunnel = try #require(topology?.plainTunnels.first, "\(errors)")
        #expect(tunnel.ends.map { $0.headerLengths(.gre) } == [lengths, lengths])
        #expect(topology?.mtu(of: tunnel.ends[0], in: .gre) == mtu)
        #expect(tunnel.ends[0].routes.count == 2)
    }

    @Test func `Over IPv6 it has the encapsulation limit, too`() throws {
        let (topology, errors) = try Self.read("kind: ip6gre\n    key: 7", address: "2001:db8::", inside: "fd00::")
        let tunnel = try #require(topology?.plainTunnels.first, "\(errors)")
        #expect(tunnel.ends[0].headerLengths(.ip6gre) == [40, 8, 8])
        #expect(topology?.mtu(of: tunnel.ends[0], in: .ip6gre) == 1444)
    }

    @Test(arguments: [
        ("kind: ipip\n    key: 7", "192.0.2", "ipip has no `key:`, which is GRE's"),
        ("kind: gre\n    key: -1", "192.0.2", "tunnels.t.key"),
        ("kind: gre", "2001:db8::", "is no IPv4 address, over which gre goes"),
        ("kind: ip6gre", "192.0.2", "is no IPv6 address, over which ip6gre goes"),
    ])
    func `What does not go together is said`(kind: String, address: String, error: String) throws {
        let errors = try Self.read(kind, address: address).errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }
}
