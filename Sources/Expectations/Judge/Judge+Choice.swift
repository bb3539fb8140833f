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
            guard let chosen = candidates.first(where: \.isBest) else {
                return Judgement(
                    outcome: .fail, expected: expected, rule: rule,
                    seen: candidates.isEmpty
                        ? "no session tells \(claim.node) that prefix"
                        : "none of \(candidates.map(\.session).joined(separator: ", ")) is the best")
            }
            let learned = candidates.compactMap { self.learned($0, at: claim.node) }
            let choice = RouteChoice(
                among: learned, topology.node(named: claim.node)?.bestPath ?? BestPathOptions())
            // What the daemon does not say is why: that follows from the attributes, if they lead to what it has chosen.
            let step = choice?.best.session == chosen.session && learned.count == candidates.count ? choice?.step : nil
            let isRight = chosen.session == claim.session && (claim.step.map { $0 == step } ?? true)
            let why = step.map { "by \($0.rawValue)" } ?? "and which step decided does not follow from the attributes"
            let list = candidates.map(Self.words).joined(separator: "; ")
            return Judgement(
                outcome: isRight ? .pass : .fail, expected: expected, rule: rule,
                seen: "\(chosen.session), \(why): \(list)")
        default: return .inconclusive(expected, rule, "it was not measured")
        }
    }

    /// A route as the steps of choice compare it.
    private func learned(_ route: ObservedBGPRoute, at node: String) -> LearnedRoute? {
        guard let session = topology.session(named: route.session),
            let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own)
        else { return nil }
        return LearnedRoute(
            prefix: route.prefix, session: route.session, gateway: peer.address, interface: own.interface,
            path: route.path, receiver: own.asn, isExternal: own.asn != peer.asn,
            localPreference: route.localPreference ?? 100, origin: route.origin, med: route.med,
            weight: route.weight ?? 0, communities: route.communities, peer: peer.address, peerID: route.peerID)
    }

    private static func words(_ route: ObservedBGPRoute) -> String {
        let path = route.path.isEmpty ? "empty path" : "path \(route.path.map(\.description).joined(separator: " "))"
        let parts =
            [route.weight.map { "weight \($0)" }, route.localPreference.map { "local preference \($0)" }, path]
            + [
                "origin \(route.origin.rawValue)", route.med.map { "MED \($0)" },
                route.peerID.map { "router id \($0)" },
            ]
            + [
                route.communities.isEmpty
                    ? nil : "communities \(route.communities.map(\.description).joined(separator: " "))"
            ]
        return "\(route.session) has \(parts.compactMap(\.self).joined(separator: ", "))"
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
