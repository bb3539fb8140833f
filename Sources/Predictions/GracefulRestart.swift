import Daemons
import LabModel
import NetworkTypes

// Routing daemons that end without a word and are waited for (RFC 4724), and BFD that ends while its BGP goes on.
extension Predictor {
    /// A speaker that goes on by the routes of a peer whose connection has broken off, for as long as the peer has told it; nil for one that
    /// does not.
    func keeping(
        routesOf peer: BGPSpeaker, in session: BGPSession, at own: BGPSpeaker, _ delay: Duration,
        _ timing: SessionTiming
    ) -> RouteChange? {
        guard let time = topology.restartTime(of: session, at: own) else { return nil }
        let habits = timing.habits(of: own.node)
        let window = Window(time, time + delay + habits.granularity) + habits.turn
        return RouteChange(
            side: Damage.Side(name: session.name, node: own.node), window: window,
            reasons: [
                "\(own.node): the connection of \(session.name) breaks off without a word, and it goes on by the routes of \(peer.node) for \(time.shortText), the restart time that \(peer.node) has told it (RFC 4724, section 4.2).",
                "\(habits.turnReason): it takes them back after \(window.text), if \(peer.node) has not come back.",
            ])
    }

    /// What a node's routing daemon leaves behind that is gone without a word, and whether it finds that again.
    private enum Remains {
        /// In no session anybody waits for it.
        case nothing
        /// All of its peers go by its routes, and its kernel by theirs.
        case everything
        /// The same, unless a peer does not, and why.
        case chance(String)
        /// Why that is not known.
        case doubtful(String)
    }

    private func remains(of node: String) -> Remains {
        let own = topology.sessions.compactMap { session in
            session.speakers.first { $0.node == node }.map { (session: session, speaker: $0) }
        }
        let waited = own.filter { session, speaker in
            session.peer(of: speaker).flatMap { topology.restartTime(of: session, at: $0) } != nil
        }
        guard !waited.isEmpty else { return .nothing }
        if let other = own.first(where: { one in !waited.contains { $0.session == one.session } }) {
            return .doubtful(
                "\(node) has graceful restart in \(waited[0].session.name) and not in \(other.session.name), and what becomes of the routes of both when its daemon starts anew is not computed here"
            )
        }
        if let session = own.map(\.session).first(where: { session in
            session.speakers.contains { topology.bfdDetection(of: session, at: $0) != nil }
        }) {
            return .doubtful(
                "the BFD of \(session.name) ends with the daemon of \(node), and whether a peer that waits for it heeds that (RFC 5882, section 4.3) is not computed here"
            )
        }
        if own.contains(where: \.speaker.passesOn) || topology.ospf.contains(where: { $0.routers.contains(node) }) {
            return .doubtful(
                "\(node) passes routes on, and what it tells before it has been told everything when it restarts gracefully is not computed here"
            )
        }
        for (session, speaker) in waited {
            guard let peer = session.peer(of: speaker),
                let doubt = topology.routingHabits(of: session, at: peer.node).helperDoubt
            else { continue }
            return .chance("\(peer.node) may not keep the routes of \(session.name): \(doubt)")
        }
        return .everything
    }

    /// How long it takes at most until a session is up whose first attempt has ended by a NOTIFICATION of Cease, and its routes are told.
    private func secondAttempt(at session: BGPSession) -> Duration {
        let habits = session.speakers.map { topology.routingHabits(of: session, at: $0.node) }
        return (habits.map(\.renewal.latest).max() ?? .zero) + (habits.map(\.announcement).max() ?? .zero)
    }

    /// What is added to the time until the routes of daemons that were killed are back: those that take their kernel's routes over wait before they
    /// tell any, and a peer that may not have kept them may need another attempt.
    func recovery(after impact: Impact, _ sessions: [BGPSession]) -> Duration {
        sessions.flatMap { session in
            session.speakers.map { speaker -> Duration in
                guard impact.killedSpeakers.contains(speaker.node), let peer = session.peer(of: speaker),
                    topology.restartTime(of: session, at: peer) != nil
                else { return .zero }
                let isSure = topology.routingHabits(of: session, at: peer.node).helperDoubt == nil
                let own = topology.routingHabits(of: session, at: speaker.node).recovery
                return own + (isSure ? .zero : secondAttempt(at: session))
            }
        }.max() ?? .zero
    }

    /// A daemon that is killed: whether what it left is there when it starts anew.
    func kill(gracefully node: String, _ impact: inout Impact) {
        switch remains(of: node) {
        case .nothing, .everything: break
        case .chance(let reason):
            impact.notes.append(
                "Mended before the restart time is over, no packet is lost at best, and it may take as long as said below: \(reason)."
            )
        case .doubtful(let reason): impact.doubtOfRestart = reason
        }
    }

    /// A daemon that ends and starts anew.
    ///
    /// - Returns: Whether its sessions outlast that, or that is not known.
    func restart(gracefully node: String, _ impact: inout Impact) -> Bool {
        switch remains(of: node) {
        case .nothing: return false
        case .everything:
            impact.notes.append(
                "The routing daemon of \(node) ends without a word and starts anew at once: its kernel keeps its routes, its peers keep those that it has told them, and both are confirmed when the sessions are up again (RFC 4724)."
            )
        case .chance(let reason):
            let own = topology.sessions.filter { session in session.speakers.contains { $0.node == node } }
            for session in own { begin(session, anew: node, &impact) }
            let again = own.map { session in
                let recovery = topology.routingHabits(of: session, at: node).recovery
                return secondAttempt(at: session) + recovery
            }
            impact.comeback = impact.comeback + Window(.zero, again.max() ?? .zero)
            impact.notes.append(
                "The routing daemon of \(node) ends without a word and starts anew at once (RFC 4724). At best its kernel and its peers keep the routes, and no packet is lost. At worst the sessions begin anew: \(reason)."
            )
        case .doubtful(let reason): impact.doubtOfRestart = reason
        }
        return true
    }

    /// One speaker's BFD says nothing more: the peer ends the session, and BGP, whose packets pass, brings it up again.
    func stopBFD(of name: String, at node: String, _ impact: inout Impact) {
        guard let session = topology.session(named: name), !impact.sessionsWithoutBFD.contains(name),
            let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own),
            let bfd = topology.bfdDetection(of: session, at: peer)
        else {
            impact.notes.append("\(node) sends no BFD packets of \(name) any more, and nobody waits for any.")
            return
        }
        begin(session, anew: node, &impact)
        let habits = [own, peer].map { topology.routingHabits(of: session, at: $0.node) }
        impact.comeback = Window(
            .zero, max(impact.comeback.latest, habits.map { $0.longestPause + $0.announcement }.max() ?? .zero))
        let noticed = bfd.window + Window(.zero, forwarding(from: own, to: peer) + habits[1].granularity)
        impact.notes += [
            "\(node) sends no BFD packets of \(name) any more, and its BGP goes on.",
            "\(peer.node) misses them, which come every \(bfd.interval.shortText) at least, and ends \(name) after \(bfd.multiplier) of these times, \(bfd.time.shortText) (RFC 5880, section 6.8.4): \(noticed.text) after the fault, as the last one is 0 to \(bfd.interval.shortText) old then. It tells \(node).",
            "BGP, whose packets pass, brings \(name) up again without BFD, which neither daemon waits for.",
        ]
    }

    private func forwarding(from: BGPSpeaker, to: BGPSpeaker) -> Duration {
        forwarding.paths(from: from.node, source: from.address, to: to.address, .bfd, in: Damage()).first.map(
            forwarding.delay) ?? .zero
    }
}
