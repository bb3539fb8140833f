import Daemons
import LabModel
import NetworkTypes

/// How a probe's way comes back when faults are mended that lasted long enough for everybody to notice them.
struct Restoration: Sendable {
    /// Nil where nobody brings it back.
    var window: Window?
    var reasons: [String] = []
    /// Why it is not known when; nil where it is.
    var doubt: String?
}

extension Predictor {
    /// - Parameter first: Whether it must be the way that the probe took before, or any that brings answers.
    func restoration(
        after impact: Impact, _ moment: Moment, _ earlier: Damage, probe: Probe, before: Journey, first: Bool
    ) -> Restoration {
        let done = { (restoration: Restoration) in
            self.finished(self.booted(restoration, impact, earlier, probe: probe, before: before, first: first), before)
        }
        var mended = earlier
        for change in moment.changes where change.subject != .tunnel { mended.suffer(change) }
        // A speaker that begins anew has to be told everything again.
        for session in topology.sessions {
            for speaker in session.speakers where impact.killedSpeakers.contains(speaker.node) {
                mended.withdrawn.insert(Damage.Side(name: session.name, node: speaker.node))
            }
        }
        let lost = topology.tunnels.flatMap { tunnel in
            tunnel.ends.filter { isLost($0, of: tunnel, impact, moment) }.map {
                Damage.Side(name: tunnel.name, node: $0.node)
            }
        }
        let negotiated = mended
        mended.forgotten.formUnion(lost)
        let routesReturn = "What the fault took away is there again at once, and so are routes that no protocol brings."
        if !first, journey(of: probe, in: mended, known: before).loss == nil {
            return done(Restoration(window: Window(.zero, .zero), reasons: [routesReturn]))
        }
        var restoration = Restoration(window: Window(.zero, .zero))
        let withTunnels = journey(of: probe, in: negotiated, known: before)
        if !first, withTunnels.loss == nil {
            let needed = topology.tunnels.filter { tunnel in
                withTunnels.all.contains { $0.uses(tunnel.name) }
            }
            // Where routes follow their tunnels, the first that is back carries what several share.
            let alone = needed.filter { tunnel in
                var others = negotiated
                others.forgotten.formUnion(lost.filter { $0.name != tunnel.name })
                return journey(of: probe, in: others, known: before).loss == nil
            }
            let ways = (alone.isEmpty ? [needed] : alone.map { [$0] }).map { tunnels in
                var way = restoration
                for tunnel in tunnels { negotiate(tunnel, lost, impact, &way) }
                return way
            }
            restoration =
                ways.filter { $0.window != nil }.min { left, right in
                    (left.window?.latest ?? .zero) < (right.window?.latest ?? .zero)
                } ?? ways[0]
            return done(restoration)
        }
        let sessions = topology.sessions.filter { session in
            moment.changes.contains { $0.subject == .session && $0.side.name == session.name }
                || impact.endings.contains { $0.key.name == session.name }
        }
        let carriers = topology.tunnels.filter { tunnel in
            before.all.contains { $0.uses(tunnel.name) }
                || sessions.contains { session in
                    session.speakers.contains { speaker in
                        tunnel.ends.contains { $0.node == speaker.node && $0.interface == speaker.interface }
                    }
                }
        }
        for tunnel in carriers { negotiate(tunnel, lost, impact, &restoration) }
        if let window = restoration.window, !sessions.isEmpty {
            let habits = Set(
                sessions.flatMap { session in
                    session.speakers.map { topology.routingHabits(of: session, at: $0.node) }
                })
            restoration.window = window + habits.comeback + Window(.zero, recovery(after: impact, sessions))
            for habit in habits.sorted(by: { ($0.product, $0.connectionReason) < ($1.product, $1.connectionReason) }) {
                restoration.reasons += [
                    "BGP, when it is mended: one of the speakers' next attempts to connect is \(habit.connection.text) away (\(habit.connectionReason)).",
                    "The routes follow when \(habit.product)'s loop has turned once more: \(habit.turn.text).",
                ]
            }
        }
        adjoin(moment.changes.filter { $0.subject == .adjacency }.map(\.side.name), &restoration)
        return done(restoration)
    }

    /// The same with the boot scripts of nodes that were down, as far as the probe's way needs what these give.
    private func booted(
        _ restoration: Restoration, _ impact: Impact, _ earlier: Damage, probe: Probe, before: Journey, first: Bool
    ) -> Restoration {
        var restoration = restoration
        for name in impact.damage.downNodes.sorted() {
            guard let node = topology.node(named: name), let script = node.boot, let window = restoration.window else {
                continue
            }
            var unbooted = earlier
            unbooted.unbooted.insert(name)
            let without = journey(of: probe, in: unbooted, known: before)
            guard without.loss != nil || first && without.crossings != before.crossings else { continue }
            func give(up doubt: String) {
                restoration.window = nil
                restoration.doubt = doubt
                restoration.reasons.append("When it comes back is not computed: \(doubt).")
            }
            guard let takes = script.takes else {
                give(
                    up:
                        "how long the boot script \(script.name) of \(name) takes is not known: the lab file says it with `boot-takes:`"
                )
                continue
            }
            let late = topology.tunnelEnds(of: name).map(\.end).filter {
                $0.addressing == .boot && $0.interfaceIsMadeByDaemon
            }.compactMap(\.interface)
            if let interface = late.first, window.latest > takes.earliest {
                give(
                    up:
                        "the boot script \(script.name) of \(name) may come before there is \(interface), which takes up to \(window.latest.shortText)"
                )
                continue
            }
            let given = Window(takes.earliest, takes.latest + Self.daemonsStart)
            restoration.window = Window(max(window.earliest, given.earliest), max(window.latest, given.latest))
            restoration.reasons.append(
                "\(name) runs \(script.name) when its daemons answer, within \(Self.daemonsStart.shortText), and that takes \(takes.text) (`boot-takes`): what it gives is there after \(given.text)."
            )
        }
        return restoration
    }

