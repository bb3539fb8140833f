import Glibc
import Netlink
import NetworkTypes
import Testing

// One at a time: descriptors are counted.
@Suite(.serialized) struct NamespaceTests {
    private static func inode() throws -> UInt64 {
        var status = stat()
        guard stat("/proc/thread-self/ns/net", &status) == 0 else {
            throw NetlinkError(errno: errno, operation: "read", object: "/proc/thread-self/ns/net")
        }
        return UInt64(status.st_ino)
    }

    @Test func `Perform enters and the caller stays`() throws {
        let outside = try Self.inode()
        let namespace = try NetworkNamespace.create()
        let inside = try namespace.perform { try Self.inode() }
        #expect(inside != outside)
        #expect(try Self.inode() == outside)
        #expect(try namespace.perform { try NetworkNamespace.current() }.perform { try Self.inode() } == inside)
    }

    @Test func `Perform hands on errors`() throws {
        struct Mishap: Error {}
        let namespace = try NetworkNamespace.create()
        #expect(throws: Mishap.self) { try namespace.perform { throw Mishap() } }
        let null = NetworkNamespace(adopting: open("/dev/null", O_RDONLY))
        #expect(try error { try null.perform {} }.errno == EINVAL)
    }

    @Test func `Perform and deinit leak nothing`() throws {
        let used = try NetworkNamespace.create()
        let lowest = { () -> Int32 in
            let descriptor = open("/dev/null", O_RDONLY)
            close(descriptor)
            return descriptor
        }
        let threads = { () throws -> Int in
            var status = stat()
            guard stat("/proc/self/task", &status) == 0 else { return -1 }
            return Int(status.st_nlink)
        }
        let before = lowest()
        for _ in 0..<40 {
            try used.perform {}
            let lab = try TestNamespace()
            _ = try lab.socket.securityAssociations()
            _ = try Nftables(in: lab.namespace).listRuleset()
            _ = try NetlinkMonitor(in: lab.namespace)
        }
        // Other suites run meanwhile and hold a few of their own, but nothing near two a round.
        #expect(lowest() < before + 40)
        #expect(try threads() < 50)
    }

    @Test func `Two hundred in a chain`() throws {
        let count = 200
        let labs = try (0..<count).map { _ in try TestNamespace() }
        for index in 1..<count {
            try labs[index - 1].socket.createVeth(name: "right", peer: "left", peerNamespace: labs[index].namespace)
            let address = { (side: UInt32) in
                InterfaceAddress(.v4(IPv4Address(rawValue: 0x0A00_0000 | UInt32(index) << 8 | side)), prefixLength: 24)
            }
            try labs[index - 1].socket.addAddress(address(1), to: "right")
            try labs[index].socket.addAddress(address(2), to: "left")
            try labs[index - 1].socket.setUp("right")
            try labs[index].socket.setUp("left")
        }
        for (index, lab) in labs.enumerated() {
            let links = try lab.madeLinks()
            #expect(links.count == (index == 0 || index == count - 1 ? 1 : 2) && links.allSatisfy(\.hasCarrier))
        }
    }

    @Test func `Sysctl is the namespace's own`() throws {
        let namespace = try NetworkNamespace.create()
        #expect(try namespace.setSysctl("net.ipv4.ip_forward", "1") == "0")
        #expect(try namespace.sysctl("net.ipv4.ip_forward") == "1")
        #expect(try NetworkNamespace.create().sysctl("net/ipv4/ip_forward") == "0")
        try namespace.setSysctls([("net.ipv4.ip_forward", "0"), ("net.ipv4.conf.lo.rp_filter", "2")])
        #expect(try namespace.sysctl("net.ipv4.ip_forward") == "0")
        #expect(try namespace.sysctl("net.ipv4.conf.lo.rp_filter") == "2")
    }

    @Test func `Sysctl of an interface with a dot`() throws {
        let lab = try TestNamespace.withDummy()
        try lab.socket.createVLAN(name: "d0.5", lower: "d0", id: 5)
        try lab.namespace.setSysctl("net/ipv4/conf/d0.5/rp_filter", "2")
        #expect(try lab.namespace.sysctl("net.ipv4.conf.d0/5.rp_filter") == "2")
    }

    @Test(arguments: [
        "kernel.hostname", "net", "", ".", "net.", "net..ipv4", "net/../kernel/hostname", "net.//.kernel.hostname",
        "/net/ipv4/ip_forward", "net/ipv4/./ip_forward", "net.ipv4.ip\u{0}forward", "net.ipv4.ip_forward\n",
    ])
    func `Sysctl stays below net`(_ key: String) throws {
        let namespace = try NetworkNamespace.create()
        #expect(try error { _ = try namespace.sysctl(key) }.errno == EINVAL)
        #expect(try error { try namespace.setSysctl(key, "1") }.errno == EINVAL)
    }

    @Test func `Sysctl errors`() throws {
        let namespace = try NetworkNamespace.create()
        #expect(try error { _ = try namespace.sysctl("net.ipv4.no_such") }.errno == ENOENT)
        #expect(try error { try namespace.setSysctl("net.ipv4.ip_forward", "maybe") }.errno == EINVAL)
    }
}
