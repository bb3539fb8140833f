import LabModel
import NetworkTypes
import Testing

/// What a lab must show, as it is read.
@Suite("Expectations read from text")
struct ExpectationTests {
    private func claim(_ text: String, _ change: (String) -> String = { $0 }) throws -> LabModel.Expectation.Claim {
        let topology = try BrokenLab.resolve(change(BrokenLab.text(expecting: "x: \(text)"))).topology
        return try #require(topology.expectations.first).claim
    }

    private func encapsulation(_ text: String, _ change: (String) -> String = { $0 }) throws -> EncapsulationClaim {
        guard case .encapsulation(let claim) = try claim(text, change) else { throw NoSuchClaim() }
        return claim
    }

    private struct NoSuchClaim: Error {}

    @Test
    func `Of the repository's lab: each kind, its line, and when it applies`() throws {
        let topology = try AwsOci.topology.get()
        // Nothing in this lab is shared among ways or chosen by a policy, and no carrier is in it.
        let others: Set<LabModel.Expectation.Claim.Kind> = [
            .sharing, .traceroute, .md5, .best, .symmetric, .ospf, .bfd,
        ]
        #expect(
            Set(topology.expectations.map(\.claim.kind))
                == Set(LabModel.Expectation.Claim.Kind.allCases).subtracting(others))
        let lines = try AwsOci.text("lab.yaml").split(separator: "\n", omittingEmptySubsequences: false)
        for expectation in topology.expectations {
            #expect(lines[expectation.line - 1].hasPrefix("  \(expectation.name):"))
        }
        let conditions = Set(topology.expectations.map { $0.when.map(\.description).joined(separator: ", ") })
        #expect(
            conditions == [
                "", "bgp main up, route tgw 10.105.2.0/24 present, route drg 10.2.0.0/16 present",
                "bgp main down, route tgw 10.105.2.0/24 absent, route drg 10.2.0.0/16 absent",
            ])
    }

    @Test
    func `Encapsulation takes form and algorithms from the tunnel, and the links between clouds`() throws {
        let topology = try AwsOci.topology.get()
        let between = ["aws-vpn-1", "aws-vpn-2", "oci-vpn-1", "oci-vpn-2", "aws-internet", "oci-internet"]
        let claims = topology.expectations.compactMap { expectation -> EncapsulationClaim? in
            if case .encapsulation(let claim) = expectation.claim { claim } else { nil }
        }
        #expect(claims.map { $0.ways.map(\.tunnel) } == [["main"], ["backup"], ["backup"], ["backup"]])
        #expect(
            claims.flatMap(\.ways).map { $0.wrappings.map(\.description) }
                == [["esp"], ["esp-in-udp"], ["esp-in-udp"], ["esp-in-udp"]])
        #expect(
            claims.flatMap(\.ways).map { $0.algorithms?.description } == [
                "aes-256-cbc with sha2-256", "aes-256-gcm-16", "aes-256-gcm-16", "aes-256-gcm-16",
            ])
        #expect(claims.map(\.links) == [between, between, ["vpc2-internet", "vcn2-internet"], between])
        #expect(
            claims.map(\.probes) == [
                ["workload", "workload-back"], ["backup-inside", "backup-routers"], ["backup-inside"],
                ["workload", "workload-back"],
            ])
        let backup = try #require(topology.tunnel(named: "backup"))
        #expect(backup.algorithms?.description == "aes-256-gcm-16" && backup.isUDPEncapsulated)
        #expect(backup.lifetimes.map { [$0.ike, $0.esp] } == [.seconds(28800), .seconds(3600)])
        #expect(topology.tunnel(named: "main")?.isUDPEncapsulated == false)
    }

    @Test
    func `Encapsulation, said and derived`() throws {
        let derived = try encapsulation("{encapsulation: there, in: main}")
        #expect(derived.probes == ["there"] && derived.ways.map(\.tunnel) == ["main"])
        #expect(derived.ways.map(\.wrappings) == [[.esp]])
        #expect(derived.ways.first?.algorithms?.description == "aes-256-cbc with sha2-256")
        // Nodes without a cloud stand for themselves.
        #expect(derived.links == ["lan", "up", "wan", "spare"])
        #expect(try encapsulation("{encapsulation: there, in: own}").ways.map(\.wrappings) == [[.espInUDP]])
        #expect(try encapsulation("{encapsulation: there, in: own}").ways.map(\.algorithms) == [nil])
        let said = try encapsulation(
            "{encapsulation: [there], as: [vlan 7, esp, gre], esp: {encryption: aes-128-cbc, integrity: sha1}, on: wan}"
        )
        #expect(said.ways.map(\.tunnel) == [nil] && said.ways.map(\.wrappings) == [[.vlan(7), .esp, .gre]])
        #expect(said.links == ["wan"])
        #expect(said.ways.first?.algorithms?.description == "aes-128-cbc with sha1")
        #expect(
            try encapsulation("{encapsulation: there, in: main, as: esp-in-udp}").ways.map(\.wrappings) == [[.espInUDP]]
        )
        let either = try encapsulation("{encapsulation: there, in: {any: [main, own]}}")
        #expect(either.ways.map(\.tunnel) == ["main", "own"] && either.ways.map(\.wrappings) == [[.esp], [.espInUDP]])
        #expect(try encapsulation("{encapsulation: there, in: {any: [[main]]}}").ways.map(\.tunnel) == ["main"])
    }

    @Test(arguments: [
        ("{encapsulation: there, in: §[main, own]}", "expect.x.in names 2 IPsec tunnels", "in: {any: [main, own]}"),
        ("{encapsulation: there, in: §{any: []}}", "expect.x.in.any", "a list of tunnels"),
        ("{encapsulation: there, in: {any: [main, §wan]}}", "there is no \"wan\"", "main"),
        ("{encapsulation: there, in: {any: [main, own]}, as: §esp}", "expect.x.as is of one way", "Remove `as:`"),
        ("{encapsulation: there, in: {§all: [main, own]}}", "unknown key \"all\"", "any"),
    ])
    func `Ways that cannot be`(claim: String, message: String, remedy: String) throws {
        try BrokenLab(text: BrokenLab.text(expecting: "x: \(claim)"), message, remedy).expectOnlyDiagnostic()
    }

    @Test
    func `Without links between clouds, they must be named`() throws {
        func oneCloud(_ text: String) -> String {
            ["router:\n    role: router", "gateway:\n    role: internet-gateway"].reduce(text) {
                $0.replacing($1, with: $1.replacing("role", with: "cloud: aws\n    role"))
            }.replacing("{role: router}", with: "{role: router, cloud: aws}")
        }
        #expect(try encapsulation("{encapsulation: there, as: gre, on: lan}", oneCloud).links == ["lan"])
        let text = oneCloud(BrokenLab.text(expecting: "§x: {encapsulation: there, as: gre}"))
        try BrokenLab(
            text: text, "expect.x: no link of this lab joins two clouds", "Name the links to look at with `on:`"
        ).expectOnlyDiagnostic()
    }

    /// Claims that are plain values, in one line each.
    @Test(
        arguments: [
            ("{mtu: there}", "there derived frag-needed"), ("{mtu: there, is: 1438, beyond: lost}", "there 1438 lost"),
            ("{mss: there}", "there derived 1000000"), ("{mss: there, is: 1398, transfer: 500kB}", "there 1398 500000"),
            ("{path: there, via: [router, gateway]}", "there router gateway back any"),
            ("{path: there, via: [router, main], back: [gateway, router]}", "there router main back gateway router"),
            ("{rtt: there}", "there derived 100us"), ("{rtt: there, is: 3ms, within: 1ms}", "there 3ms 1ms"),
            (
                "{traceroute: there, hops: [{from: [10.0.0.1, 10.0.1.2]}, {from: 192.0.2.2, rtt: 2ms, published: fast}]}",
                "there 10.0.0.1,10.0.1.2 any 500us - 192.0.2.2 2ms 500us fast"
            ),
            ("{bgp: main}", "main up derived"), ("{bgp: main, is: up, hold: 30s}", "main up 30s"),
            ("{bgp: main, is: down}", "main down derived"),
            ("{ecmp: there, over: [main, wan]}", "there main wan 24"),
            ("{ecmp: there, over: [main, own], flows: 2}", "there main own 2"),
            ("{best: {at: peer, to: 10.0.0.0/24}}", "peer 10.0.0.0/24 main only"),
            ("{best: {at: peer, to: 10.0.0.0/24, by: main}}", "peer 10.0.0.0/24 main any"),
            ("{symmetric: there}", "there"),
            ("{sa: main}", "main aes-256-cbc with sha2-256 plain"), ("{sa: own}", "own unknown udp"),
            ("{sa: own, nat-t: off, esp: {encryption: aes-256-gcm-16}}", "own aes-256-gcm-16 plain"),
            ("{rate: there}", "there derived 2% 8000000"),
            ("{rate: there, is: 471mbit, within: 3%, transfer: 1GB}", "there 471mbit 3% 1000000000"),
            (
                "{routes: vm, are: {0.0.0.0/0: 10.0.0.1, 10.9.0.0/16: [eth0, vti1], 10.8.0.0/16: absent}}",
                "vm 0.0.0.0/0>10.0.0.1 10.9.0.0/16>eth0,vti1 10.8.0.0/16>absent"
            ),
            ("{confidentiality: there}", "there lan,up,wan,spare"),
            (
                "{confidentiality: [there], on: [wan], allow: [arp, neighbour-discovery]}",
                "there wan arp neighbour-discovery"
            ),
            ("{security: {from: vm, to: peer}, is: accepted}", "vm own 192.0.2.2 icmp - accepted"),
            (
                "{security: {from: vm, source: 10.0.0.77, to: 10.0.0.1, protocol: tcp, port: 22}, is: dropped}",
                "vm 10.0.0.77 10.0.0.1 tcp 22 dropped"
            ),
        ])
    func `Defaults and what is said`(_ text: String, _ expected: String) throws {
        let words: [String] =
            switch try claim(text) {
            case .mtu(let claim): [claim.probe, claim.bytes.map(String.init) ?? "derived", claim.beyond.rawValue]
            case .mss(let claim): [claim.probe, claim.bytes.map(String.init) ?? "derived", "\(claim.transfer)"]
            case .path(let claim): [claim.probe] + claim.via + ["back"] + (claim.back ?? ["any"])
            case .rtt(let claim): [claim.probe, claim.expected?.shortText ?? "derived", claim.tolerance.shortText]
            case .traceroute(let claim):
                [claim.probe]
                    + claim.hops.flatMap { hop in
                        [
                            hop.addresses.map(\.description).joined(separator: ","),
                            hop.roundTrip?.shortText ?? "any", hop.tolerance.shortText, hop.published ?? "-",
                        ]
                    }
            case .md5(let claim): claim.sessions
            case .bgp(let claim):
                [claim.session, claim.isEstablished ? "up" : "down", claim.hold?.shortText ?? "derived"]
            case .securityAssociation(let claim):
                [claim.tunnel, claim.algorithms?.description ?? "unknown", claim.isUDPEncapsulated ? "udp" : "plain"]
            case .rate(let claim):
                [
                    claim.probe, claim.expected?.description ?? "derived", claim.tolerance.description,
                    "\(claim.transfer)",
                ]
            case .routes(let claim):
                [claim.node]
                    + claim.routes.map { "\($0.prefix)>\($0.targets.map(\.description).joined(separator: ","))" }
            case .confidentiality(let claim):
                [claim.probes.joined(separator: ","), claim.links.joined(separator: ",")]
                    + claim.allowed.map(\.rawValue)
            case .security(let claim):
                [
                    claim.source, claim.sourceAddress?.description ?? "own", claim.destination.description,
                    claim.transport.rawValue,
                    claim.port.map { "\($0)" } ?? "-", claim.outcome.rawValue,
                ]
            case .sharing(let claim): [claim.probe] + claim.ways + ["\(claim.flows)"]
            case .best(let claim):
                [claim.node, claim.prefix.description, claim.session, claim.step?.rawValue ?? "any"]
            case .symmetric(let claim): [claim.probe]
            case .ospf(let claim): [claim.place, claim.isAdjacent ? "up" : "down"]
            case .bfd(let claim): [claim.session, claim.isUp ? "up" : "down"]
            case .encapsulation: []
            }
        #expect(words.joined(separator: " ") == expected)
    }

    @Test
    func `Neighbours on one link have nothing between them`() throws {
        let claim = try claim("{path: there, via: []}") { $0.replacing("to: peer", with: "to: 10.0.0.1") }
        guard case .path(let path) = claim else { throw NoSuchClaim() }
        #expect(path.via.isEmpty && path.back == nil)
    }

    @Test
    func `A lab need expect nothing`() throws {
        #expect(try BrokenLab.resolve(BrokenLab.text).topology.expectations.isEmpty)
    }

    @Test(
        arguments: Wrapping.known.dropLast() + ["vlan 1", "vlan 4094"])
    func `Forms of packets are read from their own text`(_ text: String) {
        #expect(Wrapping(text)?.description == text)
    }

    @Test(
        arguments: [
            "", "ESP", "esp ", "vlan", "vlan 0", "vlan 4095", "vlan -1", "vlan 1 2", "vlan N", "ipsec", "6in4,esp",
        ])
    func `What is no form`(_ text: String) {
        #expect(Wrapping(text) == nil)
    }
}
