import LabModel
import NetworkTypes

extension Predictor {
    /// How a probe's first way comes back when faults are mended that lasted long enough for everybody to notice them.
    struct Restoration: Sendable {
        /// Nil where nobody brings it back.
        var window: Window?
        var reasons: [String] = []
    }

    func restoration(
        after impact: Impact, _ moment: Moment, alreadyActive: [Fault], before: Journey, during: Journey
    ) -> Restoration {
        let sessions = moment.changes.map(\.side.name).reduce(into: [String]()) { names, name in
            if !names.contains(name) { names.append(name) }
        }.compactMap(topology.session(named:))
        let restarted = impact.endings.filter { $0.value == .restarted }.compactMap {
            topology.session(named: $0.key.name)
        }
        let tunnels = topology.tunnels.filter { tunnel in
            before.all.contains { $0.tunnels.contains(tunnel.name) }
                || (sessions + restarted).contains { session in
                    session.speakers.contains { speaker in
                        tunnel.ends.contains { $0.node == speaker.node && $0.interface == speaker.interface }
                    }
                }
        }
        var restoration = Restoration(window: Window(.zero, .zero))
        for tunnel in tunnels { negotiate(tunnel, impact, moment, &restoration) }
        if let window = restoration.window, !(sessions + restarted).isEmpty {
            restoration.window = window + BirdTiming.connection
            restoration.reasons.append(
                "Then BGP: one of the speakers' next attempts to connect, \(BirdTiming.connection.text) away (TCP repeats its SYN after 1s and 3s, BIRD begins anew after `connect retry time` 5)."
            )
        }
        if let window = restoration.window {
            let trips = before.roundTrip * 6
            // An address that could not be resolved is asked for once a second.
            let neighbour = Duration.seconds(1)
            restoration.window = Window(window.earliest, window.latest + trips + neighbour)
            restoration.reasons.append(
                "Handshakes and the first answer take up to six round trips (\(trips.shortText)), and a neighbour's address that was not answered is asked for again within 1s."
            )
        }
        return restoration
    }

    /// How a tunnel comes back that an end has lost.
    private func negotiate(
        _ tunnel: Tunnel, _ impact: Impact, _ moment: Moment, _ restoration: inout Restoration
    ) {
        let lost = tunnel.ends.filter { end in
            moment.damage.forgotten.contains(Damage.Side(name: tunnel.name, node: end.node))
                || dies(end, of: tunnel, moment)
        }
        guard !lost.isEmpty else { return }
        let waits = tunnel.ends.compactMap { end -> (node: String, wait: Duration)? in
            guard initiates(end, of: tunnel, isLost: lost.contains(end), impact) else { return nil }
            return (end.node, IKERetransmission(end, of: tunnel, version: versions.libreswan).longestWait)
        }
        guard let shortest = waits.min(by: { $0.wait < $1.wait }) else {
            restoration.window = nil
            restoration.reasons.append(
                "Nobody negotiates \(tunnel.name) anew: both ends wait for the other.")
            return
        }
        restoration.window = restoration.window.map { $0 + Window(.zero, shortest.wait) }
        restoration.reasons.append(
            "\(tunnel.name) has to be negotiated again: \(waits.map(\.node).joined(separator: " and ")) asks again and again, after waits of up to \(shortest.wait.shortText) (libreswan doubles `retransmit-interval`)."
        )
    }

    /// Whether an end notices by itself that its peer is silent.
    func dies(_ end: TunnelEnd, of tunnel: Tunnel, _ moment: Moment) -> Bool {
        guard IKELiveness(end, of: tunnel, version: versions.libreswan) != nil, let peer = tunnel.peer(of: end) else {
            return false
        }
        return !underlay(from: peer, of: tunnel, moment.damage).contains(where: \.arrives)
            || moment.damage.forgotten.contains(Damage.Side(name: tunnel.name, node: peer.node))
    }

    /// The ways of a tunnel's outer packets.
    private func underlay(from end: TunnelEnd, of tunnel: Tunnel, _ damage: Damage) -> [Forwarding.Path] {
        forwarding.paths(
            from: end.node, source: end.localAddress, to: end.remoteAddress,
            tunnel.isUDPEncapsulated ? .espInUDP : .esp, in: damage)
    }

    /// Whether an end begins a negotiation when it can.
    private func initiates(_ end: TunnelEnd, of tunnel: Tunnel, isLost: Bool, _ impact: Impact) -> Bool {
        let liveness = IKELiveness(end, of: tunnel, version: versions.libreswan)
        switch end.configuration {
        case .generated(let startup, let action):
            return startup == .initiate || isLost && liveness != nil && action != .clear
        case .own: return ["start", "route", "ondemand"].contains(end.parameters["auto"] ?? "")
        }
    }
}
