import AgentProtocol
import CLinux
import Glibc
import Netlink
import NetworkTypes
import NodeRuntime

/// Sees every packet that comes in or goes out at a node's interfaces (packet(7)): before the packet filter on the way in,
/// after it on the way out.
///
/// A probe listens here instead of on a raw socket, for that would have the kernel remember the path MTUs that it is told
/// (`raw_err`, net/ipv4/raw.c). For IPv6 it remembers them whoever asks (`icmpv6_err`, net/ipv6/icmp.c).
///
/// What ESP in transport mode carries passes no interface: it is taken from raw sockets, where the node has policies for it, and only as
/// it comes in (`xfrm4_transport_finish`, net/ipv4/xfrm4_input.c).
final class PacketTap {
    /// Readable when a packet has been seen: the packet socket first, then raw ones.
    let descriptors: [Int32]
    /// What comes in by transport mode.
    private let protected: [IPsecSelector]
    private var collector = FragmentCollector()
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    private static let outgoing: UInt8 = 4
    private static let everything = UInt16(3).bigEndian

    /// - Throws: ``LabFailure`` or `NetlinkError` where there are no descriptors left.
    init(in sandbox: NodeSandbox) throws {
        // A kernel without IPsec has none.
        let policies = ((try? sandbox.sockets.securityPolicies()) ?? []).filter { policy in
            policy.direction == .input && policy.templates.contains { $0.mode == .transport }
        }
        protected = policies.map(\.selector)
        var opened = [try sandbox.openSocket(AF_PACKET, SOCK_DGRAM, protocol: Int32(Self.everything))]
        if protected.contains(where: { $0.source.address.bitWidth == 32 }) {
            for upper in [IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP] {
                opened.append(try sandbox.openSocket(AF_INET, SOCK_RAW, protocol: Int32(upper)))
            }
        }
        for socket in opened {
            setOption(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1)
            setOption(socket, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        }
        descriptors = opened
    }

    deinit {
        for socket in descriptors { close(socket) }
    }

    /// Hands over what has been seen since the last call.
    func drain(_ take: (Arrival) throws -> Void) rethrows {
        for socket in descriptors {
            while let (bytes, interface, isOutgoing, time) = receive(from: socket) {
                let arrival = collector.add(bytes, interface: interface, isOutgoing: isOutgoing, time: time)
                guard let arrival else { continue }
                // A raw socket has what the packet socket has seen in clear as well.
                if socket == descriptors[0] || isProtected(arrival.ip) { try take(arrival) }
            }
        }
    }

    private func isProtected(_ ip: IPLayer) -> Bool {
        protected.contains { $0.source.contains(ip.source) && $0.destination.contains(ip.destination) }
    }

    private func receive(
        from socket: Int32
    ) -> (bytes: [UInt8], interface: Int32, isOutgoing: Bool, time: LabTime)? {
        var address = [UInt8](repeating: 0, count: 32)
        var control = [UInt8](repeating: 0, count: 128)
        let (count, controlLength) = buffer.withUnsafeMutableBytes { data in
            address.withUnsafeMutableBytes { address in
                control.withUnsafeMutableBytes { control in
                    var vector = iovec(iov_base: data.baseAddress, iov_len: data.count)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        message.msg_name = address.baseAddress
                        message.msg_namelen = socklen_t(address.count)
                        message.msg_iov = vector
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        let count = recvmsg(socket, &message, Int32(MSG_DONTWAIT))
                        return (count, Int(message.msg_controllen))
                    }
                }
            }
        }
        guard count >= 0 else { return nil }
        // struct sockaddr_ll: family 2, protocol 2, index 4, hardware type 2, packet type 1.
        let isOutgoing = socket == descriptors[0] && address[10] == Self.outgoing
        let interface =
            socket == descriptors[0]
            ? address.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: Int32.self) } : 0
        return (Array(buffer[..<count]), interface, isOutgoing, Self.time(in: control, length: controlLength))
    }

    /// The kernel's time of receipt (`SCM_TIMESTAMPNS`) on the lab's clock; now, where there is none.
    private static func time(in control: [UInt8], length: Int) -> LabTime {
        let now = LabClock.now
        // struct cmsghdr: length 8, level 4, type 4; then a struct timespec.
        guard length >= 32 else { return now }
        return control.withUnsafeBytes { bytes in
            guard bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self) == SOL_SOCKET,
                bytes.loadUnaligned(fromByteOffset: 12, as: Int32.self) == SO_TIMESTAMPNS
            else { return now }
            let stamp = bytes.loadUnaligned(fromByteOffset: 16, as: timespec.self)
            var wall = timespec()
            clock_gettime(CLOCK_REALTIME, &wall)
            let age = Int64(wall.tv_sec - stamp.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec - stamp.tv_nsec)
            return LabTime(nanoseconds: now.nanoseconds - age)
        }
    }
}
