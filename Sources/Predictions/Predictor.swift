import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

/// Works out what faults do to a lab's probes: from the configuration and the daemons' versions, without running it.
///
/// A fault is turned into ``Damage``; what the daemons do about it, each after its own timers, into changes of routes; and
/// the probe's packets are followed through the lab before the fault, at once, and when all has been noticed.
public struct Predictor: Sendable {
    public let topology: Topology
    public let versions: DaemonVersions
    /// What the probes send whose fate is predicted.
    public private(set) var traffic = ProbeTraffic.echo
    let forwarding: Forwarding
    private let settlements = Memo<[Fault], Damage>()
    private let impactsOfFaults = Memo<[[Fault]], Impact>()
    private let changesOfRoutes = Memo<Aftermath, [RouteChange]>()
    /// Of sessions as they are configured.
    private let timings = Memo<String, SessionTiming>()

    /// What decides who takes routes back.
    private struct Aftermath: Hashable {
        let faults: [[Fault]]
        let damage: Damage
    }

    public init(topology: Topology, versions: DaemonVersions) {
        self.topology = topology
        self.versions = versions
        forwarding = Forwarding(topology: topology)
    }

    /// The same lab's predictor, for probes that send something else.
    public func predicting(_ traffic: ProbeTraffic) -> Predictor {
        var other = self
        other.traffic = traffic
        return other
    }

    /// What one fault does to a probe in a lab that is well.
    public func predict(_ fault: Fault, for probe: Probe) -> Prediction { predict([fault], for: probe) }

    /// What faults that begin together do to a probe.
    ///
    /// - Parameter alreadyActive: Faults that began earlier, long enough for all they bring about to have happened.
    ///
    /// Where routes share traffic by flow, which of them a flow takes is up to the kernel's hash, which it seeds at random
    /// (fib_multipath_hash, net/ipv4/route.c): then there is a prediction for each way.
    public func predict(_ faults: [Fault], with alreadyActive: [Fault] = [], for probe: Probe) -> Prediction {
        let earlier = settlements(alreadyActive) { settled(alreadyActive) }
        let before = journey(of: probe, in: earlier)
        let alternatives = before.pinnings.map { pinning in
            predict(
                faults, with: alreadyActive, earlier, before: journey(of: probe, in: earlier, pinned: pinning), probe)
        }
        guard let first = alternatives.first else {
            return predict(faults, with: alreadyActive, earlier, before: before, probe)
        }
        // What becomes of the flow whichever way it took is said once.
        switch first.effect {
        case .none, .untilHealed, .degraded, .unpredictable:
            guard alternatives.allSatisfy({ $0.effect == first.effect }),
                alternatives.allSatisfy({ ($0.comeback == nil) == (first.comeback == nil) })
            else { break }
            return Prediction(
                fault: first.fault, probe: first.probe, effect: first.effect,
                comeback: Window.spanning(alternatives.compactMap(\.comeback)), before: before.way,
                during: first.during, reasons: first.reasons)
        case .outage, .byFlow: break
        }
        return Prediction(
            fault: first.fault, probe: first.probe, effect: .byFlow, comeback: nil, before: before.way, during: nil,
            reasons: [before.summary("Routes share traffic by flow, so it depends on the flow's way before the fault")],
            alternatives: alternatives)
    }

