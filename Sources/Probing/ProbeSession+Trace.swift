import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

extension ProbeSession {
    /// The port that traceroute(8) has used for ever: nobody listens there.
    private static let firstPort: UInt16 = 33434

    /// Asks hop by hop, from the nearest to the destination, each twice: the second answer's time counts, for the first
    /// may have waited, there or on its way back, until a neighbour's address was found (ARP, RFC 826). Both questions
    /// are the same packet, and so take the same way where traffic is shared by flow.
    ///
    /// A kernel sends an address some ICMP errors at once and then one a second (icmp(7), `icmp_ratelimit`): a hop that
    /// answers one question of the two has answered.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func trace(_ method: ProbeRequest.TraceMethod, maximumHops: Int, timeout: Duration) throws -> TraceResult {
        let tap = try PacketTap(in: node)
        let sender = try PacketSender(self)
        var hops: [TraceResult.Hop] = []
        for distance in 1...maximumHops {
            let packet = tracer(method, distance: distance)
            var hop: TraceResult.Hop?
            for _ in 0..<2 {
                let sentAt = LabClock.now
                if let error = sender.send(packet) {
                    return TraceResult(hops: hops, isReached: false, localError: error)
                }
                var answered: TraceResult.Hop?
                let deadline = sentAt + timeout
                while answered == nil, LabClock.now < deadline {
                    try wait(for: tap.descriptors, until: deadline)
                    tap.drain { arrival in
                        guard !arrival.isOutgoing, answered == nil else { return }
                        answered = answer(arrival, to: packet, distance: distance, sentAt: sentAt)
                    }
                }
                hop = answered ?? hop
            }
            hops.append(
                hop ?? TraceResult.Hop(distance: distance, address: nil, roundTripNanoseconds: nil, notice: nil))
            guard let hop, hop.notice?.kind != .timeExceeded else { continue }
            // Any other message ends it: at the destination, or where the way ends.
            return TraceResult(hops: hops, isReached: hop.address == destination, localError: nil)
        }
        return TraceResult(hops: hops, isReached: false, localError: nil)
    }

    private func tracer(_ method: ProbeRequest.TraceMethod, distance: Int) -> OutgoingPacket {
        let transport = TransportBody(source: source, destination: destination)
        let payload = probePayload(id: id, length: 32)
        let number = UInt16(truncatingIfNeeded: distance)
        let (next, body) =
            switch method {
            case .icmp:
                (destination.icmp, transport.echoRequest(identifier: identifier, sequence: number, payload: payload))
            case .udp:
                (IPProtocol.udp, transport.udp(from: identifier, to: Self.firstPort &+ number &- 1, payload: payload))
            }
        return OutgoingPacket(
            source: source, destination: destination, timeToLive: UInt8(clamping: distance), identification: number,
            dontFragment: false, transport: next, body: body)
    }

    private func answer(_ arrival: Arrival, to packet: OutgoingPacket, distance: Int, sentAt: LabTime) -> TraceResult
        .Hop?
    {
        let notice: ICMPNotice?
        if let quote = ICMPQuote(arrival) {
            guard quote.isAbout(packet) else { return nil }
            notice = quote.notice(since: sentAt)
        } else {
            guard let numbers = EchoNumbers(arrival.body, transport: arrival.ip.transport, request: false),
                numbers == EchoNumbers(packet.body, transport: packet.transport, request: true)
            else { return nil }
            notice = nil
        }
        return TraceResult.Hop(
            distance: distance, address: arrival.ip.source,
            roundTripNanoseconds: (arrival.time - sentAt).wholeNanoseconds,
            notice: notice)
    }
}

extension ICMPQuote {
    /// Whether this is about a packet: the same protocol, and the same numbers in the first bytes of its transport.
    ///
    /// Addresses may have been translated on the way, and so the checksums.
    func isAbout(_ packet: OutgoingPacket) -> Bool {
        guard ip.transport == packet.transport else { return false }
        if ip.transport == .icmp || ip.transport == .icmpv6 {
            return transport[4..<8].elementsEqual(packet.body.dropFirst(4).prefix(4))
        }
        return transport[..<4].elementsEqual(packet.body.prefix(4))
    }
}
