import LabRecords
import NetworkTypes
import Predictions
import Recordings

/// Whether a flow fared after a fault, or after its mending, as was predicted.
///
/// A measurement fails only where it contradicts the prediction: see ``Outage`` for what packets at intervals can tell.
public struct OutageJudgement: Hashable, Sendable, Codable {
    public enum Subject: String, Hashable, Sendable, Codable {
        /// What a fault did, from its beginning on.
        case outage
        /// When the flow came back after mending: at all, or by its first path.
        case comeback
        /// Losses while everything goes back to what it was.
        case healing
        /// Losses before any fault.
        case unprovoked
    }

    /// The flow's name, and its probe's.
    public let flow: String
    public let probe: String
    /// The faults in words; empty for ``Subject/unprovoked``.
    public let fault: String
    public let subject: Subject
    /// When the faults began, or were mended, on the lab's clock.
    public let nanoseconds: Int64
    /// Round trips, of those laid to this; the first is the one that was judged.
    public let measured: [Outage]
    /// Each direction's.
    public let forth: [Outage]
    public let back: [Outage]
    /// What it is judged by; nil where nothing was predicted.
    public let predicted: Prediction?
    public let outcome: Verdict.Outcome
    /// In words.
    public let expected: String
    public let seen: String

    /// Losses that no prediction speaks of count as a failure from here on.
    ///
    /// A route that goes back to the first path overtakes packets that are on their way by the other, and an SA that is
    /// renewed may cost one; that is no outage.
    public static let tolerated = Duration.seconds(1)
}

extension OutageJudgement {
    /// The same without a verdict.
    fileprivate func doubted(_ seen: String) -> OutageJudgement {
        OutageJudgement(
            flow: flow, probe: probe, fault: fault, subject: subject, nanoseconds: nanoseconds, measured: measured,
            forth: forth,
            back: back,
            predicted: predicted, outcome: .inconclusive, expected: expected, seen: seen)
    }
}

/// Judges all flows of a script by what was predicted for each incident.
public struct OutageJudge {
    private let incidents: [Incident]
    /// The end of the script, on the lab's clock.
    private let end: Int64
    private let time: TimeKind
    private let claimed: Set<String>
    private let predict: (Incident, FlowResult) -> Prediction?

    /// - Parameters:
    ///   - endedAt: On the lab's clock.
    ///   - time: In real time, what was predicted may come about later by ``TimeKind/lateness``.
    ///   - claimed: The probes whose outages the lab file claims: where nothing can be predicted of one, its claim is judged alone.
    ///   - predict: What is predicted for the flow when the incident's faults begin, beside those that go on; nil for nothing.
    public init(
        incidents: [Incident], endedAt: Int64, time: TimeKind = .virtual, claimed: Set<String> = [],
        predict: @escaping (Incident, FlowResult) -> Prediction?
    ) {
        self.time = time
        self.claimed = claimed
        self.incidents = incidents
        end = endedAt
        self.predict = predict
    }

    /// Judgements of all flows of a script, flow by flow and by time.
    ///
    /// Where routes share traffic by flow, all flows' hashes may have chosen ways around a fault: then nothing was exposed to it, and that
    /// nothing was lost proves nothing.
    public func judgements(of flows: [FlowResult]) -> [OutageJudgement] {
        let all = flows.flatMap { judgements(of: $0) }
        let unexposed = Set(
            incidents.filter { incident in
                let here = all.filter { $0.subject == .outage && $0.nanoseconds == incident.nanoseconds }
                return !here.isEmpty && here.allSatisfy { $0.predicted?.effect == Prediction.Effect.none }
                    && flows.contains { isSparedByItsHash($0, incident) }
            }.map(\.nanoseconds))
        return all.map { judgement in
            guard judgement.subject == .outage, judgement.outcome == .pass, unexposed.contains(judgement.nanoseconds)
            else { return judgement }
            return judgement.doubted("\(judgement.seen), and no flow went by what broke")
        }
    }

