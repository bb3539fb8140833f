import Daemons
import LabModel
import NetworkTypes

/// A node that takes routes back: a speaker what a session told it, or a tunnel's end those that follow the tunnel; or the routers of a
/// domain what led by one of its links.
struct RouteChange: Hashable, Sendable {
    enum Subject: Hashable, Sendable { case session, tunnel, adjacency }

    var subject = Subject.session
    let side: Damage.Side
    /// From the fault until its kernel has no route of the session's, or into the tunnel, any more.
    let window: Window
    let reasons: [String]
}

/// What is broken, and what will be done about it.
struct Moment: Sendable {
    let damage: Damage
    let changes: [RouteChange]

    /// When all has been noticed.
    var settled: Damage { after(changes) }

    private func after(_ changes: [RouteChange]) -> Damage {
        var damage = damage
        for change in changes { damage.suffer(change) }
        return damage
    }

    /// The changes without which it does not work in the end.
    func needed(where works: (Damage) -> Bool) -> [RouteChange] {
        let needed = changes.filter { change in !works(after(changes.filter { $0 != change })) }
        return needed.isEmpty ? changes : needed
    }

    /// How long it may not work between changes, where it works before and after all of them; nil for not at all.
    func gap(where works: (Damage) -> Bool) -> Duration? {
        guard changes.count <= 8 else { return nil }
        let fails = (0..<(1 << changes.count)).contains { subset in
            !works(after(changes.enumerated().filter { subset >> $0.offset & 1 == 1 }.map(\.element)))
        }
        guard fails, let first = changes.map(\.window.earliest).min(), let last = changes.map(\.window.latest).max()
        else { return nil }
        return last - first
    }
}

extension Damage {
    /// What is the case besides when routes have been taken back.
    mutating func suffer(_ change: RouteChange) {
        switch change.subject {
        case .session: withdrawn.insert(change.side)
        case .tunnel: forgotten.insert(change.side)
        case .adjacency: parted.insert(change.side.name)
        }
    }
}

extension Predictor {
    /// What is broken when everybody has noticed.
    func settled(_ faults: [Fault]) -> Damage {
        let impact = impact(of: faults)
        var damage = impact.damage
        // Those behind a gateway that translates ports have spoken since.
        damage.unmapped = []
        let changes = changes(after: impact, in: damage, since: Damage())
        return Moment(damage: damage, changes: changes).settled
    }

    /// Who takes routes back, when and why.
    func changes(after impact: Impact, in damage: Damage, since earlier: Damage) -> [RouteChange] {
        flooded(sessionChanges(after: impact, in: damage, since: earlier)) + tunnelChanges(after: impact, in: damage)
            + adjacencyChanges(after: impact, in: damage, since: earlier)
    }

    /// The ends of tunnels that give their peers up, and with their associations the routes that follow them.
    private func tunnelChanges(after impact: Impact, in damage: Damage) -> [RouteChange] {
        topology.tunnels.flatMap { tunnel in
            tunnel.ends.compactMap { end -> RouteChange? in
                let side = Damage.Side(name: tunnel.name, node: end.node)
                guard end.withdrawal == .whenDown, !end.routes.isEmpty, !damage.forgotten.contains(side),
                    let (death, isSecond) = death(of: end, tunnel, impact, damage),
                    let liveness = IKELiveness(end, of: tunnel, in: topology, versions: versions)
                else { return nil }
                let peer = tunnel.peer(of: end)?.node ?? ""
                return RouteChange(
                    subject: .tunnel, side: side, window: death,
                    reasons: [
                        isSecond
                            ? "\(end.node) hears nothing more through \(tunnel.name) when \(peer) has given it up, or its own address is not answered for any more, and its own questions do not get there: it gives its peer up as well, \(death.text) after the fault."
                            : "\(end.node) hears nothing more through \(tunnel.name): it asks after \(liveness.delay.shortText) without a packet and gives its peer up when it has repeated that for \(liveness.retransmission.patience.shortText), \(liveness.death.text) after the fault.",
                        "With the associations of \(tunnel.name) its routes into it go, at the same moment (`withdraw: when-down`).",
                    ])
            }
        }
    }