    /// The same for a flow that takes one way before the faults.
    ///
    /// - Parameters:
    ///   - earlier: What is broken by then of the faults that began earlier.
    ///   - mended: Whether it is also to be said when the flow is back.
    func predict(
        _ faults: [Fault], with alreadyActive: [Fault], _ earlier: Damage, before: Journey, _ probe: Probe,
        mended: Bool = true
    ) -> Prediction {
        var answer = Answer(
            fault: faults.map(\.description).joined(separator: ", "), probe: probe.name, before: before)
        if let loss = before.loss {
            return answer.prediction(.unpredictable("the probe is not answered before the fault: \(loss)"))
        }
        if let unrest = unrest(around: before) ?? unknown(around: before) ?? forgetfulness(around: before) {
            return answer.prediction(.unpredictable(unrest))
        }
        if let doubt = doubtOfWireGuard(under: faults + alreadyActive) {
            return answer.prediction(.unpredictable(doubt))
        }
        if let node = (faults + alreadyActive).lazy.compactMap(\.rebooted).first {
            let isFirst = faults == [.nodeRebooted(node)] && !alreadyActive.contains { $0.rebooted != nil }
            guard isFirst else {
                return answer.prediction(
                    .unpredictable("\(node) reboots at the same time, and what both do together is not computed here"))
            }
            return predict(reboot: node, beside: alreadyActive, earlier, probe, answer, before: before)
        }
        if let maintenance = faults.first(where: \.movesTraffic) {
            guard faults.count == 1 else {
                return answer.prediction(
                    .unpredictable(
                        "\"\(maintenance)\" takes its time, and what begins with it meets it on the way, which is not computed here"
                    ))
            }
            if let two = predict(maintenance: maintenance, with: alreadyActive, earlier, before: before, probe) {
                return two
            }
        }
        var impact = impactsOfFaults([alreadyActive, faults]) {
            self.impact(of: alreadyActive + faults, since: alreadyActive)
        }
        answer.reasons += impact.notes
        if let doubt = impact.doubtOfRestart { return answer.prediction(.unpredictable(doubt)) }

        var damage = impact.damage
        damage.withdrawn = earlier.withdrawn
        damage.parted = earlier.parted
        damage.forgotten.formUnion(earlier.forgotten)
        let atOnce = journey(of: probe, in: damage, known: before)
        let broken = damage
        if let translating = impact.forgetful.sorted().first(where: { isTranslated(before, at: $0) }) {
            return answer.prediction(
                .unpredictable(
                    "\(translating) translates the probe's own ports, and who sends first after that, and from which port, is not computed here"
                ))
        }
        let (reappearances, forgotten) = reappearances(after: impact, for: before)
        if let forgotten { return answer.prediction(.unpredictable(forgotten)) }
        let recoveries = recoveries(from: impact, for: before) + reappearances
        damage.forgotten.subtract(recoveries.map(\.side))
        damage.unmapped.subtract(reappearances.map(\.side))
        // Nobody gives its peer up meanwhile.
        impact.damage.unmapped.subtract(reappearances.map(\.side))
        let recovered = journey(of: probe, in: damage, known: before)
        let changes = changesOfRoutes(Aftermath(faults: [alreadyActive, faults], damage: damage)) {
            self.changes(after: impact, in: damage, since: earlier)
        }
        let moment = Moment(damage: damage, changes: changes)
        let after = journey(of: probe, in: moment.settled, known: before)
        let works = { (damage: Damage) in self.journey(of: probe, in: damage, known: before).loss == nil }
        func restored(first: Bool) -> Restoration {
            guard mended else { return Restoration() }
            return restoration(after: impact, moment, earlier, probe: probe, before: before, first: first)
        }

        let recovery = recoveries.map(\.window.latest).max() ?? .zero
        if let doubt = doubtOfOSPF(about: impact, faults + alreadyActive, around: before) ?? twins(of: before, impact)
            ?? doubtOfBFD(about: impact, broken, damage, until: recovery)
            ?? (reappearances.isEmpty ? nil : doubtOfHolds(about: impact, broken, damage, until: recovery))
            ?? forgetfulness(around: after)
        {
            return answer.prediction(.unpredictable(doubt))
        }
        if let mover = mover(around: before, impact) {
            return answer.prediction(.unpredictable(mover))
        }
        if let doubt = before.openEnd ?? atOnce.openEnd ?? after.openEnd ?? doubtOfDeaths(probe, impact, before) {
            return answer.prediction(.unpredictable(doubt))
        }
        if let doubt = atOnce.doubt ?? recovered.doubt ?? after.doubt ?? impact.doubt(about: before, after, topology) {
            answer.reasons += [impact.degradation(of: before)?.reason].compactMap { $0 }
            return answer.prediction(.unpredictable(doubt))
        }
        if let doubt = doubtOfWireGuard(before, atOnce, recovered, after),
            impact.degradation(of: before) != nil
                || [atOnce, recovered, after].contains(where: {
                    $0.loss != nil || doubtOfWireGuard($0) != doubtOfWireGuard(before)
                })
        {
            return answer.prediction(.unpredictable(doubt))
        }
        let rivals = atOnce.loss == nil ? nil : doubtOfRivals(about: impact, before)
        if let loss = after.loss {
            if let doubt = rivals ?? doubt(about: impact, recoveries, before) {
                return answer.prediction(.unpredictable(doubt))
            }
            return answer.down(loss, atOnce, moment, impact, restored(first: false), topology)
        }
        // Sessions that begin anew have no routes until they are up again.
        if !impact.begunAnew.isEmpty {
            var between = moment.settled
            between.forgotten.formUnion(broken.forgotten)
            between.withdrawn.formUnion(impact.begunAnew)
            if let loss = journey(of: probe, in: between, known: before).loss {
                guard atOnce.loss == nil, moment.changes.isEmpty, recoveries.isEmpty else {
                    return answer.prediction(
                        .unpredictable(
                            "sessions begin anew while other things are broken or come back, and which is sooner is not computed here"
                        ))
                }
                return answer.beginning(anew: loss, after, impact, propagation)
            }
        }
        if atOnce.loss != nil, recovered.loss == nil {
            return answer.recovering(atOnce, recoveries, after)
        }
        if let loss = atOnce.loss {
            let needed = moment.needed(where: works)
            return answer.outage(loss, ending: needed, after, restored(first: true), unless: rivals)
        }
        return answer.uninterrupted(
            after, moment, moment.gap(where: works), impact, restored(first: true), propagation)
    }
}

