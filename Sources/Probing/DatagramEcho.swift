import AgentProtocol
import CLinux
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime

/// Sends datagrams of one size to an echo port, always from the same port, and takes those that come back (RFC 862).
///
/// Its packets are as long as those of an ``EchoSocket`` with the same payload, and go without DF like them.
final class DatagramEchoSocket: EchoChannel {
    /// The port it sends from.
    let identifier: UInt16
    let descriptor: Int32
    private let destination: IPAddress
    private let marker: [UInt8]
    /// What comes behind the request's number.
    private let filling: [UInt8]
    private let realTimeOffset = LabClock.realTimeOffset

    /// - Parameters:
    ///   - source: The address to ask from; nil leaves that to the node's routes, for each request anew.
    ///   - id: The number in the marker.
    ///   - payload: In bytes; what the marker and the request's number take if it is less.
    /// - Throws: ``LabFailure`` where there is no socket to be had, or another has its port.
    init(
        in node: NodeSandbox, to destination: IPAddress, from source: IPAddress?, port: UInt16, id: UInt64, payload: Int
    ) throws {
        identifier = port
        self.destination = destination
        marker = ProbeMarker.bytes(id: id)
        let head = marker.count + MemoryLayout<UInt16>.size
        filling = (head..<max(head, payload)).map { UInt8(truncatingIfNeeded: $0) }
        descriptor = try node.openSocket(destination.family, SOCK_DGRAM, protocol: 0)
        prepareForEchoes(descriptor, to: destination)
        // The address may come and go, as it may for who asks by ICMP.
        switch destination {
        case .v4: setOption(descriptor, Int32(IPPROTO_IP), IP_FREEBIND, 1)
        case .v6: setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_FREEBIND, 1)
        }
        let address = source ?? destination.unspecified
        guard address.withSocketAddress(port: port, { bind(descriptor, $0, $1) }) == 0 else {
            throw LabFailure("\(node.name): UDP port \(port) cannot be had: \(String(cString: strerror(errno))).")
        }
    }

    deinit {
        close(descriptor)
    }

    func send(sequence: UInt16) -> LocalError? {
        let head = marker + [UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        let sent = destination.withSocketAddress(port: FlowRequest.echoPort) { address, length in
            netlab_send_pieces(descriptor, address, length, head, head.count, filling, filling.count)
        }
        return sent == head.count + filling.count ? nil : LocalError(errno: errno)
    }

    func receive(_ take: (UInt16, LabTime) -> Void) {
        receivePackets(descriptor, realTimeOffset: realTimeOffset) { bytes, time in
            guard bytes.count >= marker.count + 2, bytes.starts(with: marker) else { return }
            take(UInt16(bytes[marker.count]) << 8 | UInt16(bytes[marker.count + 1]), time)
        }
    }
}

/// Sends back to where it came from whatever a node gets at the echo port, from the address that it was sent to (RFC 862).
///
/// It answers while somebody calls ``answer()``, as soon as ``descriptor`` is readable.
public final class EchoResponder: Sendable {
    let descriptor: Int32

    /// - Throws: ``LabFailure`` where there is no socket to be had, or another program has the port.
    public init(in node: NodeSandbox, for destination: IPAddress) throws {
        descriptor = try node.openSocket(destination.family, SOCK_DGRAM, protocol: 0)
        prepareForEchoes(descriptor, to: destination)
        switch destination {
        case .v4: setOption(descriptor, Int32(IPPROTO_IP), IP_PKTINFO, 1)
        case .v6:
            setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
            setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, 1)
        }
        let isBound = destination.unspecified.withSocketAddress(port: FlowRequest.echoPort) {
            bind(descriptor, $0, $1) == 0
        }
        guard isBound else {
            throw LabFailure(
                "\(node.name): flows over UDP are answered at port \(FlowRequest.echoPort), which cannot be had: \(String(cString: strerror(errno))). End what has it, or take `flows:` out."
            )
        }
    }

    deinit {
        close(descriptor)
    }

    func answer() {
        withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 1) {
            netlab_echo_datagrams(descriptor, $0.baseAddress, $0.count)
        }
    }

    private static let longest = 1 << 16
}
