import AgentProtocol
import CLinux
import Glibc
import LabRecords
import NetworkTypes

/// Sends packets as they are, and lets no path MTU that the kernel remembers get in their way.
final class PacketSender {
    private let session: ProbeSession
    /// For packets with a header of their own: raw(7), `IP_HDRINCL`.
    private let whole: Int32
    /// For those whose header is the kernel's; opened when it is needed.
    private var fragmentable: Int32?
    private let bindError: LocalError?

    // <linux/in.h>, <linux/in6.h>: longer than a remembered path MTU is no matter; the second may be fragmented here.
    private static let probe: Int32 = 3
    private static let omit: Int32 = 5

    init(_ session: ProbeSession) throws {
        self.session = session
        whole = try session.node.openSocket(session.destination.family, SOCK_RAW, protocol: Int32(IPPROTO_RAW))
        bindError = session.request.mayBorrowSource ? nil : Self.prepare(whole, session, discovery: Self.probe)
    }

    deinit {
        close(whole)
        if let fragmentable { close(fragmentable) }
    }

    /// - Returns: What the kernel has against it; nil when the packet is on its way.
    func send(_ packet: OutgoingPacket) -> LocalError? {
        if let error = bindError ?? session.routeError { return error }
        let bytes = packet.bytes
        let count = packet.destination.withSocketAddress {
            netlab_send_whole(whole, packet.transport.rawValue, $0, $1, bytes, bytes.count)
        }
        return count == bytes.count ? nil : LocalError(errno: errno)
    }

    /// Sends an ICMP message under a header of the kernel's own: without DF, and in fragments where the interface needs it.
    func sendFragmentable(_ body: [UInt8]) throws -> LocalError? {
        if let error = bindError ?? session.routeError { return error }
        let descriptor = try fragmentable ?? openFragmentable()
        return Self.send(body, to: session.destination, through: descriptor)
    }

    private func openFragmentable() throws -> Int32 {
        let descriptor = try session.node.openSocket(
            session.destination.family, SOCK_RAW, protocol: Int32(session.destination.icmp.rawValue))
        fragmentable = descriptor
        // Nobody reads what it receives.
        setOption(descriptor, SOL_SOCKET, SO_RCVBUF, 0)
        _ = Self.prepare(descriptor, session, discovery: Self.omit)
        return descriptor
    }

    private static func prepare(_ descriptor: Int32, _ session: ProbeSession, discovery: Int32) -> LocalError? {
        switch session.destination {
        case .v4: setOption(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, discovery)
        case .v6: setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, discovery)
        }
        guard let source = session.request.sourceAddress else { return nil }
        let code = source.withSocketAddress { bind(descriptor, $0, $1) }
        return code == 0 ? nil : LocalError(errno: errno)
    }

    private static func send(_ bytes: [UInt8], to destination: IPAddress, through descriptor: Int32) -> LocalError? {
        let count = destination.withSocketAddress { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
        return count == bytes.count ? nil : LocalError(errno: errno)
    }
}