extension Predictor {
    /// When the speakers of a session do what.
    func timing(of session: BGPSession, _ impact: Impact) -> SessionTiming {
        if let own = impact.speakers[session.name], own != session.speakers {
            return SessionTiming(of: session, own, in: topology)
        }
        return timings(session.name) { SessionTiming(of: session, session.speakers, in: topology) }
    }

    /// Why it cannot be said when packets pass again where journeys lead through WireGuard: its ends agree on keys every two minutes, ask
    /// again after 5 s and up to a third of one more, and give up after 90 s (drivers/net/wireguard/messages.h). Nil where none does.
    private func doubtOfWireGuard(_ journeys: Journey...) -> String? {
        topology.plainTunnels.first { tunnel in
            tunnel.kind.isWireGuard && journeys.contains { $0.all.contains { $0.uses(tunnel.name) } }
        }.map { "when the ends of \($0.name) agree on keys again (WireGuard's handshakes) is not computed here" }
    }

    /// The same where routing protocols speak through WireGuard, or nodes reboot or hand traffic over in a lab that has it: what then takes
    /// place waits for its ends, whatever way a probe takes.
    private func doubtOfWireGuard(under faults: [Fault]) -> String? {
        guard let tunnel = topology.plainTunnels.first(where: \.kind.isWireGuard) else { return nil }
        let courses = topology.sessions.flatMap { session in
            session.speakers.flatMap { speaker in
                session.peer(of: speaker).map { conversation(from: speaker.node, speaker.address, to: $0.address) }
                    ?? []
            }
        }
        let isSpoken =
            !topology.ospf.isEmpty
            || courses.contains { course in
                topology.plainTunnels.contains { $0.kind.isWireGuard && course.uses($0.name) }
            }
        guard isSpoken || faults.contains(where: { $0.rebooted != nil || $0.movesTraffic }) else { return nil }
        return "when the ends of \(tunnel.name) agree on keys again (WireGuard's handshakes) is not computed here"
    }

    /// Why two IKE SAs of a tunnel, which there are where both ends begin, keep a fault from being predicted; nil where they do not: of two,
    /// one has no child SA, and its silence ends both; and who starts anew ends what the other has begun in the meantime.
    private func twins(of journey: Journey, _ impact: Impact) -> String? {
        for tunnel in topology.tunnels
        where journey.all.contains(where: { $0.uses(tunnel.name) }) && tunnel.ends.allSatisfy(\.begins) {
            let hasLiveness = tunnel.ends.contains {
                IKELiveness($0, of: tunnel, in: topology, versions: versions) != nil
            }
            let isCut = !negotiates(tunnel, impact.damage)
            let carriesESP = tunnel.ends.allSatisfy { end in
                underlay(from: end, of: tunnel, isIKE: false, impact.damage).contains(where: \.arrives)
            }
            if hasLiveness, isCut, carriesESP {
                return
                    "both ends begin \(tunnel.name), so that it has two IKE SAs, and which of them is looked after is not computed here"
            }
            let isRestarted = impact.recoveries.contains { $0.side.name == tunnel.name && $0.trigger == .start }
            if isRestarted,
                tunnel.ends.allSatisfy({ !$0.keyDaemon.hasConnectionForEachChild && $0.selectors.count > 1 })
            {
                return
                    "both ends begin \(tunnel.name), of several child SAs, and which of two IKE SAs is left after a restart (INITIAL_CONTACT) is not computed here"
            }
        }
        return nil
    }