    private func sessionChanges(after impact: Impact, in damage: Damage, since earlier: Damage) -> [RouteChange] {
        topology.sessions.flatMap { session -> [RouteChange] in
            session.speakers.compactMap { speaker -> RouteChange? in
                let side = Damage.Side(name: session.name, node: speaker.node)
                guard !earlier.withdrawn.contains(side), let peer = session.peer(of: speaker) else { return nil }
                return change(of: session, at: speaker, from: peer, impact, damage).map(passedOn)
            }
        }
    }

    /// How long it takes until everybody further on knows what a speaker withdraws; zero where none passes anything on.
    ///
    /// A speaker sends updates at once, without an advertisement interval, so that takes the links' delays alone, and no path is longer
    /// than all of the sessions together.
    var propagation: Duration {
        guard topology.sessions.flatMap(\.speakers).contains(where: \.passesOn) || !flooding.isZero else {
            return .zero
        }
        return topology.sessions.reduce(flooding) { sum, session in
            sum + pathDelay(from: session.speakers[0], to: session.speakers[1])
        }
    }

    /// The change with the time until everybody knows.
    private func passedOn(_ change: RouteChange) -> RouteChange {
        let delay = propagation
        guard delay > .zero else { return change }
        return RouteChange(
            side: change.side, window: Window(change.window.earliest, change.window.latest + delay),
            reasons: change.reasons + [
                flooding.isZero
                    ? "Speakers that pass its routes on tell theirs at once: the last one knows after \(delay.shortText) of links at most."
                    : "What BGP and OSPF tell each other at the edges they tell at once: the last one knows after \(delay.shortText) at most."
            ])
    }

    private func change(
        of session: BGPSession, at own: BGPSpeaker, from peer: BGPSpeaker, _ impact: Impact, _ damage: Damage
    ) -> RouteChange? {
        let side = Damage.Side(name: session.name, node: own.node)
        guard !impact.killedSpeakers.contains(own.node), !impact.stoppedSpeakers.contains(own.node) else { return nil }
        let timing = timing(of: session, impact)
        let hears = passes(from: peer, to: own, damage)
        let isHeard = passes(from: own, to: peer, damage)
        let delay = pathDelay(from: peer, to: own)
        func change(_ window: Window, _ reasons: String...) -> RouteChange {
            reacting(RouteChange(side: side, window: window, reasons: reasons), timing)
        }

        if damage.downPorts.contains(Damage.Port(node: own.node, interface: own.interface)) {
            return change(
                Window(.zero, .zero),
                "\(own.node): its interface \(own.interface) is down; the kernel drops the routes through it and tells \(timing.habits(of: own.node).product) at once."
            )
        }
        if !damage.downNodes.isEmpty,
            let (link, end) = topology.linkEnds(of: own.node).first(where: { $0.end.routedInterface == own.interface }),
            let other = link.peer(of: end), damage.downNodes.contains(other.node)
        {
            return change(
                Window(.zero, .zero),
                "\(own.node): \(own.interface) has no carrier, and \(timing.habits(of: own.node).carrierReason)."
            )
        }
        if impact.rebooting.contains(peer.node), passes(from: peer, to: own, Damage()) {
            return change(
                Window(.zero, delay),
                "\(own.node) withdraws the routes of \(session.name) when it hears that the \(timing.habits(of: peer.node).product) of \(peer.node) ends, after \(delay.shortText) of links."
            )
        }
        if impact.endings[side] == .told {
            return change(Window(.zero, .zero), "\(own.node) withdraws the routes of \(session.name) at once.")
        }
        let peerSide = Damage.Side(name: session.name, node: peer.node)
        if impact.endings[peerSide] == .told, hears {
            return change(
                Window(.zero, delay),
                "\(own.node) withdraws the routes of \(session.name) when the NOTIFICATION arrives, after \(delay.shortText) of links."
            )
        }
        if impact.killedSpeakers.contains(peer.node), !impact.damage.downNodes.contains(peer.node), hears {
            if let kept = keeping(routesOf: peer, in: session, at: own, delay, timing) { return kept }
            return change(
                Window(.zero, delay),
                "\(own.node): the kernel of \(peer.node) closes the connection of the \(timing.habits(of: peer.node).product) that is gone, and the session ends when that arrives."
            )
        }
        let peerIsMute =
            impact.killedSpeakers.contains(peer.node) || impact.stoppedSpeakers.contains(peer.node)
            || damage.downNodes.contains(peer.node)
        let noticed = detection(of: session, at: own, from: peer, peerIsMute, impact, damage, delay, timing)
        if !hears || peerIsMute {
            return first(noticed, silence(of: session, at: own, from: peer, timing, delay))
        }
        guard !isHeard else { return noticed }
        // What the peer notices, it says.
        let back = pathDelay(from: own, to: peer)
        let told = detection(of: session, at: peer, from: own, false, impact, damage, back, timing).map { peer in
            RouteChange(
                side: side, window: peer.window + Window(.zero, delay + timing.habits(of: own.node).reaction),
                reasons: peer.reasons + ["\(own.node) is told by a NOTIFICATION, \(delay.shortText) later."])
        }
        let close = timing.expiry(at: peer.node, hearing: own.node).map { $0 + timing.habits(of: peer.node).turn }
        let expired = close.flatMap { secondhand(of: session, at: own, from: peer, timing, $0, delay) }
        return first(noticed, first(told, expired))
    }

