import Foundation
import Testing

/// Direct Connect over a carrier: tags on the wire, signed BGP, and the article's hops.
///
///     bj-ec2 <-> bj-vpc <-> bj-vgw-1|2 <-> bj-dx-1 ==340== bj-pe-1 <-> cmi-1 <-> cmi-2 <-> tk-pe-2 ==440== tk-dx-2 <-> tk-vpc <-> tk-ec2
@Suite(.serialized, .lab("aws-china-tokyo"), .timeLimit(.minutes(60)))
struct DirectConnectTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `Every session is up and the primary is in use`() async throws {
        let status = try await lab.status()
        #expect(status.sessions.count == 23)
        #expect(status.sessions.flatMap(\.speakers).allSatisfy { $0.state == "Established" })
        let routes = try await lab.exec("bj-vgw-1", "ip", "route", "show", "10.0.0.0/16").output
        #expect(routes.contains("via 192.0.2.2 ") && !routes.contains("via 192.0.2.6"), "\(routes)")
        let table = try await lab.exec("tk-vpc", "ip", "route", "show", "10.1.0.0/16").output
        #expect(table.contains("via 169.254.252.5 ") && table.contains("via 169.254.252.13 "), "\(table)")
    }

    @Test func `Expectations hold`() async throws {
        let names =
            "tagged-beijing,tagged-tokyo,vifs-signed,hops-to-tokyo,hops-to-beijing,propagated-to-beijing,mtu,mtu-back"
        let result = try await lab.netlab.run("check", lab.name, "--only", names)
        #expect(result.code == 0 && result.output.contains("8 passed"), "\(result.account)")
    }

    @Test func `Nothing is encrypted`() async throws {
        let result = try await lab.netlab.run("check", lab.name, "--only", "encrypted")
        #expect(
            result.code == 1 && result.output.contains("packets with a probe's payload in clear"), "\(result.account)")
    }

    /// A frame without the tag is nobody's, whether it asks for an address or has found one.
    @Test func `A port refuses frames without the tag`() async throws {
        #expect(try await lab.ping("169.254.1.1", from: "bj-dx-1", count: 1).isLossless)
        try await lab.change("bj-dx-1", "ip", "route", "add", "169.254.1.1/32", "dev", "vif", "src", "169.254.1.2")
        #expect(try await lab.ping("169.254.1.1", from: "bj-dx-1", count: 1).received == 0)
        let link = try await lab.exec("bj-pe-1", "cat", "/sys/class/net/vif/address").output
        let address = link.trimmingCharacters(in: .whitespacesAndNewlines)
        try await lab.change("bj-dx-1", "ip", "neigh", "replace", "169.254.1.1", "lladdr", address, "dev", "vif")
        #expect(try await lab.ping("169.254.1.1", from: "bj-dx-1", count: 1).received == 0)
        let counted = try await lab.exec("bj-pe-1", "nft", "list", "table", "inet", "netlab-vlan").output
        #expect(
            counted.contains("iifname \"vif\" counter packets") && !counted.contains("counter packets 0"), "\(counted)")
        try await lab.change("bj-dx-1", "ip", "neigh", "del", "169.254.1.1", "dev", "vif")
        try await lab.change("bj-dx-1", "ip", "route", "del", "169.254.1.1/32", "dev", "vif")
        #expect(try await lab.ping("169.254.1.1", from: "bj-dx-1", count: 1).isLossless)
    }

    @Test func `A VLAN goes down alone and comes back`() async throws {
        let before = try await NodeView.all(["bj-dx-1", "bj-pe-1"], of: lab)
        try await lab.fail(["vlan bj-vif-340 down at bj-dx-1"])
        let status = try await lab.status()
        #expect(status.isUp("bj-dx-1", "vif.340") == false && status.isUp("bj-dx-1", "vif") == true)
        #expect(status.isUp("bj-pe-1", "vif.340") == true)
        _ = try await lab.until("bgp bj-primary down", within: .seconds(10))
        try await lab.heal()
        _ = try await lab.until("bgp bj-primary up", within: .seconds(120))
        _ = try await lab.until("ping bj-ec2 10.0.0.87 up", within: .seconds(30))
        let after = try await NodeView.all(["bj-dx-1", "bj-pe-1"], of: lab)
        for node in ["bj-dx-1", "bj-pe-1"] {
            let difference = try #require(after[node]).difference(from: #require(before[node]))
            #expect(difference == nil, "\(node) is not as it was")
        }
    }
}
