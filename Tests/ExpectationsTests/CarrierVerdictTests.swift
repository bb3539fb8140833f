import NetworkTypes
import Testing

@testable import Expectations
@testable import LabFiles
@testable import LabModel
@testable import LabRecords

/// A router between two clouds' nodes, joined to one by a VLAN, to the other by a session with a key.
private enum CarrierLab {
    static let text = """
        name: carried
        clouds:
          one: {title: One}
          two: {title: Two}
        defaults:
          link: {rate: 1gbit, delay: 1ms}
        nodes:
          west: {cloud: one, role: router, routes: {10.2.0.0/24: 169.254.1.2}}
          middle: {cloud: two, role: router}
          east: {cloud: two, role: router, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          vif: {ends: {west:dx: 169.254.1.1/29, middle:dx: 169.254.1.2/29}, vlan: 340}
          lan: {ends: {middle:lan: 10.2.0.1/24, east:lan: 10.2.0.2/24}}
        bgp:
          outside:
            over: vif
            password: key-of-the-vif
            speakers: {west: {asn: 64512}, middle: {asn: 64601}}
        probes:
          there: {from: west, to: east}
        expect:
          one:
        """

    static func topology(_ claim: String) throws -> Topology {
        try LabFile(text: "\(text) \(claim)\n", file: "lab.yaml") { _ in "" }.resolve().topology
    }

    static func verdict(
        _ claim: String, _ capture: SyntheticCapture = SyntheticCapture(), isLive: Bool = true,
        findings: (CheckPlan) throws -> (steps: [Observation.Step], transfers: [Observation.Step]) = { _ in ([], []) }
    ) throws -> Verdict {
        let topology = try topology(claim)
        let plan = CheckPlan(topology: topology, expectations: topology.expectations)
        let file = try capture.written()
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, keepsPackets: isLive)
        try file.reading { try examination.read($0) }
        let summary = CaptureSummary(file: "check.pcapng", points: [], associations: [], ikeKeys: [], unusableIKE: 0)
        let (steps, transfers) = try findings(plan)
        let judge = Judge(
            plan: plan, observation: Observation(steps: steps, capture: isLive ? summary : nil),
            transfers: Observation(steps: transfers, capture: nil), examination: examination, labFile: "lab.yaml")
        return try #require(
            try judge.verdicts { numbers in
                try file.reading { try PacketRecordReader.lines(of: numbers, descriptor: $0) }
            }.first)
    }

    static func step(_ measurement: Measurement, _ outcome: ProbeResult.Outcome) throws -> Observation.Step {
        Observation.Step(
            measurement: measurement, fromNanoseconds: 0, toNanoseconds: 1,
            finding: .probe(
                ProbeResult(
                    id: 7, source: "west", sourceAddress: IPAddress("169.254.1.1"),
                    destination: try #require(IPAddress("10.2.0.2")), destinationNode: "east",
                    startedAtNanoseconds: 0, outcome: outcome)))
    }
}

@Suite("Traceroute, held against the hops of a carrier")
struct TracerouteVerdictTests {
    private static func trace(_ hops: [(String?, Int64)], isReached: Bool = true) -> TraceResult {
        TraceResult(
            hops: hops.enumerated().map { number, hop in
                TraceResult.Hop(
                    distance: number + 1, address: hop.0.flatMap(IPAddress.init),
                    roundTripNanoseconds: hop.0 == nil ? nil : hop.1 * 1000,
                    notice: nil)
            }, isReached: isReached, localError: nil)
    }

    private static func verdict(_ traces: [TraceResult]) throws -> Verdict {
        let hops =
            "[{from: [169.254.1.2, 10.2.0.1], rtt: 2ms}, {from: 10.2.0.2, rtt: 4ms, within: 100us, published: 4.1}]"
        return try CarrierLab.verdict("{traceroute: there, hops: \(hops)}") { plan in
            guard case .traceroute(let claim) = plan.expectations[0].claim else { return ([], []) }
            let steps = try zip(plan.traces(claim), traces).map { try CarrierLab.step($0, .trace(result: $1)) }
            return (steps, [])
        }
    }

    private static let good = trace([("169.254.1.2", 2100), ("10.2.0.2", 4050)])