    /// Whether another way than the flow took would have been hit.
    private func isSparedByItsHash(_ flow: FlowResult, _ incident: Incident) -> Bool {
        guard let predicted = predict(incident, flow), predicted.effect == .byFlow else { return false }
        return predicted.alternatives.contains { $0.effect != .none }
    }

    /// Judgements of a flow, by time.
    func judgements(of flow: FlowResult) -> [OutageJudgement] {
        let causes = Outage.Scope.allCases.reduce(into: [Outage.Scope: [Int?: [Outage]]]()) { causes, scope in
            causes[scope] = Dictionary(grouping: flow.outages(scope)) { outage in
                let travel = max(flow.roundTrip?.most ?? 0, 0)
                return incidents.cause(of: outage, travel: travel).flatMap { incidents.firstIndex(of: $0) }
            }
        }
        func found(_ number: Int?, _ scope: Outage.Scope) -> [Outage] { causes[scope]?[number] ?? [] }
        var judgements: [OutageJudgement] = []
        if !found(nil, .roundTrip).isEmpty { judgements.append(unprovoked(flow, found(nil, .roundTrip))) }
        for (number, incident) in incidents.enumerated() {
            let matter = Matter(
                flow: flow, incident: incident, number: number, next: incidents.dropFirst(number + 1).first,
                heal: heal(of: incident, number),
                // The longest one is what the prediction speaks of.
                outages: found(number, .roundTrip).sorted { ($0.atLeast, $0.lost) > ($1.atLeast, $1.lost) },
                forth: found(number, .forth), back: found(number, .back))
            if !incident.begun.isEmpty {
                judgements += consequences(of: matter, predict(incident, flow))
            } else if !matter.outages.isEmpty {
                judgements.append(healing(matter))
            }
        }
        return judgements
    }

    private struct Matter {
        let flow: FlowResult
        let incident: Incident
        let number: Int
        let next: Incident?
        /// The incident in which all of its faults are mended; nil for none.
        let heal: Incident?
        let outages: [Outage]
        let forth: [Outage]
        let back: [Outage]

        /// The one that lasted longest.
        var main: Outage? { outages.first }
        /// The others, where they are more than a packet here and there.
        var others: [Outage] { outages.dropFirst().filter { $0.atLeast > OutageJudgement.tolerated } }
    }

    private func heal(of incident: Incident, _ number: Int) -> Incident? {
        var missing = Set(incident.begun)
        guard !missing.isEmpty else { return nil }
        return incidents.dropFirst(number + 1).first { later in
            missing.subtract(later.healed)
            return missing.isEmpty
        }
    }

    /// By the prediction for the way that the flow took before; where that cannot be told apart, by one that fits.
    private func consequences(of it: Matter, _ predicted: Prediction?) -> [OutageJudgement] {
        let candidates = predicted.map { alternatives(of: $0, it) } ?? []
        guard !candidates.isEmpty else { return [outage(it, predicted)] }
        let judged = candidates.map { predicted in
            [outage(it, predicted), comeback(it, predicted)].compactMap { $0 }
        }
        return judged.first { $0.allSatisfy { $0.outcome != .fail } } ?? judged.first { $0[0].outcome != .fail }
            ?? judged[0]
    }

    /// The predictions that speak of the way that the flow's answered packets took last before the fault.
    private func alternatives(of predicted: Prediction, _ it: Matter) -> [Prediction] {
        // A request that was on its way just then may have been answered by another one.
        let travel = it.flow.roundTrip?.most ?? 0
        let phase = it.flow.phases.last {
            $0.fate == .answered && $0.first.nanoseconds + travel < it.incident.nanoseconds
        }
        guard let phase, it.flow.doubt == nil else { return predicted.all }
        let fitting = predicted.all.filter { $0.before.forth == phase.forth && $0.before.back == phase.back }
        return fitting.isEmpty ? predicted.all : fitting
    }

    // MARK: What a fault does

    private func outage(_ it: Matter, _ predicted: Prediction?) -> OutageJudgement {
        let (outcome, expected, seen) = finding(it, predicted)
        return OutageJudgement(
            flow: it.flow.name, probe: it.flow.probe, fault: it.incident.begun.text, subject: .outage,
            nanoseconds: it.incident.nanoseconds, measured: it.outages, forth: it.forth, back: it.back,
            predicted: predicted, outcome: outcome, expected: expected, seen: seen)
    }

