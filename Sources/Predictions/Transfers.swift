import HeaderStacks
import LabModel
import NetworkTypes

// What a fault does to a probe's transfers over TCP, where its pings notice nothing.
extension Predictor {
    /// What faults do to a probe's pings, and to its transfers where pings notice nothing.
    public func predictWithTransfers(_ faults: [Fault], for probe: Probe) -> Prediction {
        var prediction = predict(faults, for: probe)
        switch prediction.effect {
        case .none, .degraded: prediction.transfers = transfers(of: probe, after: faults)
        case .outage, .untilHealed, .byFlow, .unpredictable: break
        }
        return prediction
    }

    /// What becomes of a new transfer over TCP.
    ///
    /// Two things are looked at: whether TCP's packets get through, and whether a full segment that is longer than what its way takes
    /// has its sender told so (RFC 1191; RFC 8201). A sender that knows the way's MTU already, as Linux does for ten minutes
    /// (net.ipv4.route.mtu_expires), sends no such segment.
    private func transfers(of probe: Probe, after faults: [Fault]) -> Prediction.Transfers {
        let damage = impact(of: faults).damage
        let streams = predicting(.stream)
        let before = streams.journey(of: probe, in: Damage())
        if let loss = before.loss { return .unknown("there is none before the fault: \(loss)") }
        guard before.pinnings.isEmpty else { return .unknown("routes share traffic by flow") }
        let journey = streams.journey(of: probe, in: damage, known: before)
        if let loss = journey.loss { return .hang(loss) }
        guard journey.all.allSatisfy({ $0.arrives && $0.doubt == nil }),
            let source = probe.sourceAddress
                ?? forwarding.sourceAddress(from: probe.source, to: probe.destination, damage),
            let receiver = journey.forth.first?.nodes.last
        else { return .unknown("which way they take is not known") }
        let translator = journey.all.flatMap(\.nodes).first { topology.node(named: $0)?.nat != nil }
        if let translator { return .unknown("\(translator) translates addresses on the way") }
        // IP and TCP, without options.
        let headers = probe.destination.bitWidth == 32 ? 40 : 60
        guard let segment = segment(of: journey, from: probe.source, to: receiver, headers, damage) else {
            return .unknown("a clamp goes by an interface's MTU that the kernel makes up")
        }
        let directions = [
            untold(journey.forth, from: probe.source, at: source, segment, damage),
            untold(journey.back, from: receiver, at: probe.destination, segment, damage),
        ]
        return directions.first { if case .hang = $0 { true } else { false } }
            ?? directions.first { $0 != .asPings } ?? .asPings
    }

    /// Whether a probe's full segments fit everything on their way, so that nobody has to tell their senders of a limit.
    public func segmentFit(of probe: Probe) -> SegmentFit {
        let damage = Damage()
        let journey = predicting(.stream).journey(of: probe, in: damage)
        guard journey.loss == nil, journey.all.allSatisfy(\.arrives), let receiver = journey.forth.first?.nodes.last
        else { return .unknown("TCP does not get through") }
        let headers = probe.destination.bitWidth == 32 ? 40 : 60
        guard let segment = segment(of: journey, from: probe.source, to: receiver, headers, damage) else {
            return .unknown("a clamp goes by an interface's MTU that the kernel makes up")
        }
        let narrow = journey.all.flatMap(\.exits).first { exit in
            guard let mtu = mtu(of: exit.port, damage) else { return false }
            let esp = exit.tunnel.flatMap(topology.tunnel(named:))?.espEncapsulation
            return (esp.map { $0.outerLength(ofInner: segment) } ?? segment + exit.overhead) > mtu
        }
        return narrow.map { .tooLong("\($0.port.node):\($0.port.interface)") } ?? .fits
    }

