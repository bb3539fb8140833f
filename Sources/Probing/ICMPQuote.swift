import AgentProtocol
import LabRecords
import NetworkTypes
import PacketFormats

/// An ICMP error message with the packet that it is about.
struct ICMPQuote {
    let kind: ICMPNotice.Kind
    let from: IPAddress
    let type: UInt8
    let code: UInt8
    let mtu: Int?
    let time: LabTime
    let ip: IPLayer
    /// What of the quoted packet's transport is there: 8 bytes at least.
    let transport: [UInt8]

    /// Nil for anything but an error about a packet; a redirect is none.
    init?(_ arrival: Arrival) {
        let body = arrival.body.span.bytes
        switch arrival.ip.transport {
        case .icmp:
            guard let message = try? ICMPMessage(body), message.quotesPacket else { return nil }
            switch message.content {
            case .redirect: return nil
            case .fragmentationNeeded(let mtu): (kind, self.mtu) = (.packetTooBig, Int(mtu))
            case .timeExceeded: (kind, mtu) = (.timeExceeded, nil)
            case .destinationUnreachable: (kind, mtu) = (Self.unreachable(code: message.code), nil)
            default: (kind, mtu) = (.other, nil)
            }
            (type, code) = (message.type, message.code)
        case .icmpv6:
            guard let message = try? ICMPv6Message(body), message.quotesPacket else { return nil }
            switch message.content {
            case .packetTooBig(let mtu): (kind, self.mtu) = (.packetTooBig, Int(mtu))
            case .timeExceeded: (kind, mtu) = (.timeExceeded, nil)
            case .destinationUnreachable: (kind, mtu) = (Self.unreachable6(code: message.code), nil)
            default: (kind, mtu) = (.other, nil)
            }
            (type, code) = (message.type, message.code)
        default: return nil
        }
        let quoted = Array(arrival.body.dropFirst(ICMPMessage.headerLength))
        guard let ip = IPLayer(quoted), ip.fragment?.offset ?? 0 == 0, quoted.count >= ip.headerLength + 8 else {
            return nil
        }
        self.ip = ip
        transport = Array(quoted[ip.headerLength...])
        from = arrival.ip.source
        time = arrival.time
    }

    func notice(since sent: LabTime) -> ICMPNotice {
        ICMPNotice(
            kind: kind, from: from, type: type, code: code, mtu: mtu, quotedLength: ip.length,
            afterNanoseconds: (time - sent).wholeNanoseconds)
    }

    /// RFC 792; RFC 1812, 5.2.7.1.
    private static func unreachable(code: UInt8) -> ICMPNotice.Kind {
        switch code {
        case 0, 6, 11: .networkUnreachable
        case 1, 7, 12: .hostUnreachable
        case 2: .protocolUnreachable
        case 3: .portUnreachable
        case 9, 10, 13: .prohibited
        default: .other
        }
    }

    /// RFC 4443, 3.1.
    private static func unreachable6(code: UInt8) -> ICMPNotice.Kind {
        switch code {
        case 0: .networkUnreachable
        case 1, 5, 6: .prohibited
        case 3: .hostUnreachable
        case 4: .portUnreachable
        default: .other
        }
    }
}

/// The identifier and sequence of an echo request, an echo reply, or one that is quoted.
struct EchoNumbers: Hashable {
    let identifier: UInt16
    let sequence: UInt16

    init(identifier: UInt16, sequence: UInt16) {
        self.identifier = identifier
        self.sequence = sequence
    }

    /// Those of a reply, or with `request` of a request; nil for any other message.
    init?(_ body: [UInt8], transport: IPProtocol, request: Bool) {
        let type: UInt8
        switch transport {
        case .icmp: type = request ? 8 : 0
        case .icmpv6: type = request ? 128 : 129
        default: return nil
        }
        guard body.count >= ICMPMessage.headerLength, body[0] == type else { return nil }
        identifier = UInt16(body[4]) << 8 | UInt16(body[5])
        sequence = UInt16(body[6]) << 8 | UInt16(body[7])
    }
}
