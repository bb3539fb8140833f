import LabRecords
import NetworkTypes
import Recordings
import Testing

@Suite struct TimelineTests {
    private static let fault = 20 * TwoPaths.second
    private static let heal = 80 * TwoPaths.second

    private static func event(_ milliseconds: Int64, _ node: String, _ kind: LabEvent.Kind) -> LabEvent {
        LabEvent(nanoseconds: milliseconds * TwoPaths.millisecond, node: node, kind: kind)
    }

    /// The west switches after 25 s, the east 3 s later; between them requests take the backup and replies the main path.
    private static func asymmetric() -> FakeFlow {
        var flow = FakeFlow()
        flow.send(.answered(forth: "main", back: "main"), until: fault)
        flow.send(.lostForth("main"), until: 45 * TwoPaths.second)
        flow.send(.lostBack(forth: "backup", "main"), until: 48 * TwoPaths.second)
        flow.send(.answered(forth: "backup", back: "backup"), until: 90 * TwoPaths.second)
        flow.send(.answered(forth: "backup", back: "main"), until: 91 * TwoPaths.second)
        flow.send(.answered(forth: "main", back: "main"), until: 120 * TwoPaths.second)
        return flow
    }

    private static let events: [LabEvent] = {
        let prefix = IPPrefix("10.2.0.0/24")!
        return [
            event(20_000, "", .fault(.linkDown("cut"), isActive: true)),
            event(30_000, "gw1", .ike(connection: "main", .retransmission, text: "retransmission; will wait 1 second")),
            event(
                31_000, "gw1", .ike(connection: "main", .retransmission, text: "retransmission; will wait 2 seconds")),
            event(40_000, "gw1", .ike(connection: "main", .peerDead, text: "liveness action - clearing")),
            event(
                40_000, "gw1",
                .ike(connection: "main", .deleted, text: "deleting state (…) and NOT sending notification")),
            event(40_001, "gw1", .association(tunnel: "main", spi: 1, isOutbound: true, .removed)),
            event(40_002, "gw1", .association(tunnel: "main", spi: 2, isOutbound: false, .removed)),
            event(44_900, "gw1", .session("main", .failed(.holdTimer, text: "Hold timer expired"))),
            event(44_900, "gw1", .session("main", .stopping)),
            event(44_950, "gw1", .route(prefix, text: "10.2.0.0/24 dev vpn1", isPresent: false, isLearned: true)),
            event(
                47_900, "gw2", .session("main", .failed(.notification, text: "the peer says: Administrative shutdown"))),
            event(80_000, "", .fault(.linkDown("cut"), isActive: false)),
            event(85_000, "gw1", .association(tunnel: "main", spi: 3, isOutbound: true, .added)),
            event(89_000, "gw1", .session("main", .up)),
        ]
    }()

    private static func timeline(_ flow: FakeFlow, _ events: [LabEvent] = events, captured: Bool = true) throws
        -> Timeline
    {
        let trace = try flow.trace()
        let result = captured ? FlowResult(flow.record, trace: trace) : flow.resultWithoutCapture
        return Timeline(
            events: events.shuffled(), flows: [(flow.record, result)], trace: captured ? trace : nil,
            topology: try TwoPaths.topology(), startedAt: 10 * TwoPaths.second, endedAt: 120 * TwoPaths.second)
    }

    private static func steps(_ chapter: Timeline.Chapter) -> [String] {
        chapter.entries.map {
            "\(Duration.nanoseconds($0.sinceNanoseconds).inMilliseconds) \($0.kind.rawValue) \($0.node)"
        }
    }

