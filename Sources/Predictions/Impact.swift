import Daemons
import HeaderStacks
import LabModel
import NetworkTypes

/// What faults are, put into the terms of forwarding and of the daemons.
struct Impact: Sendable {
    /// How a session ends without anything being wrong with its packets.
    enum Ending: Hashable, Sendable {
        /// Its operator shuts it, or it is told a key that the peer does not have: it stays down.
        case told
        /// It is told another hold time, and begins anew.
        case restarted
    }

    /// Something that happens to packets without keeping all of them.
    struct Degradation: Hashable, Sendable {
        let place: String
        let sender: String?
        let reason: String
        /// Why it cannot be said that it keeps none for good; nil where it can.
        let doubt: String?
        /// Whether packets are lost, or come later than those before.
        var delays = false
    }

    /// An end of a tunnel that has lost its associations and gets new ones while the fault lasts.
    struct Recovery: Hashable, Sendable {
        enum Trigger: Hashable, Sendable {
            /// The first packet that the end wants to send: the kernel asks for associations (XFRM acquire).
            case packet
            /// The end's daemon starts anew.
            case start
        }

        let side: Damage.Side
        let trigger: Trigger
    }

    var damage = Damage()
    /// By the session and the node where it begins.
    var endings: [Damage.Side: Ending] = [:]
    /// How long those that begin anew take until their routes are in use again.
    var comeback = Window(.zero, .zero)
    /// The interfaces of sessions that begin anew.
    var restartedPorts: Set<Damage.Port> = []
    /// Speakers whose daemon has been killed: their kernel says so to the peer, and their routes stay as they are.
    var killedSpeakers: Set<String> = []
    /// Speakers whose daemon stands still.
    var stoppedSpeakers: Set<String> = []
    /// Nodes whose key daemon does not run, so that they negotiate nothing.
    var silentKeyDaemons: Set<String> = []
    /// Nodes that shut down and start again: their daemons have said so.
    var rebooting: Set<String> = []
    /// Nodes whose routing daemon is restarted.
    var restartedRouters: Set<String> = []
    /// Sessions that have come up again without their BFD.
    var sessionsWithoutBFD: Set<String> = []
    /// Why it cannot be said what a routing daemon finds that starts anew; nil where it can.
    var doubtOfRestart: String?
    /// Tunnels that a mismatch keeps from being negotiated, and the end it is at.
    var mismatched: [String: String] = [:]
    /// Tunnels whose endpoint at a node is away: it is back when the fault is healed.
    var away: [String: String] = [:]
    /// Tunnels that come back by themselves.
    var recoveries: [Recovery] = []
    /// The speakers of each session, as each one's own configuration has it.
    var speakers: [String: [BGPSpeaker]] = [:]
    var degradations: [Degradation] = []
    /// Gateways that translate ports and have forgotten their connections.
    var forgetful: Set<String> = []
    var notes: [String] = []

    /// What is done to packets of a journey that still get through.
    func degradation(of journey: Predictor.Journey) -> Degradation? {
        let crossings = journey.all.flatMap(\.crossings)
        let tunnels = journey.all.flatMap { path in path.tunnels + path.crossings.compactMap(\.tunnel) }
        let nodes = Set(crossings.map(\.sender) + journey.all.flatMap(\.nodes))
        return degradations.first { degradation in
            crossings.contains {
                $0.link == degradation.place && (degradation.sender ?? $0.sender) == $0.sender
            } || tunnels.contains(degradation.place) || nodes.contains(degradation.place)
        }
    }

    /// Both ends of the sessions that begin anew.
    var begunAnew: Set<Damage.Side> {
        let names = endings.filter { $0.value == .restarted }.map(\.key.name)
        return Set(
            names.flatMap { name in (speakers[name] ?? []).map { Damage.Side(name: name, node: $0.node) } })
    }

    /// Whether a session begins anew whose routes a journey follows.
    func interrupts(_ journey: Predictor.Journey) -> Bool {
        let exits = Set(journey.all.flatMap(\.exits).map(\.port))
        return restartedPorts.contains { exits.contains($0) }
    }

    /// Why it cannot be said what becomes of a journey's packets; nil where it can.
    func doubt(about before: Predictor.Journey, _ after: Predictor.Journey, _ topology: Topology) -> String? {
        degradation(of: before)?.doubt ?? degradation(of: after)?.doubt ?? tooBig(for: before, topology)
            ?? tooBig(for: after, topology)
    }

