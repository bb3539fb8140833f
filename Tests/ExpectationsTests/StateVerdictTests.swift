import Decryption
import NetworkTypes
import Testing

@testable import Expectations
@testable import LabModel
@testable import LabRecords

@Suite("What kernels and daemons tell, held against routes, sessions and associations")
struct StateVerdictTests {
    private static func verdict(_ expectation: String, _ measurement: Measurement, _ finding: Finding?) throws
        -> Verdict
    {
        var lab = try CheckedLab(expecting: expectation)
        if let finding { lab.observe(measurement, finding) }
        return try lab.verdict()
    }

    private static func check(
        _ expectation: String, _ measurement: Measurement, _ finding: Finding, isRight: Bool, seen: String
    ) throws {
        let verdict = try verdict(expectation, measurement, finding)
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(verdict.seen.contains(seen), "\(verdict.seen)")
        #expect(try Self.verdict(expectation, measurement, nil).outcome == .inconclusive)
        #expect(try Self.verdict(expectation, measurement, .failed("the node is gone")).outcome == .inconclusive)
    }

    // MARK: Routes

    private static func route(_ prefix: String, by gateways: [String] = [], on interface: String) throws
        -> ObservedRoute
    {
        ObservedRoute(
            prefix: try #require(IPPrefix(prefix)), gateways: gateways.compactMap { IPAddress($0) },
            interfaces: [InterfaceName(interface)].compactMap { $0 },
            text: "\(prefix) via \((gateways + [interface]).joined(separator: " "))")
    }

    @Test(
        arguments: [
            ("{10.2.0.0/24: vpn1}", true, "all of them"), ("{10.9.0.0/16: 10.1.0.2}", true, "all of them"),
            ("{10.9.0.0/16: [10.1.0.2, 10.1.0.3]}", true, "all of them"),
            ("{10.7.0.0/16: absent}", true, "all of them"),
            ("{10.2.0.0/24: vpn1, 10.9.0.0/16: 10.1.0.2}", true, "all of them"),
            ("{10.2.0.0/24: wan}", false, "10.2.0.0/24 via vpn1"),
            ("{10.9.0.0/16: 10.1.0.9}", false, "10.9.0.0/16 via 10.1.0.2 10.1.0.3 lan"),
            ("{10.9.0.0/16: [10.1.0.2, 10.1.0.9]}", false, "10.9.0.0/16 via"),
            ("{10.2.0.0/24: absent}", false, "10.2.0.0/24 via vpn1"),
            ("{10.7.0.0/16: vpn1}", false, "no route to 10.7.0.0/16"),
            ("{10.2.0.0/25: vpn1}", false, "no route to 10.2.0.0/25"),
            ("{10.2.0.0/24: vpn1, 10.7.0.0/16: vpn1}", false, "no route to 10.7.0.0/16"),
        ])
    func `Routes`(claim: String, isRight: Bool, seen: String) throws {
        let routes = [
            try Self.route("10.2.0.0/24", on: "vpn1"),
            try Self.route("10.9.0.0/16", by: ["10.1.0.2", "10.1.0.3"], on: "lan"),
        ]
        try Self.check(
            "{routes: gw1, are: \(claim)}", .routes(node: "gw1"), .routes(routes), isRight: isRight, seen: seen)
    }

    // MARK: BGP

