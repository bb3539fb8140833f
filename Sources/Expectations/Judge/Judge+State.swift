import Daemons
import LabModel
import LabRecords
import NetworkTypes
import RoutingDaemons

// Verdicts from what kernels and daemons have: routes, BGP, security associations.
extension Judge {
    func routes(_ claim: RoutesClaim) -> Judgement {
        let expected = claim.routes.map {
            "\($0.prefix) by \($0.targets.map(\.description).joined(separator: " and "))"
        }
        let rule = "route table of \(claim.node)"
        guard case .routes(let routes)? = observation.finding(of: .routes(node: claim.node)) else {
            return .inconclusive(expected.joined(separator: ", "), rule, "it was not measured")
        }
        let faults = claim.routes.compactMap { wanted -> String? in
            let found = routes.filter { $0.prefix == wanted.prefix }
            let isRight = wanted.targets.allSatisfy { target in
                switch target {
                case .absent: found.isEmpty
                case .gateway(let address): found.contains { $0.gateways.contains(address) }
                case .interface(let name): found.contains { $0.interfaces.contains(name) }
                }
            }
            if isRight { return nil }
            return found.isEmpty ? "no route to \(wanted.prefix)" : found.map(\.text).joined(separator: ", ")
        }
        return Judgement(
            outcome: faults.isEmpty ? .pass : .fail, expected: expected.joined(separator: ", "), rule: rule,
            seen: faults.isEmpty ? "all of them" : faults.joined(separator: "; "))
    }

    func ospf(_ claim: OSPFClaim) -> Judgement {
        let links = topology.ospfAdjacencies(at: claim.place)
        let expected =
            "\(claim.place): the routers at both ends of \(links.count == 1 ? links[0].link : "all \(links.count) links") \(claim.isAdjacent ? "are" : "are not") fully adjacent"
        let rule =
            "RFC 2328 section 10.1: in state Full both share one link state database, and each names the other in its router-LSA"
        guard case .condition(let holds, let seen)? = observation.finding(of: .condition(claim.condition)) else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        return Judgement(
            outcome: holds ? .pass : .fail, expected: expected, rule: rule, seen: seen)
    }

    func bfd(_ claim: BFDClaim) -> Judgement {
        let session = topology.session(named: claim.session)
        let times = (session?.speakers ?? []).map { speaker in
            (
                node: speaker.node,
                time: claim.detection ?? session.flatMap { topology.bfdDetection(of: $0, at: speaker)?.time }
            )
        }
        let words = times.map { "\($0.node) after \($0.time?.shortText ?? "a time that is not known")" }
        let expected =
            claim.isUp
            ? "BFD beside \(claim.session) up, a silent peer given up by \(words.joined(separator: " and by "))"
            : "BFD beside \(claim.session) not up at both speakers"
        let rule =
            "RFC 5880 section 6.8.4: the larger of what one is ready to receive and the other wants to send, times the other's multiplier"
        guard case .session(let seen)? = observation.finding(of: .session(claim.session)), seen.count == times.count
        else { return .inconclusive(expected, rule, "it was not measured") }
        let told = seen.map { speaker in
            "\(speaker.node) \(speaker.bfd?.rawValue ?? "without BFD")"
                + (speaker.bfdDetection.map { " after \($0.shortText)" } ?? "")
        }.joined(separator: "; ")
        let isUp = seen.allSatisfy { $0.bfd == .up }
        let isInTime = seen.allSatisfy { speaker in
            times.contains { $0.node == speaker.node && $0.time != nil && $0.time == speaker.bfdDetection }
        }
        return Judgement(
            outcome: isUp == claim.isUp && (!claim.isUp || isInTime) ? .pass : .fail, expected: expected, rule: rule,
            seen: told)
    }

    /// A session that one side alone has configured: it tries, and does not come up.
    private func connecting(_ session: OneSidedSession) -> Judgement {
        let expected = "\(session.name) connecting: \(session.reason)"
        let rule = "only \(session.node) has configured it (RFC 4271 section 8: both sides have to)"
        let measurement = Measurement.connecting(session.name)
        guard case .session(let seen)? = observation.finding(of: measurement) else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        guard let speaker = seen.first(where: { $0.node == session.node }) else {
            return Judgement(outcome: .fail, expected: expected, rule: rule, seen: "\(session.node) does not tell")
        }
        let tries = speaker.state.isTrying
        let attempts = packets(during: measurement).filter { packet in
            guard let ip = packet.inner else { return false }
            switch ip.transport {
            case .tcp(let source, let destination, _, _):
                // A neighbour of another session may have the peer's address, and a peer's may be its own.
                let isOwn = { (address: IPAddress) in session.address.map { $0 == address } ?? true }
                return ip.destination == session.peer && destination == 179 && isOwn(ip.source)
                    || ip.source == session.peer && source == 179 && isOwn(ip.destination)
            // "Unreachable", from whoever is on the way.
            case .otherICMP: return ip.destination == session.address
            default: return false
            }
        }
        let error = speaker.lastError.map { ", \($0)" } ?? ""
        let packets =
            attempts.isEmpty ? "no packet to or from \(session.peer) on any link" : "\(attempts.count) packets"
        return Judgement(
            outcome: tries ? .pass : .fail, expected: expected, rule: rule,
            seen: "\(session.node) \(speaker.state)\(error); \(packets)",
            notes: attempts.prefix(4).map {
                Objections.Note($0, $0.inner?.destination == session.peer ? "tries" : "the answer")
            })
    }

