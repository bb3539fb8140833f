import Daemons
import LabFiles
import LabModel
import LabPlan
import NetworkTypes
import RoutingDaemons
import Testing

/// A carrier's link as a plan, as rules, and as what BIRD reads.
@Suite struct TaggedLinkTests {
    private static let text = """
        name: trunk
        nodes:
          west: {role: router}
          middle: {role: router, preferred-source: 169.254.1.2, decrement-ttl: off}
          east: {role: router}
        links:
          vif: {ends: {west:dx: 169.254.1.1/29, middle:dx: 169.254.1.2/29}, vlan: 340}
          lan: {ends: {middle:lan: 10.2.0.1/24, east:lan: 10.2.0.2/24}}
        bgp:
          outside:
            over: vif
            password: key-of-the-vif
            speakers:
              west: {asn: 64512, advertise: 10.1.0.0/24}
              middle: {asn: 64601, advertise: 10.2.0.0/24, transit: on, prepend: 2}
          inside:
            over: lan
            speakers: {middle: {asn: 64601, transit: on}, east: {asn: 64602, advertise: 10.3.0.0/24}}
        """

    private static func topology(_ change: (String) -> String = { $0 }) throws -> Topology {
        try LabFile(text: change(text), file: "lab.yaml") { _ in "" }.resolve().topology
    }

    private static func bird(_ node: String, _ change: (String) -> String = { $0 }) throws -> String {
        let files = BirdConfiguration.files(for: node, in: try topology(change), logFile: "/log")
        return try #require(files.first).contents.reveal()
    }

    @Test func `A step names the VLAN`() throws {
        let steps = Plan(for: try Self.topology()).steps.map(\.description)
        #expect(
            steps.contains(
                "create link vif: west:dx.340 169.254.1.1/29 -- middle:dx.340 169.254.1.2/29, VLAN 340, MTU 1500, 1gbit, 100us"
            ))
    }

    @Test func `What is learned on the way is awaited`() throws {
        let waits = { (change: (String) -> String) in
            Plan(for: try Self.topology(change)).steps.map(\.description).filter {
                $0.hasPrefix("wait for route") || $0.hasPrefix("wait for bgp")
            }
        }
        #expect(
            try waits { $0 } == [
                "wait for bgp outside up, at most 2m", "wait for bgp inside up, at most 2m",
                "wait for route west 10.2.0.0/24 via 169.254.1.2 present, at most 30s",
                "wait for route west 10.3.0.0/24 via 169.254.1.2 present, at most 30s",
                "wait for route middle 10.1.0.0/24 via 169.254.1.1 present, at most 30s",
                "wait for route middle 10.3.0.0/24 via 10.2.0.2 present, at most 30s",
                "wait for route east 10.1.0.0/24 via 10.2.0.1 present, at most 30s",
            ])
        // A session that cannot come up is not waited for, nor what it would bring.
        #expect(
            try waits { $0.replacing("west: {asn: 64512,", with: "west: {asn: 64512, password: other,") } == [
                "wait for bgp inside up, at most 2m",
                "wait for route middle 10.3.0.0/24 via 10.2.0.2 present, at most 30s",
            ])
    }

    @Test func `A speaker passes on with a longer path`() throws {
        let text = try Self.bird("middle")
        #expect(
            text.contains(
                "export filter { if !(source = RTS_STATIC && net ~ [ 10.2.0.0/24 ] || source = RTS_BGP) then reject; bgp_path.prepend(64601); bgp_path.prepend(64601); accept; };"
            ))
        #expect(text.contains("        export where source = RTS_BGP;\n"))
        #expect(text.contains("interface \"dx.340\";") && text.contains("interface \"lan\";"))
        #expect(text.contains("krt_prefsrc = 169.254.1.2;"))
        #expect(try !Self.bird("west").contains("krt_prefsrc"))
    }

    @Test func `Each speaker has its own key`() throws {
        let change = { (text: String) in
            text.replacing("west: {asn: 64512,", with: "west: {asn: 64512, password: other,")
        }
        #expect(try Self.bird("west", change).contains("password \"other\";"))
        #expect(try Self.bird("middle", change).contains("password \"key-of-the-vif\";"))
    }

    @Test func `Ports take only tagged frames and a router may keep the TTL`() throws {
        let rulesets = Plan(for: try Self.topology()).steps.compactMap { step -> (String, Ruleset)? in
            if case .applyFilter(let node, let ruleset) = step.action { (node, ruleset) } else { nil }
        }
        #expect(rulesets.map(\.0) == ["west", "middle"])
        #expect(rulesets.map(\.1.tables) == [["inet netlab-vlan"], ["inet netlab-ttl", "inet netlab-vlan"]])
        #expect(rulesets.map(\.1.purpose) == ["only tagged frames at dx", "TTL kept, only tagged frames at dx"])
        #expect(rulesets[0].1.text.contains("iifname \"dx\" counter drop"))
        let text = rulesets[1].1.text
        #expect(
            text.contains("ip ttl & 240 vmap { 0 : goto ttl-0, 16 : goto ttl-16,")
                && text.contains("240 : goto ttl-240 }"))
        #expect((1...254).allSatisfy { text.contains("ip ttl \($0) ip ttl set \($0 + 1) return\n") })
        #expect(!text.contains("ip6"))
        let both = Plan(
            for: try Self.topology {
                $0.replacing("middle:lan: 10.2.0.1/24", with: "middle:lan: [10.2.0.1/24, \"2001:db8::1/64\"]")
            }
        ).steps.compactMap { step in
            if case .applyFilter("middle", let ruleset) = step.action { ruleset.text } else { nil }
        }
        #expect(
            (1...254).allSatisfy {
                both.first?.contains("ip6 hoplimit \($0) ip6 hoplimit set \($0 + 1) return\n") == true
            })
    }

    @Test func `Traffic is dropped at the VLAN's interface`() throws {
        let topology = try Self.topology()
        let change = Disturbances([], in: topology).adjustments(
            to: Disturbances([try Fault("drop bgp on vif from west", in: topology)], in: topology))
        guard case .ruleset("middle", let rules?, _)? = change.first else {
            Issue.record("\(change)")
            return
        }
        #expect(rules.text.contains("iifname \"dx.340\" tcp sport 179 counter drop"))
    }

    /// The cable is shaped and cut at its ports, the VLAN at its interfaces.
    @Test(arguments: [
        ("link vif down", ["middle:dx: set down", "west:dx: set down"]),
        ("vlan vif down", ["middle:dx.340: set down", "west:dx.340: set down"]),
        ("vlan vif down at west", ["west:dx.340: set down"]),
    ])
    func `What goes down`(_ fault: String, _ expected: [String]) throws {
        let topology = try Self.topology()
        let well = Disturbances([], in: topology)
        let broken = Disturbances([try Fault(fault, in: topology)], in: topology)
        #expect(well.adjustments(to: broken).map(\.description) == expected)
        #expect(broken.adjustments(to: well).map(\.description) == expected.map { $0.replacing("down", with: "up") })
        let delayed = Disturbances([try Fault("delay vif 1ms from west", in: topology)], in: topology)
        #expect(well.adjustments(to: delayed).map(\.description).allSatisfy { $0.hasPrefix("west:dx: ") })
    }
}