    /// The window, with what real time may add to it.
    private func allowing(_ window: Window) -> Window {
        time == .real ? Window(window.earliest, window.latest + TimeKind.lateness) : window
    }

    private typealias Finding = (outcome: Verdict.Outcome, expected: String, seen: String)

    private func finding(_ it: Matter, _ predicted: Prediction?) -> Finding {
        let seen = words(it.outages)
        guard let predicted else { return (.inconclusive, "nothing: there is no prediction", seen) }
        guard it.flow.sent > 0 else { return (.inconclusive, "an answer", "nothing was sent") }
        switch predicted.effect {
        case .none: return (it.outages.isEmpty ? .pass : .fail, "no packet lost", seen)
        case .degraded: return (.notApplicable, "some packets may be lost", seen)
        case .unpredictable(let why):
            let outcome = claimed.contains(it.flow.probe) ? Verdict.Outcome.notApplicable : .inconclusive
            return (outcome, "nothing can be predicted: \(why)", seen)
        case .outage(let window): return outage(it, within: allowing(window))
        case .byFlow: return (.inconclusive, "one of several things, by the flow's way", seen)
        case .untilHealed: return untilHealed(it, predicted.begins.map(allowing))
        }
    }

    private func outage(_ it: Matter, within window: Window) -> Finding {
        let finding = comparison(it, with: window)
        guard window.saysNothing, finding.outcome == .pass else { return finding }
        return (.inconclusive, "\(finding.expected), which is too wide to prove anything", finding.seen)
    }

    private func comparison(_ it: Matter, with window: Window) -> Finding {
        let expected = "an outage of \(words(window))"
        guard let main = it.main else {
            // Shorter than what lies between two packets, it need not be seen.
            let isVisible = window.earliest > it.flow.interval
            return (isVisible ? .fail : .pass, expected, "no packet lost")
        }
        if let stop = it.next.map({ $0.nanoseconds - it.incident.nanoseconds }),
            Duration.nanoseconds(stop) < window.latest,
            main.firstGood.map({ $0.nanoseconds >= it.next?.nanoseconds ?? .max }) ?? true
        {
            return cutShort(it, main, window, after: .nanoseconds(stop), expected: expected)
        }
        guard main.firstGood != nil else {
            let hasFailed = main.atLeast > window.latest
            let rest = hasFailed ? "" : ", too early to tell"
            return (hasFailed ? .fail : .inconclusive, expected, "out for \(words(main.atLeast)) until the end\(rest)")
        }
        guard main.canLast(window) else { return (.fail, expected, words(it.outages)) }
        if let other = it.others.first {
            return (.fail, "\(expected), and no other", "\(words(it.outages)), among them \(words(other))")
        }
        return (.pass, expected, words(it.outages))
    }

    /// Something else happened before the outage could be over, so that only its beginning says something of this fault.
    private func cutShort(_ it: Matter, _ main: Outage, _ window: Window, after: Duration, expected: String) -> Finding
    {
        let isHealed = it.heal != nil && it.heal == it.next
        let what = isHealed ? "mended" : "\(it.next?.text ?? "")"
        let seen = "\(words(it.outages)); \(what) after \(words(after))"
        guard isHealed else { return (.notApplicable, expected, "\(seen), before it had to be over") }
        // Mended in time it may end at once, or run on to where it would have ended.
        let isPossible = main.canLast(Window(min(window.earliest, after), window.latest))
        return (isPossible ? .pass : .fail, "\(expected), or until it is mended", seen)
    }

    /// Whether a fault that cuts a flow off only after a while was mended before it had to.
    private func isMendedInTime(_ it: Matter, _ begins: Window?) -> Bool {
        guard let begins, let heal = it.heal else { return false }
        return it.outages.isEmpty && Duration.nanoseconds(heal.nanoseconds - it.incident.nanoseconds) < begins.latest
    }

