import LabFiles
import LabModel
import NetworkTypes
import Testing

/// Two routers joined by a VLAN, and what a carrier says of them.
enum Trunk {
    static let text = """
        name: trunk
        clouds:
          one: {title: One}
          two: {title: Two}
        nodes:
          west: {cloud: one, role: router}
          middle: {cloud: two, role: router, preferred-source: 169.254.1.2, decrement-ttl: off}
          east: {cloud: two, role: router}
        links:
          vif: {ends: {west:dx: 169.254.1.1/29, middle:dx: 169.254.1.2/29}, vlan: 340}
          lan: {ends: {middle:lan: 10.2.0.1/24, east:lan: 10.2.0.2/24}}
        bgp:
          outside:
            over: vif
            password: key-of-the-vif
            speakers:
              west: {asn: 64512, advertise: 10.1.0.0/24}
              middle: {asn: 64601, transit: on, prepend: 2}
          inside:
            over: lan
            speakers:
              middle: {asn: 64601, transit: on}
              east: {asn: 64602, advertise: 10.3.0.0/24}
        probes:
          there: {from: west, to: 10.2.0.2}

        """

    static func topology(_ change: (String) -> String = { $0 }) throws -> Topology {
        try resolve(change(text)).topology
    }

    static func resolve(_ text: String) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
    }
}

/// Links with 802.1Q tags, BGP that passes routes on, and routers that answer as carriers' do.
@Suite struct TaggedLinkTests {
    @Test func `Addresses sit on the VLAN's interface`() throws {
        let topology = try Trunk.topology()
        let link = try #require(topology.link(named: "vif"))
        #expect(link.vlan == 340 && link.headerLength == 18)
        #expect(link.ends.map(\.interface.description) == ["dx", "dx"])
        #expect(link.ends.map(\.routedInterface.description) == ["dx.340", "dx.340"])
        let plain = try #require(topology.link(named: "lan"))
        #expect(plain.vlan == nil && plain.headerLength == 14)
        #expect(plain.ends.map(\.routedInterface) == plain.ends.map(\.interface))
        let session = try #require(topology.session(named: "outside"))
        #expect(session.speakers.map(\.interface.description) == ["dx.340", "dx.340"])
    }

    @Test func `What speakers pass on`() throws {
        let session = try #require(try Trunk.topology().session(named: "outside"))
        #expect(session.speakers.map(\.passesOn) == [false, true])
        #expect(session.speakers.map(\.prepended) == [0, 2])
        #expect(session.speakers.map { session.key(of: $0)?.reveal() } == ["key-of-the-vif", "key-of-the-vif"])
        #expect(!session.hasDifferentKeys)
    }

    @Test func `Nodes`() throws {
        let topology = try Trunk.topology()
        #expect(topology.nodes.map(\.decrementsTTL) == [true, false, true])
        #expect(topology.nodes.map { $0.preferredSource?.description } == [nil, "169.254.1.2", nil])
    }

