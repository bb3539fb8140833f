import NetworkTypes
import Testing

@testable import Expectations
@testable import LabRecords

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east

@Suite("Segment sizes and rates of TCP")
struct TransferVerdictTests {
    private static let counters = BulkResult.Counters(
        fragmentsReceived: 0, packetsReassembled: 0, fragmentsCreated: 0, unreachablesReceived: 0)

    private static func bulk(requested: Int = 1_000_000, received: Int = 1_000_000, steady: Double? = nil)
        -> ProbeResult.Outcome
    {
        .bulk(
            result: BulkResult(
                bytesRequested: requested, bytesReceived: received, isComplete: requested == received,
                nanoseconds: 1_000_000_000,
                steadyBitsPerSecond: steady, client: nil, server: nil, source: counters, destination: counters,
                localError: nil))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claim = "{mss: there}"
        /// Sent and received, of SYN and SYN-ACK.
        var sizes: [Int?] = [1460, 1398, 1460, 1398]
        var state = HandshakeResult.Outcome.established
        var received = 1_000_000
        /// Nil for what is right.
        let fault: String?
        /// Where the packet in evidence was sent.
        var place: String?
        var traffic: @Sendable (inout SyntheticCapture) throws -> Void = { _ in }
    }

    @Test(
        arguments: [
            Case(testDescription: "as computed", fault: nil),
            Case(testDescription: "as declared", claim: "{mss: there, is: 1398}", fault: nil),
            Case(testDescription: "a sender with less", sizes: [1200, 1200, 1460, 1398], fault: nil),
            Case(
                testDescription: "other than declared", claim: "{mss: there, is: 1358}",
                fault:
                    "SYN left with 1460 and arrived with 1398 instead of 1358; "
                    + "SYN-ACK left with 1460 and arrived with 1398 instead of 1358",
                place: "gw2:lan"),
            Case(
                testDescription: "40 too much", sizes: [1460, 1438, 1460, 1438],
                fault:
                    "SYN left with 1460 and arrived with 1438 instead of 1398; "
                    + "SYN-ACK left with 1460 and arrived with 1438 instead of 1398",
                place: "gw2:lan"),
            Case(
                testDescription: "a SYN-ACK that nobody clamps", sizes: [1460, 1398, 1460, 1460],
                fault: "SYN-ACK left with 1460 and arrived with 1460 instead of 1398", place: "gw1:lan"),
            Case(
                testDescription: "too little", sizes: [1460, 1300, 1460, 1398],
                fault: "SYN left with 1460 and arrived with 1300 instead of 1398",
                place: "gw2:lan"),
            Case(
                testDescription: "a SYN that never arrived", sizes: [1460, nil, 1460, 1398],
                fault: "SYN left with 1460 and arrived with none instead of 1398", place: "gw2:lan"),
            Case(testDescription: "a refusal", state: .refused, fault: "the connection was not established: refused"),
            Case(
                testDescription: "a transfer that hangs", received: 2_796,
                fault: "the transfer hangs after 2796 of 1000000 bytes"),
            Case(testDescription: "a fragment", fault: "1 fragments in the transfer", place: "gw1:wan") { capture in
                let esp = try capture.seal(Packets.echo(west, east, length: 1500), Way.plainEast.association)
                capture.add(
                    Packets.ethernet(
                        Packets.ip("203.0.113.1", "203.0.113.2", 50, Array(esp[..<1480]), fragment: 0x2000)),
                    at: "gw1:wan")
            },
            Case(
                testDescription: "\"fragmentation needed\"",
                fault: "\"fragmentation needed\" came back in the transfer", place: "gw1:lan"
            ) {
                let long = Packets.ip(
                    west, east, 6, Packets.tcp(40_000, 12_865, flags: 0x10, Array(repeating: 0, count: 1460)))
                $0.add(
                    Packets.ethernet(Packets.fragmentationNeeded("10.1.0.1", west, mtu: 1438, about: long)),
                    at: "gw1:lan")
            },
        ])
    func `Segment sizes, and a transfer that fits`(_ example: Case) throws {
        var lab = try CheckedLab(expecting: example.claim)
        guard case .mss(let claim) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        let sizes = HandshakeResult.MSSOptions(
            synSent: example.sizes[0], synReceived: example.sizes[1], synAckSent: example.sizes[2],
            synAckReceived: example.sizes[3])
        let handshake = HandshakeResult(
            outcome: example.state, roundTripNanoseconds: 1, mss: sizes, client: nil, server: nil, notice: nil,
            localError: nil)
        try lab.measure(lab.plan.handshake(claim), .handshake(result: handshake)) {
            try $0.cross(Packets.ip(west, east, 6, Packets.tcp(40_000, 12_865, flags: 0x02, mss: 1398)), toEast: true)
            try $0.cross(Packets.ip(east, west, 6, Packets.tcp(12_865, 40_000, flags: 0x12, mss: 1398)), toEast: false)
        }
        try lab.measure(lab.plan.bulk(claim), Self.bulk(received: example.received), example.traffic)
        let verdict = try lab.verdict()
        #expect(verdict.outcome == (example.fault == nil ? .pass : .fail))
        #expect(verdict.seen == example.fault || example.fault == nil, "\(verdict.seen)")
        #expect(verdict.evidence.first?.interface == example.place)
    }

