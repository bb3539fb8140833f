import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes
import PacketFormats

// What becomes of tunnels whose end is behind a gateway that translates ports, when that one forgets its translations.
//
// Linux keeps a port where it can (`nf_nat_l4proto_unique_tuple`, net/netfilter/nf_nat_core.c). It cannot when a packet from outside has
// come to the port in the meantime: that one is for the gateway itself, which remembers it, and the end gets another port.
extension Predictor {
    /// The ends that a gateway has forgotten and a probe's packets need, with the time until their peers reach them again; and why that
    /// is not known, where it is not.
    func reappearances(
        after impact: Impact, for journey: Journey
    ) -> (recoveries: [Recovery], doubt: String?) {
        var recoveries: [Recovery] = []
        for side in impact.damage.unmapped.sorted(by: { ($0.name, $0.node) < ($1.name, $1.node) }) {
            guard let tunnel = topology.tunnel(named: side.name),
                let end = tunnel.ends.first(where: { $0.node == side.node }), let peer = tunnel.peer(of: end)
            else { continue }
            let isUsed = journey.all.contains { $0.uses(tunnel.name) }
            switch reappearance(of: end, peer, tunnel, side, impact, journey) {
            case .success(let recovery): recoveries.append(recovery)
            case .failure(let doubt) where isUsed: return (recoveries, doubt.reason)
            // Sessions may come down by it; the probe's own way does not.
            case .failure(let doubt) where carriesSession(tunnel): return (recoveries, doubt.reason)
            case .failure: recoveries.append(Recovery(side: side, window: Window(.zero, .zero), reason: ""))
            }
        }
        return (recoveries, nil)
    }

    /// Whether a gateway may translate a journey's packets themselves, and not only those of a tunnel.
    func isTranslated(_ journey: Journey, at gateway: String) -> Bool {
        guard let interface = topology.node(named: gateway)?.nat?.interface else { return false }
        return journey.all.contains { path in
            path.exits.contains {
                $0.port == Damage.Port(node: gateway, interface: interface) && $0.tunnel == nil
            }
        }
    }

    private struct Doubt: Error { let reason: String }

    private func carriesSession(_ tunnel: Tunnel) -> Bool {
        topology.sessions.flatMap(\.speakers).contains { speaker in
            tunnel.ends.contains { $0.node == speaker.node && $0.interface == speaker.interface }
        }
    }

    private func reappearance(
        of end: TunnelEnd, _ peer: TunnelEnd, _ tunnel: Tunnel, _ side: Damage.Side, _ impact: Impact,
        _ journey: Journey
    ) -> Result<Recovery, Doubt> {
        let gateways = masquerades(end).map(\.gateway).filter { impact.forgetful.contains($0.name) }
        let names = gateways.map(\.name).joined(separator: " and ")
        let version = versions[peer.daemon, at: topology.node(named: peer.node)]
        if let mover = [end, peer].first(where: \.moves) {
            return .failure(
                Doubt(
                    reason:
                        "\(mover.node) may take a new port for a new way (MOBIKE, RFC 4555), which is not computed here"
                ))
        }
        guard impact.silentKeyDaemons.isDisjoint(with: [end.node, peer.node]),
            underlay(from: end, of: tunnel, isIKE: false, impact.damage).contains(where: \.arrives)
        else {
            return .failure(
                Doubt(
                    reason:
                        "\(names) forgets who has \(tunnel.name) while other things of it are broken, which is not computed here"
                ))
        }
        let portStays = gateways.allSatisfy { keepsPort(of: end, to: peer, at: $0) }
        if !portStays, let reason = peer.keyDaemon.reasonAgainstNewPort(version) {
            return .failure(
                Doubt(
                    reason:
                        "if anything of \(peer.node) comes to \(names) before \(end.node) sends something, \(end.node) gets another port there, and \(reason): who is first, and when that ends, is not computed here"
                ))
        }
        guard let (wait, why) = nextPacket(of: end, tunnel, side, impact, journey, isKeepAliveEnough: portStays) else {
            return .failure(
                Doubt(
                    reason:
                        "\(end.node) is reached through \(tunnel.name) when it next sends something there itself, and when that is is not computed here"
                ))
        }
        if let liveness = IKELiveness(peer, of: tunnel, in: topology, versions: versions),
            wait >= liveness.death.earliest
        {
            return .failure(
                Doubt(
                    reason:
                        "\(peer.node) may give \(end.node) up \(liveness.death.earliest.shortText) after the fault, before \(end.node) sends something, which is not computed here"
                ))
        }
        let trip = (underlay(from: end, of: tunnel, isIKE: false, Damage()).map(forwarding.delay).max() ?? .zero) * 2
        let port =
            portStays
            ? "\(names) gives it the same port again, for no packet from outside takes that away"
            : "\(names) gives it the same port again, or another one where a packet of \(peer.node) has come to that one first, and \(peer.keyDaemon.product) at \(peer.node) then sends to the new one (RFC 7296, section 2.23)"
        return .success(
            Recovery(
                side: side, window: Window(.zero, wait + trip),
                reason:
                    "\(peer.node) reaches \(end.node) through \(tunnel.name) again as soon as that one has sent something: \(port). \(why)"
            ))
    }