    /// The change with the time that its speaker gathers what it is told.
    private func reacting(_ change: RouteChange, _ timing: SessionTiming) -> RouteChange {
        let habits = timing.habits(of: change.side.node)
        guard habits.reaction > .zero else { return change }
        return RouteChange(
            side: change.side, window: change.window + Window(.zero, habits.reaction),
            reasons: change.reasons + [
                "\(change.side.node): \(habits.turnReason): \(habits.reaction.shortText) at most."
            ])
    }

    /// What comes first where either may be the first.
    private func first(_ one: RouteChange?, _ other: RouteChange?) -> RouteChange? {
        guard let one, let other else { return one ?? other }
        let window = Window(
            min(one.window.earliest, other.window.earliest), min(one.window.latest, other.window.latest))
        let sooner = one.window.latest <= other.window.latest ? one : other
        let isSure = one.window.latest <= other.window.earliest || other.window.latest <= one.window.earliest
        return RouteChange(
            side: one.side, window: window,
            reasons: isSure ? sooner.reasons : one.reasons + other.reasons)
    }

    /// A speaker that misses its peer's BFD packets.
    private func detection(
        of session: BGPSession, at own: BGPSpeaker, from peer: BGPSpeaker, _ peerIsMute: Bool, _ impact: Impact,
        _ damage: Damage,
        _ delay: Duration, _ timing: SessionTiming
    ) -> RouteChange? {
        guard let bfd = bfdDetection(of: session, at: own, impact),
            peerIsMute || !passes(from: peer, to: own, damage, .bfd)
        else { return nil }
        let window = bfd.window
        let change = RouteChange(
            side: Damage.Side(name: session.name, node: own.node),
            window: Window(window.earliest, window.latest + delay + timing.habits(of: own.node).granularity),
            reasons: [
                "\(own.node) misses the BFD packets of \(peer.node), which come every \(bfd.interval.shortText) at least (the larger of what the one wants to send and the other to receive), and gives the session up after \(bfd.multiplier) of these times, \(bfd.time.shortText) (RFC 5880, section 6.8.4).",
                "The last packet of \(peer.node) is 0 to \(bfd.interval.shortText) old when the fault begins: \(window.text) from then on; BGP ends \(session.name) at once.",
            ])
        return reacting(change, timing)
    }

    /// When a speaker notices by BFD that it hears nothing of its peer any more; nil where it has none, or has it no more.
    private func bfdDetection(of session: BGPSession, at own: BGPSpeaker, _ impact: Impact) -> BFDDetection? {
        impact.sessionsWithoutBFD.contains(session.name) ? nil : topology.bfdDetection(of: session, at: own)
    }

    /// A speaker that hears nothing more of its peer.
    private func silence(
        of session: BGPSession, at own: BGPSpeaker, from peer: BGPSpeaker, _ timing: SessionTiming, _ delay: Duration
    ) -> RouteChange? {
        guard let expiry = timing.expiry(at: own.node, hearing: peer.node), let keepalive = timing.keepalive[peer.node]
        else {
            return nil
        }
        let hold = timing.holds[own.node] ?? timing.hold
        let habits = timing.habits(of: own.node)
        let timer = habits.timer(hold)
        let origin =
            own.keepsTimers
            ? "is its own, which it keeps" : "is the smaller of both proposals (RFC 4271, section 4.2)"
        let window = expiry + habits.turn
        return RouteChange(
            side: Damage.Side(name: session.name, node: own.node),
            window: Window(window.earliest, window.latest + delay + habits.granularity),
            reasons: [
                "\(own.node) hears nothing more of \(peer.node), and only its hold timer notices: \(hold.shortText) \(origin), and \(habits.product) \(habits.shortening): \(timer.text) after the last keepalive.",
                "The last keepalive of \(peer.node) is 0 to \(keepalive.shortText) old when the fault begins: \(expiry.text) from then on.",
                "\(habits.turnReason): the route is gone after \(window.text).",
            ])
    }

