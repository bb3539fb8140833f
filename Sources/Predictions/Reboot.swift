import LabModel
import NetworkTypes
import RoutingDaemons

// A node that shuts down, is away for its boot time, and starts again.
extension Predictor {
    /// What a node's reboot does to a probe.
    ///
    /// - Parameters:
    ///   - others: What begins with it, or began before.
    ///   - earlier: What is broken of that when everybody has noticed.
    func predict(
        reboot node: String, beside others: [Fault], _ earlier: Damage, _ probe: Probe, _ soFar: Answer, before: Journey
    ) -> Prediction {
        var answer = soFar
        var impact = impact(of: [.nodeRebooted(node)])
        answer.reasons += impact.notes
        impact.damage = earlier.joined(by: impact.damage)
        if let other = others.first(where: { !$0.leavesDaemonsAlone }) {
            return answer.prediction(
                .unpredictable(
                    "\(node) is rebooted beside \"\(other)\", and what both do together is not computed here"))
        }
        if topology.restartsGracefully(node) {
            return answer.prediction(
                .unpredictable(
                    "\(node) has graceful restart, and whether its peers wait for it when it shuts down is not computed here"
                ))
        }
        if let doubt = doubtOfOSPF(about: impact, [.nodeRebooted(node)], around: before) {
            return answer.prediction(.unpredictable(doubt))
        }
        let atOnce = journey(of: probe, in: impact.damage, known: before)
        let moment = Moment(damage: impact.damage, changes: changes(after: impact, in: impact.damage, since: earlier))
        let after = journey(of: probe, in: moment.settled, known: before)
        if let doubt = before.openEnd ?? atOnce.openEnd ?? after.openEnd ?? atOnce.doubt ?? after.doubt {
            return answer.prediction(.unpredictable(doubt))
        }
        let starts = startingUp(node, earlier).map { journey(of: probe, in: $0, known: before) }
        guard let loss = atOnce.loss else {
            guard ([after] + starts).allSatisfy({ $0.loss == nil && $0.crossings == before.crossings }) else {
                return answer.prediction(
                    .unpredictable(
                        "\(node) does not carry the probe, and routes that the probe follows change while it is away, which is not computed here"
                    ))
            }
            answer.reasons.append("None of that keeps the probe's packets, or the routes they follow.")
            return answer.prediction(.none)
        }
        if topology.node(named: node)?.nat?.masqueraded.isEmpty == false {
            return answer.prediction(
                .unpredictable(
                    "\(node) translates ports and forgets its connections, and who sends first after that, and from which port, is not computed here"
                ))
        }
        let away = bootTime(of: node)
        guard after.loss == nil else {
            return untilItIsBack(node, loss, answer, after: impact, moment, earlier, probe: probe, before: before)
        }
        let needed = moment.needed { self.journey(of: probe, in: $0, known: before).loss == nil }
        let latest = needed.map(\.window.latest).max() ?? .zero
        guard latest < away else {
            return answer.prediction(
                .unpredictable(
                    "others may notice only after \(latest.shortText) that \(node) is away, when it is back already, which is not computed here"
                ))
        }
        guard starts.allSatisfy({ $0.loss == nil }) else {
            return answer.prediction(
                .unpredictable(
                    "while \(node) starts, routes may lead through it before it carries anything, which is not computed here"
                ))
        }
        return answer.outage(loss, ending: needed, after, Restoration(window: nil))
    }

    /// No other way is left, so that it takes the boot time, and what comes after that.
    private func untilItIsBack(
        _ node: String, _ loss: String, _ soFar: Answer, after impact: Impact, _ moment: Moment, _ earlier: Damage,
        probe: Probe, before: Journey
    ) -> Prediction {
        var answer = soFar
        let away = bootTime(of: node)
        let restoration = restoration(after: impact, moment, earlier, probe: probe, before: before, first: false)
        answer.reasons += ["At once: \(loss).", "No other route is left."] + restoration.reasons
        if let doubt = restoration.doubt { return answer.prediction(.unpredictable(doubt)) }
        guard let window = restoration.window else { return answer.prediction(.untilHealed) }
        let isLater = window.earliest >= Self.retry
        let outage = Window(
            isLater ? away + window.earliest - Self.shutdown : away - Self.resolution, away + window.latest)
        answer.reasons.append(
            isLater
                ? "The reboot begins with up to \(Self.shutdown.shortText) in which daemons end, takes \(away.shortText) until the links are up again, and then what was said: \(outage.text) in all."
                : "The links are up again after \(away.shortText), and packets of the last \(Self.resolution.shortText) before may have waited for the address of \(node) (asked for three times, a second apart: `mcast_solicit`, arp(7)): \(outage.text) in all."
        )
        return answer.prediction(.outage(outage))
    }

    /// How long daemons take at most to end when they are told to: what they still have to say they send at once.
    private static let shutdown = Duration.milliseconds(100)
    /// How long a packet waits for its next hop's address, and the time between two questions for that (`retrans_time_ms`).
    private static let resolution = Duration.seconds(3)
    private static let retry = Duration.seconds(1)

    /// What may be the case while a node starts, from its links on: its tunnels are negotiated or not, its sessions up or not, its boot script
    /// done or not.
    private func startingUp(_ node: String, _ earlier: Damage) -> [Damage] {
        let tunnels = topology.tunnelEnds(of: node).map(\.tunnel).flatMap { tunnel in
            tunnel.ends.map { Damage.Side(name: tunnel.name, node: $0.node) }
        }
        let sessions = topology.sessions.filter { $0.speakers.contains { $0.node == node } }.flatMap { session in
            session.speakers.map { Damage.Side(name: session.name, node: $0.node) }
        }
        return (0..<8).map { choice in
            var damage = earlier
            if choice & 1 != 0 { damage.forgotten.formUnion(tunnels) }
            if choice & 2 != 0 { damage.withdrawn.formUnion(sessions) }
            if choice & 4 != 0 { damage.unbooted.insert(node) }
            return damage
        }
    }
}

extension Damage {
    /// Both, where the other is a node that is down.
    fileprivate func joined(by other: Damage) -> Damage {
        var both = self
        both.downNodes.formUnion(other.downNodes)
        both.forgotten.formUnion(other.forgotten)
        return both
    }
}

extension Fault {
    /// Whether it only takes ways from packets, for as long as it lasts, so that who has found another is as well as ever.
    fileprivate var leavesDaemonsAlone: Bool {
        switch self {
        case .linkDown, .vlanDown, .blackHole, .sessionShut: true
        default: false
        }
    }
}