    private func untilHealed(_ it: Matter, _ begins: Window?) -> Finding {
        let expected =
            begins.map { "an outage from \(words($0)) after that until it is mended" } ?? "an outage until it is mended"
        if isMendedInTime(it, begins) { return (.pass, expected, "no packet lost, and mended before it had to begin") }
        // One that goes on from before is this fault's, too: nothing else can end it.
        let before = it.flow.outages(.roundTrip).first {
            $0.firstLost.nanoseconds < it.incident.nanoseconds
                && $0.firstGood.map { $0.nanoseconds > it.incident.nanoseconds } ?? true
        }
        guard let main = it.main ?? before else {
            let isOver = (it.heal?.nanoseconds ?? end) - it.incident.nanoseconds <= it.flow.interval.wholeNanoseconds
            return (
                isOver ? .inconclusive : .fail, expected, isOver ? "over before a packet was sent" : "no packet lost"
            )
        }
        let over = it.heal?.nanoseconds ?? end
        let travel = it.flow.roundTrip?.most ?? 0
        if let good = main.firstGood, good.nanoseconds + travel < over {
            let early = words(Duration.nanoseconds(over - good.nanoseconds))
            return (
                .fail, expected,
                "\(words(it.outages)), and answers \(early) before \(it.heal == nil ? "the end" : "that")"
            )
        }
        return (.pass, expected, words(it.outages.isEmpty ? [main] : it.outages))
    }

    // MARK: What mending does

    private func comeback(_ it: Matter, _ predicted: Prediction) -> OutageJudgement? {
        guard let heal = it.heal, let window = predicted.comeback.map(allowing),
            !isMendedInTime(it, predicted.begins.map(allowing))
        else { return nil }
        let next = incidents.first { $0.nanoseconds > heal.nanoseconds }?.nanoseconds ?? end
        let isOutForGood = predicted.effect == .untilHealed
        let finding: Finding? =
            isOutForGood
            ? answersAgain(it.flow, after: heal, until: next, window)
            : firstPathAgain(it.flow, predicted.before, after: heal, until: next, window)
        guard let finding else { return nil }
        return OutageJudgement(
            flow: it.flow.name, probe: it.flow.probe, fault: it.incident.begun.text, subject: .comeback,
            nanoseconds: heal.nanoseconds, measured: [], forth: [], back: [], predicted: predicted,
            outcome: finding.outcome, expected: finding.expected, seen: finding.seen)
    }

    private func answersAgain(_ flow: FlowResult, after heal: Incident, until next: Int64, _ window: Window) -> Finding
    {
        let expected = "answers again \(words(window)) after mending"
        guard let outage = flow.outages(.roundTrip).last(where: { $0.firstLost.nanoseconds <= heal.nanoseconds }) else {
            return (.inconclusive, expected, "nothing was lost before")
        }
        return comeback(
            of: flow, from: max(outage.lastLost.nanoseconds, heal.nanoseconds), to: outage.firstGood?.nanoseconds,
            after: heal, next, window, expected, what: "the first answer")
    }

    /// Nil where it cannot be seen, or where packets never left the first path.
    private func firstPathAgain(
        _ flow: FlowResult, _ way: Prediction.Way, after heal: Incident, until next: Int64, _ window: Window
    ) -> Finding? {
        let expected = "by the first path again \(words(window)) after mending"
        guard flow.doubt == nil else { return nil }
        let answered = flow.phases.filter { $0.fate == .answered }
        let isFirst = { (phase: FlowPhase) in phase.forth == way.forth && phase.back == way.back }
        // The last packets by another way that were sent before the next incident, and what came after them.
        guard let position = answered.lastIndex(where: { !isFirst($0) && $0.first.nanoseconds < next }),
            answered[position].last.nanoseconds > heal.nanoseconds
        else { return nil }
        let back = answered.dropFirst(position + 1).first.flatMap { isFirst($0) ? $0.first.nanoseconds : nil }
        return comeback(
            of: flow, from: answered[position].last.nanoseconds, to: back, after: heal, next, window, expected,
            what: "the first answer by the first path")
    }

