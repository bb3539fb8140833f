import LabFiles
import LabPlan
import NetworkTypes
import Testing

/// Routes that follow their tunnels, as steps of a plan.
@Suite struct TunnelRouteTests {
    private static let text = """
        name: pair
        nodes:
          a: {role: router}
          b: {role: router}
        links:
          wire: {ends: {a:eth0: [192.0.2.1/29, 192.0.2.3/29], b:eth0: [192.0.2.2/29, 192.0.2.4/29]}}
        tunnels:
          one: &tunnel
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            dpd: {delay: 10s, timeout: 30s}
            ends:
              a: {address: 192.0.2.1, interface: vpn1, routes: [10.2.0.0/16, 10.3.0.0/16], withdraw: when-down}
              b: {address: 192.0.2.2, interface: vpn1, routes: 10.1.0.0/16, dpd: {delay: 15s, timeout: 45s}}
          two:
            <<: *tunnel
            ends:
              a: {address: 192.0.2.3, interface: vpn2, routes: 10.2.0.0/16, withdraw: when-down}
              b: {address: 192.0.2.4, interface: vpn2}

        """

    private func plan(_ text: String = text) throws -> Plan {
        struct NoFile: Error {}
        return Plan(
            for: try LabFile(text: text, file: "lab.yaml", companion: { _ in throw NoFile() }).resolve().topology)
    }

    @Test func `The agent looks after them`() throws {
        let plan = try plan()
        let texts = plan.steps.map(\.description)
        #expect(
            texts.filter { $0.contains(" keep ") } == [
                "a: keep route 10.2.0.0/16 dev vpn1, dev vpn2 while their tunnels are up; 10.3.0.0/16 dev vpn1 while its tunnel is up"
            ])
        // Those that stay are made once, as before.
        #expect(texts.filter { $0.contains("add route") } == ["b: add route 10.1.0.0/16 dev vpn1"])
        let begin = try #require(texts.firstIndex { $0.contains(" keep ") })
        let daemon = try #require(texts.firstIndex { $0.contains("start /usr/libexec/ipsec/pluto") })
        #expect(begin < daemon)
        #expect(plan.steps[begin].action.reversal == .stopFollowingTunnels(node: "a"))
        // Nothing goes on before they are there.
        let up = try #require(texts.firstIndex { $0.hasPrefix("wait for tunnel two up") })
        let routed = try #require(texts.firstIndex { $0.hasPrefix("wait for route a 10.3.0.0/16 present") })
        #expect(up < routed)
    }

    @Test func `A metric puts one behind the other`() throws {
        let plan = try plan(
            Self.text.replacing("vpn2, routes: 10.2.0.0/16,", with: "vpn2, metric: 10, routes: 10.2.0.0/16,"))
        let keep = plan.steps.map(\.description).filter { $0.contains(" keep ") }
        #expect(keep.count == 1 && keep[0].contains("10.2.0.0/16 dev vpn2 metric 10 while its tunnel is up"))
    }

    /// Each end's pluto is told its own way to find its peer dead: 20 s and 30 s of repetitions after 10 s and 15 s.
    @Test func `Each end detects dead peers its own way`() throws {
        let files = try plan().steps.compactMap { step -> String? in
            if case .writeFile(let node, let file) = step.action, file.path == "/etc/ipsec.d/one.conf" {
                return "\(node) \(file.contents.reveal())"
            }
            return nil
        }
        #expect(files.count == 2)
        #expect(
            files[0].hasPrefix("a ") && files[0].contains("dpddelay=10s") && files[0].contains("retransmit-timeout=20s")
        )
        #expect(
            files[1].hasPrefix("b ") && files[1].contains("dpddelay=15s") && files[1].contains("retransmit-timeout=30s")
        )
    }
}
