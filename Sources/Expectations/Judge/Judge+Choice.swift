import LabModel
import LabRecords
import NetworkTypes

// Verdicts on which way is chosen: by a router among routes, and by packets there and back.
extension Judge {
    func best(_ claim: BestClaim) -> Judgement {
        let expected =
            "at \(claim.node) the best route to \(claim.prefix) is \(claim.session)'s"
            + (claim.step.map { ", by \($0.rawValue)" } ?? "")
        let rule = "RFC 4271 section 9.1.2.2, on the attributes that the daemon of \(claim.node) has"
        switch observation.finding(of: .bgpRoutes(node: claim.node)) {
        case .failed(let reason): return .inconclusive(expected, rule, reason)
        case .bgpRoutes(let routes):
            let candidates = routes.filter { $0.prefix == claim.prefix }
            guard let choice = ObservedChoice(of: routes, to: claim.prefix, at: claim.node, in: topology),
                let chosen = choice.best
            else {
                return Judgement(
                    outcome: .fail, expected: expected, rule: rule,
                    seen: candidates.isEmpty
                        ? "no session tells \(claim.node) that prefix"
                        : "none of \(candidates.map(\.session).joined(separator: ", ")) is the best")
            }
            // What the daemon does not say is why: that follows from the attributes, if they lead to what it has chosen.
            let isRight = chosen.session == claim.session && (claim.step.map { $0 == choice.step } ?? true)
            let why =
                choice.step.map { "by \($0.rawValue)" } ?? "and which step decided does not follow from the attributes"
            let list = candidates.map { "\($0.session) has \($0.attributes)" }.joined(separator: "; ")
            return Judgement(
                outcome: isRight ? .pass : .fail, expected: expected, rule: rule,
                seen: "\(chosen.session), \(why): \(list)")
        default: return .inconclusive(expected, rule, "it was not measured")
        }
    }

    func symmetric(_ claim: SymmetryClaim) -> Judgement {
        let expected = "\(claim.probe) there and back by the same way"
        let rule = "the first echo request and its reply, wherever they were seen"
        switch trails(of: claim.probe) {
        case .failure(let missing):
            return Judgement(outcome: .fail, expected: expected, rule: rule, seen: missing.reason)
        case .success(let (there, back, _)):
            let tunnels = Set(topology.tunnels.map(\.name) + topology.plainTunnels.map(\.name))
            let (forth, home) = (there.places.filter(tunnels.contains), back.places.filter(tunnels.contains))
            let isRight =
                forth.isEmpty && home.isEmpty
                ? there.places == back.places.reversed() : forth == home.reversed()
            return Judgement(
                outcome: isRight ? .pass : .fail, expected: expected, rule: rule,
                seen: "\(there.places.way), back by \(back.places.way)",
                notes: isRight ? [] : back.hops.last.map { [Objections.Note($0.packet, "back on another way")] } ?? [])
        }
    }
}
