import Glibc
import Netlink
import NetworkTypes
import PacketCapture
import Testing

/// A namespace with its netlink socket and one UDP socket, on port 7000 of every address.
struct TestNode {
    let namespace: NetworkNamespace
    let netlink: NetlinkSocket
    let socket: UDPSocket

    init() throws {
        namespace = try NetworkNamespace.create()
        netlink = try NetlinkSocket(in: namespace)
        // Neighbour discovery would send packets of its own.
        try namespace.setSysctl("net.ipv6.conf.default.disable_ipv6", "1")
        socket = try namespace.perform { try UDPSocket() }
    }
}

final class UDPSocket: Sendable {
    static let port: UInt16 = 7000
    let descriptor: Int32

    init() throws {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var local = Self.address("0.0.0.0")
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &local) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(descriptor >= 0 && result == 0)
    }

    deinit {
        close(descriptor)
    }

    private static func address(_ address: IPv4Address) -> sockaddr_in {
        var made = sockaddr_in()
        made.sin_family = sa_family_t(AF_INET)
        made.sin_port = port.bigEndian
        made.sin_addr.s_addr = address.rawValue.bigEndian
        return made
    }

    func send(_ payload: [UInt8], to destination: IPv4Address) throws {
        var remote = Self.address(destination)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafePointer(to: &remote) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { remote in
                sendto(descriptor, payload, payload.count, 0, remote, length)
            }
        }
        try #require(count == payload.count)
    }
}

/// left 10.1.1.1 a <-> b 10.1.1.2 right, with no packet but those that a test sends, and the first's ARP.
struct Cable {
    let left: TestNode
    let right: TestNode

    init(mtu: Int = 1500) throws {
        left = try TestNode()
        right = try TestNode()
        try left.netlink.createVeth(name: "a", peer: "b", peerNamespace: right.namespace)
        for (node, name, address) in [(left, "a", "10.1.1.1/24"), (right, "b", "10.1.1.2/24")]
            as [(TestNode, InterfaceName, InterfaceAddress)]
        {
            try node.netlink.setMTU(try #require(MTU(mtu)), on: name)
            try node.netlink.disableOffloads(of: name)
            try node.netlink.addAddress(address, to: name)
            try node.netlink.setUp(name)
        }
        // Makes the ends known to each other.
        let capture = try PacketCapture(on: "b", in: right.namespace, direction: .inbound, filter: "udp")
        try sendRight([0])
        #expect(try Seen.wait(for: 1, on: capture).count == 1)
    }

    func sendRight(_ payload: [UInt8]) throws { try left.socket.send(payload, to: "10.1.1.2") }
    func sendLeft(_ payload: [UInt8]) throws { try right.socket.send(payload, to: "10.1.1.1") }
}

/// A packet that a capture handed over.
struct Seen: Hashable {
    var timestamp: UInt64
    var originalLength: Int
    var bytes: [UInt8]

    static func drain(_ capture: PacketCapture) throws -> [Seen] {
        var all: [Seen] = []
        let count = try capture.drain { timestamp, length, bytes in
            all.append(Seen(timestamp: timestamp, originalLength: length, bytes: bytes.withUnsafeBytes { Array($0) }))
        }
        #expect(count == all.count)
        return all
    }

    /// Waits until that many packets are there, or 5 s of the lab's time.
    static func wait(for count: Int, on capture: PacketCapture) throws -> [Seen] {
        var all = try drain(capture)
        let deadline = ContinuousClock.now + .seconds(5)
        while all.count < count, ContinuousClock.now < deadline {
            _ = isReadable(capture, within: 100)
            all += try drain(capture)
        }
        return all
    }

    static func isReadable(_ capture: PacketCapture, within milliseconds: Int32 = 0) -> Bool {
        var entry = pollfd(fd: capture.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) == 1
    }

    /// Of UDP in IPv4, in Ethernet.
    var payload: [UInt8] { Array(bytes.dropFirst(14 + 20 + 8)) }
}

func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

// Test data are literals, so that a wrong one fails loudly where it stands.
protocol TextLiteral: ExpressibleByStringLiteral, LosslessStringConvertible where StringLiteralType == String {}
extension TextLiteral {
    public init(stringLiteral text: String) {
        guard let value = Self(text) else { preconditionFailure("\(text) is no \(Self.self)") }
        self = value
    }
}
extension InterfaceName: TextLiteral {}
extension IPv4Address: TextLiteral {}
extension InterfaceAddress: TextLiteral {}
