import LabRecords
import NetworkTypes
import PacketFormats

/// A packet of a probe's own making, from the IP header on.
struct OutgoingPacket {
    let source: IPAddress
    let destination: IPAddress
    var timeToLive: UInt8 = 64
    /// IPv4 alone; the kernel replaces 0 by a number of its own.
    var identification: UInt16 = 0
    var dontFragment = true
    let transport: IPProtocol
    let body: [UInt8]

    /// The length of an IP header without options.
    static func headerLength(of address: IPAddress) -> Int {
        switch address {
        case .v4: 20
        case .v6: IPv6Header.length
        }
    }

    /// For IPv4, length and checksum are the kernel's to fill in (`IP_HDRINCL`, raw(7)).
    var bytes: [UInt8] {
        switch destination {
        case .v4:
            return [0x45, 0] + bigEndian(UInt16(truncatingIfNeeded: 20 + body.count)) + bigEndian(identification)
                + [dontFragment ? 0x40 : 0, 0, timeToLive, transport.rawValue, 0, 0] + source.bytes + destination.bytes
                + body
        case .v6:
            return [0x60, 0, 0, 0] + bigEndian(UInt16(truncatingIfNeeded: body.count)) + [
                transport.rawValue, timeToLive,
            ]
                + source.bytes + destination.bytes + body
        }
    }
}

/// The transport's part of a probe's packets, checksums included.
struct TransportBody {
    let source: IPAddress
    let destination: IPAddress

    /// An echo request (RFC 792; RFC 4443, 4.1).
    func echoRequest(identifier: UInt16, sequence: UInt16, payload: [UInt8]) -> [UInt8] {
        let numbers = bigEndian(identifier) + bigEndian(sequence)
        switch destination {
        case .v4: return withChecksum([8, 0, 0, 0] + numbers + payload, at: 2, nil)
        case .v6: return withChecksum([128, 0, 0, 0] + numbers + payload, at: 2, .icmpv6)
        }
    }

    func udp(from sourcePort: UInt16, to destinationPort: UInt16, payload: [UInt8]) -> [UInt8] {
        let length = UInt16(truncatingIfNeeded: 8 + payload.count)
        return withChecksum(
            bigEndian(sourcePort) + bigEndian(destinationPort) + bigEndian(length) + [0, 0] + payload, at: 6, .udp)
    }

    /// A SYN with no option but an MSS of 1460.
    func tcpSYN(from sourcePort: UInt16, to destinationPort: UInt16, sequence: UInt32) -> [UInt8] {
        let number =
            bigEndian(UInt16(truncatingIfNeeded: sequence >> 16)) + bigEndian(UInt16(truncatingIfNeeded: sequence))
        return withChecksum(
            bigEndian(sourcePort) + bigEndian(destinationPort) + number + [
                0, 0, 0, 0, 0x60, TCPHeader.Flags.syn.rawValue,
            ]
                + bigEndian(UInt16.max) + [0, 0, 0, 0, 2, 4] + bigEndian(UInt16(1460)),
            at: 16, .tcp)
    }

    /// Fills in the checksum; with the pseudo-header of a protocol, where one is given.
    private func withChecksum(_ bytes: [UInt8], at offset: Int, _ pseudo: IPProtocol?) -> [UInt8] {
        var checksum = InternetChecksum()
        if let pseudo {
            switch (source, destination) {
            case (.v4(let source), .v4(let destination)):
                checksum.addPseudoHeader(from: source, to: destination, pseudo, length: bytes.count)
            case (.v6(let source), .v6(let destination)):
                checksum.addPseudoHeader(from: source, to: destination, pseudo, length: bytes.count)
            default: break
            }
        }
        checksum.add(bytes.span.bytes)
        // UDP writes 0xFFFF for a sum of 0 (RFC 768), which every other protocol takes as well.
        let value = checksum.value == 0 && pseudo == .udp ? UInt16.max : checksum.value
        var filled = bytes
        filled.replaceSubrange(offset..<offset + 2, with: bigEndian(value))
        return filled
    }
}

private func bigEndian(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

/// The payload of a probe: the marker, then bytes that count up, so that one sees what was cut out.
func probePayload(id: UInt64, length: Int) -> [UInt8] {
    let marker = ProbeMarker.bytes(id: id)
    return marker + (marker.count..<max(marker.count, length)).map { UInt8(truncatingIfNeeded: $0) }
}
