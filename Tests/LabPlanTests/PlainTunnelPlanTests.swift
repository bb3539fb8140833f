import Foundation
import LabFiles
import LabPlan
import Testing

/// What is done to bring tunnels without IPsec up.
@Suite struct PlainTunnelPlanTests {
    private func steps(_ variant: String? = nil) throws -> [Step] {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Labs/aws-ipip6/lab.yaml")
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
