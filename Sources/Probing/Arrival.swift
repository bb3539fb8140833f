import AgentProtocol
import NetworkTypes
import PacketFormats

/// An IP packet that an interface of a node has seen, put together where it came in fragments.
struct Arrival {
    let ip: IPLayer
    /// What follows the IP header.
    let body: [UInt8]
    /// How many it came in; 1 is whole.
    let fragments: Int
    /// The number of the interface, as `if_nametoindex(3)` has it.
    let interface: Int32
    let isOutgoing: Bool
    /// When its last piece was there.
    let time: LabTime
}

/// Puts fragments together (RFC 791, 3.2; RFC 8200, 4.5), without ever giving up on one: a probe ends soon enough.
struct FragmentCollector {
    private struct Key: Hashable {
        let bytes: [UInt8]
        let identification: UInt32
        let interface: Int32
        let isOutgoing: Bool
    }

    private struct Partial {
        var pieces: [Int: [UInt8]] = [:]
        var length: Int?

        /// All of the body, once there is no gap in it.
        var whole: [UInt8]? {
            guard let length else { return nil }
            var body: [UInt8] = []
            for (offset, piece) in pieces.sorted(by: { $0.key < $1.key }) {
                guard offset == body.count else { return nil }
                body += piece
            }
            return body.count == length ? body : nil
        }
    }

    private var partial: [Key: Partial] = [:]

    /// Takes a packet; returns it, or the one that it completes.
    mutating func add(_ bytes: [UInt8], interface: Int32, isOutgoing: Bool, time: LabTime) -> Arrival? {
        guard let ip = IPLayer(bytes), bytes.count >= ip.headerLength else { return nil }
        // Ethernet pads short packets.
        let body = Array(bytes[ip.headerLength..<max(ip.headerLength, min(bytes.count, ip.length))])
        guard let fragment = ip.fragment else {
            return Arrival(
                ip: ip, body: body, fragments: 1, interface: interface, isOutgoing: isOutgoing, time: time)
        }
        let key = Key(
            bytes: ip.source.bytes + ip.destination.bytes + [ip.transport.rawValue],
            identification: fragment.identification, interface: interface, isOutgoing: isOutgoing)
        var entry = partial[key] ?? Partial()
        entry.pieces[fragment.offset] = body
        if !fragment.hasMore { entry.length = fragment.offset + body.count }
        guard let whole = entry.whole else {
            partial[key] = entry
            return nil
        }
        partial[key] = nil
        return Arrival(
            ip: ip, body: whole, fragments: entry.pieces.count, interface: interface, isOutgoing: isOutgoing, time: time
        )
    }
}