    /// Why it cannot be said what becomes of packets whose policies go when their end gives a silent peer up; nil where it can.
    private func doubtOfDeaths(_ probe: Probe, _ impact: Impact, _ before: Journey) -> String? {
        var damage = impact.damage
        for tunnel in topology.tunnels where before.all.contains(where: { $0.uses(tunnel.name) }) {
            for end in tunnel.ends where end.steering == .policy && dies(end, of: tunnel, impact, impact.damage) {
                damage.forgotten.insert(Damage.Side(name: tunnel.name, node: end.node))
            }
        }
        return damage == impact.damage ? nil : journey(of: probe, in: damage, known: before).openEnd
    }

    /// Why it cannot be said what an end that has lost a link does, which looks for another way to its peer (MOBIKE) and gives up
    /// after some attempts; nil where there is none.
    private func mover(around journey: Journey, _ impact: Impact) -> String? {
        for tunnel in topology.tunnels where journey.all.contains(where: { $0.uses(tunnel.name) }) {
            for end in tunnel.ends where end.moves && impact.damage.downPorts.contains(where: { $0.node == end.node }) {
                return
                    "\(end.node) has lost a link and looks for other addresses for \(tunnel.name) (MOBIKE, RFC 4555), which is not computed here"
            }
        }
        return nil
    }

    /// Why routes that a journey follows come and go without any fault; nil where they do not.
    private func unrest(around journey: Journey) -> String? {
        let nodes = Set(journey.all.flatMap(\.nodes))
        return topology.sessions.first { session in
            session.speakers.contains { nodes.contains($0.node) } && topology.holdConflict(of: session) != nil
        }.flatMap(topology.holdConflict)?.reason
    }

    /// What users' own files say that nothing here computes, and that may decide what becomes of a journey; nil for nothing.
    private func unknown(around journey: Journey) -> String? {
        for tunnel in topology.tunnels where journey.all.contains(where: { $0.uses(tunnel.name) }) {
            for end in tunnel.ends where end.ikeVersion == 1 {
                return "\(end.node) speaks IKEv1 for \(tunnel.name), whose timers are not computed here"
            }
            // Through one link and one inside it cannot move anywhere.
            for end in tunnel.ends where end.moves && topology.linkEnds(of: end.node).count > 2 {
                return
                    "\(end.node) may move \(tunnel.name) to another of its addresses (MOBIKE, RFC 4555), which is not computed here"
            }
            for end in tunnel.ends where end.steering == .policy && end.wantedSelectors == nil {
                return "which packets \(end.node) sends into \(tunnel.name) is said in a way that is not read here"
            }
            for end in tunnel.ends {
                guard case .own(let files) = end.configuration, let open = end.own?.open.first else { continue }
                return "\(files.configurationName) of \(end.node) says `\(open)`, which is not computed here"
            }
            for end in tunnel.ends {
                guard let open = topology.ownKeySettings(of: end.node)?.open.first else { continue }
                let file = end.keyDaemon.settingsFile ?? "its settings"
                return "\(end.node)'s own \(file) says `\(open)`, which is not computed here"
            }
        }
        let nodes = Set(journey.all.flatMap(\.nodes))
        for node in topology.nodes where nodes.contains(node.name) && node.routingConfiguration != nil {
            guard let product = topology.routingDaemonProfile(of: node.name)?.product,
                let open = topology.openRouting(of: node.name).first
            else { continue }
            return "\(node.name)'s own configuration of \(product): \(open), which is not computed here"
        }
        return nil
    }

