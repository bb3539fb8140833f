import AgentProtocol
import CLinux
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

/// What carries a flow's requests to their destination and their answers back.
protocol EchoChannel: Sendable {
    /// What captures know it by beside the marker.
    var identifier: UInt16 { get }
    /// Readable when an answer is there.
    var descriptor: Int32 { get }
    /// Sends a request.
    ///
    /// - Returns: What the kernel has against it; nil when it is on its way.
    func send(sequence: UInt16) -> LocalError?
    /// Hands over the sequence number of each answer that has come since the last call, and when it was there.
    func receive(_ take: (UInt16, LabTime) -> Void)
}

/// Has a socket send without DF and take no part in what the kernel learns of path MTUs, note when packets come, and have room for many.
func prepareForEchoes(_ descriptor: Int32, to destination: IPAddress) {
    /// <linux/in.h>, <linux/in6.h>: IP_PMTUDISC_OMIT and its twin.
    let omit: Int32 = 5
    switch destination {
    case .v4: setOption(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, omit)
    case .v6: setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, omit)
    }
    setOption(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1)
    setOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    setOption(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20)
}

/// Sends echo requests of one size to one address, and takes the replies to them alone (raw(7); RFC 792; RFC 4443).
///
/// Sees what a program in the node would: whole packets, behind the node's own filter. The requests go without DF, and the
/// socket takes no part in what the kernel learns of path MTUs. One system call sends, one receives: made for millions.
public final class EchoSocket: EchoChannel {
    /// Tells its echoes from others'.
    let identifier: UInt16
    /// Readable when a reply is there.
    public let descriptor: Int32
    private let destination: IPAddress
    private let source: IPAddress?
    private let payload: [UInt8]
    /// What every reply carries; empty where the payload has no room for it.
    private let marker: [UInt8]
    /// The checksum's sum of all but the sequence number.
    private let sum: UInt32
    private let realTimeOffset = LabClock.realTimeOffset

    /// - Parameters:
    ///   - source: The address to ask from; nil leaves that to the node's routes, for each request anew.
    ///   - id: The number in the marker, and the source of the identifier.
    ///   - payload: 0 to 65,000 bytes.
    /// - Throws: ``LabFailure`` where there is no socket to be had.
    public init(in node: NodeSandbox, to destination: IPAddress, from source: IPAddress?, id: UInt64, payload: Int)
        throws
    {
        identifier = ProbeSession.identifier(of: id)
        self.destination = destination
        self.source = source
        let hasMarker = payload >= ProbeMarker.length
        marker = hasMarker ? ProbeMarker.bytes(id: id) : []
        self.payload =
            hasMarker ? probePayload(id: id, length: payload) : (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
        var sum = UInt32(8 << 8) + UInt32(identifier)
        for (index, byte) in self.payload.enumerated() {
            sum += index.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
        }
        self.sum = sum
        descriptor = try node.openSocket(
            destination.family, SOCK_RAW, protocol: Int32(destination.icmp.rawValue))
        prepareForEchoes(descriptor, to: destination)
        guard netlab_keep_echo_replies(descriptor, destination.family, identifier) == 0 else {
            throw LabFailure("\(node.name): no filter for echo replies: \(String(cString: strerror(errno))).")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends a request.
    ///
    /// - Returns: What the kernel has against it; nil when it is on its way.
    public func send(sequence: UInt16) -> LocalError? {
        if let source {
            // Anew each time, for the address may come and go; binding again to the same address is no error.
            guard source.withSocketAddress({ bind(descriptor, $0, $1) }) == 0 else { return LocalError(errno: errno) }
        }
        var folded = sum + UInt32(sequence)
        while folded > 0xFFFF { folded = folded >> 16 + folded & 0xFFFF }
        // The kernel fills in the checksum of ICMPv6 itself.
        let checksum = ~UInt16(folded)
        let type: UInt8 =
            switch destination {
            case .v4: 8
            case .v6: 128
            }
        let head: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (
            type, 0, UInt8(checksum >> 8), UInt8(checksum & 0xFF), UInt8(identifier >> 8), UInt8(identifier & 0xFF),
            UInt8(sequence >> 8), UInt8(sequence & 0xFF)
        )
        let sent = withUnsafeBytes(of: head) { head in
            destination.withSocketAddress { address, length in
                netlab_send_pieces(descriptor, address, length, head.baseAddress, head.count, payload, payload.count)
            }
        }
        return sent == ICMPMessage.headerLength + payload.count ? nil : LocalError(errno: errno)
    }

    /// Hands over the sequence number of each reply that has come since the last call, and when it was there.
    public func receive(_ take: (UInt16, LabTime) -> Void) {
        receivePackets(descriptor, realTimeOffset: realTimeOffset) { bytes, time in
            if let sequence = sequence(of: bytes) { take(sequence, time) }
        }
    }

    /// Nil for what does not carry the marker.
    private func sequence(of packet: UnsafeRawBufferPointer) -> UInt16? {
        let start: Int
        switch destination {
        case .v4:
            guard let first = packet.first else { return nil }
            start = Int(first & 0xF) * 4
        case .v6: start = 0
        }
        let end = start + ICMPMessage.headerLength + marker.count
        guard packet.count >= end, packet[(start + ICMPMessage.headerLength)..<end].elementsEqual(marker) else {
            return nil
        }
        return UInt16(packet[start + 6]) << 8 | UInt16(packet[start + 7])
    }
}