    /// Where an echo request of ping's usual 56 bytes no longer fits.
    private func tooBig(for journey: Predictor.Journey, _ topology: Topology) -> String? {
        let inner = 84
        for exit in journey.all.flatMap(\.exits) {
            guard let mtu = damage.mtu[exit.port] else { continue }
            let tunnel = exit.tunnel.flatMap(topology.tunnel(named:))
            let length = tunnel.map { $0.espEncapsulation?.outerLength(ofInner: inner) } ?? inner + exit.overhead
            guard let length else { return "the ESP packets at \(exit.port.node) have a length that is not known" }
            if length > mtu.bytes {
                return
                    "a ping's packet of \(length) bytes does not fit through \(exit.port.node):\(exit.port.interface) any more, and whether it may be fragmented is up to who sends it"
            }
        }
        return nil
    }
}

extension Predictor {
    /// What faults do at once.
    func impact(of faults: [Fault], since earlier: [Fault] = []) -> Impact {
        var impact = Impact()
        impact.comeback =
            Set(
                topology.sessions.flatMap { session in
                    session.speakers.map { topology.routingHabits(of: session, at: $0.node) }
                }
            ).renewal
        for session in topology.sessions {
            impact.speakers[session.name] = session.speakers.map { speaker in
                let own = topology.misconfigured(at: speaker.node, by: faults).session(named: session.name)
                return own?.speakers.first { $0.node == speaker.node } ?? speaker
            }
        }
        for (index, fault) in faults.enumerated() {
            apply(fault, to: &impact)
            guard index < earlier.count else { continue }
            // What began anew then is up again.
            impact.notes = []
            impact.restartedPorts = []
            impact.endings = impact.endings.filter { $0.value != .restarted }
            if case .bfdStopped(let session, _) = fault { impact.sessionsWithoutBFD.insert(session) }
        }
        return impact
    }