    /// How long an end says nothing at most through a tunnel whose peer it does not hear, and why; nil where that is not known.
    private func nextPacket(
        of end: TunnelEnd, _ tunnel: Tunnel, _ side: Damage.Side, _ impact: Impact, _ journey: Journey,
        isKeepAliveEnough: Bool
    ) -> (wait: Duration, reason: String)? {
        let enters = { (paths: [Forwarding.Path]) in paths.contains { $0.entrances.contains(side) } }
        if enters(journey.forth) || enters(journey.back) && !journey.forth.contains(where: { $0.uses(tunnel.name) }) {
            return (.zero, "The probe's own next packet does that.")
        }
        var waits: [(wait: Duration, reason: String)] = []
        for session in topology.sessions {
            guard session.speakers.contains(where: { $0.node == end.node && $0.interface == end.interface }),
                let keepalive = timing(of: session, impact).keepalive[end.node], keepalive > .zero
            else { continue }
            waits.append(
                (keepalive, "BGP's next keepalive of \(end.node) does that, \(keepalive.shortText) later at most."))
        }
        if let liveness = IKELiveness(end, of: tunnel, in: topology, versions: versions) {
            waits.append(
                (
                    liveness.latestQuestion,
                    "\(end.node) hears nothing more from there and asks whether its peer lives, after \(liveness.latestQuestion.shortText) at the latest."
                ))
        }
        if isKeepAliveEnough, end.keyDaemon.keepsAliveUnfailingly,
            let interval = end.keyDaemon.keepAlive(of: end, in: topology)
        {
            waits.append(
                (
                    interval + .seconds(1),
                    "\(end.node) sends a keep-alive when it has sent nothing for \(interval.shortText) (RFC 3948, section 4); it counts whole seconds."
                ))
        }
        return waits.min { $0.wait < $1.wait }
    }

    /// Whether a gateway gives an end its port again whatever comes from outside in the meantime: its filter drops that before it is
    /// remembered, and nobody else behind it speaks to the same peer from the same port.
    private func keepsPort(of end: TunnelEnd, to peer: TunnelEnd, at gateway: Node) -> Bool {
        guard let nat = gateway.nat, let filter = gateway.filters.first(where: { $0.interface == nat.interface }),
            !filter.rules.contains(where: { $0.source.contains(peer.identity) && $0.takesNATTraversal })
        else { return false }
        return !topology.tunnels.contains { tunnel in
            tunnel.ends.contains { other in
                other.node != end.node && tunnel.peer(of: other)?.identity == peer.identity
                    && topology.translations(of: other.localAddress).contains { $0.gateway.name == gateway.name }
            }
        }
    }

    /// Why the ends of a tunnel that a journey uses may not reach each other for a while though nothing is broken: a gateway forgets its
    /// translations before the end behind it speaks again. Nil where that does not happen.
    func forgetfulness(around journey: Journey) -> String? {
        for tunnel in topology.tunnels where journey.all.contains(where: { $0.uses(tunnel.name) }) {
            for end in tunnel.ends {
                for gateway in masquerades(end).map(\.gateway) {
                    let silence = gateway.nat?.timeouts.silence ?? .zero
                    let interval = end.keyDaemon.keepAlive(of: end, in: topology)
                    guard interval.map({ $0 >= silence }) ?? true else { continue }
                    return
                        "\(gateway.name) forgets who has \(tunnel.name) after a silence of \(silence.shortText), and \(end.node) "
                        + (interval.map { "speaks up after \($0.shortText)" } ?? "sends no keep-alives")
                        + ": whether its peer reaches it is up to who has spoken last, which is not computed here"
                }
            }
        }
        return nil
    }

    /// Why recoveries may come after a session's end; nil where they do not.
    func doubtOfHolds(about impact: Impact, _ atOnce: Damage, _ recovered: Damage, until recovery: Duration) -> String?
    {
        for session in topology.sessions {
            for own in session.speakers {
                guard let peer = session.peer(of: own), passes(from: peer, to: own, recovered),
                    !passes(from: peer, to: own, atOnce),
                    let expiry = timing(of: session, impact).expiry(at: own.node, hearing: peer.node),
                    recovery >= expiry.earliest
                else { continue }
                return
                    "the hold timer of \(session.name) may end it at \(own.node) \(expiry.earliest.shortText) after the fault, before packets pass again, which is not computed here"
            }
        }
        return nil
    }
}

extension SecurityRule {
    /// Whether it lets in packets to port 4500 of UDP.
    fileprivate var takesNATTraversal: Bool {
        transport == .any || transport == .udp && (ports.isEmpty || ports.contains(4500))
    }
}