    /// A session whose timers do not let it stay up.
    private func flapping(_ conflict: HoldConflict, _ claim: BGPClaim) -> Judgement {
        let time = CheckPlan.flapping
        let range = conflict.ends(in: time)
        let expected =
            "\(claim.session) goes down \(range.lowerBound) to \(range.upperBound) times in \(time.shortText)"
        let rule = "RFC 4271 section 6.5: \(conflict.reason)"
        guard case .flaps(let counts)? = observation.finding(of: plan.session(claim)) else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        let nodes = [conflict.listener, conflict.speaker]
        let isRight = nodes.allSatisfy { counts[$0].map(range.contains) ?? false }
        return Judgement(
            outcome: isRight ? .pass : .fail, expected: expected, rule: rule,
            seen: nodes.map { "\($0) saw it end \(counts[$0].map { "\($0)" } ?? "an unknown number of") times" }
                .joined(separator: ", "))
    }

    func bgp(_ claim: BGPClaim) -> Judgement {
        if let session = topology.oneSidedSession(named: claim.session) { return connecting(session) }
        let session = topology.session(named: claim.session)
        if claim.isFlapping, let conflict = session.flatMap(topology.holdConflict) { return flapping(conflict, claim) }
        let speakers = session?.speakers ?? []
        let hold = claim.hold ?? speakers.map(\.hold).min() ?? .zero
        let rule =
            "RFC 4271 section 4.2: the smaller of the hold times that both propose (\(speakers.map(\.hold.shortText).joined(separator: " and ")))"
        let expected =
            claim.isEstablished
            ? "\(claim.session) established with hold time \(hold.shortText), each speaker with the other's prefixes"
            : "\(claim.session) down"
        guard case .session(let seen)? = observation.finding(of: .session(claim.session)) else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        var faults = speakers.map(\.node).filter { node in !seen.contains { $0.node == node } }.map {
            "\($0) does not tell"
        }
        for speaker in seen {
            let isEstablished = speaker.state == .established
            guard isEstablished == claim.isEstablished, isEstablished else {
                if isEstablished != claim.isEstablished {
                    faults.append("\(speaker.node) is in state \(speaker.state)")
                }
                continue
            }
            // RFC 4271, section 4.4: a third of the hold time at most.
            let keepalive = speaker.keepalive ?? .zero
            if keepalive <= .zero || keepalive > (speaker.hold ?? hold) / 3 {
                faults.append(
                    "\(speaker.node) sends keepalives \(keepalive > .zero ? "every \(keepalive.shortText)" : "never")")
            }
            if speaker.hold != hold {
                faults.append("\(speaker.node) has hold time \(speaker.hold?.shortText ?? "none")")
            }
            let peer = speakers.first { $0.node != speaker.node }
            let other = peer.map { told(by: $0, to: speaker.node, in: session) } ?? []
            // What a peer passes on depends on what it has been told, by BGP or OSPF.
            let passes = peer.map { $0.passesOn || topology.ospfEdge(at: $0.node)?.tellsPeers == true } ?? false
            let passedOn = passes ? topology.originatedPrefixes : []
            let missing = other.filter { !speaker.learned.contains($0) }
            let more = speaker.learned.filter { !other.contains($0) && !passedOn.contains($0) }
            if !missing.isEmpty {
                faults.append("\(speaker.node) lacks \(missing.map(\.description).joined(separator: ", "))")
            }
            if !more.isEmpty {
                faults.append("\(speaker.node) has learned \(more.map(\.description).joined(separator: ", ")) besides")
            }
        }
        let words = seen.map { speaker in
            "\(speaker.node) \(speaker.state)"
                + (speaker.hold.map { " \(speaker.keepalive?.shortText ?? "")/\($0.shortText)" } ?? "")
                + (speaker.learned.isEmpty ? "" : " has \(speaker.learned.map(\.description).joined(separator: ", "))")
        }
        return Judgement(
            outcome: faults.isEmpty ? .pass : .fail, expected: expected, rule: rule,
            seen: faults.isEmpty ? words.joined(separator: "; ") : faults.joined(separator: "; "))
    }

