import Expectations
import LabRecords
import NetworkTypes
import Predictions
import Recordings
import Testing

@Suite struct JudgementTests {
    private static let main = FakeFlow.Fate.answered(forth: "main", back: "main")
    private static let backup = FakeFlow.Fate.answered(forth: "backup", back: "backup")
    /// The fault at 20 s, its mending at 80 s, the end at 120 s.
    private static let fault = Incident(nanoseconds: 20 * TwoPaths.second, begun: [.linkDown("cut")])
    private static let heal = Incident(nanoseconds: 80 * TwoPaths.second, begun: [], healed: [.linkDown("cut")])

    /// Out from the fault for some time, then by the backup, and by the main path again after mending.
    private static func failover(outage: Int64, back: Int64 = 10) -> FakeFlow {
        var flow = FakeFlow()
        flow.send(main, until: fault.nanoseconds)
        flow.send(.lostForth("main"), until: fault.nanoseconds + outage * TwoPaths.second)
        flow.send(backup, until: heal.nanoseconds + back * TwoPaths.second)
        flow.send(main, until: 120 * TwoPaths.second)
        return flow
    }

    private static func predict(
        _ effect: Prediction.Effect, comeback: (Int, Int)? = nil
    ) -> (Incident, FlowResult) -> Prediction? {
        { incident, flow in
            Prediction(
                fault: incident.begun.map(\.description).joined(), probe: flow.probe, effect: effect,
                comeback: comeback.map { Window(.seconds($0.0), .seconds($0.1)) },
                before: .init(forth: ["main"], back: ["main"]), during: nil, reasons: [])
        }
    }

    private static func judge(
        _ flow: FakeFlow, _ predict: @escaping (Incident, FlowResult) -> Prediction?,
        incidents: [Incident] = [fault, heal],
        time: TimeKind = .virtual
    ) throws -> [OutageJudgement] {
        OutageJudge(incidents: incidents, endedAt: 120 * TwoPaths.second, time: time, predict: predict)
            .judgements(of: [try flow.result()])
    }

    private static func window(_ from: Int, _ to: Int) -> Prediction.Effect {
        .outage(Window(.seconds(from), .seconds(to)))
    }

    @Test(arguments: [
        (25, 20, 31, true), (20, 20, 31, true), (31, 20, 31, true),
        (19, 20, 31, false), (32, 20, 31, false), (1, 20, 31, false),
    ])
    func `An outage must lie in its window`(outage: Int64, from: Int, to: Int, holds: Bool) throws {
        let found = try Self.judge(Self.failover(outage: outage), Self.predict(Self.window(from, to)))
        #expect(found.map(\.subject) == [.outage])
        #expect(found[0].outcome == (holds ? .pass : .fail), "\(found[0].seen)")
        #expect(found[0].measured.map(\.lost) == [Int(outage) * 10])
    }

    /// In real time it may last a second longer, and not be shorter.
    @Test(arguments: [(32, true), (33, false), (19, false)] as [(Int64, Bool)])
    func `An outage in real time`(outage: Int64, holds: Bool) throws {
        let found = try Self.judge(Self.failover(outage: outage), Self.predict(Self.window(20, 31)), time: .real)
        #expect(found[0].outcome == (holds ? .pass : .fail), "\(found[0].seen)")
        #expect(found[0].expected == "an outage of 20.000 s to 32.000 s (the last second for the machine)")
    }

    /// A flow whose way is up to a hash is judged by what was predicted for the way it took.
    @Test func `A flow is judged by its own way`() throws {
        let predict = { (incident: Incident, flow: FlowResult) -> Prediction? in
            let ways = [("main", Self.window(20, 31)), ("backup", .none)].map { tunnel, effect in
                Prediction(
                    fault: "link cut down", probe: flow.probe, effect: effect, comeback: nil,
                    before: .init(forth: [tunnel], back: [tunnel]), during: nil, reasons: [])
            }
            return Prediction(
                fault: "link cut down", probe: flow.probe, effect: .byFlow, comeback: nil,
                before: .init(forth: ["main", "backup"], back: ["main", "backup"]), during: nil, reasons: [],
                alternatives: ways)
        }
        let out = try Self.judge(Self.failover(outage: 25), predict)
        #expect(out.map(\.outcome) == [.pass] && out[0].predicted?.effect == Self.window(20, 31))
        #expect(try Self.judge(Self.failover(outage: 50), predict)[0].outcome == .fail)
        var untouched = FakeFlow()
        untouched.send(Self.backup, until: 120 * TwoPaths.second)
        // Alone it was exposed to nothing, so that nothing is proved; beside one that was, it did as predicted.
        let alone = try Self.judge(untouched, predict)
        #expect(alone[0].outcome == .inconclusive && alone[0].predicted?.effect == Prediction.Effect.none)
        #expect(alone[0].seen.hasSuffix("and no flow went by what broke"))
        let both = OutageJudge(incidents: [Self.fault, Self.heal], endedAt: 120 * TwoPaths.second, predict: predict)
            .judgements(of: [try untouched.result(), try Self.failover(outage: 25).result()])
        #expect(both.map(\.outcome) == [.pass, .pass])
        // The one by the main path must have been out.
        var spared = FakeFlow()
        spared.send(Self.main, until: 120 * TwoPaths.second)
        #expect(try Self.judge(spared, predict)[0].outcome == .fail)
    }