    /// How long daemons take at most until they answer: what they compute takes no time.
    private static let daemonsStart = Duration.seconds(1)

    private func finished(_ restoration: Restoration, _ before: Journey) -> Restoration {
        var restoration = restoration
        guard let window = restoration.window else { return restoration }
        let trips = before.roundTrip * 6
        // An address that could not be resolved is asked for once a second (`retrans_time_ms`).
        restoration.window = Window(window.earliest, window.latest + trips + .seconds(1))
        restoration.reasons.append(
            "Handshakes and the first answer take up to six round trips (\(trips.shortText)), and a neighbour's address that was not answered is asked for again within 1s: in all \(restoration.window?.text ?? "") after the mending."
        )
        return restoration
    }

    /// How a tunnel comes back that an end has lost.
    private func negotiate(
        _ tunnel: Tunnel, _ lost: [Damage.Side], _ impact: Impact, _ restoration: inout Restoration
    ) {
        guard lost.contains(where: { $0.name == tunnel.name }) else { return }
        if let doubt = doubtOfValidity(of: tunnel) {
            restoration.window = nil
            restoration.doubt = doubt
            restoration.reasons.append("When it comes back is not computed: \(doubt).")
            return
        }
        var givingUp: [String] = []
        var unaware: [String] = []
        let waits = tunnel.ends.compactMap { end -> (node: String, wait: Duration, pause: String?)? in
            let side = Damage.Side(name: tunnel.name, node: end.node)
            let retransmission = IKERetransmission(end, of: tunnel, in: topology, versions: versions)
            let version = versions[end.daemon, at: topology.node(named: end.node)]
            // Who mends a mismatch negotiates at once; so does a daemon that starts anew. What a peer that is not ready
            // yet has not answered is asked again.
            if impact.mismatched[tunnel.name] == end.node { return (end.node, retransmission.interval, nil) }
            let starts = impact.silentKeyDaemons.contains(end.node) || impact.away[tunnel.name] == end.node
            let isSilent = lost.contains(side) && !impact.damage.forgotten.contains(side)
            // What it asks of an endpoint that is away is not answered either.
            let asksInVain = isSilent || impact.away[tunnel.name] != nil
            guard starts ? end.begins : tunnel.beginsAnew(end, isLost: isSilent, version: version) else { return nil }
            if !starts, !lost.contains(side), !tunnel.looksForSilence(end) {
                unaware.append(end.node)
                return nil
            }
            // One that waits for traffic has none to send as long as its peer sends by associations that nobody has any more.
            if starts, end.waitsForTraffic, let peer = tunnel.peer(of: end),
                !lost.contains(Damage.Side(name: tunnel.name, node: peer.node)), !tunnel.looksForSilence(peer)
            {
                unaware.append(peer.node)
                return nil
            }
            if !starts, asksInVain, let attempts = end.own?.attempts {
                givingUp.append(
                    "\(end.node) asks for \(tunnel.name) \(attempts == 1 ? "once" : "\(attempts) times") more when it has given its peer up, each \(retransmission.patience.shortText) long, and then no more: mended after that, \(tunnel.name) stays down."
                )
                return nil
            }
            let pause = !starts && asksInVain ? topology.pauseBetweenAttempts(of: end, version: version) : .zero
            let wait = starts ? retransmission.interval : retransmission.longestWait
            let why =
                "\(end.node) begins \(tunnel.name) with a packet: when it has asked for \(retransmission.patience.shortText) in vain, its kernel does not ask it again for \(pause.shortText) (`xfrm_acq_expires`), so it may take \((wait + pause).shortText)."
            return (end.node, wait + pause, pause > .zero ? why : nil)
        }
        // A gateway that translates ports forgets, in a long silence, who stands behind it: whoever is outside of it may not get through.
        let reaching = waits.filter { wait in
            tunnel.ends.first { $0.node == wait.node }.map { !hasTranslatedPeer($0, of: tunnel) } ?? true
        }
        guard let shortest = (reaching.isEmpty ? waits : reaching).min(by: { $0.wait < $1.wait }) else {
            restoration.window = nil
            if let node = unaware.first {
                let doubt =
                    "\(node) looks for no silent peer, so it does not notice that \(tunnel.name) is lost at the other end before it renews keys"
                restoration.doubt = doubt
                restoration.reasons.append("When it comes back is not computed: \(doubt).")
                return
            }
            restoration.reasons +=
                givingUp.isEmpty ? ["Nobody negotiates \(tunnel.name) anew: both ends wait for the other."] : givingUp
            return
        }
        restoration.window = restoration.window.map { $0 + Window(.zero, shortest.wait) }
        restoration.reasons.append(
            shortest.pause
                ?? "\(tunnel.name) has to be negotiated again when it is mended: \(shortest.node) asks for it, with waits of up to \(shortest.wait.shortText) between its packets (they double)."
        )
    }

