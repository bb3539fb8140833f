import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct IPsecTests {
    static func association(
        _ source: IPAddress = "192.0.2.1", _ destination: IPAddress = "192.0.2.2",
        _ change: (inout SecurityAssociation) -> Void
    ) -> SecurityAssociation {
        var made = SecurityAssociation(source: source, destination: destination, spi: 0xC0FF_EE01)
        made.requestID = 16385
        change(&made)
        return made
    }

    static let aes = IPsecAlgorithm(name: "cbc(aes)", key: KeyMaterial(Array(0..<32)))
    static let sha = IPsecAlgorithm(name: "hmac(sha256)", key: KeyMaterial(Array(32..<64)), tagBits: 128)
    static let gcm = IPsecAlgorithm(name: "rfc4106(gcm(aes))", key: KeyMaterial(Array(0..<36)), tagBits: 128)

    static let associations = [
        association { sa in
            (sa.encryption, sa.integrity, sa.replayWindow) = (aes, sha, 32)
            sa.mark = PacketMark(value: 5)
            sa.encapsulation = .init(sourcePort: 4500, destinationPort: 40001)
            sa.hardLimits = IPsecLimits(bytes: 1 << 40, packets: 1_000_000, sinceAdded: .seconds(3600))
            sa.softLimits = IPsecLimits(sinceAdded: .seconds(3000), sinceFirstUse: .seconds(100))
        },
        association { sa in
            (sa.aead, sa.interfaceID, sa.replayWindow, sa.hasExtendedSequence) = (gcm, 77, 128, true)
            sa.outputMark = PacketMark(value: 0x100, mask: 0xFF00)
        },
        association("2001:db8::1", "2001:db8::2") { sa in
            (sa.aead, sa.mode) = (gcm, .transport)
            sa.selector = IPsecSelector(
                source: "2001:db8::1/128", destination: "2001:db8::2/128", protocol: 17, sourcePort: 500)
        },
        association {
            $0.protocol = .ah
            $0.integrity = sha
        },
    ]

    @Test(arguments: associations) func `Add, list, delete`(_ wanted: SecurityAssociation) throws {
        let lab = try TestNamespace()
        #expect(try lab.socket.securityAssociations().isEmpty)
        try lab.socket.addSecurityAssociation(wanted)
        var found = try #require(try lab.socket.securityAssociations().first)
        #expect(found.addTime > 0 && found.useTime == 0)
        found.addTime = 0
        // The kernel fills in a transport association's selector, and a tunnel's family only.
        if wanted.selector == nil { found.selector = nil }
        #expect(found == wanted)
        #expect(try error { try lab.socket.addSecurityAssociation(wanted) }.errno == EEXIST)
        try lab.socket.deleteSecurityAssociation(found)
        #expect(try lab.socket.securityAssociations().isEmpty)
        #expect(try error { try lab.socket.deleteSecurityAssociation(found) }.errno == ESRCH)
    }

    @Test func `Many associations are listed and flushed`() throws {
        let lab = try TestNamespace()
        for number in 0..<300 as Range<UInt32> {
            try lab.socket.addSecurityAssociation(
                Self.association {
                    $0.spi = 0x1000 + number
                    $0.encryption = Self.aes
                    $0.integrity = Self.sha
                })
        }
        let found = try lab.socket.securityAssociations()
        #expect(Set(found.map(\.spi)) == Set(0x1000..<(0x1000 + 300)))
        try lab.socket.flushSecurityAssociations()
        #expect(try lab.socket.securityAssociations().isEmpty)
        try lab.socket.flushSecurityAssociations()
    }

    @Test func `Keys are never printed`() throws {
        let key = KeyMaterial(Array(repeating: 0xAB, count: 32))
        var association = Self.association { $0.encryption = IPsecAlgorithm(name: "cbc(aes)", key: key) }
        association.encryption?.key = key
        var dumped = ""
        dump(association, to: &dumped)
        for text in ["\(association)", String(reflecting: association), dumped, "\(key)", String(reflecting: key)] {
            #expect(!text.contains("171") && !text.lowercased().contains("ab, ab") && !text.contains("abab"))
        }
        #expect("\(key)" == "256 bits, not shown")
    }

    static let policies = [
        SecurityPolicy(
            direction: .output, selector: IPsecSelector(source: "10.0.0.0/8", destination: "10.2.0.0/16"),
            priority: 1234,
            mark: PacketMark(value: 5),
            templates: [.init(source: "192.0.2.1", destination: "192.0.2.2", requestID: 16385)]),
        SecurityPolicy(
            direction: .forward, selector: IPsecSelector(source: "::/0", destination: "2001:db8::/32", protocol: 6),
            interfaceID: 77,
            templates: [.init(source: "2001:db8::1", destination: "2001:db8::2", spi: 7, isOptional: true)]),
        SecurityPolicy(
            direction: .input,
            selector: IPsecSelector(source: "0.0.0.0/0", destination: "0.0.0.0/0", destinationPort: 500),
            isBlocking: true),
    ]

    @Test(arguments: policies) func `Policy: add, list, delete`(_ policy: SecurityPolicy) throws {
        let lab = try TestNamespace()
        try lab.socket.addSecurityPolicy(policy)
        #expect(try lab.socket.securityPolicies() == [policy])
        #expect(try error { try lab.socket.addSecurityPolicy(policy) }.errno == EEXIST)
        try lab.socket.deleteSecurityPolicy(policy)
        #expect(try lab.socket.securityPolicies().isEmpty)
        #expect(try error { try lab.socket.deleteSecurityPolicy(policy) }.errno == ENOENT)
    }

    @Test func `All policies are flushed`() throws {
        let lab = try TestNamespace()
        for policy in Self.policies { try lab.socket.addSecurityPolicy(policy) }
        #expect(try lab.socket.securityPolicies().count == Self.policies.count)
        try lab.socket.flushSecurityPolicies()
        #expect(try lab.socket.securityPolicies().isEmpty)
        try lab.socket.flushSecurityPolicies()
    }

    @Test func `Counters follow traffic`() throws {
        let lab = try TestNamespace.withDummy()
        let remote: IPAddress = "10.1.1.3"
        try lab.socket.addSecurityAssociation(
            Self.association("10.1.1.2", remote) {
                $0.encryption = Self.aes
                $0.integrity = Self.sha
            })
        try lab.socket.addSecurityPolicy(
            SecurityPolicy(
                direction: .output, selector: IPsecSelector(source: "10.1.1.2/32", destination: "10.77.0.0/16"),
                templates: [.init(source: "10.1.1.2", destination: remote, requestID: 16385)]))
        try lab.socket.addRoute(Route(destination: "10.77.0.0/16", nexthops: [NextHop(interface: "d0")]))
        try lab.namespace.perform {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(9).bigEndian
            address.sin_addr.s_addr = UInt32(0x0A4D_0001).bigEndian
            let payload = [UInt8](repeating: 1, count: 100)
            for _ in 0..<3 {
                let sent = withUnsafeBytes(of: &address) { bytes in
                    sendto(
                        descriptor, payload, payload.count, 0,
                        bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
                }
                #expect(sent == payload.count)
            }
        }
        let found = try #require(try lab.socket.securityAssociations().first)
        #expect(found.packets == 3 && found.outputSequence == 3 && found.bytes >= 3 * 128 && found.useTime > 0)
    }
}