    /// What a peer advertises itself and a speaker takes, by their policies.
    private func told(by peer: BGPSpeaker, to node: String, in session: BGPSession?) -> [IPPrefix] {
        guard let session, session.speakers.contains(where: { !$0.policy.isEmpty }) else { return peer.advertised }
        let taken = RoutePropagation(in: topology) { _, _ in true }.prefixes(toldBy: session.name, to: node)
        return peer.advertised.filter(taken.contains)
    }

    func securityAssociation(_ claim: SAClaim) -> Judgement {
        let tunnel = topology.tunnel(named: claim.tunnel)
        let form = claim.isUDPEncapsulated ? "in UDP 4500" : "as protocol 50"
        let lifetimes = tunnel?.lifetimes
        let mode = tunnel?.mode ?? .tunnel
        let ike = tunnel?.ikeAlgorithms
        let expected =
            "\(claim.tunnel): " + (ike.map { "IKE with \($0); " } ?? "") + "ESP in \(mode.rawValue) mode \(form)"
            + (claim.algorithms.map { " with \($0)" } ?? "")
            + (lifetimes.map { ", renewed within \($0.ike.shortText) (IKE) and \($0.esp.shortText) (ESP)" } ?? "")
        let rule = "the tunnel's configuration at both ends"
        guard case .tunnel(let ends)? = observation.finding(of: .tunnel(claim.tunnel)) else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        let silent = (tunnel?.ends ?? []).map(\.node).filter { node in !ends.contains { $0.node == node } }
        var faults = silent.map { "\($0) does not tell" }
        var words: [String] = []
        for end in ends {
            if end.ike == nil {
                faults.append("\(end.node) has no IKE SA")
            } else if let ike, end.ike != ike.suite {
                faults.append("\(end.node) has an IKE SA with \(end.ike ?? "") instead of \(ike.suite)")
            }
            for isOutbound in [true, false] where !end.associations.contains(where: { $0.isOutbound == isOutbound }) {
                faults.append("\(end.node) has no security association \(isOutbound ? "outbound" : "inbound")")
            }
            if let missing = end.missing { faults.append("\(end.node) has no security association for \(missing)") }
            for one in end.associations {
                faults += self.faults(of: one, mode, claim)
                let wanted = tunnel?.ends.first { $0.node == end.node }?.options.hasExtendedSequence
                if let wanted, one.association.hasExtendedSequence != wanted {
                    faults.append(
                        "\(one.node), SPI \(one.association.spi.hexadecimal): sequence numbers of \(wanted ? 32 : 64) bits"
                    )
                }
            }
            // A renewal has two for a while, and two where both ends begin at once; each of several pairs of selectors has its own.
            let pairs = tunnel.flatMap { tunnel in
                tunnel.ends.first { $0.node == end.node }.map { tunnel.carried(at: $0).count }
            }
            for isOutbound in [true, false] {
                let count = end.associations.count { $0.isOutbound == isOutbound }
                guard count > Self.mostAssociations * max(1, pairs ?? 1) else { continue }
                faults.append(
                    "\(end.node) has \(count) security associations \(isOutbound ? "outbound" : "inbound"), where a renewal has two"
                )
            }
            // Either end keeps to its own (RFC 7296, section 2.8).
            if let own = tunnel?.ends.first(where: { $0.node == end.node }) {
                for (name, rest, most) in [
                    ("IKE", end.ikeReplacedIn, own.ikeLifetime), ("ESP", end.childReplacedIn, own.espLifetime),
                ] {
                    guard let rest, let most, rest > most else { continue }
                    faults.append("\(end.node) keeps its \(name) SA for another \(rest.shortText)")
                }
            }
            words.append("\(end.node) \(end.associations.count) SAs, IKE \(end.ike ?? "none")")
        }
        return Judgement(
            outcome: faults.isEmpty ? .pass : .fail, expected: expected, rule: rule,
            seen: faults.isEmpty ? words.joined(separator: "; ") : faults.joined(separator: "; "))
    }

    private static let mostAssociations = 4

    private func faults(of one: TunnelAssociation, _ mode: Tunnel.Mode, _ claim: SAClaim) -> [String] {
        let esp = one.association
        let place = "\(one.node), SPI \(esp.spi.hexadecimal)"
        var faults: [String] = []
        if esp.mode.rawValue != mode.rawValue { faults.append("\(place): \(esp.mode.rawValue) mode") }
        if (esp.encapsulation != nil) != claim.isUDPEncapsulated {
            faults.append("\(place): ESP \(esp.encapsulation == nil ? "as protocol 50" : "in UDP")")
        }
        if let wanted = claim.algorithms {
            let right = wanted.kernelNames
            let names = esp.algorithmNames
            if names != right {
                faults.append("\(place): \(names.joined(separator: ", ")) instead of \(right.joined(separator: ", "))")
            }
        }
        return faults
    }
}
