import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

/// An echo request or reply, or a datagram, of a probe's, seen in clear at an interface.
public struct Sighting: Sendable {
    public let node: String
    public let interface: InterfaceName
    public let isOutgoing: Bool
    /// Whether it is an echo reply.
    public let isAnswer: Bool
    public let sequence: Int
    public let source: IPAddress
    public let destination: IPAddress
    public let time: LabTime
}

/// Watches the interfaces of several nodes for one probe's packets, which carry their probe's number wherever they are in clear
/// (``ProbeMarker``): also where their addresses have been translated.
public final class SightingPost {
    private let taps: [(node: NodeSandbox, tap: PacketTap)]

    /// - Throws: ``LabFailure`` or `NetlinkError` where there are no descriptors left.
    public init(at nodes: [NodeSandbox]) throws {
        taps = try nodes.map { ($0, try PacketTap(in: $0)) }
    }

    /// What has been seen since the beginning or the last call, oldest first; and of each SPI, where ESP was seen last.
    ///
    /// - Throws: `NetlinkError`.
    public func sightings(of id: UInt64) throws -> (echoes: [Sighting], protected: [UInt32: Sighting]) {
        var echoes: [Sighting] = []
        var protected: [UInt32: Sighting] = [:]
        for (node, tap) in taps {
            var names: [Int32: InterfaceName] = [:]
            for link in try node.sockets.links() { names[link.index] = link.name }
            tap.drain { arrival in
                guard let interface = names[arrival.interface] else { return }
                let seen = { (isAnswer: Bool, sequence: Int) in
                    Sighting(
                        node: node.name, interface: interface, isOutgoing: arrival.isOutgoing, isAnswer: isAnswer,
                        sequence: sequence, source: arrival.ip.source, destination: arrival.ip.destination,
                        time: arrival.time)
                }
                if let (isAnswer, sequence) = Self.echo(in: arrival, of: id) { echoes.append(seen(isAnswer, sequence)) }
                guard let spi = Self.spi(in: arrival) else { return }
                // A packet comes in at one node at the moment at which it leaves another.
                let isLater = protected[spi].map { known in
                    known.time < arrival.time || known.time == arrival.time && known.isOutgoing
                }
                if isLater ?? true { protected[spi] = seen(false, 0) }
            }
        }
        return (echoes.sorted { $0.time < $1.time }, protected)
    }

    /// That of ESP, by itself (RFC 4303, section 2.1) or in UDP port 4500 (RFC 3948, section 2.1).
    private static func spi(in arrival: Arrival) -> UInt32? {
        let body = arrival.body
        let number = { (offset: Int) -> UInt32? in
            guard body.count >= offset + 4 else { return nil }
            return body[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        switch arrival.ip.transport {
        case .esp: return number(0)
        case .udp:
            guard let ports = number(0), ports >> 16 == 4500 || ports & 0xFFFF == 4500, let spi = number(8), spi != 0
            else { return nil }
            return spi
        default: return nil
        }
    }

    private static func echo(in arrival: Arrival, of id: UInt64) -> (isAnswer: Bool, sequence: Int)? {
        let body = arrival.body
        let marker = ICMPMessage.headerLength..<min(body.count, ICMPMessage.headerLength + ProbeMarker.length)
        guard marker.lowerBound < marker.upperBound, ProbeMarker.id(at: marker, in: body.span.bytes) == id else {
            return nil
        }
        // UDP's header is as long as that of ICMP (RFC 768).
        if arrival.ip.transport == .udp { return (false, 0) }
        for isAnswer in [false, true] {
            if let numbers = EchoNumbers(body, transport: arrival.ip.transport, request: !isAnswer) {
                return (isAnswer, Int(numbers.sequence))
            }
        }
        return nil
    }
}