    private func comeback(
        of flow: FlowResult, from last: Int64, to first: Int64?, after heal: Incident, _ next: Int64, _ window: Window,
        _ expected: String, what: String
    ) -> Finding {
        let atLeast = Duration.nanoseconds(last - heal.nanoseconds)
        guard let first, first < next else {
            let isOverdue = Duration.nanoseconds(next - heal.nanoseconds) > window.latest
            return (
                isOverdue ? .fail : .inconclusive, expected,
                "not within \(words(Duration.nanoseconds(next - heal.nanoseconds)))"
            )
        }
        // A request that was sent before may have waited on the way until then.
        let atMost = Duration.nanoseconds(max(0, first - heal.nanoseconds))
        let travel = Duration.nanoseconds(flow.roundTrip?.most ?? 0)
        let isPossible = atLeast <= window.latest && window.earliest <= atMost + travel
        return (isPossible ? .pass : .fail, expected, "\(what) \(words(atMost)) after mending")
    }

    private func healing(_ it: Matter) -> OutageJudgement {
        let tolerated = tolerated(it)
        let outage = it.outages.first { $0.atLeast > tolerated }
        return OutageJudgement(
            flow: it.flow.name, probe: it.flow.probe, fault: it.incident.healed.text, subject: .healing,
            nanoseconds: it.incident.nanoseconds, measured: it.outages, forth: it.forth, back: it.back, predicted: nil,
            outcome: outage == nil ? .pass : .fail,
            expected: "no outage of more than \(words(tolerated)) while it goes back",
            seen: words(it.outages))
    }

    /// What was mended before it cut anything off may do so when it is mended, for as long as it may take to come back.
    private func tolerated(_ it: Matter) -> Duration {
        let begun = incidents.enumerated().last { number, incident in
            heal(of: incident, number) == it.incident
        }
        guard let (_, incident) = begun, let predicted = predict(incident, it.flow),
            let begins = predicted.begins.map(allowing), let comeback = predicted.comeback.map(allowing),
            Duration.nanoseconds(it.incident.nanoseconds - incident.nanoseconds) < begins.latest
        else { return OutageJudgement.tolerated }
        return max(OutageJudgement.tolerated, comeback.latest)
    }

    private func unprovoked(_ flow: FlowResult, _ outages: [Outage]) -> OutageJudgement {
        let isOut = outages.contains { $0.atLeast > OutageJudgement.tolerated }
        let of = { (scope: Outage.Scope) in
            flow.outages(scope).filter { incidents.cause(of: $0, travel: flow.roundTrip?.most ?? 0) == nil }
        }
        return OutageJudgement(
            flow: flow.name, probe: flow.probe, fault: "", subject: .unprovoked,
            nanoseconds: outages[0].firstLost.nanoseconds,
            measured: outages, forth: of(.forth), back: of(.back), predicted: nil, outcome: isOut ? .fail : .pass,
            expected: "no outage of more than \(words(OutageJudgement.tolerated)) before anything broke",
            seen: words(outages))
    }

    // MARK: Words

    private func words(_ outages: [Outage]) -> String {
        guard let longest = outages.first else { return "no packet lost" }
        let lost = outages.reduce(0) { $0 + $1.lost }
        let packets = "\(lost) packet\(lost == 1 ? "" : "s") lost"
        return outages.count == 1
            ? "\(words(longest)), \(packets)" : "\(words(longest)), the longest of \(outages.count); \(packets)"
    }

    private func words(_ outage: Outage) -> String {
        guard let atMost = outage.atMost else { return "out for \(words(outage.atLeast)) or more" }
        return outage.atLeast == .zero
            ? "out for less than \(words(atMost))" : "out for \(words(outage.atLeast)) to \(words(atMost))"
    }

    private func words(_ window: Window) -> String {
        "\(words(window.earliest)) to \(words(window.latest))"
            + (time == .real ? " (the last second for the machine)" : "")
    }

    private func words(_ duration: Duration) -> String { duration.inMilliseconds }
}
