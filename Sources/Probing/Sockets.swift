import AgentProtocol
import CLinux
import Glibc
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

extension NodeSandbox {
    /// Opens a non-blocking socket in the node's network namespace; the caller closes it.
    ///
    /// - Throws: ``LabFailure`` where there is none to be had.
    func openSocket(_ family: Int32, _ type: __socket_type, protocol: Int32) throws -> Int32 {
        try network.perform {
            let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let descriptor = socket(family, Int32(type.rawValue) | flags, `protocol`)
            guard descriptor >= 0 else {
                throw LabFailure("\(self.name): no socket of family \(family): \(String(cString: strerror(errno))).")
            }
            return descriptor
        }
    }
}

/// setsockopt(2) with an integer. Only options that every kernel a lab runs on has: nothing to do about a failure.
func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
}

/// Hands over what a socket with SO_TIMESTAMPNS has received, a packet's first bytes each, and when it was there by the lab's clock.
///
/// - Parameter realTimeOffset: What CLOCK_REALTIME shows beyond the lab's clock.
func receivePackets(_ descriptor: Int32, realTimeOffset: Int64, _ take: (UnsafeRawBufferPointer, LabTime) -> Void) {
    /// How many one system call takes.
    let batch = 16
    withUnsafeTemporaryAllocation(of: netlab_packet.self, capacity: batch) { packets in
        while true {
            let count = Int(netlab_receive_packets(descriptor, packets.baseAddress, Int32(batch)))
            guard count > 0 else { return }
            for packet in packets[..<count] {
                let time =
                    packet.nanoseconds == 0
                    ? LabClock.now : LabTime(nanoseconds: packet.nanoseconds - realTimeOffset)
                withUnsafeBytes(of: packet.bytes) { bytes in
                    take(UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, Int(packet.length))]), time)
                }
            }
            if count < batch { return }
        }
    }
}

extension IPAddress {
    var family: Int32 {
        switch self {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }

    /// Calls a function with this address and a port as a socket address.
    func withSocketAddress<Result>(
        port: UInt16 = 0, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) rethrows -> Result {
        var storage = sockaddr_storage()
        let size: Int
        switch self {
        case .v4: size = MemoryLayout<sockaddr_in>.size
        case .v6: size = MemoryLayout<sockaddr_in6>.size
        }
        withUnsafeMutableBytes(of: &storage) { memory in
            memory.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
            memory.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            // IPv6 has its flow label between port and address.
            memory.baseAddress?.advanced(by: self.bitWidth == 32 ? 4 : 8).copyMemory(
                from: bytes, byteCount: bytes.count)
        }
        return try withUnsafePointer(to: &storage) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, socklen_t(size)) }
        }
    }
}

extension LocalError {
    /// From an error number of the kernel's.
    init(errno code: Int32) {
        self.init(
            name: NetlinkError(errno: code, operation: "", object: "").name, message: String(cString: strerror(code)))
    }
}
