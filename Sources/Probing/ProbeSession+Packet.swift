import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

extension ProbeSession {
    /// Sends one packet and watches both nodes for the given time, or until it has arrived and been answered.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func packet(_ kind: ProbeRequest.ProbePacket, wait patience: Duration) throws -> PacketResult {
        let near = try PacketTap(in: node)
        let far = try destinationNode.map { try PacketTap(in: $0) }
        let packet = outgoing(kind)
        let sentAt = LabClock.now
        if let error = try PacketSender(self).send(packet) {
            return PacketResult(
                answer: nil, answerNanoseconds: nil, arrived: far.map { _ in false }, arrivedFrom: nil,
                localError: error)
        }
        let deadline = sentAt + patience
        var answer: (what: PacketResult.Answer, time: LabTime)?
        var arrivedFrom: IPAddress?
        while LabClock.now < deadline, answer == nil || (far != nil && arrivedFrom == nil) {
            try wait(for: near.descriptors + (far?.descriptors ?? []), until: deadline)
            near.drain { arrival in
                guard answer == nil, !arrival.isOutgoing, let what = self.answer(arrival, to: packet, sentAt: sentAt)
                else { return }
                answer = (what, arrival.time)
            }
            far?.drain { arrival in
                if arrivedFrom == nil, !arrival.isOutgoing, isCopy(arrival, of: packet) {
                    arrivedFrom = arrival.ip.source
                }
            }
        }
        return PacketResult(
            answer: answer?.what, answerNanoseconds: answer.map { ($0.time - sentAt).wholeNanoseconds },
            arrived: far.map { _ in arrivedFrom != nil }, arrivedFrom: arrivedFrom, localError: nil)
    }

    private func outgoing(_ kind: ProbeRequest.ProbePacket) -> OutgoingPacket {
        let transport = TransportBody(source: source, destination: destination)
        let payload = probePayload(id: id, length: 32)
        let (next, body) =
            switch kind {
            case .echo: (destination.icmp, transport.echoRequest(identifier: identifier, sequence: 1, payload: payload))
            case .udp(let near, let far): (IPProtocol.udp, transport.udp(from: near, to: far, payload: payload))
            case .tcpSYN(let near, let far):
                (IPProtocol.tcp, transport.tcpSYN(from: near, to: far, sequence: UInt32(truncatingIfNeeded: id)))
            case .other(let number): (IPProtocol(rawValue: number), payload)
            }
        return OutgoingPacket(
            source: source, destination: destination, identification: UInt16(truncatingIfNeeded: id), transport: next,
            body: body)
    }

    private func answer(_ arrival: Arrival, to packet: OutgoingPacket, sentAt: LabTime) -> PacketResult.Answer? {
        if let quote = ICMPQuote(arrival) {
            return quote.isAbout(packet) ? .notice(message: quote.notice(since: sentAt)) : nil
        }
        guard arrival.ip.transport == packet.transport, arrival.ip.source == destination else { return nil }
        let body = arrival.body.span.bytes
        switch packet.transport {
        case .tcp:
            guard
                let (asked, segment) = (try? TCPHeader(packet.body.span.bytes)).flatMap({ asked in
                    (try? TCPHeader(body)).map { (asked, $0) }
                }),
                segment.sourcePort == asked.destinationPort, segment.destinationPort == asked.sourcePort,
                segment.acknowledgment == asked.sequence &+ 1
            else { return nil }
            return segment.flags.contains(.rst) ? .reset : segment.flags.contains(.syn) ? .synAck : nil
        case .udp:
            guard
                let (asked, datagram) = (try? UDPHeader(packet.body.span.bytes)).flatMap({ asked in
                    (try? UDPHeader(body)).map { (asked, $0) }
                }),
                datagram.sourcePort == asked.destinationPort, datagram.destinationPort == asked.sourcePort
            else { return nil }
            return .datagram
        default:
            let asked = EchoNumbers(packet.body, transport: packet.transport, request: true)
            let numbers = EchoNumbers(arrival.body, transport: arrival.ip.transport, request: false)
            return numbers != nil && numbers == asked ? .echoReply : nil
        }
    }

    /// Whether this is the packet, as it is after translations and routers: addresses, ports and checksums may differ.
    private func isCopy(_ arrival: Arrival, of packet: OutgoingPacket) -> Bool {
        guard arrival.ip.transport == packet.transport, arrival.body.count == packet.body.count else { return false }
        if packet.transport == .tcp { return arrival.body[4..<16].elementsEqual(packet.body[4..<16]) }
        return arrival.body.suffix(32).elementsEqual(packet.body.suffix(32))
    }
}
