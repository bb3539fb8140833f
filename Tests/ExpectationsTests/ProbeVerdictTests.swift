import NetworkTypes
import Testing

@testable import Expectations
@testable import LabRecords
@testable import Predictions

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east

@Suite("What probes found, held against paths, times, sizes and rates")
struct ProbeVerdictTests {
    // MARK: Path and round trip

    struct PathCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claim = "{path: there, via: [gw1, plain, gw2], back: [gw2, plain, gw1]}"
        let isRight: Bool
        let seen: String
        var traffic: @Sendable (inout SyntheticCapture) throws -> Void = CheckedLab.echo
    }

    private static let request = Packets.echo(west, east)
    private static let reply = Packets.echo(east, west, isRequest: false)

    @Test(
        arguments: [
            PathCase(
                testDescription: "as declared", isRight: true, seen: "gw1 > plain > gw2, back by gw2 > plain > gw1"),
            PathCase(
                testDescription: "back does not matter", claim: "{path: there, via: [gw1, plain, gw2]}", isRight: true,
                seen: "gw1 > plain > gw2"),
            PathCase(testDescription: "around the tunnel", isRight: false, seen: "gw1 > gw2, back by gw2 > plain > gw1")
            {
                $0.crossInClear(request, toEast: true)
                try $0.cross(reply, toEast: false)
            },
            PathCase(
                testDescription: "back around the tunnel", isRight: false, seen: "gw1 > plain > gw2, back by gw2 > gw1"
            ) {
                try $0.cross(request, toEast: true)
                $0.crossInClear(reply, toEast: false)
            },
            PathCase(
                testDescription: "back around the tunnel, which does not matter",
                claim: "{path: there, via: [gw1, plain, gw2]}", isRight: true,
                seen: "back by gw2 > gw1"
            ) {
                try $0.cross(request, toEast: true)
                $0.crossInClear(reply, toEast: false)
            },
            PathCase(
                testDescription: "through the tunnel where none is declared", claim: "{path: there, via: [gw1, gw2]}",
                isRight: false, seen: "gw1 > plain > gw2"),
            PathCase(testDescription: "not seen at all", isRight: false, seen: ", back by ") { _ in },
        ])
    func `The way there and back`(_ example: PathCase) throws {
        var lab = try CheckedLab(expecting: example.claim)
        try lab.echoes(traffic: example.traffic)
        let verdict = try lab.verdict()
        #expect(verdict.outcome == (example.isRight ? .pass : .fail))
        #expect(verdict.seen.contains(example.seen), "\(verdict.seen)")
        if example.isRight { #expect(verdict.evidence == []) }
    }

    @Test
    func `An echo that is not answered fails, one that was not sent too`() throws {
        for claim in ["{path: there, via: [gw1, plain, gw2]}", "{rtt: there}"] {
            var lab = try CheckedLab(expecting: claim)
            try lab.echoes([nil, nil])
            #expect(try lab.verdict().outcome == .fail)
            #expect(try lab.verdict().seen.hasPrefix("no answer from 10.2.0.2: lost"))
            let unmeasured = try CheckedLab(expecting: claim).verdict()
            #expect(unmeasured.outcome == .fail)
            #expect(unmeasured.seen == "it was not measured")
        }
    }

    @Test(
        arguments: [
            ("{rtt: there}", [6006, 6100, 5910], true), ("{rtt: there}", [6006, 6110], false),
            ("{rtt: there}", [5900], false),
            ("{rtt: there}", [6006, nil], false), ("{rtt: there, is: 6ms, within: 10us}", [6006], true),
            ("{rtt: there, is: 6ms, within: 1us}", [6006], false), ("{rtt: there, is: 3ms}", [6006], false),
        ] as [(String, [Int64?], Bool)])
    func `Round trips`(claim: String, times: [Int64?], isRight: Bool) throws {
        var lab = try CheckedLab(expecting: claim)
        try lab.echoes(times)
        let verdict = try lab.verdict()
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(verdict.rule == "delays and rates of 3 links there and 3 back: 6.006 ms; lab.yaml:51")
        #expect(verdict.seen.hasPrefix("\(times.compactMap { $0 }.count) of \(times.count) answered in "))
    }

    /// A machine makes packets late in real time, never early: what is late proves nothing, by a millisecond it is let pass.
    @Test(
        arguments: [
            ([6006, 7000], Verdict.Outcome.pass), ([6006, 7100], .inconclusive), ([6006, 60_000], .inconclusive),
            ([5900, 60_000], .fail), ([6006, nil], .fail),
        ] as [([Int64?], Verdict.Outcome)])
    func `Round trips in real time`(times: [Int64?], outcome: Verdict.Outcome) throws {
        var lab = try CheckedLab(expecting: "{rtt: there}")
        try lab.echoes(times)
        let verdict = try lab.verdict(in: .real)
        #expect(verdict.outcome == outcome, "\(verdict.seen)")
        #expect(verdict.seen.contains("in real time a machine adds its own") == (outcome == .inconclusive))
    }

    // MARK: MTU

    private static func answered(_ length: Int) -> EchoAttempt {
        EchoAttempt(sequence: 1, length: length, outcome: .reply(roundTripNanoseconds: 1, timeToLive: 62, fragments: 1))
    }

    private static func refused(_ length: Int, mtu: Int?) throws -> EchoAttempt {
        let notice = ICMPNotice(
            kind: .packetTooBig, from: try #require(IPAddress("10.1.0.1")), type: 3, code: 4, mtu: mtu,
            quotedLength: length, afterNanoseconds: 1)
        return EchoAttempt(sequence: 2, length: length, outcome: .notice(message: notice))
    }

    private static func lost(_ length: Int) -> EchoAttempt { EchoAttempt(sequence: 2, length: length, outcome: .lost) }

    struct MTUCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var claim = "{mtu: there}"
        let result: PathMTUResult
        let isRight: Bool
        let seen: String
    }

    static func mtuCases() throws -> [MTUCase] {
        let right = PathMTUResult(
            bytes: 1438, boundary: .notice,
            attempts: [try refused(1500, mtu: 1438), answered(1438), try refused(1439, mtu: 1438)])
        return [
            MTUCase(
                testDescription: "as computed", result: right, isRight: true,
                seen: "1438 bytes pass, 1439 are answered with \"fragmentation needed\" by 10.1.0.1, MTU 1438"),
            MTUCase(
                testDescription: "as declared", claim: "{mtu: there, is: 1438}", result: right, isRight: true,
                seen: "1438 bytes pass"),
            MTUCase(
                testDescription: "other than declared", claim: "{mtu: there, is: 1400}", result: right, isRight: false,
                seen: "1438 bytes pass"),
            MTUCase(
                testDescription: "smaller than computed",
                result: PathMTUResult(
                    bytes: 1422, boundary: .notice, attempts: [answered(1422), try refused(1423, mtu: 1438)]),
                isRight: false,
                seen: "1422 bytes pass"),
            MTUCase(
                testDescription: "a black hole",
                result: PathMTUResult(bytes: 1438, boundary: .blackHole, attempts: [answered(1438), lost(1439)]),
                isRight: false, seen: "1439 are lost; a black hole: nothing says that packets are too big (RFC 2923)"),
            MTUCase(
                testDescription: "a black hole that is expected", claim: "{mtu: there, beyond: lost}",
                result: PathMTUResult(bytes: 1438, boundary: .blackHole, attempts: [answered(1438), lost(1439)]),
                isRight: true, seen: "1439 are lost"),
            MTUCase(
                testDescription: "no black hole where one is expected", claim: "{mtu: there, beyond: lost}",
                result: right, isRight: false,
                seen: "they were answered"),
            MTUCase(
                testDescription: "a wrong MTU in the answer",
                result: PathMTUResult(
                    bytes: 1438, boundary: .notice, attempts: [answered(1438), try refused(1439, mtu: 1500)]),
                isRight: false,
                seen: "10.1.0.1 gives the MTU as 1500"),
            MTUCase(
                testDescription: "no MTU in the answer",
                result: PathMTUResult(
                    bytes: 1438, boundary: .notice, attempts: [answered(1438), try refused(1439, mtu: nil)]),
                isRight: false,
                seen: "10.1.0.1 gives the MTU as nothing"),
            MTUCase(
                testDescription: "nothing passes",
                result: PathMTUResult(bytes: nil, boundary: nil, attempts: [lost(68)]), isRight: false,
                seen: "not even the shortest packet passes"),
        ]
    }

    @Test(arguments: try Self.mtuCases())
    func `The largest packet, and what becomes of one byte more`(_ example: MTUCase) throws {
        var lab = try CheckedLab(expecting: example.claim)
        guard case .mtu(let claim) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        try lab.measure(lab.plan.pathMTU(claim), .pathMTU(result: example.result)) { capture in
            let long = Packets.echo(west, east, length: 1439)
            capture.add(Packets.ethernet(long), at: "west:eth0")
            capture.add(
                Packets.ethernet(Packets.fragmentationNeeded("10.1.0.1", west, mtu: 1438, about: long)), at: "gw1:lan")
        }
        let verdict = try lab.verdict()
        #expect(verdict.outcome == (example.isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(verdict.seen.contains(example.seen), "\(verdict.seen)")
        #expect(example.isRight || example.result.bytes == nil || verdict.evidence.map(\.interface) == ["gw1:lan"])
    }

    @Test
    func `The rule of an MTU says what it follows from`() throws {
        var lab = try CheckedLab(expecting: "{mtu: there, is: 1438}")
        try lab.echoes()
        #expect(
            try lab.verdict().rule == "declared, computed 1438: MTU 1500 of wire less ESP of tunnel plain; lab.yaml:51")
        #expect(try lab.verdict().outcome == .inconclusive)
    }

    @Test(
        arguments: ["{mtu: there}", "{mss: there}", "{rate: there}"])
    func `Nothing to compute an MTU from is no failure of it`(claim: String) throws {
        #expect(try CheckedLab(expecting: claim).verdict().outcome == .inconclusive)
    }

    enum Fragments: Sendable, CaseIterable { case outside, inside, none, lost }

    @Test(
        arguments: ["fragmented-outside", "fragmented-inside"],
        Fragments.allCases)
    func `Fragments outside of a tunnel and inside`(beyond: String, seen: Fragments) throws {
        var lab = try CheckedLab(expecting: "{mtu: there, beyond: \(beyond)}")
        guard case .mtu(let claim) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.echoes()
        try lab.measure(
            lab.plan.pathMTU(claim),
            .pathMTU(
                result: PathMTUResult(
                    bytes: 1438, boundary: .blackHole, attempts: [Self.answered(1438), Self.lost(1439)])))
        let attempt = seen == .lost ? Self.lost(1500) : Self.answered(1500)
        try lab.measure(lab.plan.beyond(claim), .oneEcho(result: OneEchoResult(attempt: attempt, requestFragments: 1)))
        { capture in
            let long = Packets.echo(west, east, length: 1500)
            switch seen {
            case .outside:
                let esp = try capture.seal(long, Way.plainEast.association)
                capture.add(
                    Packets.ethernet(
                        Packets.ip("203.0.113.1", "203.0.113.2", 50, Array(esp[..<1480]), fragment: 0x2000)),
                    at: "gw1:wan")
                capture.add(
                    Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 50, Array(esp[1480...]), fragment: 185)),
                    at: "gw1:wan")
            case .inside:
                try capture.cross(Packets.ip(west, east, 1, Array(long[20..<1420]), fragment: 0x2000), toEast: true)
                try capture.cross(Packets.ip(west, east, 1, Array(long[1420...]), fragment: 175), toEast: true)
            case .none, .lost: try capture.cross(long, toEast: true)
            }
        }
        let verdict = try lab.verdict()
        let isRight =
            (beyond == "fragmented-outside" && seen == .outside) || (beyond == "fragmented-inside" && seen == .inside)
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        let words =
            switch seen {
            case .outside: "fragments were outside"
            case .inside: "fragments were inside"
            case .none: "fragments were not seen"
            case .lost: "1500 bytes without DF are lost"
            }
        #expect(verdict.seen.contains(words) != isRight, "\(verdict.seen)")
    }

    // MARK: Security

    struct SecurityCase: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let claim: String
        let result: PacketResult
        let packet: [UInt8]
        var outcome = Verdict.Outcome.pass
        let seen: String
        /// How far the packet comes.
        var arrives = true
    }

    private static let syn = Packets.ip(west, east, 6, Packets.tcp(50_022, 22, flags: 2))
    private static let accepted = "{security: {from: west, to: east, protocol: tcp, port: 22}, is: accepted}"
    private static let dropped = "{security: {from: west, to: east, protocol: udp, port: 500}, is: dropped}"
    private static let knock = Packets.ip(
        west, east, 17, Packets.udp(50_022, 500, ProbeMarker.bytes(id: CheckedLab.id)))

    private static func result(_ answer: PacketResult.Answer?, arrived: Bool?, error: LocalError? = nil) -> PacketResult
    {
        PacketResult(answer: answer, answerNanoseconds: nil, arrived: arrived, arrivedFrom: nil, localError: error)
    }

    @Test(
        arguments: [
            SecurityCase(
                testDescription: "accepted", claim: accepted, result: result(.synAck, arrived: true), packet: syn,
                seen: "it arrived, answered with SYN-ACK"),
            SecurityCase(
                testDescription: "refused by the destination itself", claim: accepted,
                result: result(.reset, arrived: true), packet: syn, seen: "it arrived, answered with a reset"),
            SecurityCase(
                testDescription: "dropped where accepted is expected", claim: accepted,
                result: result(nil, arrived: false), packet: syn, outcome: .fail,
                seen: "it was last seen leaving west:eth0, not answered", arrives: false),
            SecurityCase(
                testDescription: "dropped", claim: dropped, result: result(nil, arrived: false), packet: knock,
                seen: "it was last seen leaving west:eth0, not answered", arrives: false),
            SecurityCase(
                testDescription: "accepted where dropped is expected", claim: dropped,
                result: result(.datagram, arrived: true), packet: knock,
                outcome: .fail, seen: "it arrived, answered with a datagram"),
            SecurityCase(
                testDescription: "accepted where dropped is expected, and not answered", claim: dropped,
                result: result(nil, arrived: true),
                packet: knock, outcome: .fail, seen: "it arrived, not answered"),
            SecurityCase(
                testDescription: "answered where dropped is expected", claim: dropped,
                result: result(.reset, arrived: false), packet: knock,
                outcome: .fail, seen: "answered with a reset", arrives: false),
            SecurityCase(
                testDescription: "arrival shown by the capture alone", claim: dropped,
                result: result(nil, arrived: nil), packet: knock,
                outcome: .fail, seen: "it arrived"),
            SecurityCase(
                testDescription: "not sent", claim: dropped,
                result: result(
                    nil, arrived: false, error: LocalError(name: "ENETUNREACH", message: "Network is unreachable")),
                packet: knock, outcome: .inconclusive, seen: "west could not send it: Network is unreachable"),
            SecurityCase(
                testDescription: "another packet", claim: dropped, result: result(nil, arrived: false),
                packet: Packets.ip(west, east, 17, Packets.udp(50_022, 500, ProbeMarker.bytes(id: 8))),
                outcome: .inconclusive,
                seen: "the packet was not seen leaving west"),
            SecurityCase(
                testDescription: "a SYN to another port", claim: accepted, result: result(nil, arrived: false),
                packet: Packets.ip(west, east, 6, Packets.tcp(50_022, 23, flags: 2)), outcome: .inconclusive,
                seen: "the packet was not seen leaving west"),
        ])
    func `What is let in and what is not`(_ example: SecurityCase) throws {
        var lab = try CheckedLab(expecting: example.claim)
        guard case .security(let claim) = lab.claim else {
            Issue.record("\(lab.claim)")
            return
        }
        try lab.measure(lab.plan.packet(claim), .packet(result: example.result)) { capture in
            if example.arrives {
                try capture.cross(example.packet, toEast: true)
            } else {
                capture.add(Packets.ethernet(example.packet), at: "west:eth0")
            }
        }
        let verdict = try lab.verdict()
        #expect(verdict.outcome == example.outcome, "\(verdict.seen)")
        #expect(verdict.seen.contains(example.seen), "\(verdict.seen)")
        #expect(verdict.evidence.count == (example.outcome == .fail ? 1 : 0))
        #expect(try CheckedLab(expecting: example.claim).verdict().outcome == .inconclusive)
    }

    @Test
    func `A capture that lacks packets neither proves nor refutes what follows from the way they took`() throws {
        for (claim, outcome) in [
            ("{path: there, via: [gw1, plain, gw2]}", Verdict.Outcome.pass), ("{path: there, via: [gw1, gw2]}", .fail),
            ("{rtt: there}", .pass), ("{rtt: there, is: 1s}", .fail),
        ] {
            var lab = try CheckedLab(expecting: claim)
            try lab.echoes()
            #expect(try lab.verdict().outcome == outcome)
            lab.capture.dropped = ["gw1:lan": 1]
            #expect(try lab.verdict().outcome == .inconclusive)
        }
    }
}