    /// A speaker that hears its peer and is not heard: the peer's hold timer ends the session, and the peer cannot say so.
    ///
    /// TCP stalls with the first keepalive that is not acknowledged, so that one is the last that comes in: after a retransmission it has
    /// one segment under way (RFC 5681, section 3.1), and a NOTIFICATION waits behind it.
    private func secondhand(
        of session: BGPSession, at own: BGPSpeaker, from peer: BGPSpeaker, _ timing: SessionTiming, _ close: Window,
        _ delay: Duration
    ) -> RouteChange? {
        guard let keepalive = timing.keepalive[peer.node] else { return nil }
        let habits = timing.habits(of: own.node)
        let timer = habits.timer(timing.holds[own.node] ?? timing.hold)
        let own = own.node
        return RouteChange(
            side: Damage.Side(name: session.name, node: own),
            window: Window(
                min(close.earliest, timer.earliest),
                timer.latest + keepalive + habits.turn.latest + delay + habits.granularity),
            reasons: [
                "\(peer.node) hears nothing more of \(own), and its hold timer ends \(session.name) after \(close.text); its NOTIFICATION waits behind a keepalive that is not acknowledged.",
                "\(own) gets no more than one keepalive of \(peer.node), as TCP waits for its acknowledgement, \(keepalive.shortText) after the fault at the latest, so its own hold timer ends it: \(timer.text) after that.",
            ])
    }

    /// Whether a session's packets get through.
    func passes(from: BGPSpeaker, to: BGPSpeaker, _ damage: Damage, _ kind: PacketKind = .bgp) -> Bool {
        forwarding.paths(from: from.node, source: from.address, to: to.address, kind, in: damage).contains(
            where: \.arrives)
    }

    /// Why BFD keeps a fault from being predicted; nil where it does not.
    ///
    /// - Parameters:
    ///   - damage: What is broken at once, and what is left of that when ends of tunnels have come back by themselves.
    func doubtOfBFD(about impact: Impact, _ atOnce: Damage, _ recovered: Damage, until recovery: Duration) -> String? {
        for session in topology.sessions {
            for own in session.speakers {
                guard let peer = session.peer(of: own), let bfd = bfdDetection(of: session, at: own, impact) else {
                    continue
                }
                if !passes(from: peer, to: own, recovered, .bfd) {
                    if session.speakers.allSatisfy({ speaker in
                        session.peer(of: speaker).map { passes(from: $0, to: speaker, recovered) } ?? true
                    }) {
                        return
                            "BFD ends \(session.name), and BGP, whose packets pass, brings it up again without BFD, which is not computed here"
                    }
                } else if !passes(from: peer, to: own, atOnce, .bfd), recovery >= bfd.window.earliest {
                    return
                        "BFD may end \(session.name) before its tunnel has come back, \(bfd.window.earliest.shortText) after the fault at the earliest, which is not computed here"
                }
                let crossed = forwarding.paths(
                    from: peer.node, source: peer.address, to: own.address, .bfd, in: Damage()
                ).flatMap(\.crossings)
                let degradation = impact.degradations.first { degradation in
                    degradation.delays
                        && crossed.contains {
                            ($0.link == degradation.place || $0.tunnel == degradation.place)
                                && (degradation.sender ?? $0.sender) == $0.sender
                        }
                }
                if let degradation {
                    return
                        "\(degradation.reason.prefix { $0 != ";" }), and whether \(bfd.multiplier) packets of BFD in \(session.name) are missed in a row is chance"
                }
            }
        }
        return nil
    }

    /// The delay of the links between two speakers when all is well.
    private func pathDelay(from: BGPSpeaker, to: BGPSpeaker) -> Duration {
        let paths = forwarding.paths(from: from.node, source: from.address, to: to.address, .bgp, in: Damage())
        return paths.first.map(forwarding.delay) ?? .zero
    }
}