    @Test func `A peer taken for another AS is warned of`() throws {
        let (topology, warnings) = try Trunk.resolve(
            Trunk.text.replacing("west: {asn: 64512,", with: "west: {asn: 64512, peer-asn: 64610,"))
        let session = try #require(topology.session(named: "outside"))
        #expect(session.mistaken?.node == "west" && !session.canComeUp)
        let warning = try #require(warnings.first)
        #expect(warnings.count == 1 && warning.line == 17)
        #expect(
            warning.message.hasPrefix(
                "bgp.outside: west takes middle for AS 64610, and it says it is AS 64601, so the session never comes up"
            ))
        // What such a session would tell is not told.
        let routes = RoutePropagation(in: topology) { _, _ in true }.routes(at: "east")
        #expect(!routes.keys.contains { $0.description == "10.1.0.0/24" })
        #expect(
            RoutePropagation(in: try Trunk.topology()) { _, _ in true }.routes(at: "east").keys
                .contains { $0.description == "10.1.0.0/24" })
        let (right, none) = try Trunk.resolve(
            Trunk.text.replacing("west: {asn: 64512,", with: "west: {asn: 64512, peer-asn: 64601,"))
        #expect(none.isEmpty && right.session(named: "outside")?.canComeUp == true)
    }

    @Test func `Different keys are warned of`() throws {
        let text = Trunk.text.replacing(
            "west: {asn: 64512,", with: "west: {asn: 64512, password: another,")
        let (topology, warnings) = try Trunk.resolve(text)
        #expect(topology.session(named: "outside")?.hasDifferentKeys == true)
        let warning = try #require(warnings.first)
        #expect(warnings.count == 1 && warning.line == 13)
        #expect(
            warning.message == "bgp.outside: its speakers have different keys, so neither takes the other's segments")
    }

    /// What is changed, to what, the line, and what is said.
    @Test(arguments: [
        ("vlan: 340", "vlan: 0", 10, "links.vif.vlan", "Write a VLAN identifier from 1 to 4094"),
        ("vlan: 340", "vlan: 4095", 10, "links.vif.vlan", "Write a VLAN identifier from 1 to 4094"),
        ("vlan: 340", "vlan: primary", 10, "links.vif.vlan", "VLAN identifier from 1 to 4094"),
        (
            "west:dx:", "west:direct-conn1:", 10,
            "the interface direct-conn1.340 of VLAN 340 has more than 15 bytes",
            "Give the port direct-conn1 a name of at most 11 bytes."
        ),
        ("prepend: 2", "prepend: 11", 18, "prepend", "Write a number from 0 to 10"),
        ("transit: on, prepend", "transit: maybe, prepend", 18, "transit", "on or off"),
        ("advertise: 10.1.0.0/24}", "password: \"a b\"}", 17, "password is not a usable key", "printable ASCII"),
        (
            "preferred-source: 169.254.1.2", "preferred-source: 169.254.1.9", 7,
            "no interface of the node has the preferred source 169.254.1.9", "169.254.1.2, 10.2.0.1."
        ),
        (
            "role: router, preferred-source: 169.254.1.2, decrement-ttl: off",
            "decrement-ttl: off, preferred-source: 169.254.1.2",
            7, "an instance is where packets end", "Set it at the router"
        ),
    ])
    func `Mistakes`(_ old: String, _ new: String, line: Int, _ message: String, _ remedy: String) throws {
        let error = try #require(throws: LabFileError.self) {
            try Trunk.resolve(Trunk.text.replacing(old, with: new, maxReplacements: 1))
        }
        let found = error.diagnostics.filter { $0.severity == .error }
        #expect(found.count == 1, "\(error)")
        #expect(found.first?.line == line, "\(error)")
        #expect(found.first.map { "\($0.message) \($0.remedy)" }?.contains(message) == true, "\(error)")
        #expect(found.first.map { "\($0.message) \($0.remedy)" }?.contains(remedy) == true, "\(error)")
    }

    @Test func `A preferred source needs BGP`() throws {
        let text = Trunk.text.replacing(
            "  east: {cloud: two, role: router}",
            with: "  east: {cloud: two, role: router}\n  idle: {role: router, preferred-source: 10.9.0.1}"
        )
        .replacing(
            "  lan: {ends", with: "  spare: {ends: {idle:eth0: 10.9.0.1/24, east:spare: 10.9.0.2/24}}\n  lan: {ends")
        let error = try #require(throws: LabFileError.self) { try Trunk.resolve(text) }
        #expect(
            error.diagnostics.map(\.message) == [
                "nodes.idle: the node speaks no BGP, and `preferred-source` is for the routes that BGP tells it"
            ])
    }

    @Test func `Interfaces of VLANs cannot collide`() throws {
        let text = Trunk.text.replacing("middle:lan: 10.2.0.1/24", with: "middle:dx.340: 10.2.0.1/24")
        let error = try #require(throws: LabFileError.self) { try Trunk.resolve(text) }
        #expect(error.diagnostics.first?.message.contains("node middle has two interfaces named dx.340") == true)
    }

    // MARK: Faults

    @Test(arguments: ["vlan vif down", "vlan vif down at west", "vlan vif down at middle", "mtu west dx.340 1400"])
    func `The faults`(_ text: String) throws {
        #expect(try Fault(text, in: Trunk.topology()).description == text)
    }

    @Test(arguments: [
        ("vlan lan down", "Link lan has no VLAN: take `link lan down`. Links with one: vif."),
        ("vlan vfi down", "There is no \"vfi\". Did you mean \"vif\"?"),
        ("vlan vif down at east", "Node east is not one of the ends of vif: middle, west."),
        ("vlan vif up", "\"vlan vif up\" is not a fault. Write vlan LINK down [at NODE]."),
    ])
    func `Mistaken faults`(_ text: String, _ message: String) throws {
        let topology = try Trunk.topology()
        let error = try #require(throws: FaultError.self) { try Fault(text, in: topology) }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func `A wrong key is one speaker's alone`() throws {
        let topology = try Trunk.topology()
        let fault = try Fault("bgp outside md5 wrong at middle", in: topology)
        let views = ["west", "middle"].map { topology.misconfigured(at: $0, by: [fault]).session(named: "outside") }
        #expect(views.map { $0?.hasDifferentKeys } == [false, true])
    }

    // MARK: Expectations

    private func claim(_ text: String) throws -> LabModel.Expectation.Claim? {
        try Trunk.topology { $0 + "expect:\n  x: \(text)\n" }.expectations.first?.claim
    }

    @Test func `Claims`() throws {
        let hops = "[{from: 169.254.1.2, rtt: 1ms, within: 10us}, {from: [10.2.0.1, 10.2.0.2], published: 2 ms}]"
        let text = "{traceroute: there, hops: \(hops)}"
        guard case .traceroute(let trace)? = try claim(text), case .md5(let signed)? = try claim("{md5: outside}")
        else {
            Issue.record("not these kinds")
            return
        }
        #expect(trace.probe == "there" && trace.hops.count == 2)
        #expect(trace.hops[0].roundTrip == .milliseconds(1) && trace.hops[0].tolerance == .microseconds(10))
        #expect(trace.hops[1].addresses.count == 2 && trace.hops[1].roundTrip == nil)
        #expect(trace.hops[1].published == "2 ms")
        #expect(signed.sessions == ["outside"])
    }

    @Test(arguments: [
        ("{traceroute: there, hops: [{from: 10.2.0.1}]}", "the last hop is not 10.2.0.2, where there ends"),
        ("{traceroute: there, hops: [{from: 10.2.0.9}, {from: 10.2.0.2}]}", "no node has the address 10.2.0.9"),
        ("{traceroute: there, hops: [{from: 10.2.0.2, within: 1ms}]}", "says how near, and no `rtt:` to what"),
        ("{traceroute: there, hops: []}", "a list of hops"), ("{traceroute: there}", "hops"),
        ("{traceroute: there, hops: [{rtt: 1ms}]}", "from"),
        ("{md5: inside}", "middle has no key for inside, so it signs nothing"),
        ("{md5: outsied}", "there is no \"outsied\""), ("{rtt: there, count: 0}", "a number of echoes from 1 to 1000"),
        ("{rtt: there, count: 1001}", "a number of echoes from 1 to 1000"),
    ])
    func `Mistaken claims`(_ text: String, _ message: String) throws {
        let error = try #require(throws: LabFileError.self) { try claim(text) }
        #expect(error.diagnostics.count == 1, "\(error)")
        #expect(error.diagnostics.first.map { "\($0.message) \($0.remedy)" }?.contains(message) == true, "\(error)")
        #expect(error.diagnostics.first?.line != nil)
    }
}