    @Test func `A failover step by step`() throws {
        let timeline = try Self.timeline(Self.asymmetric())
        #expect(timeline.left == "one" && timeline.right == "two")
        #expect(timeline.chapters.map(\.incident.text) == ["link cut down", "healed: link cut down"])
        #expect(
            Self.steps(timeline.chapters[0]) == [
                "-0.099 s last_request east", "-0.098 s last_reply west",
                "10.000 s negotiation gw1", "20.000 s detection gw1", "20.001 s association_removed gw1",
                "24.900 s detection gw1", "24.900 s session_down gw1", "24.950 s route_withdrawn gw1",
                "25.001 s first_request east", "27.900 s detection gw2",
                "28.002 s first_answer west", "28.002 s first_reply west",
            ])
        #expect(
            Self.steps(timeline.chapters[1]) == [
                "5.000 s association_added gw1", "9.000 s session_up gw1", "10.002 s first_reply west",
                "11.001 s first_request east",
            ])
    }

    /// A tunnel that is lost by itself, and one that only renews its associations.
    @Test func `Without a fault`() throws {
        var lost = FakeFlow()
        lost.send(.answered(forth: "main", back: "main"), until: 40 * TwoPaths.second)
        lost.send(.lostForth("main"), until: 120 * TwoPaths.second)
        let refusal = Self.event(40_050, "gw2", .ike(connection: "main", .refused, text: "NO_PROPOSAL_CHOSEN"))
        let removed = Self.event(
            40_060, "gw1", .association(tunnel: "main", spi: 1, isOutbound: true, .removed))
        let timeline = try Self.timeline(lost, [refusal, removed])
        #expect(timeline.chapters.map(\.incident.text) == [""])
        #expect(timeline.chapters.map(\.incident.nanoseconds) == [10 * TwoPaths.second])
        #expect(
            Self.steps(timeline.chapters[0]) == [
                "29.901 s last_request east", "30.050 s detection gw2", "30.060 s association_removed gw1",
            ])
        var well = FakeFlow()
        well.send(.answered(forth: "main", back: "main"), until: 120 * TwoPaths.second)
        let renewed = Self.event(40_050, "gw1", .ike(connection: "main", .childRekeyed, text: "rekeyed"))
        #expect(try Self.timeline(well, [renewed, removed]).chapters.isEmpty)
        // What comes before the first fault has a chapter before the fault's.
        let cut = Self.event(60_000, "", .fault(.linkDown("cut"), isActive: true))
        #expect(
            try Self.timeline(lost, [refusal, removed, cut]).chapters.map(\.incident.text) == ["", "link cut down"])
    }

    @Test func `Each detection is named`() throws {
        let found = try Self.timeline(Self.asymmetric()).chapters[0].entries.filter { $0.kind == .detection }
        #expect(found.map(\.detection) == [.liveness, .holdTimer, .notification])
        #expect(found.map(\.side) == [.left, .left, .right])
    }

    /// A Delete that comes unasked is the peer's; one that follows rekeying is routine.
    @Test func `Deletions`() throws {
        let deleting = LabEvent.Kind.ike(
            connection: "main", .deleted,
            text: "deleting state (STATE_V2_ESTABLISHED_IKE_SA) and NOT sending notification")
        let found = { (events: [LabEvent]) in
            try Self.timeline(
                Self.asymmetric(), [Self.event(20_000, "", .fault(.linkDown("cut"), isActive: true))] + events
            )
            .chapters[0].entries.compactMap(\.detection)
        }
        #expect(try found([Self.event(21_000, "gw2", deleting)]) == [.delete])
        let rekeyed = Self.event(20_500, "gw2", .ike(connection: "main", .ikeRekeyed, text: "rekeyed IKE SA #1"))
        #expect(try found([rekeyed, Self.event(21_000, "gw2", deleting)]) == [])
    }

    @Test func `Packets are numbered and repetitions counted`() throws {
        let entries = try Self.timeline(Self.asymmetric()).chapters[0].entries
        let first = try #require(entries.first { $0.kind == .firstRequest })
        #expect(first.text == "first request through backup after 250 lost")
        guard case .packet(let number) = first.source else {
            Issue.record("no packet")
            return
        }
        #expect(number > 0)
        #expect(
            entries.first { $0.kind == .negotiation }?.text
                == "IKE main: no answer, asks again, 2 times until +11.000 s")
        #expect(entries.first { $0.kind == .associationRemoved }?.text == "SA of main removed, 2 times")
    }

    @Test func `Phases show the asymmetry`() throws {
        let chapters = try Self.timeline(Self.asymmetric()).chapters
        #expect(chapters[0].phases.map(\.phase.fate) == [.lostForth, .lostBack, .answered])
        #expect(chapters[0].phases.map(\.phase.isAsymmetric) == [false, true, false])
        #expect(chapters[1].phases.map(\.phase.isAsymmetric) == [false, true, false])
    }

    @Test func `Without a capture answers must do`() throws {
        let entries = try Self.timeline(Self.asymmetric(), captured: false).chapters[0].entries.filter {
            $0.flow != nil
        }
        #expect(entries.map(\.kind) == [.lastAnswer, .firstAnswer])
        #expect(entries.allSatisfy { $0.source == .flow })
    }

    @Test func `Random losses do not drown the rest`() throws {
        var flow = FakeFlow()
        flow.send(.answered(forth: "main", back: "main"), until: Self.fault)
        for _ in 0..<100 {
            flow.send(.lostForth("main"))
            flow.send(.answered(forth: "main", back: "main"), count: 2)
        }
        let timeline = try Self.timeline(flow, [Self.event(20_000, "", .fault(.linkDown("loss"), isActive: true))])
        #expect(timeline.chapters[0].entries.count < 40)
    }
}