    @Test func `What cannot be predicted is left to the lab file's claim`() throws {
        let flow = try Self.failover(outage: 25).result()
        func outcome(claimed: Set<String>) -> Verdict.Outcome? {
            OutageJudge(
                incidents: [Self.fault, Self.heal], endedAt: 120 * TwoPaths.second, claimed: claimed,
                predict: Self.predict(.unpredictable("BFD"))
            ).judgements(of: [flow]).first { $0.subject == .outage }?.outcome
        }
        #expect(outcome(claimed: []) == .inconclusive)
        #expect(outcome(claimed: [flow.name]) == .notApplicable)
    }

    /// Packets every 0.1 s cannot tell 19.95 s from 20 s.
    @Test func `What packets cannot tell does not fail`() throws {
        let seen = Self.failover(outage: 20)
        let half = { (ms: Int) in Prediction.Effect.outage(Window(.milliseconds(ms), .milliseconds(ms))) }
        #expect(try Self.judge(seen, Self.predict(half(20_050)))[0].outcome == .pass)
        #expect(try Self.judge(seen, Self.predict(half(20_150)))[0].outcome == .fail)
    }

    @Test func `A window that says nothing proves nothing and can still be wrong`() throws {
        let seen = Self.failover(outage: 25)
        let found = try Self.judge(seen, Self.predict(Self.window(0, 300)))
        #expect(found[0].outcome == .inconclusive && found[0].expected.contains("too wide"))
        #expect(try Self.judge(Self.failover(outage: 65), Self.predict(Self.window(0, 60)))[0].outcome == .fail)
        #expect(try Self.judge(seen, Self.predict(Self.window(0, 30)))[0].outcome == .pass)
    }

    @Test func `Where nothing is to happen no packet may be lost`() throws {
        var flow = FakeFlow()
        flow.send(Self.main, until: 120 * TwoPaths.second)
        #expect(try Self.judge(flow, Self.predict(.none))[0].outcome == .pass)
        var lossy = FakeFlow()
        lossy.send(Self.main, until: 30 * TwoPaths.second)
        lossy.send(.lostForth("main"))
        lossy.send(Self.main, until: 120 * TwoPaths.second)
        #expect(try Self.judge(lossy, Self.predict(.none))[0].outcome == .fail)
        // A predicted outage that did not come is as wrong.
        #expect(try Self.judge(flow, Self.predict(Self.window(20, 31)))[0].outcome == .fail)
    }

    @Test func `Until healed means until then and not longer`() throws {
        var flow = FakeFlow()
        flow.send(Self.main, until: Self.fault.nanoseconds)
        flow.send(.lostForth("main"), until: 85 * TwoPaths.second)
        flow.send(Self.main, until: 120 * TwoPaths.second)
        let good = try Self.judge(flow, Self.predict(.untilHealed, comeback: (2, 8)))
        #expect(good.map(\.subject) == [.outage, .comeback] && good.map(\.outcome) == [.pass, .pass])
        let late = try Self.judge(flow, Self.predict(.untilHealed, comeback: (1, 3)))
        #expect(late.map(\.outcome) == [.pass, .fail], "\(late.map(\.seen))")
        let early = try Self.judge(flow, Self.predict(.untilHealed, comeback: (6, 8)))
        #expect(early.map(\.outcome) == [.pass, .fail])
        // One that is over before.
        #expect(try Self.judge(Self.failover(outage: 25), Self.predict(.untilHealed))[0].outcome == .fail)
        // One that was never there.
        var whole = FakeFlow()
        whole.send(Self.main, until: 120 * TwoPaths.second)
        #expect(try Self.judge(whole, Self.predict(.untilHealed))[0].outcome == .fail)
    }

    /// A fault whose first answer stays away only after a while, mended before and after that.
    @Test func `What is mended before it cuts anything off has cut nothing off`() throws {
        let predict = { (begins: Int) in
            { (incident: Incident, flow: FlowResult) -> Prediction? in
                var prediction = Self.predict(.untilHealed, comeback: (0, 5))(incident, flow)
                prediction?.begins = Window(.seconds(begins), .seconds(begins + 3))
                return prediction
            }
        }
        var whole = FakeFlow()
        whole.send(Self.main, until: 120 * TwoPaths.second)
        let early = try Self.judge(whole, predict(90))
        #expect(early.map(\.subject) == [.outage] && early.map(\.outcome) == [.pass], "\(early.map(\.seen))")
        // What starts anew then may need its time to come back.
        var back = FakeFlow()
        back.send(Self.main, until: Self.heal.nanoseconds + TwoPaths.second)
        back.send(.lostForth("main"), until: Self.heal.nanoseconds + 4 * TwoPaths.second)
        back.send(Self.main, until: 120 * TwoPaths.second)
        #expect(try Self.judge(back, predict(90)).map(\.outcome) == [.pass, .pass])
        #expect(try Self.judge(back, Self.predict(Self.window(0, 1)))[1].outcome == .fail)
        // 60 s after the fault it was mended.
        #expect(try Self.judge(whole, predict(50))[0].outcome == .fail)
    }

