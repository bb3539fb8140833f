import Foundation
import LabFiles
import LabPlan
import Testing

/// What is done to bring tunnels without IPsec up.
@Suite struct PlainTunnelPlanTests {
    private func steps(_ variant: String? = nil, of lab: String = "aws-ipip6") throws -> [Step] {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Labs/\(lab)/lab.yaml")
        let topology = try LabFile(text: String(contentsOf: file, encoding: .utf8), file: "lab.yaml", variant: variant)
        { _ in "" }
        .resolve().topology
        return Plan(for: topology).steps
    }

    /// The kernel gives a tunnel the MTU of the way to its peer: that must be there first.
    @Test func `A tunnel comes after the way to its peer`() throws {
        let gateway = try steps().filter { $0.stage == .tunnels }.map(\.description).filter {
            $0.hasPrefix("gateway: ")
        }
        #expect(
            gateway == [
                "gateway: add route 0.0.0.0/0 via 10.255.2.129",
                "gateway: create isatap tunnel sit1, 10.255.2.190, 2001:db8:2::5efe:aff:2be/64, potential routers 172.16.0.2, TTL 64",
                "gateway: add route ::/0 via 2001:db8:2::5efe:ac10:2",
                "gateway: create ipip6 tunnel tun0, 2001:db8:2::5efe:aff:2be to 2001:db8:1::2, encapsulation limit 4, hop limit 64",
                "gateway: add route 192.168.100.0/24 dev tun0",
            ])
    }

    /// VXLAN carries frames: its routes have a next hop, whose Ethernet address is known at both ends.
    @Test func `A VXLAN interface knows its neighbour`() throws {
        let made = try steps(of: "vxlan-ipsec").filter { $0.stage == .tunnels }.map(\.description)
        let addresses = ["a-gw", "b-gw"].map { node in
            made.compactMap { $0.firstMatch(of: /^([ab]-gw): create vxlan .* at ([0-9a-f:]{17})$/) }.first {
                $0.1 == node
            }?.2
        }
        let (a, b) = (try #require(addresses[0]), try #require(addresses[1]))
        #expect(a != b)
        let expected = [
            "a-gw: create vxlan tunnel vxlan42, 203.0.113.2 to 198.51.100.2, VNI 42, port 4789, 172.16.0.1/30, TTL 64, MTU 1416, neighbour 172.16.0.2 at \(a)",
            "a-gw: add route 10.2.0.0/24 via 172.16.0.2 dev vxlan42",
            "b-gw: add route 10.1.0.0/24 via 172.16.0.1 dev vxlan42",
            "a-gw: add route 2001:db8:b1::/64 via 2001:db8:6::2 dev vxlan6",
        ]
        for step in expected { #expect(made.contains(step), "\(made)") }
        // What is below has 1500.
        #expect(
            made.contains {
                $0.hasPrefix("b-gw: create vxlan6 tunnel vxlan6, ") && $0.contains(", hop limit 64, MTU 1430, ")
            })
    }

    @Test func `A probe that is not awaited holds nothing up`() throws {
        let waits = { (steps: [Step]) in steps.count { if case .await = $0.action { true } else { false } } }
        #expect(waits(try steps()) == 2)
        #expect(waits(try steps("no-protocol-4")) == 0)
    }

    @Test func `Each is taken back once`() throws {
        let made = try steps().compactMap { step -> String? in
            if case .createPlainTunnelInterface = step.action { step.action.reversal?.description } else { nil }
        }
        #expect(
            made.sorted() == [
                "aws-router: remove interface is0", "gateway: remove interface sit1", "gateway: remove interface tun0",
                "router: remove interface tun1",
            ])
    }

    @Test func `A filter stands before routing and knows no answers in other protocols`() throws {
        let rules = try steps().compactMap { step -> String? in
            if case .applyFilter("router", let rules) = step.action { rules.text } else { nil }
        }
        let text = try #require(rules.first)
        #expect(text.contains("hook prerouting") && text.contains("iifname \"lan2\" jump in-lan2"))
        #expect(text.contains("meta l4proto { tcp, udp } ct state established,related counter accept"))
        #expect(text.contains("meta nfproto ipv6 meta l4proto 4 counter accept"))
        #expect(text.contains("tcp option maxseg size set 1412"))
    }
}