    @Test func `Three are judged`() throws {
        let verdict = try Self.verdict([
            Self.good, Self.trace([("10.2.0.1", 2400), ("10.2.0.2", 4100)]), Self.good,
        ])
        #expect(verdict.outcome == .pass, "\(verdict.seen)")
        #expect(
            verdict.seen == "169.254.1.2 or 10.2.0.1 2.100 to 2.400 ms > 10.2.0.2 4.050 to 4.100 ms"
                || verdict.seen == "10.2.0.1 or 169.254.1.2 2.100 to 2.400 ms > 10.2.0.2 4.050 to 4.100 ms")
        #expect(
            verdict.expected
                == "there by 169.254.1.2 or 10.2.0.1 2.000 ms ± 500us > 10.2.0.2 4.000 ms ± 100us")
    }

    @Test(
        arguments: [
            ([("169.254.1.1", 2000), ("10.2.0.2", 4000)], "hop 1 is 169.254.1.1"),
            ([("169.254.1.2", 2501), ("10.2.0.2", 4000)], "hop 1, 169.254.1.2, answers after 2.501 ms"),
            ([("169.254.1.2", 1499), ("10.2.0.2", 4000)], "hop 1, 169.254.1.2, answers after 1.499 ms"),
            ([("169.254.1.2", 2000), ("10.2.0.2", 4101)], "hop 2, 10.2.0.2, answers after 4.101 ms"),
            ([(nil, 0), ("10.2.0.2", 4000)], "nobody answers at hop 1"),
            ([("10.2.0.2", 2000)], "the destination is hop 1, expected 2"),
        ] as [([(String?, Int64)], String)])
    func `One stray trace is enough`(_ hops: [(String?, Int64)], _ seen: String) throws {
        let verdict = try Self.verdict([Self.good, Self.trace(hops), Self.good])
        #expect(verdict.outcome == .fail && verdict.seen.contains(seen), "\(verdict.seen)")
    }

    @Test func `What is not reached fails`() throws {
        let lost = Self.trace([("169.254.1.2", 2000), ("169.254.1.2", 3000), (nil, 0)], isReached: false)
        let verdict = try Self.verdict([Self.good, lost, Self.good])
        #expect(verdict.outcome == .fail && verdict.seen.contains("the destination is not reached in 3 hops"))
    }

    @Test func `Unmeasured is inconclusive`() throws {
        #expect(try Self.verdict([Self.good]).outcome == .inconclusive)
    }
}

@Suite("BGP's signatures on the wire")
struct SignatureVerdictTests {
    private static func segment(_ source: String, _ destination: String, isSigned: Bool, port: UInt16 = 179) -> [UInt8]
    {
        let options: [UInt8] = isSigned ? [19, 18] + Array(repeating: 7, count: 16) + [1, 1] : []
        let header =
            Packets.bytes(UInt16(40_000)) + Packets.bytes(port) + Packets.bytes(UInt32(1)) + Packets.bytes(UInt32(0))
            + [UInt8(20 + options.count) << 2, 0x10] + Packets.bytes(UInt16(1024)) + [0, 0, 0, 0] + options
        return Packets.ethernet(Packets.ip(source, destination, 6, header), vlans: [340])
    }

    private static func capture(
        west: [Bool] = [true, true], middle: [Bool] = [true]
    ) -> SyntheticCapture {
        var capture = SyntheticCapture()
        for isSigned in west { capture.add(segment("169.254.1.1", "169.254.1.2", isSigned: isSigned), at: "west:dx") }
        for isSigned in middle {
            capture.add(segment("169.254.1.2", "169.254.1.1", isSigned: isSigned), at: "middle:dx")
        }
        return capture
    }

