import AgentProtocol
import CLinux
import Glibc
import Netlink
import NetworkTypes

/// Asks an address for an ICMP echo (RFC 792) from inside a node, without a ping program.
enum EchoProbe {
    /// Sends one request and waits for its reply.
    ///
    /// - Returns: The round trip on the lab's clock; nil when nothing came back in time.
    static func ask(_ destination: IPv4Address, from sandbox: NodeSandbox, sequence: UInt16, timeout: Duration) throws -> Duration? {
        let descriptor = try sandbox.network.perform {
            let descriptor = socket(AF_INET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Int32(IPPROTO_ICMP))
            guard descriptor >= 0 else {
                throw LabFailure("\(sandbox.name): no raw socket: \(String(cString: strerror(errno))).")
            }
            return descriptor
        }
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_addr.s_addr = destination.rawValue.bigEndian
        let identifier = UInt16(truncatingIfNeeded: descriptor) &+ 0x4E4C
        let packet = request(identifier: identifier, sequence: sequence)
        let sentAt = ControlLine.now
        let sent = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // No route, or an error queued by an earlier ICMP message: no reply either way.
        guard sent == packet.count else { return nil }
        let deadline = sentAt + timeout
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            let rest = deadline - ControlLine.now
            guard rest > .zero else { return nil }
            guard netlab_wait_readable([descriptor], 1, rest.wholeNanoseconds) > 0 else { return nil }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            if isReply(buffer[..<count], from: destination, identifier: identifier, sequence: sequence) {
                return ControlLine.now - sentAt
            }
        }
    }

    static func request(identifier: UInt16, sequence: UInt16) -> [UInt8] {
        var packet: [UInt8] = [8, 0, 0, 0]
        packet += [UInt8(identifier >> 8), UInt8(identifier & 0xFF), UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
        packet += Array("netlab probe".utf8)
        let sum = checksum(packet)
        packet[2] = UInt8(sum >> 8)
        packet[3] = UInt8(sum & 0xFF)
        return packet
    }

    /// Whether an IPv4 packet is the echo reply that is waited for; anything malformed is not.
    static func isReply(_ packet: ArraySlice<UInt8>, from source: IPv4Address, identifier: UInt16, sequence: UInt16) -> Bool {
        let bytes = Array(packet)
        guard bytes.count >= 20, bytes[0] >> 4 == 4 else { return false }
        let header = Int(bytes[0] & 0xF) * 4
        guard header >= 20, bytes.count >= header + 8, Array(bytes[12..<16]) == source.bytes else { return false }
        let message = bytes[header...].prefix(8).map(UInt16.init)
        return message[0] == 0 && message[4] << 8 | message[5] == identifier && message[6] << 8 | message[7] == sequence
    }

    /// The Internet checksum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(index + 1 < bytes.count ? bytes[index + 1] : 0)
        }
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
