import Glibc
import HeaderStacks
import Netlink
import NetworkTypes
import Testing

/// WireGuard's interfaces and their generic netlink family, and what the kernel makes of packets.
@Suite struct WireGuardTests {
    /// Two private keys, each with its public one (X25519, RFC 7748).
    private static let keys = [
        "77076d0a7318a57d3c16c17251b26645df4c2f92ebc0992ac177fba51db92c2a",
        "f8a9535a2d2ff605e8e144d54f4ef5c62313a2055dbb21fddd3fd9c299eb015d",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ].compactMap { KeyMaterial(hexadecimalDigits: $0) }

    /// left wg0 == veth == wg0 right
    private struct Pair {
        let left: TestNamespace
        let right: TestNamespace

        init(link: Int, interface: Int, isOverIPv6: Bool, preshared: KeyMaterial? = nil, keepalive: UInt16? = nil)
            throws
        {
            (left, right) = (try TestNamespace(), try TestNamespace())
            try left.socket.createVeth(name: "wire", peer: "wire", peerNamespace: right.namespace)
            let outside: [IPAddress] = isOverIPv6 ? ["2001:db8::1", "2001:db8::2"] : ["192.0.2.1", "192.0.2.2"]
            let inside: [InterfaceAddress] = ["10.9.0.1/24", "10.9.0.2/24"]
            for (number, lab) in [left, right].enumerated() {
                try lab.namespace.setSysctl("net.ipv6.conf.all.accept_dad", "0")
                try lab.namespace.setSysctl("net.ipv6.conf.wire.accept_dad", "0")
                // No solicitation for routers is to be counted.
                try lab.namespace.setSysctl("net.ipv6.conf.wire.router_solicitations", "0")
                try lab.socket.setMTU(try #require(MTU(link)), on: "wire")
                try lab.socket.setUp("wire")
                try lab.socket.addAddress(
                    InterfaceAddress(outside[number], prefixLength: isOverIPv6 ? 64 : 24), to: "wire")
                try lab.socket.createWireGuard(name: "wg0")
                let own = WireGuardKeys(
                    privateKey: WireGuardTests.keys[number * 2], peer: WireGuardTests.keys[3 - number * 2],
                    preshared: preshared)
                try lab.socket.configureWireGuard(
                    "wg0", port: 51820, keys: own, endpoint: outside[1 - number],
                    keepalive: number == 0 ? keepalive : nil)
                try lab.namespace.setSysctl("net.ipv6.conf.wg0.disable_ipv6", "1")
                try lab.socket.setMTU(try #require(MTU(interface)), on: "wg0")
                try lab.socket.addAddress(inside[number], to: "wg0")
                try lab.socket.setUp("wg0")
            }
        }

        /// Sends an IPv4 packet of that many bytes through the tunnel.
        func send(_ length: Int) throws {
            try left.namespace.perform {
                let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
                defer { close(descriptor) }
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = UInt16(9).bigEndian
                address.sin_addr.s_addr = UInt32(0x0A09_0002).bigEndian
                let payload = [UInt8](repeating: 7, count: length - 28)
                let sent = withUnsafeBytes(of: &address) { bytes in
                    sendto(
                        descriptor, payload, payload.count, 0,
                        bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                        socklen_t(bytes.count))
                }
                #expect(sent == payload.count)
            }
        }

        func carried() throws -> UInt64 { try left.socket.link(named: "wire").sent.bytes }

        /// Waits until something is so; a thread encrypts meanwhile.
        func wait(_ holds: () throws -> Bool) throws {
            for _ in 0..<2000 {
                if try holds() { return }
                usleep(5000)
            }
            Issue.record("nothing has changed in ten seconds")
        }
    }

    @Test(arguments: [false, true]) func `A peer is read back, before and after a handshake`(isOverIPv6: Bool) throws {
        let pair = try Pair(
            link: 1500, interface: 1420, isOverIPv6: isOverIPv6,
            preshared: KeyMaterial(Array(repeating: 9, count: 32)), keepalive: 600)
        #expect(try pair.left.socket.link(named: "wg0").kind == .other("wireguard"))
        let (port, peers) = try pair.left.socket.wireGuard("wg0")
        let peer = try #require(peers.first)
        #expect(port == 51820 && peers.count == 1 && peer.publicKey == Self.keys[3].bytes)
        #expect(peer.keepalive == 600 && peer.allowed == ["0.0.0.0/0", "::/0"])
        #expect(peer.endpoint?.address == (isOverIPv6 ? "2001:db8::2" : "192.0.2.2") && peer.endpoint?.port == 51820)
        #expect(try pair.right.socket.wireGuard("wg0").peers.first?.keepalive == 0)
        try pair.send(100)
        try pair.wait { try pair.right.socket.wireGuard("wg0").peers.first?.receivedBytes ?? 0 > 148 }
        let after = try #require(try pair.right.socket.wireGuard("wg0").peers.first)
        #expect(after.lastHandshake != nil && after.sentBytes >= 92)
    }

    @Test func `An error shows no key`() throws {
        let lab = try TestNamespace()
        let keys = WireGuardKeys(privateKey: Self.keys[0], peer: Self.keys[3], preshared: nil)
        let thrown = try error {
            try lab.socket.configureWireGuard("wg9", port: 51820, keys: keys, endpoint: "192.0.2.2", keepalive: nil)
        }
        #expect(thrown.errno == ENODEV && !"\(thrown)".contains("77076d") && "\(thrown)".contains("wg9"))
    }

    /// The MTU that `netlab mtu` finds, given to the interface: its longest packets fill the link's MTU, and all are as long as computed.
    @Test(arguments: [
        (576, false), (1280, false), (1492, false), (1500, false), (1501, false), (9000, false),
        (1280, true), (1499, true), (1500, true), (9000, true),
    ])
    func `Lengths are as computed`(link: Int, isOverIPv6: Bool) throws {
        var request = HeaderStackRequest()
        (request.layers, request.linkMTU) = (isOverIPv6 ? "wireguard6" : "wireguard", try #require(MTU(link)))
        let stack = try request.stack()
        let pair = try Pair(link: link, interface: stack.mtu, isOverIPv6: isOverIPv6)
        try pair.send(100)
        try pair.wait { try pair.right.socket.wireGuard("wg0").peers.first?.receivedBytes ?? 0 > 148 }
        for length in [28, 29, 47, 48, 49, 100, 499, stack.mtu - 17, stack.mtu - 1, stack.mtu] {
            let before = try pair.carried()
            try pair.send(length)
            try pair.wait { try pair.carried() != before }
            let outer = Int(try pair.carried() - before) - 14
            #expect(outer == stack.outerLength(ofInner: length), "a packet of \(length) bytes")
        }
        #expect(stack.outerLength(ofInner: stack.mtu) == link)
    }
}