    struct SessionCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claim = "{bgp: main}"
        var states: [BGPState] = [.established, .established]
        var hold: [Int?] = [30, 30]
        /// In place of a third of the hold time.
        var keepalive: [Int]?
        var learned = [["10.2.0.0/24"], ["10.1.0.0/24"]]
        var isRight = false
        let seen: String
    }

    @Test(
        arguments: [
            SessionCase(
                testDescription: "as negotiated", isRight: true,
                seen: "gw1 Established 10s/30s has 10.2.0.0/24; gw2 Established 10s/30s has 10.1.0.0/24"),
            SessionCase(
                testDescription: "as declared", claim: "{bgp: main, hold: 30s}", isRight: true, seen: "gw1 Established"),
            SessionCase(testDescription: "another hold time", hold: [180, 30], seen: "gw1 has hold time 3m"),
            SessionCase(
                testDescription: "a hold time other than declared", claim: "{bgp: main, hold: 90s}",
                seen: "gw1 has hold time 30s; gw2 has hold time 30s"),
            SessionCase(
                testDescription: "keepalives too rare for the hold time", keepalive: [10, 60],
                seen: "gw2 sends keepalives every 1m"),
            SessionCase(testDescription: "no hold time", hold: [nil, 30], seen: "gw1 has hold time none"),
            SessionCase(
                testDescription: "a missing prefix", learned: [[], ["10.1.0.0/24"]], seen: "gw1 lacks 10.2.0.0/24"),
            SessionCase(
                testDescription: "another's prefix", learned: [["10.2.0.0/24"], ["10.1.0.0/24", "10.3.0.0/24"]],
                seen: "gw2 has learned 10.3.0.0/24 besides"),
            SessionCase(
                testDescription: "down", states: [.active, .idle], hold: [nil, nil], learned: [[], []],
                seen: "gw1 is in state Active; gw2 is in state Idle"),
            SessionCase(
                testDescription: "down as declared", claim: "{bgp: main, is: down}", states: [.active, .idle],
                hold: [nil, nil], learned: [[], []],
                isRight: true, seen: "gw1 Active; gw2 Idle"),
            SessionCase(
                testDescription: "up where down is declared", claim: "{bgp: main, is: down}",
                states: [.established, .idle], seen: "gw1 is in state Established"),
            SessionCase(testDescription: "one that does not tell", states: [.established], seen: "gw2 does not tell"),
            SessionCase(testDescription: "none that tells", states: [], seen: "gw1 does not tell; gw2 does not tell"),
        ])
    func `The sessions`(_ example: SessionCase) throws {
        let speakers = zip(["gw1", "gw2"], example.states).enumerated().map { number, speaker in
            ObservedSpeaker(
                node: speaker.0, state: speaker.1, hold: example.hold[number].map { .seconds($0) },
                keepalive: example.keepalive.map { .seconds($0[number]) }
                    ?? example.hold[number].map { .seconds($0 / 3) },
                learned: example.learned[number].compactMap { IPPrefix($0) })
        }
        try Self.check(
            example.claim, .session("main"), .session(speakers), isRight: example.isRight, seen: example.seen)
    }

    @Test(
        arguments: [
            ("{best: {at: gw1, to: 10.2.0.0/24}}", "main", true, true, "main, by only: main has local preference 100"),
            ("{best: {at: gw1, to: 10.2.0.0/24, by: plain}}", "main", true, true, "main, by only"),
            (
                "{best: {at: gw1, to: 10.2.0.0/24, by: main, because: med}}", "main", true, false,
                "main, by only: main has local preference 100, path 65001, origin igp, MED 5, router id 203.0.113.2"
            ),
            ("{best: {at: gw1, to: 10.2.0.0/24}}", "main", false, false, "none of main is the best"),
            ("{best: {at: gw1, to: 10.2.0.0/24}}", "strange", true, false, "strange, and which step decided does not"),
        ])
    func `The best route`(claim: String, session: String, isBest: Bool, isRight: Bool, seen: String) throws {
        func route(_ prefix: String) throws -> ObservedBGPRoute {
            ObservedBGPRoute(
                prefix: try #require(IPPrefix(prefix)), session: session, isBest: isBest,
                path: [ASN(65001)].compactMap(\.self), origin: .igp, localPreference: 100, med: 5, weight: nil,
                communities: [], peerID: IPv4Address("203.0.113.2"))
        }
        try Self.check(
            claim, .bgpRoutes(node: "gw1"), .bgpRoutes([route("10.2.0.0/24")]), isRight: isRight, seen: seen)
        try Self.check(
            claim, .bgpRoutes(node: "gw1"), .bgpRoutes([route("10.3.0.0/24")]), isRight: false,
            seen: "no session tells gw1 that prefix")
    }

    @Test(
        arguments: [
            (.active, true, "gw2 Active, Socket: Network is unreachable; no packet"), (.idle, true, "gw2 Idle"),
            (.connect, true, "gw2 Connect"), (.established, false, "gw2 Established"), (.down, false, "gw2 Down"),
            (.noAnswer, false, "gw2 no answer"),
        ] as [(BGPState, Bool, String)])
    func `A session that one side alone has configured`(state: BGPState, isRight: Bool, seen: String) throws {
        let speaker = ObservedSpeaker(
            node: "gw2", state: state, hold: nil, keepalive: nil, learned: [],
            lastError: "Socket: Network is unreachable")
        try Self.check(
            "{bgp: half}", .connecting("half"), .session([speaker]), isRight: isRight, seen: seen)
        try Self.check(
            "{bgp: half}", .connecting("half"), .session([]), isRight: false, seen: "gw2 does not tell")
    }

    /// Both ends have 300 ms and 3 packets.
    @Test(
        arguments: [
            ("{bfd: main}", (.up, 900), (.up, 900), true, "gw1 Up after 900ms; gw2 Up after 900ms"),
            ("{bfd: main}", (.up, 900), (.up, 3000), false, "gw2 Up after 3s"),
            ("{bfd: main}", (.up, 900), (.down, nil), false, "gw2 Down"),
            ("{bfd: main, detection: 3s}", (.up, 3000), (.up, 3000), true, "gw1 Up after 3s"),
            ("{bfd: main, is: down}", (.up, 900), (.down, nil), true, "gw2 Down"),
            ("{bfd: main, is: down}", (.up, 900), (.up, 900), false, "gw1 Up after 900ms"),
            ("{bfd: main}", (nil, nil), (nil, nil), false, "gw1 without BFD; gw2 without BFD"),
        ] as [(String, (BFDState?, Int64?), (BFDState?, Int64?), Bool, String)])
    func `BFD beside a session`(
        claim: String, west: (BFDState?, Int64?), east: (BFDState?, Int64?), isRight: Bool, seen: String
    ) throws {
        let topology = try JudgedLab.topology(expecting: "one: \(claim)") {
            $0.replacing("    over: plain\n", with: "    over: plain\n    bfd: {interval: 300ms, multiplier: 3}\n")
        }
        let speakers = [("gw1", west), ("gw2", east)].map { node, told in
            var speaker = ObservedSpeaker(node: node, state: .established, hold: nil, keepalive: nil, learned: [])
            speaker.bfd = told.0
            speaker.bfdDetection = told.1.map { .milliseconds($0) }
            return speaker
        }
        let plan = CheckPlan(topology: topology, expectations: topology.expectations)
        let step = Observation.Step(
            measurement: .session("main"), fromNanoseconds: 0, toNanoseconds: 0, finding: .session(speakers))
        let judge = Judge(
            plan: plan, observation: Observation(steps: [step], capture: nil), transfers: nil,
            examination: try CaptureExamination(topology: topology, expectations: [], keepsPackets: true),
            labFile: "lab.yaml")
        let verdict = try #require(judge.verdicts { _ in [:] }.first)
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(verdict.seen.contains(seen), "\(verdict.seen)")
    }

    @Test(
        arguments: [
            (["gw1": 4, "gw2": 4], true, "gw1 saw it end 4 times, gw2 saw it end 4 times"),
            (["gw1": 2, "gw2": 6], true, "gw1 saw it end 2 times"),
            (["gw1": 1, "gw2": 4], false, "gw1 saw it end 1 times"),
            (["gw1": 4, "gw2": 7], false, "gw2 saw it end 7 times"),
            (["gw1": 0, "gw2": 0], false, "gw1 saw it end 0 times"),
            (["gw1": 4], false, "gw2 saw it end an unknown number of times"),
        ] as [([String: Int], Bool, String)])
    func `A session that flaps`(counts: [String: Int], isRight: Bool, seen: String) throws {
        let topology = try JudgedLab.topology(expecting: "one: {bgp: main, is: flapping}") {
            $0.replacing("keepalive: 60s, hold: 180s,", with: "keepalive: 60s, hold: 180s, negotiate: off,")
        }
        let plan = CheckPlan(topology: topology, expectations: topology.expectations)
        let step = Observation.Step(
            measurement: .flaps("main", .seconds(120)), fromNanoseconds: 0, toNanoseconds: 0, finding: .flaps(counts))
        let judge = Judge(
            plan: plan, observation: Observation(steps: [step], capture: nil), transfers: nil,
            examination: try CaptureExamination(topology: topology, expectations: [], keepsPackets: true),
            labFile: "lab.yaml")
        let verdict = try #require(judge.verdicts { _ in [:] }.first)
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(verdict.seen.contains(seen), "\(verdict.seen)")
        #expect(verdict.expected.contains("2 to 6 times in 2m"))
    }

    // MARK: Security associations

    struct AssociationCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claim = "{sa: plain}"
        var isRight = false
        let seen: String
        var edit: @Sendable (inout Ends) -> Void = { _ in }
    }

    /// Both ends of the tunnel "plain", to be changed.
    struct Ends {
        var nodes = ["gw1", "gw2"]
        var ike: [String?] = ["AES_CBC_256-HMAC_SHA2_384-DH20", "AES_CBC_256-HMAC_SHA2_384-DH20"]
        var ikeRest: Duration? = .seconds(28_000)
        var childRest: Duration? = .seconds(3_500)
        var hasInbound = true
        /// Of the first end, outbound.
        var association = ESPAssociation.cbc(spi: 0x1001)
        /// How many associations each end sends with.
        var copies = 1

        var finding: Finding {
            .tunnel(
                nodes.enumerated().map { number, node in
                    let outbound = TunnelAssociation(
                        tunnel: "plain", node: node, isOutbound: true,
                        association: number == 0 ? association : .cbc(spi: 0x1002))
                    let inbound = TunnelAssociation(
                        tunnel: "plain", node: node, isOutbound: false, association: .cbc(spi: 0x1002))
                    return ObservedTunnelEnd(
                        node: node, ike: ike[number], ikeReplacedIn: ikeRest, childReplacedIn: childRest,
                        associations: Array(repeating: outbound, count: copies) + (hasInbound ? [inbound] : []))
                })
        }
    }

    @Test(
        arguments: [
            AssociationCase(
                testDescription: "as configured", isRight: true,
                seen: "gw1 2 SAs, IKE AES_CBC_256-HMAC_SHA2_384-DH20; gw2 2 SAs"),
            AssociationCase(
                testDescription: "four while both ends renew at once", isRight: true, seen: "gw1 5 SAs"
            ) { $0.copies = 4 },
            AssociationCase(
                testDescription: "more than any renewal has", seen: "gw1 has 5 security associations outbound"
            ) { $0.copies = 5 },
            AssociationCase(
                testDescription: "in UDP where protocol 50 is expected", seen: "gw1, SPI 0x00001001: ESP in UDP"
            ) { $0.association.encapsulation = .init() },
            AssociationCase(
                testDescription: "protocol 50 where UDP is expected", claim: "{sa: plain, nat-t: true}",
                seen: "gw1, SPI 0x00001001: ESP as protocol 50"),
            AssociationCase(testDescription: "transport mode", seen: "gw1, SPI 0x00001001: transport mode") {
                $0.association.mode = .transport
            },
            AssociationCase(
                testDescription: "another cipher",
                seen: "gw1, SPI 0x00001001: rfc4106(gcm(aes)) 256/128 instead of cbc(aes) 256, hmac(sha256) 256/128"
            ) { $0.association = .gcm(spi: 0x1001) },
            AssociationCase(
                testDescription: "a shorter key",
                seen: "gw1, SPI 0x00001001: cbc(aes) 128, hmac(sha256) 256/128 instead of cbc(aes) 256"
            ) {
                $0.association.encryption.key = KeyMaterial(Array(repeating: 1, count: 16))
            },
            AssociationCase(testDescription: "a shorter integrity check value", seen: "hmac(sha256) 256/96 instead of")
            { $0.association.integrity?.tagBits = 96 },
            AssociationCase(
                testDescription: "other algorithms than declared",
                claim: "{sa: plain, esp: {encryption: aes-128-gcm-16}}",
                seen: "cbc(aes) 256, hmac(sha256) 256/128 instead of rfc4106(gcm(aes)) 128/128"),
            AssociationCase(testDescription: "no IKE SA", seen: "gw2 has no IKE SA") { $0.ike[1] = nil },
            AssociationCase(testDescription: "one direction", seen: "gw1 has no security association inbound") {
                $0.hasInbound = false
            },
            AssociationCase(testDescription: "an IKE SA that lasts longer", seen: "gw1 keeps its IKE SA for another") {
                $0.ikeRest = .seconds(30_000)
            },
            AssociationCase(testDescription: "an ESP SA that lasts longer", seen: "gw1 keeps its ESP SA for another") {
                $0.childRest = .seconds(4_000)
            },
            AssociationCase(testDescription: "nothing known of when", isRight: true, seen: "gw1 2 SAs") {
                $0.ikeRest = nil
                $0.childRest = nil
            },
            AssociationCase(testDescription: "an end that does not tell", seen: "gw2 does not tell") {
                $0.nodes.removeLast()
            },
            AssociationCase(testDescription: "no end that tells", seen: "gw1 does not tell; gw2 does not tell") {
                $0.nodes = []
            },
        ])
    func `The associations`(_ example: AssociationCase) throws {
        var ends = Ends()
        example.edit(&ends)
        try Self.check(example.claim, .tunnel("plain"), ends.finding, isRight: example.isRight, seen: example.seen)
    }

    @Test
    func `Behind NAT, ESP is expected in UDP`() throws {
        let verdict = try Self.verdict("{sa: nat}", .tunnel("nat"), nil)
        #expect(
            verdict.expected.hasPrefix(
                "nat: IKE with aes-256-cbc, sha2-384, group 20; ESP in tunnel mode in UDP 4500 with aes-256-gcm-16, renewed within "
            ))
    }

    @Test
    func `The worst of all verdicts is the whole's`() {
        let verdict = { (outcome: Verdict.Outcome) in
            Verdict(expectation: "", kind: "", outcome: outcome, expected: "", rule: "", seen: "")
        }
        #expect([verdict(.pass), verdict(.notApplicable)].outcome == .pass)
        #expect([verdict(.pass), verdict(.inconclusive)].outcome == .inconclusive)
        #expect([verdict(.inconclusive), verdict(.fail), verdict(.pass)].outcome == .fail)
    }
}
