import Daemons
import LabModel
import NetworkTypes

/// An end of a tunnel that gets new associations while the fault lasts.
struct Recovery: Sendable {
    let side: Damage.Side
    /// From the fault until packets pass again.
    let window: Window
    let reason: String
}

extension Predictor {
    /// The ends that come back by themselves, as far as a probe's packets, or BGP's, make them.
    func recoveries(from impact: Impact, for journey: Journey) -> [Recovery] {
        impact.recoveries.compactMap { recovery in
            guard let tunnel = topology.tunnel(named: recovery.side.name),
                let end = tunnel.ends.first(where: { $0.node == recovery.side.node }), let peer = tunnel.peer(of: end),
                impact.silentKeyDaemons.isDisjoint(with: tunnel.ends.map(\.node)),
                impact.mismatched[tunnel.name] == nil, negotiates(tunnel, impact.damage)
            else { return nil }
            let trip = underlay(from: end, of: tunnel, isIKE: true, Damage()).first.map(forwarding.delay) ?? .zero
            switch recovery.trigger {
            case .packet where !end.keyDaemon.answersAcquires || rival(of: end, tunnel) != nil: return nil
            // Through an interface a packet is new to the policies; from the node's own sockets a remembered way is not.
            case .packet
            where end.steering == .policy
                && journey.all.contains { $0.nodes.first == end.node && $0.uses(recovery.side.name) }:
                return nil
            case .packet: return onDemand(recovery.side, end, trip * 4, journey, impact)
            case .start where waiter(recovery) != nil || doubtOfValidity(of: tunnel) != nil: return nil
            case .start: return afterStart(recovery.side, end, peer, of: tunnel, trip * 12)
            }
        }
    }

    /// What keeps a loss of associations from being predicted; nil where nothing does.
    func doubt(about impact: Impact, _ recoveries: [Recovery], _ journey: Journey) -> String? {
        let open = impact.recoveries.filter { recovery in !recoveries.contains { $0.side == recovery.side } }
        let waiting = open.lazy.filter { recovery in journey.all.contains { $0.uses(recovery.side.name) } }
            .compactMap { recovery in self.waiter(recovery).map { (tunnel: recovery.side.name, node: $0.node) } }.first
        if let waiting {
            return
                "\(waiting.node) negotiates \(waiting.tunnel) with its next packet, and when that comes is not computed here"
        }
        let ageing = open.lazy.filter { recovery in
            recovery.trigger == .start && journey.all.contains { $0.uses(recovery.side.name) }
        }.compactMap { topology.tunnel(named: $0.side.name).flatMap(doubtOfValidity) }.first
        if let ageing { return ageing }
        return open.first { recovery in
            recovery.trigger == .packet && !hasNoTraffic(recovery.side)
                && journey.all.contains { $0.uses(recovery.side.name) }
        }.map { recovery in
            let end = topology.tunnel(named: recovery.side.name)?.ends.first { $0.node == recovery.side.node }
            if let end, !end.keyDaemon.answersAcquires {
                return
                    "\(end.keyDaemon.product) at \(end.node) makes no new associations of \(recovery.side.name) when its kernel asks for some, for it has no trap; when it does is not computed here"
            }
            if journey.all.contains(where: { $0.nodes.first == recovery.side.node }) {
                return
                    "\(recovery.side.node) itself sends into \(recovery.side.name): its kernel may lose packets with the associations that it remembers for the way before it asks for new ones, which is not computed here"
            }
            return
                "\(recovery.side.node) asks for new associations of \(recovery.side.name) when it has something to send there itself, and the lab file does not say when that is"
        }
    }

    /// Why it cannot be said whether a tunnel's ends take each other's certificates when they authenticate anew; nil where it can. Renewals do
    /// not authenticate (RFC 7296, section 2.8).
    func doubtOfValidity(of tunnel: Tunnel) -> String? {
        guard let end = tunnel.ends.first(where: { $0.certificate?.lifetime != nil }),
            let lifetime = end.certificate?.lifetime
        else { return nil }
        return
            "\(tunnel.name) has to authenticate anew, and the certificate of \(end.node) is valid for \(lifetime.shortText) from the lab's beginning (`valid`): whether that is over by then is not computed here"
    }

    /// The end that negotiates with its next packet alone when a daemon has started anew; nil where one does so by itself, or none does.
    private func waiter(_ recovery: Impact.Recovery) -> TunnelEnd? {
        guard recovery.trigger == .start, let tunnel = topology.tunnel(named: recovery.side.name),
            let end = tunnel.ends.first(where: { $0.node == recovery.side.node }), let peer = tunnel.peer(of: end)
        else { return nil }
        if end.begins { return end.waitsForTraffic ? end : nil }
        return answersDelete(peer, of: tunnel) && peer.own?.waitsAfterDelete ?? false ? peer : nil
    }