    /// Which of several next hops a flow's packets take, each way.
    struct Pinning: Hashable, Sendable {
        var forth: [Forwarding.Choice] = []
        var back: [Forwarding.Choice] = []
    }

    /// The way there and back of a probe's question and answer.
    struct Journey: Sendable {
        let forth: [Forwarding.Path]
        let back: [Forwarding.Path]
        /// Round trip over its links, of their delays alone.
        let roundTrip: Duration
        /// What the flow's hash is known to choose.
        let pinning: Pinning

        var all: [Forwarding.Path] { forth + back }

        /// Each way there with each way back, where there are several of them and all arrive; else none.
        var pinnings: [Pinning] {
            let count = forth.count * back.count
            guard count > 1, count <= Self.mostPinnings, all.allSatisfy(\.arrives) else { return [] }
            return forth.flatMap { forth in
                back.map { Pinning(forth: forth.choices, back: $0.choices) }
            }
        }

        private static let mostPinnings = 64

        /// Why no answer comes; nil where one does.
        var loss: String? {
            if let lost = forth.first(where: { !$0.arrives }), !forth.contains(where: \.arrives) { return lost.loss }
            if let lost = back.first(where: { !$0.arrives }), !back.contains(where: \.arrives) { return lost.loss }
            return nil
        }

        /// What of a way is up to a daemon; nil for nothing.
        var openEnd: String? { all.lazy.compactMap(\.doubt).first }

        /// Why it cannot be said whether an answer comes; nil where it can.
        var doubt: String? {
            guard loss == nil, let lost = all.first(where: { !$0.arrives }) else { return nil }
            return "routes share traffic by flow, and on one of the ways \(lost.loss)"
        }

        var way: Prediction.Way { Prediction.Way(forth: Self.tunnels(forth), back: Self.tunnels(back)) }
        /// The links and the tunnels' outer links, each way.
        var crossings: [[Forwarding.Crossing]] { all.map(\.crossings) }

        private static func tunnels(_ paths: [Forwarding.Path]) -> [String] {
            var names: [String] = []
            for name in paths.flatMap(\.tunnels) where !names.contains(name) { names.append(name) }
            return names
        }

        func summary(_ beginning: String) -> String {
            let text = { (paths: [Forwarding.Path]) in
                paths.map { $0.nodes.joined(separator: " ") }.joined(separator: " or ")
            }
            let tunnels = { (paths: [Forwarding.Path]) in
                let names = Self.tunnels(paths)
                return names.isEmpty ? "" : " (\(names.joined(separator: ", ")))"
            }
            return "\(beginning): there by \(text(forth))\(tunnels(forth)), back by \(text(back))\(tunnels(back))."
        }
    }

    /// - Parameters:
    ///   - known: The flow's way before, if it had one.
    ///   - pinning: What the flow's hash chooses; nil for what it chose before.
    func journey(
        of probe: Probe, in damage: Damage, known: Journey? = nil, pinned pinning: Pinning? = nil
    ) -> Journey {
        let pinning = pinning ?? known?.pinning ?? Pinning()
        let ports = known.map { $0.all.reduce(into: Set()) { $0.formUnion($1.fabricPorts) } } ?? []
        let source = probe.sourceAddress ?? forwarding.sourceAddress(from: probe.source, to: probe.destination, damage)
        let forth = forwarding.paths(
            from: probe.source, source: source, to: probe.destination, .request(traffic), in: damage, known: ports,
            choices: pinning.forth)
        // What the question went through lets its answer pass.
        let asked = forth.reduce(into: ports) { $0.formUnion($1.fabricPorts) }
        let arrived = forth.filter(\.arrives)
        let back = source.flatMap { source in
            (arrived.first?.nodes.last ?? topology.owner(of: probe.destination)).map { node in
                forwarding.paths(
                    from: node, source: probe.destination, to: source, .reply(traffic), in: damage, known: asked,
                    choices: pinning.back)
            }
        }
        let journeys = [forth, back ?? []]
        let time = journeys.map { paths in
            paths.map(forwarding.delay).max() ?? .zero
        }
        return Journey(forth: forth, back: back ?? [], roundTrip: time.reduce(.zero, +), pinning: pinning)
    }
}