    @Test
    func `A handshake or transfer that was not measured`() throws {
        var lab = try CheckedLab(expecting: "{mss: there}")
        guard case .mss(let claim) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        #expect(try lab.verdict().outcome == .inconclusive)
        let sizes = HandshakeResult.MSSOptions(synSent: 1460, synReceived: 1398, synAckSent: 1460, synAckReceived: 1398)
        try lab.measure(
            lab.plan.handshake(claim),
            .handshake(
                result: HandshakeResult(
                    outcome: .established, roundTripNanoseconds: 1, mss: sizes, client: nil, server: nil, notice: nil,
                    localError: nil)))
        #expect(try lab.verdict().outcome == .fail)
        #expect(try lab.verdict().seen == "no transfer: it was not measured")
    }

    /// 1386 of the 1514 bytes of each frame on a link of 1 Gbit/s.
    @Test(
        arguments: [
            ("{rate: there}", 915, true), ("{rate: there}", 898, true), ("{rate: there}", 896, false),
            ("{rate: there, within: 10%}", 860, true), ("{rate: there, within: 0.5%}", 910, false),
            ("{rate: there}", 930, false), ("{rate: there, is: 500mbit}", 500, true),
            ("{rate: there, is: 500mbit}", 511, false),
            ("{rate: there, is: 950mbit}", 950, false),
        ])
    func `Rates`(claim: String, megabits: Int, isRight: Bool) throws {
        var lab = try CheckedLab(expecting: claim)
        guard case .rate(let rate) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        #expect(try lab.verdict().outcome == .inconclusive)
        lab.transfers = [
            Observation.Step(
                measurement: try #require(lab.plan.transfer(of: rate)), fromNanoseconds: 0, toNanoseconds: 0,
                finding: .probe(try CheckedLab.result(Self.bulk(steady: Double(megabits) * 1e6))))
        ]
        let verdict = try lab.verdict()
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen) of \(verdict.rule)")
        #expect(verdict.rule == "ceiling 915.5 Mbit/s: 1gbit of wire, 1386 of 1514 bytes of each frame; lab.yaml:51")
        #expect(verdict.seen == "\(megabits).0 Mbit/s in the second half of 1000000 bytes, 0 segments sent again")
        // A machine makes a transfer slow in real time, never fast.
        let isSlow = !isRight && megabits < 915 && claim != "{rate: there, is: 500mbit}"
        let real = try lab.verdict(in: .real)
        #expect(real.outcome == (isRight ? .pass : isSlow ? .inconclusive : .fail), "\(real.seen)")
    }

    @Test
    func `A long transfer that hangs, or fails`() throws {
        var lab = try CheckedLab(expecting: "{rate: there}")
        guard case .rate(let rate) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        let measurement = try #require(lab.plan.transfer(of: rate))
        for (finding, outcome) in [
            (Finding.probe(try CheckedLab.result(Self.bulk(received: 5, steady: 9.15e8))), Verdict.Outcome.fail),
            (.failed("no listener"), .inconclusive),
        ] {
            lab.transfers = [
                Observation.Step(measurement: measurement, fromNanoseconds: 0, toNanoseconds: 0, finding: finding)
            ]
            #expect(try lab.verdict().outcome == outcome)
        }
    }
}