    /// Why it cannot be said which tunnel gets new associations for the packets of a journey; nil where it can.
    func doubtOfRivals(about impact: Impact, _ journey: Journey) -> String? {
        for recovery in impact.recoveries where recovery.trigger == .packet && !hasNoTraffic(recovery.side) {
            guard let tunnel = topology.tunnel(named: recovery.side.name),
                journey.all.contains(where: { $0.uses(tunnel.name) }),
                let end = tunnel.ends.first(where: { $0.node == recovery.side.node }), end.keyDaemon.answersAcquires,
                let rival = rival(of: end, tunnel)
            else { continue }
            return
                "\(end.keyDaemon.product) at \(end.node) has \(rival) for the same packets as \(tunnel.name), and for which of them it negotiates when its kernel asks is not computed here"
        }
        return nil
    }

    /// Another tunnel of a node's whose selectors take in packets of an end's: a daemon that is asked for associations by its kernel goes
    /// by the packet, and not by the interface that it was for.
    private func rival(of end: TunnelEnd, _ tunnel: Tunnel) -> String? {
        topology.tunnelEnds(of: end.node).first { other, rival in
            other.name != tunnel.name && !other.isUnused
                && rival.selectors.contains { theirs in
                    end.selectors.contains { $0.local.overlaps(theirs.local) && $0.remote.overlaps(theirs.remote) }
                }
        }?.tunnel.name
    }

    /// Whether an end without associations sends nothing into its tunnel: its routes have gone with them, and it speaks no
    /// BGP there.
    private func hasNoTraffic(_ side: Damage.Side) -> Bool {
        guard let end = topology.tunnel(named: side.name)?.ends.first(where: { $0.node == side.node }) else {
            return false
        }
        return end.withdrawal == .whenDown
            && !topology.sessions.flatMap(\.speakers).contains {
                $0.node == end.node && $0.interface == end.interface
            }
    }

    /// A kernel with a policy and no associations asks its daemon for some when there is a packet to send (XFRM acquire);
    /// one exchange makes them (RFC 7296, section 1.3.1).
    private func onDemand(
        _ side: Damage.Side, _ end: TunnelEnd, _ exchange: Duration, _ journey: Journey, _ impact: Impact
    ) -> Recovery? {
        let leaves = { (paths: [Forwarding.Path]) in paths.contains { $0.entrances.contains(side) } }
        let crosses = journey.forth.contains { $0.uses(side.name) }
        let beginning =
            "\(end.node) negotiates new associations of \(side.name) when it has a packet to send (XFRM acquire), in one exchange of \(exchange.shortText) at most"
        if end.withdrawal == .never, leaves(journey.forth) || leaves(journey.back) && !crosses {
            return Recovery(
                side: side, window: Window(.zero, exchange),
                reason: beginning + ": the probe's next packet asks for them, and is lost itself.")
        }
        let keepalive = topology.sessions.compactMap { session in
            session.speakers.contains { $0.node == end.node && $0.interface == end.interface }
                ? timing(of: session, impact).keepalive[end.node] : nil
        }.filter { $0 > .zero }.min()
        guard let keepalive else { return nil }
        return Recovery(
            side: side, window: Window(.zero, keepalive + exchange),
            reason: beginning
                + ": the probe's packets come in from the other end, so it may take until BGP's next keepalive, \(keepalive.shortText) at most."
        )
    }

    private func afterStart(
        _ side: Damage.Side, _ end: TunnelEnd, _ peer: TunnelEnd, of tunnel: Tunnel, _ exchanges: Duration
    ) -> Recovery? {
        if end.begins {
            return Recovery(
                side: side, window: Window(.zero, exchanges),
                reason:
                    "\(end.node) negotiates \(side.name) as soon as it runs again (`\(end.keyDaemon.startSetting)`)."
            )
        }
        guard answersDelete(peer, of: tunnel) else { return nil }
        let interval = IKERetransmission(peer, of: tunnel, in: topology, versions: versions).interval
        return Recovery(
            side: side, window: Window(.zero, interval + exchanges),
            reason:
                "\(peer.node) negotiates \(side.name) at once when it is told of the end, and again after \(interval.shortText) (`retransmit-interval`), as \(end.node) may not be back yet."
        )
    }
}
