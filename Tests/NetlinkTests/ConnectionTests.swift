import Foundation
import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct ConnectionTests {
    /// Nothing is tracked without a rule that asks for it.
    private static let tracking = """
        table inet tracking {
        \tchain out {
        \t\ttype filter hook output priority filter; policy accept;
        \t\tct state new counter accept
        \t}
        }

        """

    @Test func `Flush forgets every connection of the namespace`() throws {
        let (lab, other) = (try TestNamespace.withDummy(), try TestNamespace.withDummy())
        for lab in [lab, other] {
            try Nftables(in: lab.namespace).apply(Self.tracking)
            try send(in: lab, to: 0x0A01_0103)
            #expect(try connections(in: lab) == 1)
        }
        try lab.socket.flushConnections()
        #expect(try connections(in: lab) == 0)
        #expect(try connections(in: other) == 1)
        try lab.socket.flushConnections()
    }

    private func connections(in lab: TestNamespace) throws -> Int {
        try lab.namespace.perform {
            try String(contentsOfFile: "/proc/thread-self/net/nf_conntrack", encoding: .utf8)
                .split(separator: "\n").filter { $0.contains("udp") }.count
        }
    }

    private func send(in lab: TestNamespace, to destination: UInt32) throws {
        try lab.namespace.perform {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(9).bigEndian
            address.sin_addr.s_addr = destination.bigEndian
            let sent = withUnsafeBytes(of: &address) { bytes in
                sendto(
                    descriptor, [1], 1, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(bytes.count))
            }
            #expect(sent == 1)
        }
    }
}
