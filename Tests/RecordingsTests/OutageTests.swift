import LabModel
import LabRecords
import NetworkTypes
import Recordings
import Testing

@Suite struct OutageTests {
    private let main = FakeFlow.Fate.answered(forth: "main", back: "main")

    /// Lost from 11.0 s to 12.9 s, one packet every 0.1 s: out for 1.9 s at least and less than 2.1 s.
    @Test func `Both bounds`() throws {
        var flow = FakeFlow()
        flow.send(main, count: 10)
        flow.send(.lostForth("main"), count: 20)
        flow.send(main, count: 10)
        let outages = try flow.result().outages(.roundTrip)
        #expect(outages.count == 1)
        let outage = try #require(outages.first)
        #expect(outage.lost == 20 && outage.firstLost.request == 10 && outage.firstGood?.request == 30)
        #expect(outage.atLeast == .milliseconds(1900) && outage.atMost == .milliseconds(2100))
        let window = { (from: Int, to: Int) in Window(.milliseconds(from), .milliseconds(to)) }
        // A window is contradicted only where it has nothing in common with what was seen.
        #expect(
            outage.canLast(window(2000, 2000)) && outage.canLast(window(0, 1900)) && outage.canLast(window(2100, 9000)))
        #expect(!outage.canLast(window(0, 1899)) && !outage.canLast(window(2101, 9000)))
        #expect(try flow.result().outages(.forth).map(\.atLeast) == [.milliseconds(1900)])
        #expect(try flow.result().outages(.back).isEmpty)
    }

    @Test func `Directions are told apart`() throws {
        var flow = FakeFlow()
        flow.send(main, count: 5)
        flow.send(.lostForth("main"), count: 10)
        flow.send(.lostBack(forth: "backup", "main"), count: 4)
        flow.send(.lostBack(forth: "backup", nil), count: 2)
        flow.send(.answered(forth: "backup", back: "backup"), count: 5)
        let result = try flow.result()
        #expect(result.lost == 16 && result.lostForth == 10 && result.lostBack == 6)
        #expect(result.outages(.forth).map(\.lost) == [10])
        #expect(result.outages(.back).map(\.lost) == [6])
        #expect(result.outages(.roundTrip).map(\.lost) == [16])
        // Of the way back nothing is known while no request arrives.
        #expect(result.outages(.back).first?.lastGood?.request == 4)
        #expect(result.phases.map(\.fate) == [.answered, .lostForth, .lostBack, .lostBack, .answered])
        #expect(result.phases.map(\.isAsymmetric) == [false, false, true, true, false])
        #expect(result.phases[2].back == ["main"] && result.phases[2].lastSeen == "gw2:vpn1")
        #expect(result.phases[3].back == nil && result.phases[3].lastSeen == "gw2:lan")
    }

    @Test func `Without a capture only the round trip is known`() {
        var flow = FakeFlow()
        flow.send(main, count: 5)
        flow.send(.lostForth("main"), count: 10)
        flow.send(main, count: 5)
        let result = flow.resultWithoutCapture
        #expect(result.outages.map(\.scope) == [.roundTrip] && result.lostForth == nil && result.phases.isEmpty)
    }

    @Test func `An outage without beginning or end has no upper bound`() throws {
        var flow = FakeFlow()
        flow.send(.lostForth("main"), count: 3)
        flow.send(main, count: 3)
        flow.send(.lostForth(nil), count: 4)
        let outages = try flow.result().outages(.roundTrip)
        #expect(outages.map(\.lost) == [3, 4] && outages.allSatisfy { $0.atMost == nil })
        #expect(outages[1].canLast(Window(.seconds(100), .seconds(200))))
        #expect(!outages[1].canLast(Window(.zero, .milliseconds(299))))
    }

    @Test func `Late answers are lost but the way is there`() throws {
        var flow = FakeFlow()
        flow.send(main, count: 2)
        flow.send(.answeredLate(forth: "main", back: "main"), count: 2)
        flow.send(main, count: 30)
        let result = try flow.result()
        #expect(result.lost == 2 && result.outages.map(\.scope) == [.roundTrip])
        #expect(result.phases[1].fate == .late)
    }

    @Test func `What was broken off is not lost`() throws {
        var flow = FakeFlow()
        flow.send(main, count: 5)
        flow.send(.lostForth("main"), count: 15)
        // The last request that has had its second is the sixth: broken off 1.55 s after the first.
        let result = FlowResult(
            flow.record, trace: try flow.trace(), brokenOff: flow.start + 1_550 * TwoPaths.millisecond)
        #expect(result.lost == 1 && result.undecided == 14 && result.answered == 5)
        #expect(FlowResult(flow.record, trace: try flow.trace()).lost == 15)
    }

    @Test func `Round trips by sorting and rank`() throws {
        let trips = try #require(RoundTrip((1...100).map { Int64($0) }.reversed()))
        #expect(trips.least == 1 && trips.median == 50 && trips.p95 == 95 && trips.p99 == 99 && trips.most == 100)
        #expect(trips.mean == 51 && trips.deviation == 29)
        #expect(RoundTrip([5]).map { [$0.median, $0.p99, $0.deviation] } == [5, 5, 0])
        #expect(RoundTrip([]) == nil)
    }
}