    private func apply(_ fault: Fault, to impact: inout Impact) {
        switch fault {
        case .linkDown(let name):
            for end in topology.link(named: name)?.ends ?? [] {
                impact.damage.downPorts.insert(Damage.Port(node: end.node, interface: end.routedInterface))
            }
            impact.notes.append(
                "Both ends of \(name) are down at once, and the kernels there forget the routes that lead through it.")
        case .vlanDown(let name, let node):
            let ends = (topology.link(named: name)?.ends ?? []).filter { node == nil || node == $0.node }
            for end in ends {
                impact.damage.downPorts.insert(Damage.Port(node: end.node, interface: end.routedInterface))
            }
            impact.notes.append(
                "The interface of \(name)'s VLAN is down at \(ends.map(\.node).joined(separator: " and ")), and the kernel there forgets the routes that lead through it"
                    + (node == nil ? "." : ". The cable is well: the other end sees nothing of it."))
        case .impairment(let impairment, let link, let sender):
            apply(impairment, on: link, sender, to: &impact)
        case .blackHole(let link, let sender):
            impact.damage.sieves.insert(Damage.Sieve(place: link, sender: sender, traffic: nil))
            impact.notes.append("Nobody is told that \(link) loses everything\(from(sender)): the link stays up.")
        case .drop(let traffic, let place, let sender):
            impact.damage.sieves.insert(Damage.Sieve(place: place, sender: sender, traffic: traffic))
            impact.notes.append("\(place) loses \(traffic.rawValue)\(from(sender)), and nothing else.")
        case .mtu(let node, let interface, let mtu):
            impact.damage.mtu[Damage.Port(node: node, interface: interface)] = mtu
            impact.notes.append(
                "\(node):\(interface) sends packets of up to \(mtu) bytes; those of a small ping are shorter unless said otherwise."
            )
        case .natFlushed(let node):
            forget(translationsOf: node, &impact)
        case .natChanged(let node, let outside, let inside):
            impact.damage.translations[Damage.Translation(node: node, outside: outside)] = inside
            impact.notes.append(
                "\(node) translates \(outside) to \(inside) and back, for connections that it knew before as well.")
        case .securityRuleRemoved(let node, let source, let transport):
            let rule = topology.node(named: node)?.security?.first {
                $0.source == source && (transport == nil || $0.transport == transport)
            }
            if let rule { impact.damage.closed[node, default: []].append(rule) }
            impact.notes.append(
                "The fabric lets nothing new from \(source) in to \(node); conversations it knows go on (connection tracking), and so does a ping under way."
            )
        case .sourceDestinationCheck(let node):
            impact.damage.checked.insert(node)
            impact.notes.append(
                "The fabric drops what \(node) forwards for others: from and to addresses that are not its own. Neither BGP nor IKE notices."
            )
        case .daemon(let node, let kind, let what):
            apply(what, to: kind, at: node, &impact)
        case .mismatch(let tunnel, let parameter, let node):
            for end in topology.tunnel(named: tunnel)?.ends ?? [] {
                impact.damage.forgotten.insert(Damage.Side(name: tunnel, node: end.node))
            }
            impact.mismatched[tunnel] = node
            let what =
                switch parameter {
                case .certificate: "a certificate by an authority that nobody knows"
                case .revoked: "a certificate that the lab's CA has revoked"
                case .psk, .ike, .esp: "other \(parameter.rawValue) parameters"
                }
            impact.notes.append(
                "\(node) takes up \(what) for \(tunnel): it deletes its associations, tells the peer to (RFC 7296, section 1.4.1), and no new ones can be agreed on."
            )
        case .associationsDeleted(let tunnel, let node):
            let side = Damage.Side(name: tunnel, node: node)
            impact.damage.forgotten.insert(side)
            impact.damage.guarded.insert(side)
            impact.recoveries.append(Impact.Recovery(side: side, trigger: .packet))
            impact.notes.append("The kernel of \(node) forgets the associations of \(tunnel); the peer's stay.")
        case .maintenance(let tunnel, let node):
            maintain(tunnel, at: node, &impact)
        case .sessionShut(let session, let node):
            impact.endings[Damage.Side(name: session, node: node)] = .told
            impact.notes.append("\(node) ends \(session) and says so: NOTIFICATION, Cease (RFC 4271, section 6.7).")
        case .holdTime(let session, let time, let node):
            if let session = topology.session(named: session) { begin(session, anew: node, &impact) }
            impact.notes.append(
                "\(node) proposes a hold time of \(time.shortText): it begins \(session) anew, with a NOTIFICATION, to negotiate it."
            )
        case .wrongKey(let session, let node):
            impact.endings[Damage.Side(name: session, node: node)] = .told
            impact.notes.append(
                "\(node) takes another TCP MD5 key: it begins \(session) anew, and the peer's kernel drops every segment of the new connection (RFC 2385, section 2.0)."
            )
        case .bfdStopped(let session, let node):
            stopBFD(of: session, at: node, &impact)
        case .nodeDown(let node):
            takeDown(node, &impact)
        case .nodeRebooted(let node):
            reboot(node, &impact)
        case .zoneDown(let zone):
            for node in topology.nodes(inZone: zone) { takeDown(node.name, &impact) }
        }
    }

    private func forget(translationsOf node: String, _ impact: inout Impact) {
        if topology.node(named: node)?.nat?.mappings.isEmpty == false {
            impact.degradations.append(
                Impact.Degradation(
                    place: node, sender: nil,
                    reason:
                        "\(node) forgets its connections; its translation is one to one, so the next packet of each gets the same addresses again.",
                    doubt: nil))
        }
        guard topology.node(named: node)?.nat?.masqueraded.isEmpty == false else { return }
        impact.forgetful.insert(node)
        for tunnel in topology.tunnels where !tunnel.isUnused {
            for end in tunnel.ends where masquerades(end).contains(where: { $0.gateway.name == node }) {
                impact.damage.unmapped.insert(Damage.Side(name: tunnel.name, node: end.node))
            }
        }
        impact.notes.append("\(node) forgets its connections, and with them who stands behind which of its ports.")
    }

    private func maintain(_ name: String, at node: String, _ impact: inout Impact) {
        guard let tunnel = topology.tunnel(named: name) else { return }
        for end in tunnel.ends { impact.damage.forgotten.insert(Damage.Side(name: name, node: end.node)) }
        impact.away[name] = node
        for session in sessions(movedBy: name, at: node) {
            impact.endings[Damage.Side(name: session.name, node: node)] = .told
        }
        impact.notes.append(
            "\(node) deletes the IKE SA of \(name), tells the peer to (RFC 7296, section 1.4.1), and is away: what the peer sends to negotiate anew is not answered."
        )
    }

    func begin(_ session: BGPSession, anew node: String, _ impact: inout Impact) {
        impact.endings[Damage.Side(name: session.name, node: node)] = .restarted
        for speaker in session.speakers {
            impact.restartedPorts.insert(Damage.Port(node: speaker.node, interface: speaker.interface))
        }
    }