    @Test func `The first path is taken again within its window`() throws {
        let flow = Self.failover(outage: 25, back: 10)
        let judged = { (window: (Int, Int)) in
            try Self.judge(flow, Self.predict(Self.window(20, 31), comeback: window)).map(\.outcome)
        }
        #expect(try judged((5, 12)) == [.pass, .pass])
        #expect(try judged((0, 9)) == [.pass, .fail])
        #expect(try judged((11, 20)) == [.pass, .fail])
        // Never.
        var stays = FakeFlow()
        stays.send(Self.main, until: Self.fault.nanoseconds)
        stays.send(.lostForth("main"), until: 45 * TwoPaths.second)
        stays.send(Self.backup, until: 120 * TwoPaths.second)
        #expect(
            try Self.judge(stays, Self.predict(Self.window(20, 31), comeback: (5, 12))).map(\.outcome) == [
                .pass, .fail,
            ])
        // Not yet: the script ends before the window does.
        let open = try Self.judge(stays, Self.predict(Self.window(20, 31), comeback: (5, 60)))
        #expect(open.map(\.outcome) == [.pass, .inconclusive])
    }

    @Test func `Losses after mending fail only where they are an outage`() throws {
        for (lost, outcome) in [(1, Verdict.Outcome.pass), (10, .pass), (12, .fail)] {
            var flow = Self.failover(outage: 25, back: 1)
            var patched = FakeFlow()
            patched.send(Self.main, until: Self.fault.nanoseconds)
            patched.send(.lostForth("main"), until: 45 * TwoPaths.second)
            patched.send(Self.backup, until: 90 * TwoPaths.second)
            patched.send(.lostBack(forth: "main", "backup"), count: lost)
            patched.send(Self.main, until: 120 * TwoPaths.second)
            flow = patched
            let found = try Self.judge(flow, Self.predict(Self.window(20, 31)))
            #expect(found.map(\.subject) == [.outage, .healing])
            #expect(found.map(\.outcome) == [.pass, outcome])
            #expect(found[1].back.map(\.lost) == [lost] && found[1].forth.isEmpty)
        }
    }

    @Test func `Losses before anything broke`() throws {
        for (lost, outcome) in [(1, Verdict.Outcome.pass), (12, .fail)] {
            var flow = FakeFlow()
            flow.send(Self.main, until: 12 * TwoPaths.second)
            flow.send(.lostForth(nil), count: lost)
            flow.send(Self.main, until: 120 * TwoPaths.second)
            let found = try Self.judge(flow, Self.predict(.none))
            #expect(found.map(\.subject) == [.unprovoked, .outage] && found.map(\.outcome) == [outcome, .pass])
        }
    }

    @Test func `A second outage is not predicted`() throws {
        var flow = FakeFlow()
        flow.send(Self.main, until: Self.fault.nanoseconds)
        flow.send(.lostForth("main"), until: 45 * TwoPaths.second)
        flow.send(Self.backup, until: 60 * TwoPaths.second)
        flow.send(.lostForth("backup"), until: 63 * TwoPaths.second)
        flow.send(Self.backup, until: 120 * TwoPaths.second)
        let found = try Self.judge(flow, Self.predict(Self.window(20, 31)))
        #expect(found.map(\.outcome) == [.fail] && found[0].measured.count == 2)
    }

    @Test func `Mended before it was noticed`() throws {
        let soon = Incident(nanoseconds: 30 * TwoPaths.second, begun: [], healed: [.linkDown("cut")])
        let judged = { (seconds: Int64) in
            var flow = FakeFlow()
            flow.send(Self.main, until: Self.fault.nanoseconds)
            flow.send(.lostForth("main"), until: (20 + seconds) * TwoPaths.second)
            flow.send(Self.main, until: 120 * TwoPaths.second)
            return try Self.judge(flow, Self.predict(Self.window(20, 31)), incidents: [Self.fault, soon])[0].outcome
        }
        #expect(try judged(10) == .pass)
        #expect(try judged(15) == .pass)
        #expect(try judged(5) == .fail)
        #expect(try judged(40) == .fail)
    }

    @Test func `What cannot be predicted is not judged`() throws {
        let flow = Self.failover(outage: 25)
        #expect(try Self.judge(flow, Self.predict(.unpredictable("own files")))[0].outcome == .inconclusive)
        #expect(try Self.judge(flow, Self.predict(.degraded))[0].outcome == .notApplicable)
        #expect(try Self.judge(flow, { _, _ in nil })[0].outcome == .inconclusive)
        #expect(try Self.judge(FakeFlow(), Self.predict(.none))[0].outcome == .inconclusive)
    }
}
