import NetworkTypes
import Testing

@testable import Expectations
@testable import LabRecords

/// Flows that two tunnels share, and what must not pass for that.
@Suite("Equal-cost multipath, flow by flow")
struct SharingVerdictTests {
    /// The tunnels that a flow's packets enter, there and back.
    private typealias Ways = (forth: [Way], back: [Way])

    private static func verdict(
        _ flows: [Ways], outcome: HandshakeResult.Outcome = .established, dropped: Bool = false
    ) throws -> Verdict {
        var lab = try CheckedLab(expecting: "{ecmp: there, over: [plain, nat], flows: \(flows.count)}")
        guard case .sharing(let claim) = lab.claim else {
            throw NoSuchClaim()
        }
        for (number, (measurement, ways)) in zip(lab.plan.flows(of: claim), flows).enumerated() {
            let port = UInt16(20_000 + number)
            let handshake = HandshakeResult(
                outcome: outcome, roundTripNanoseconds: 1, mss: .init(), client: nil, server: nil, notice: nil,
                localError: nil)
            try lab.measure(measurement, .handshake(result: handshake)) { capture in
                for way in ways.forth {
                    capture.add(segment(from: 40_000 + UInt16(number), to: port, isAnswer: false), at: way.entrance)
                }
                for way in ways.back {
                    capture.add(segment(from: port, to: 40_000 + UInt16(number), isAnswer: true), at: way.entrance)
                }
                // Another conversation of these hosts is no flow of this expectation's.
                capture.add(segment(from: 1, to: 2, isAnswer: false), at: Way.natEast.entrance)
            }
        }
        if dropped { lab.capture.dropped["gw1:vpn1"] = 1 }
        return try lab.verdict()
    }

    private struct NoSuchClaim: Error {}

    private static func segment(from: UInt16, to: UInt16, isAnswer: Bool) -> [UInt8] {
        let (west, east) = (SyntheticCapture.west, SyntheticCapture.east)
        return Packets.ip(
            isAnswer ? east : west, isAnswer ? west : east, 6, Packets.tcp(from, to, flags: isAnswer ? 0x12 : 0x02))
    }

    private static let byPlain: Ways = ([.plainEast, .plainEast], [.plainWest])
    private static let byNAT: Ways = ([.natEast, .natEast], [.natWest])

    @Test func `Each flow by one way`() throws {
        let verdict = try Self.verdict([Self.byPlain, Self.byNAT, ([.plainEast], [.natWest])])
        #expect(verdict.outcome == .pass, "\(verdict.seen)")
        #expect(
            verdict.seen
                == "3 flows, each by one way: there plain 2, nat 1, back plain 1, nat 2; 1 of them not by the same there and back"
        )
        #expect(
            verdict.evidence.map(\.remark) == [
                "40000 > 20000 there by plain (2 packets), back by plain (1 packet)",
                "40001 > 20001 there by nat (2 packets), back by nat (1 packet)",
                "40002 > 20002 there by plain (1 packet), back by nat (1 packet)",
            ])
    }

    @Test(
        arguments: [
            // A flow that changes its way, there and back; one that goes by none; one way without a flow, there and back.
            (3, "40002 > 20002 there by nat (1 packet) and plain (1 packet), back by plain (1 packet)"),
            (4, "40002 > 20002 there by nat (1 packet), back by nat (1 packet) and plain (1 packet)"),
            (5, "40002 > 20002 there by nat (1 packet), back by none of them"),
            (6, "no flow goes there by nat"), (7, "no flow goes back by plain"),
        ])
    func `What is no such thing`(number: Int, seen: String) throws {
        let flows: [Ways] =
            switch number {
            case 3: [Self.byPlain, Self.byNAT, ([.plainEast, .natEast], [.plainWest])]
            case 4: [Self.byPlain, Self.byNAT, ([.natEast], [.plainWest, .natWest])]
            case 5: [Self.byPlain, Self.byNAT, ([.natEast], [])]
            case 6: [Self.byPlain, ([.plainEast], [.natWest])]
            default: [([.plainEast], [.natWest]), Self.byNAT]
            }
        let verdict = try Self.verdict(flows)
        #expect(verdict.outcome == .fail && verdict.seen == seen, "\(verdict.seen)")
        #expect(!verdict.evidence.isEmpty)
    }

    @Test func `What was not measured`() throws {
        #expect(try Self.verdict([Self.byPlain, Self.byNAT], outcome: .timedOut).outcome == .fail)
        #expect(try CheckedLab(expecting: "{ecmp: there, over: [plain, nat]}").verdict().outcome == .inconclusive)
        // With packets missing, neither that a flow kept to one way nor that it did not follows.
        #expect(try Self.verdict([Self.byPlain, Self.byNAT], dropped: true).outcome == .inconclusive)
        #expect(try Self.verdict([Self.byPlain, Self.byPlain], dropped: true).outcome == .inconclusive)
    }
}
