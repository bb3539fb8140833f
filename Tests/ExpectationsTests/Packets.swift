import LabRecords
import NetworkTypes

/// Packets written byte by byte; checksums are 0, which nobody here looks at.
enum Packets {
    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    static func address(_ text: String) -> [UInt8] { IPAddress(text)?.bytes ?? [] }

    /// An IPv4 or IPv6 packet, by its addresses.
    ///
    /// - Parameter fragment: The 16 bits of flags and fragment offset.
    static func ip(
        _ source: String, _ destination: String, _ number: UInt8, _ payload: [UInt8], fragment: UInt16 = 0x4000
    ) -> [UInt8] {
        let addresses = address(source) + address(destination)
        if addresses.count == 32 {
            return [0x60, 0, 0, 0] + bytes(UInt16(payload.count)) + [number, 64] + addresses + payload
        }
        return [0x45, 0] + bytes(UInt16(20 + payload.count)) + [0x12, 0x34] + bytes(fragment) + [64, number, 0, 0]
            + addresses + payload
    }

    /// An echo request or reply, whole packet `length` bytes, with a marker.
    static func echo(
        _ source: String, _ destination: String, isRequest: Bool = true, id: UInt64 = 7, sequence: UInt16 = 1,
        length: Int = 84
    ) -> [UInt8] {
        let isSix = address(source).count == 16
        let type: UInt8 = isSix ? (isRequest ? 128 : 129) : (isRequest ? 8 : 0)
        let message = [type, 0, 0, 0] + bytes(UInt16(7)) + bytes(sequence) + ProbeMarker.bytes(id: id)
        let rest = max(0, length - (isSix ? 40 : 20) - message.count)
        return ip(source, destination, isSix ? 58 : 1, message + (0..<rest).map { UInt8(truncatingIfNeeded: $0) })
    }

    static func udp(_ from: UInt16, _ to: UInt16, _ payload: [UInt8]) -> [UInt8] {
        bytes(from) + bytes(to) + bytes(UInt16(8 + payload.count)) + [0, 0] + payload
    }

    /// - Parameter flags: 0x02 SYN, 0x12 SYN-ACK, 0x10 ACK.
    static func tcp(_ from: UInt16, _ to: UInt16, flags: UInt8, mss: UInt16? = nil, _ payload: [UInt8] = []) -> [UInt8]
    {
        let options = mss.map { [2, 4] + bytes($0) } ?? []
        return bytes(from) + bytes(to) + bytes(UInt32(1)) + bytes(UInt32(0)) + [UInt8(20 + options.count) << 2, flags]
            + bytes(UInt16(1024))
            + [0, 0, 0, 0] + options + payload
    }

    /// ICMP "fragmentation needed" about a packet.
    static func fragmentationNeeded(_ source: String, _ destination: String, mtu: UInt16, about packet: [UInt8])
        -> [UInt8]
    {
        ip(source, destination, 1, [3, 4, 0, 0, 0, 0] + bytes(mtu) + packet.prefix(28))
    }

    static func ethernet(_ packet: [UInt8], vlans: [UInt16] = []) -> [UInt8] {
        let type: [UInt8] = packet.first.map { $0 >> 4 } == 6 ? [0x86, 0xDD] : [0x08, 0x00]
        return frame(vlans.flatMap { [0x81, 0x00] + bytes($0) } + type + packet)
    }

    /// From the first EtherType on.
    static func frame(_ rest: [UInt8]) -> [UInt8] { [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] + rest }

    static let arp = frame(
        [0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1] + [2, 0, 0, 0, 0, 1] + address("203.0.113.1") + [0, 0, 0, 0, 0, 0]
            + address("203.0.113.2"))

    /// An IKE_SA_INIT request without payloads.
    static let ike: [UInt8] =
        [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0] + [0, 0x20, 34, 0x08] + bytes(UInt32(0)) + bytes(UInt32(28))
}
