import LabModel
import NetworkTypes

// An endpoint that is replaced: its traffic goes first, and then the endpoint.
extension Predictor {
    /// The sessions that are shut so that traffic leaves a tunnel before its end at a node is away.
    func sessions(movedBy tunnel: String, at node: String) -> [BGPSession] {
        let end = topology.tunnel(named: tunnel)?.ends.first { $0.node == node }
        return end.map(topology.sessions(through:)) ?? []
    }

    /// What the maintenance of a tunnel's end does to a probe: first what the sessions do that are shut, and when all routes have
    /// changed, what the end does that goes.
    ///
    /// - Parameters:
    ///   - alreadyActive: Faults that began earlier.
    ///   - earlier: What is broken of that when everybody has noticed.
    /// - Returns: Nil where no session is shut, so that all of it happens at once.
    func predict(
        maintenance fault: Fault, with alreadyActive: [Fault], _ earlier: Damage, before: Journey, _ probe: Probe
    ) -> Prediction? {
        guard case .maintenance(let name, let node) = fault else { return nil }
        let sessions = sessions(movedBy: name, at: node)
        guard !sessions.isEmpty else { return nil }
        let shuts = sessions.map { Fault.sessionShut($0.name, node: node) }
        let first = predict(shuts, with: alreadyActive, earlier, before: before, probe, mended: false)
        var answer = Answer(fault: "\(fault)", probe: probe.name, before: before)
        answer.reasons = first.reasons
        switch first.effect {
        case .unpredictable, .byFlow, .degraded: return answer.prediction(first.effect)
        case .none, .outage, .untilHealed: break
        }
        let moved = settled(alreadyActive + shuts)
        let impact = impact(of: alreadyActive + [fault], since: alreadyActive)
        var damage = impact.damage
        damage.withdrawn = moved.withdrawn
        damage.parted = moved.parted
        damage.forgotten.formUnion(moved.forgotten)
        let changes = changes(after: impact, in: damage, since: earlier)
        let moment = Moment(damage: damage, changes: changes)
        let between = journey(of: probe, in: moved, known: before)
        let after = journey(of: probe, in: damage, known: before)
        let settled = journey(of: probe, in: moment.settled, known: before)
        if let doubt = after.openEnd ?? after.doubt ?? settled.openEnd ?? settled.doubt {
            return answer.prediction(.unpredictable(doubt))
        }
        answer.reasons.append(
            "When no route leads into \(name) any more, \(node) deletes its IKE SA, tells the peer to (RFC 7296, section 1.4.1), and is away: what the peer sends to negotiate anew is not answered."
        )
        let isOut = first.effect == .untilHealed
        guard isOut || [after, settled].allSatisfy({ $0.loss == nil && $0.crossings == between.crossings }) else {
            return answer.prediction(
                .unpredictable(
                    "the probe goes through \(name) also when its sessions are shut, so that it is out from another moment on, and for how long is not computed here"
                ))
        }
        if !isOut, between.crossings == before.crossings, first.effect == .none {
            answer.reasons.append("The probe's packets do not go through \(name).")
            return answer.prediction(.none)
        }
        let restoration = restoration(
            after: impact, moment, earlier, probe: probe, before: before, first: !isOut)
        answer.reasons += restoration.reasons
        if let doubt = restoration.doubt { return answer.prediction(.unpredictable(doubt)) }
        return answer.prediction(first.effect, comeback: restoration.window, during: isOut ? nil : after)
    }
}