@Suite struct IncidentTests {
    private func fault(_ node: String, _ isActive: Bool, at seconds: Double) -> LabEvent {
        LabEvent(nanoseconds: Int64(seconds * 1e9), node: "", kind: .fault(.nodeDown(node), isActive: isActive))
    }

    private func nodes(_ faults: [Fault]) -> [String] {
        faults.map { if case .nodeDown(let node) = $0 { node } else { "?" } }
    }

    @Test func `What happens together is one incident`() {
        let incidents = Incident.all(in: [
            fault("b", true, at: 10.02), fault("a", true, at: 10), fault("c", true, at: 20), fault("a", false, at: 30),
            fault("b", false, at: 30), fault("c", false, at: 31),
        ])
        #expect(incidents.map { nodes($0.begun) } == [["a", "b"], ["c"], [], []])
        #expect(incidents.map { nodes($0.healed) } == [[], [], ["a", "b"], ["c"]])
        #expect(incidents.map { nodes($0.ongoing) } == [[], ["a", "b"], ["c"], []])
        #expect(
            incidents.map(\.text) == [
                "node a down + node b down", "node c down", "healed: node a down + node b down", "healed: node c down",
            ])
    }

    /// It goes on until its node is whole again, and its end is no mending: what it is laid to is the reboot.
    @Test func `A reboot is one incident`() {
        let reboot = { (isActive: Bool, seconds: Double) in
            LabEvent(
                nanoseconds: Int64(seconds * 1e9), node: "", kind: .fault(.nodeRebooted("r"), isActive: isActive))
        }
        let incidents = Incident.all(in: [
            reboot(true, 10), fault("a", true, at: 20), reboot(false, 70), fault("b", true, at: 80),
        ])
        #expect(incidents.map(\.text) == ["node r rebooted", "node a down", "node b down"])
        #expect(incidents.map(\.ongoing) == [[], [.nodeRebooted("r")], [.nodeDown("a")]])
    }

    @Test func `Packets under way are lost by the next fault`() {
        let incidents = Incident.all(in: [fault("a", true, at: 10), fault("a", false, at: 20)])
        let outage = { (seconds: Double) in
            let mark = Outage.Mark(request: 0, nanoseconds: Int64(seconds * 1e9))
            return Outage(scope: .roundTrip, lastGood: nil, firstLost: mark, lastLost: mark, firstGood: nil, lost: 1)
        }
        #expect(incidents.cause(of: outage(9.999), travel: 2_000_000)?.begun == [.nodeDown("a")])
        #expect(incidents.cause(of: outage(9.997), travel: 2_000_000) == nil)
        #expect(incidents.cause(of: outage(19), travel: 2_000_000)?.begun == [.nodeDown("a")])
        #expect(incidents.cause(of: outage(20), travel: 2_000_000)?.healed == [.nodeDown("a")])
    }
}
