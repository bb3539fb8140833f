import LabModel
import NetworkTypes

// What a tunnel is configured to do, whether netlab or its users wrote that.
extension Tunnel {
    /// The algorithms of its ESP packets, as the ends agree on them; nil where the user's own files leave them open.
    public var algorithms: ESPAlgorithms? {
        chosen { $0.proposal?.esp.map(\.algorithms) ?? $0.own?.terms.esp?.map(\.algorithms) }
    }

    /// The algorithms of its IKE SA, as the ends agree on them; nil where the user's own files leave them open.
    public var ikeAlgorithms: IKEAlgorithms? { chosen { $0.proposal?.ike ?? $0.own?.terms.ike } }

    /// What the responder takes of what the initiator offers: the first of its own list (`prefer_configured_proposals` of strongswan.conf(5),
    /// on by default; libreswan the same, measured with 4.10). RFC 7296, section 2.7, leaves it the choice.
    ///
    /// Nil where that is open: where either end may begin and each would choose otherwise, or one leaves its offers to its daemon and
    /// the other has several.
    private func chosen<Offer: Hashable>(_ offers: (TunnelEnd) -> [Offer]?) -> Offer? {
        let known = ends.compactMap { end in offers(end).map { (end: end, offers: $0) } }
        guard known.count == 2 else { return known.first.flatMap { $0.offers.count == 1 ? $0.offers.first : nil } }
        if known[0].offers == known[1].offers { return known[0].offers.first }
        let choices = zip(known, known.reversed()).compactMap { initiator, responder -> Offer? in
            guard initiator.end.begins else { return nil }
            let follows = responder.end.ikeVersion == 1 && responder.end.keyDaemon.followsInitiatorInIKEv1
            return follows
                ? initiator.offers.first(where: responder.offers.contains)
                : responder.offers.first(where: initiator.offers.contains)
        }
        return Set(choices).count == 1 ? choices.first : nil
    }

    /// Whether it comes up with the first packet for it, and not before: then nobody need wait for it.
    public var startsOnDemand: Bool {
        ends.contains(where: \.waitsForTraffic) && !ends.contains { $0.begins && !$0.waitsForTraffic }
    }

    /// Whether its ESP rides in UDP: as soon as one end is behind NAT (RFC 7296, section 2.23), or when it is forced to.
    public var isUDPEncapsulated: Bool {
        ends.contains {
            $0.localAddress != $0.identity || $0.options.forcesEncapsulation || $0.own?.forcesEncapsulation ?? false
        }
    }

    /// How long its IKE SA and its ESP associations last; nil where the user's own files leave that to the daemon.
    public var lifetimes: (ike: Duration, esp: Duration)? {
        guard let ike = ends.compactMap(\.ikeLifetime).max(), let esp = ends.compactMap(\.espLifetime).max() else {
            return nil
        }
        return (ike, esp)
    }
}

extension TunnelEnd {
    /// How long its SAs last at most; nil where the user's own file leaves that to the daemon.
    public var ikeLifetime: Duration? { proposal?.ikeLifetime ?? own?.ikeLifetime }
    public var espLifetime: Duration? { proposal?.espLifetime ?? own?.espLifetime }

    /// 1 or 2; nil where it takes either.
    public var ikeVersion: Int? { own.map(\.ikeVersion) ?? options.ikeVersion }

    /// Whether it may move the tunnel to another address of its node's (MOBIKE, RFC 4555).
    public var moves: Bool { own?.moves ?? options.moves }

    /// Whether it begins a negotiation with the first packet for the tunnel: a user's own `start_action = trap`, `auto=ondemand`.
    public var waitsForTraffic: Bool { own?.waitsForTraffic ?? false }

    /// Whether it begins a negotiation when its daemon starts, or with the first packet.
    public var begins: Bool {
        switch configuration {
        case .generated(let startup, _): startup == .initiate
        case .own: own?.initiates ?? false
        }
    }
}