    private func from(_ sender: String?) -> String { sender.map { " that \($0) sends" } ?? "" }

    private func takeDown(_ node: String, _ impact: inout Impact) {
        impact.damage.downNodes.insert(node)
        impact.killedSpeakers.insert(node)
        impact.silentKeyDaemons.insert(node)
        for (tunnel, _) in topology.tunnelEnds(of: node) {
            impact.damage.forgotten.insert(Damage.Side(name: tunnel.name, node: node))
        }
        impact.notes.append("\(node) is down: nothing gets through it, and its neighbours' links lose their carrier.")
    }

    /// A shutdown ends daemons by SIGTERM, those that speak BGP before those that hold the tunnels, so that all of them get their last words
    /// out: whom these reach, knows at once.
    private func reboot(_ node: String, _ impact: inout Impact) {
        let told = topology.tunnelEnds(of: node).map(\.tunnel).filter { negotiates($0, impact.damage) }
        takeDown(node, &impact)
        impact.rebooting.insert(node)
        for tunnel in told where !tunnel.isUnused {
            for end in tunnel.ends { impact.damage.forgotten.insert(Damage.Side(name: tunnel.name, node: end.node)) }
        }
        impact.notes.removeLast()
        impact.notes.append(
            "\(node) shuts down: its daemons end and tell their peers, and then its neighbours' links lose their carrier for \(bootTime(of: node).shortText) (`boot-time`)."
        )
    }

    /// How long a node that reboots is away.
    func bootTime(of node: String) -> Duration { topology.node(named: node)?.bootTime ?? Node.usualBootTime }

    private func apply(_ what: Fault.DaemonFault, to daemon: DaemonID, at node: String, _ impact: inout Impact) {
        guard let effect = DaemonRegistry.profile(daemon)?.effect(of: what, at: node) else { return }
        if effect.associations != .kept {
            for (tunnel, _) in topology.tunnelEnds(of: node) where !tunnel.isUnused {
                let side = Damage.Side(name: tunnel.name, node: node)
                impact.damage.forgotten.insert(side)
                if effect.associations == .renewed {
                    impact.recoveries.append(Impact.Recovery(side: side, trigger: .start))
                }
            }
        }
        if effect.isSilent { impact.silentKeyDaemons.insert(node) }
        switch effect.sessions {
        case .kept: break
        case .closed:
            impact.killedSpeakers.insert(node)
            impact.damage.halted.insert(node)
            kill(gracefully: node, &impact)
        case .mute:
            impact.stoppedSpeakers.insert(node)
            impact.damage.halted.insert(node)
        case .begunAnew where restart(gracefully: node, &impact): return
        case .begunAnew:
            impact.restartedRouters.insert(node)
            for session in topology.sessions where session.speakers.contains(where: { $0.node == node }) {
                begin(session, anew: node, &impact)
            }
        }
        impact.notes.append(effect.note)
    }

    private func apply(
        _ impairment: Fault.Impairment, on link: String, _ sender: String?, to impact: inout Impact
    ) {
        var doubt: String?
        var delays = true
        let words: String
        switch impairment {
        case .loss(let share):
            words = "loses \(share) of the packets"
            if share.fraction == 1 {
                impact.damage.sieves.insert(Damage.Sieve(place: link, sender: sender, traffic: nil))
                impact.notes.append("\(link) loses all packets\(from(sender)), and nobody is told.")
                return
            }
            if share.fraction >= 0.5 {
                doubt = "with \(share) lost, whether BGP's and IKE's repetitions get through in time is chance"
            }
        case .delay(let time), .jitter(let time):
            words = "delays packets by \(time.shortText)"
            if time >= .seconds(1) {
                doubt = "a delay of \(time.shortText) is as long as the timers of TCP and IKE are"
            }
        case .rate(let rate): words = "takes only \(rate)"
        case .corruption(let share): words = "spoils \(share) of the packets, which their receivers drop"
        case .duplication(let share):
            words = "doubles \(share) of the packets"
            delays = false
        case .reordering(let share): words = "lets \(share) of the packets overtake others"
        }
        impact.degradations.append(
            Impact.Degradation(
                place: link, sender: sender,
                reason: "\(link) \(words)\(from(sender)); none is lost for good, and no route changes.", doubt: doubt,
                delays: delays))
    }
}