    @Test func `Every segment of both speakers`() throws {
        let verdict = try CarrierLab.verdict("{md5: outside}", Self.capture())
        #expect(
            verdict.outcome == .pass && verdict.seen == "3 segments of both speakers, all signed", "\(verdict.seen)")
        #expect(verdict.rule.hasPrefix("RFC 2385"))
    }

    @Test func `One without is enough`() throws {
        let verdict = try CarrierLab.verdict("{md5: outside}", Self.capture(west: [true, false, true]))
        #expect(verdict.outcome == .fail && verdict.seen == "1 packet without a signature", "\(verdict.seen)")
        #expect(verdict.evidence.map(\.packet) == [2] && verdict.evidence.first?.interface == "west:dx")
    }

    @Test func `Any other connection is not looked at`() throws {
        var capture = Self.capture()
        capture.add(Self.segment("169.254.1.1", "169.254.1.2", isSigned: false, port: 22), at: "west:dx")
        capture.add(Self.segment("10.2.0.1", "10.2.0.2", isSigned: false), at: "middle:lan")
        #expect(try CarrierLab.verdict("{md5: outside}", capture).outcome == .pass)
    }

    @Test func `Silence proves nothing`() throws {
        for (capture, seen) in [
            (Self.capture(middle: []), "no segment of middle in outside was seen"),
            (SyntheticCapture(), "no segment of west in outside, middle in outside was seen"),
        ] {
            let live = try CarrierLab.verdict("{md5: outside}", capture)
            #expect(live.outcome == .fail && live.seen == seen, "\(live.seen)")
            #expect(try CarrierLab.verdict("{md5: outside}", capture, isLive: false).outcome == .inconclusive)
        }
    }

    @Test func `Missing packets prove nothing`() throws {
        var capture = Self.capture()
        capture.dropped = ["west:dx": 1]
        #expect(try CarrierLab.verdict("{md5: outside}", capture).outcome == .inconclusive)
    }

    @Test func `The lab is asked for segments`() throws {
        let topology = try CarrierLab.topology("{md5: outside}")
        let plan = CheckPlan(topology: topology, expectations: topology.expectations)
        #expect(plan.captured.measurements == [.refresh(["outside"])] && plan.uncaptured.measurements.isEmpty)
    }
}

@Suite("Tags and pings of a carrier's link")
struct TaggedLinkVerdictTests {
    private static func crossing(vlans: [UInt16]) -> SyntheticCapture {
        var capture = SyntheticCapture()
        for (packet, places) in [
            (Packets.echo("169.254.1.1", "10.2.0.2"), ["west:dx", "middle:lan"]),
            (Packets.echo("10.2.0.2", "169.254.1.1", isRequest: false), ["east:lan", "middle:dx"]),
        ] {
            for place in places {
                capture.add(Packets.ethernet(packet, vlans: place.hasSuffix("dx") ? vlans : []), at: place)
            }
        }
        return capture
    }

    @Test(arguments: [([340], true), ([], false), ([440], false), ([340, 340], false)] as [([UInt16], Bool)])
    func `The tag of the link`(_ vlans: [UInt16], _ isRight: Bool) throws {
        let verdict = try CarrierLab.verdict(
            "{encapsulation: there, as: vlan 340, on: vif}", Self.crossing(vlans: vlans))
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
    }

    /// Four bytes of tag more on the VIF, each way: 2 × 8 × 4 ns.
    private static func ping(_ claim: String, _ microseconds: [Int64?]) throws -> Verdict {
        let attempts = { (times: [Int64?]) in
            times.enumerated().map { number, time in
                EchoAttempt(
                    sequence: number + 1, length: 84,
                    outcome: time.map { .reply(roundTripNanoseconds: $0 * 1000, timeToLive: 63, fragments: 1) } ?? .lost
                )
            }
        }
        return try CarrierLab.verdict(claim, crossing(vlans: [340])) { plan in
            guard case .rtt(let claim) = plan.expectations[0].claim, let few = plan.echoes("there") else {
                return ([], [])
            }
            let many = try plan.manyEchoes(of: claim).map {
                [try CarrierLab.step($0, .echo(attempts: attempts(microseconds)))]
            }
            return ([try CarrierLab.step(few, .echo(attempts: attempts([4003, 4003])))], many ?? [])
        }
    }

    @Test func `Ping statistics`() throws {
        let verdict = try Self.ping("{rtt: there, count: 4}", [4000, 4010, 4020, 4010])
        #expect(verdict.outcome == .pass)
        #expect(verdict.seen == "4 of 4 answered in 4.000 ms to 4.020 ms, on average 4.010 ms")
        #expect(verdict.rule.hasPrefix("delays and rates of 2 links there and 2 back: 4.003 ms"), "\(verdict.rule)")
    }

    @Test(arguments: [[4000, nil, 4000], [4000, 4200, 4000]] as [[Int64?]])
    func `One lost or late is enough`(_ times: [Int64?]) throws {
        #expect(try Self.ping("{rtt: there, count: 3}", times).outcome == .fail)
    }

    @Test func `Many are not captured`() throws {
        let topology = try CarrierLab.topology("{rtt: there, count: 100}")
        let plan = CheckPlan(topology: topology, expectations: topology.expectations)
        guard case .probe(let few)? = plan.captured.measurements.first, case .echo(5, _, _, _, _) = few.kind,
            case .probe(let many)? = plan.uncaptured.measurements.first,
            case .echo(100, .seconds(1), 56, _, _) = many.kind
        else {
            Issue.record("\(plan.captured.measurements) \(plan.uncaptured.measurements)")
            return
        }
    }
}