    /// The longest packet of a connection: both ends' interfaces limit what each announces, and so does every clamp on the way
    /// (RFC 9293, section 3.7.1); nil where a clamp goes by an MTU that is not known here.
    private func segment(
        of journey: Journey, from sender: String, to receiver: String, _ headers: Int, _ damage: Damage
    ) -> Int? {
        var longest = [(journey.forth, sender), (journey.back, receiver)].compactMap { paths, node in
            paths.first?.exits.first { $0.port.node == node }.flatMap { mtu(of: $0.port, damage) }
        }.min()
        // By policies alone, packets enter without an interface of the tunnel's.
        for tunnel in journey.all.flatMap(\.tunnels).compactMap(topology.tunnel(named:))
        where tunnel.ends.contains(where: { $0.steering == .policy }) {
            switch tunnel.mss {
            case .off: break
            case .to(let bytes): longest = min(longest ?? .max, bytes + headers)
            case .toPathMTU: return nil
            }
        }
        for exit in journey.all.flatMap(\.exits) where exit.tunnel == nil {
            let tunnels = topology.tunnelEnds(of: exit.port.node).filter { $0.end.interface == exit.port.interface }
            let plain = topology.plainTunnelEnds(of: exit.port.node).filter { $0.end.interface == exit.port.interface }
            let node = topology.node(named: exit.port.node).map { [$0.mss] } ?? []
            for clamp in node + tunnels.map(\.tunnel.mss) + plain.map(\.end.mss) {
                switch clamp {
                case .off: break
                case .to(let bytes): longest = min(longest ?? .max, bytes + headers)
                case .toPathMTU:
                    guard let mtu = mtu(of: exit.port, damage) else { return nil }
                    longest = min(longest ?? .max, mtu)
                }
            }
        }
        return longest
    }

    /// Whether the sender of segments that are too long for their way is told so.
    private func untold(
        _ paths: [Forwarding.Path], from sender: String, at address: IPAddress, _ segment: Int, _ damage: Damage
    ) -> Prediction.Transfers {
        for path in paths {
            var length = segment
            for exit in path.exits {
                // The link below it counts where the kernel makes up an interface's own.
                guard let mtu = mtu(of: exit.port, damage) else { continue }
                let esp = exit.tunnel.flatMap(topology.tunnel(named:))?.espEncapsulation
                let outer = { (inner: Int) in esp.map { $0.outerLength(ofInner: inner) } ?? inner + exit.overhead }
                guard outer(length) > mtu else { continue }
                guard let room = (1..<length).last(where: { outer($0) <= mtu }) else {
                    return .unknown("nothing fits through \(exit.port.node):\(exit.port.interface)")
                }
                let isEntrance = topology.tunnelEnds(of: exit.port.node).contains { $0.tunnel.name == exit.tunnel }
                guard exit.tunnel == nil || isEntrance else {
                    return .unknown(
                        "the ESP packets of full segments are too long for \(exit.port.node):\(exit.port.interface), and whether their gateway learns of it is not computed here"
                    )
                }
                if exit.port.node != sender {
                    let answers = forwarding.paths(
                        from: exit.port.node, source: nil, to: address, .tooBig, in: damage, known: path.fabricPorts)
                    if let lost = answers.first(where: { !$0.arrives }), !answers.contains(where: \.arrives) {
                        return .hang(
                            "a full segment of \(sender)'s makes a packet of \(length) bytes, \(exit.port.node):\(exit.port.interface) takes \(room), and the \"fragmentation needed\" that says so does not arrive: \(lost.loss)"
                        )
                    }
                }
                length = room
            }
        }
        return .asPings
    }

    /// The MTU of an interface; nil where the kernel makes it up.
    private func mtu(of port: Damage.Port, _ damage: Damage) -> Int? {
        if let mtu = damage.mtu[port] { return mtu.bytes }
        if let (link, _) = topology.linkEnds(of: port.node).first(where: { $0.end.routedInterface == port.interface }) {
            return link.mtu.bytes
        }
        if let (_, end) = topology.tunnelEnds(of: port.node).first(where: { $0.end.interface == port.interface }) {
            return end.mtu?.bytes
        }
        return topology.plainTunnelEnds(of: port.node).first { $0.end.interface == port.interface }.map {
            topology.mtu(of: $0.end, in: $0.tunnel.kind)
        }
    }
}

/// Whether full segments fit everything on a probe's way.
public enum SegmentFit: Hashable, Sendable {
    case fits
    /// The first `NODE:INTERFACE` that does not take them.
    case tooLong(String)
    /// Why it is not known.
    case unknown(String)
}