    /// Whether an end's peer has an address that it shares with others, and that nobody is reached at who has not spoken first.
    private func hasTranslatedPeer(_ end: TunnelEnd, of tunnel: Tunnel) -> Bool {
        tunnel.peer(of: end).map { !masquerades($0).isEmpty } ?? false
    }

    /// The gateways that translate ports between an end and its peer, and let nothing in that has not begun at the end.
    func masquerades(_ end: TunnelEnd) -> [Topology.Translation] {
        guard end.localAddress != end.identity else { return [] }
        return topology.translations(of: end.localAddress).filter(\.isMasquerade)
    }

    /// Whether an end has no associations when everything has been noticed: taken by the fault, or given up by itself.
    private func isLost(_ end: TunnelEnd, of tunnel: Tunnel, _ impact: Impact, _ moment: Moment) -> Bool {
        moment.damage.forgotten.contains(Damage.Side(name: tunnel.name, node: end.node))
            || dies(end, of: tunnel, impact, moment.damage)
    }

    /// Whether an end's liveness gives its peer up.
    func dies(_ end: TunnelEnd, of tunnel: Tunnel, _ impact: Impact, _ damage: Damage) -> Bool {
        death(of: end, tunnel, impact, damage) != nil
    }

    /// When an end's liveness gives its peer up, and whether only after the peer has: nothing comes in, and its questions are not
    /// answered. Nil where it does not.
    func death(
        of end: TunnelEnd, _ tunnel: Tunnel, _ impact: Impact, _ damage: Damage
    ) -> (window: Window, isSecond: Bool)? {
        guard let window = ownDeath(of: end, tunnel, impact, damage, hearing: true) else {
            // An end that has given up sends nothing more, so that the other hears nothing either; if nothing resolves the address of one
            // that cannot be heard, sooner.
            guard let peer = tunnel.peer(of: end),
                let first = ownDeath(of: peer, tunnel, impact, damage, hearing: true),
                let own = ownDeath(of: end, tunnel, impact, damage, hearing: false)
            else { return nil }
            return (Window(own.earliest, first.latest + own.latest), true)
        }
        return (window, false)
    }

    /// - Parameter hearing: Whether what the peer sends counts.
    private func ownDeath(
        of end: TunnelEnd, _ tunnel: Tunnel, _ impact: Impact, _ damage: Damage, hearing: Bool
    ) -> Window? {
        guard !tunnel.isUnused, let liveness = IKELiveness(end, of: tunnel, in: topology, versions: versions),
            let peer = tunnel.peer(of: end), !impact.silentKeyDaemons.contains(end.node)
        else { return nil }
        let side = Damage.Side(name: tunnel.name, node: peer.node)
        let hears = hearing && !damage.forgotten.contains(side) && arrives(from: peer, of: tunnel, isIKE: false, damage)
        let isAnswered = !impact.silentKeyDaemons.contains(peer.node) && negotiates(tunnel, damage)
        return !hears && !isAnswered ? liveness.death : nil
    }

    /// Whether IKE gets through between a tunnel's ends.
    func negotiates(_ tunnel: Tunnel, _ damage: Damage) -> Bool {
        tunnel.ends.allSatisfy { arrives(from: $0, of: tunnel, isIKE: true, damage) }
    }

    private func arrives(from end: TunnelEnd, of tunnel: Tunnel, isIKE: Bool, _ damage: Damage) -> Bool {
        underlay(from: end, of: tunnel, isIKE: isIKE, damage).contains(where: \.arrives)
    }

    /// The ways of a tunnel's outer packets from one end.
    func underlay(from end: TunnelEnd, of tunnel: Tunnel, isIKE: Bool, _ damage: Damage) -> [Forwarding.Path] {
        let kind: PacketKind = isIKE ? .ike : tunnel.isUDPEncapsulated ? .espInUDP : .esp
        return forwarding.outerPaths(
            from: end.node, source: end.localAddress, to: end.remoteAddress, kind, of: tunnel.name, in: damage)
    }

    /// Whether an end begins anew when its peer tells it that the tunnel is over (a DELETE, RFC 7296, section 1.4.1).
    func answersDelete(_ end: TunnelEnd, of tunnel: Tunnel) -> Bool {
        switch end.configuration {
        // netlab writes `close_action` for ends that begin.
        case .generated:
            tunnel.beginsAnew(
                end, isLost: false, version: versions[end.daemon, at: topology.node(named: end.node)])
        case .own: end.own?.comesBackAfterDelete ?? false
        }
    }
}
