import NetworkTypes
import PacketFormats
import Testing

@Suite struct ChecksumTests {
    private func statuses(_ bytes: [UInt8], _ linkType: LinkType) -> [ChecksumStatus] {
        var verifier = ChecksumVerifier()
        var statuses: [ChecksumStatus] = []
        let frame = bytes.span.bytes
        Dissection.walk(frame, linkType: linkType) { layer, header, body in
            if let status = verifier.status(of: layer, header: header, body: body, in: frame) {
                statuses.append(status)
            }
            return true
        }
        return statuses
    }

    /// The example of RFC 1071 section 3, and what an odd byte and no byte make.
    @Test(arguments: [
        ("0001f203f4f5f6f7", 0x220D), ("0001f203f4f5f6", 0x2304), ("", 0xFFFF), ("ff", 0x00FF), ("ffff", 0),
    ])
    func `Literal sums`(_ hex: String, _ expected: UInt16) {
        var checksum = InternetChecksum()
        checksum.add(bytes(hex).span.bytes)
        #expect(checksum.value == expected)
    }

    @Test func `Pieces add up`() {
        let all = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var whole = InternetChecksum()
        whole.add(all.span.bytes)
        for cut in stride(from: 0, through: 1000, by: 2) {
            var pieces = InternetChecksum()
            pieces.add(Array(all.prefix(cut)).span.bytes)
            pieces.add(Array(all.dropFirst(cut)).span.bytes)
            #expect(pieces.value == whole.value)
        }
    }

    /// A UDP datagram of RFC 768, with the pseudo-header of either family.
    @Test func `Pseudo headers`() throws {
        let datagram = bytes("0035 d431 000a 0000 6869")
        var v4 = InternetChecksum()
        try v4.addPseudoHeader(
            from: #require(IPv4Address("10.0.0.1")), to: #require(IPv4Address("10.0.0.2")), .udp, length: 10)
        v4.add(datagram.span.bytes)
        #expect(v4.value == 0xAF07)
        var v6 = InternetChecksum()
        try v6.addPseudoHeader(
            from: #require(IPv6Address("2001:db8::1")), to: #require(IPv6Address("2001:db8::2")), .udp, length: 10)
        v6.add(datagram.span.bytes)
        #expect(v6.value == 0x6795)
    }

    @Test(arguments: Sample.all)
    func `Samples are valid`(_ sample: Sample) {
        #expect(!statuses(sample.bytes, sample.linkType).contains(.invalid))
    }

    @Test(
        arguments: [
            ("espInUDP", [.valid, .absent]), ("syn", [.valid, .valid]), ("ipip", [.valid, .valid, .valid]),
            ("packetTooBig", [.valid]), ("tcpData", [.valid, .valid]), ("firstFragment", [.valid]),
            ("lastFragment", [.valid]), ("ipv6Fragment", []), ("extensionHeaders", [.valid]), ("ah", [.valid, .valid]),
            ("arpReply", []), ("ikeInit", [.valid, .valid]),
        ] as [(String, [ChecksumStatus])])
    func `What is verified`(_ name: String, _ expected: [ChecksumStatus]) throws {
        let sample = try Sample.named(name)
        #expect(statuses(sample.bytes, sample.linkType) == expected)
    }

    /// Each flipped bit of the data is noticed, and named.
    @Test(arguments: [
        ("echoRequest", "ICMP"), ("tcpData", "TCP"), ("padded", "UDP"), ("sixInFour", "ICMPv6"), ("vlan", "ICMP"),
    ])
    func `Corruption`(_ name: String, _ protocolName: String) throws {
        let sample = try Sample.named(name)
        var end = 0
        Dissection.walk(sample.bytes.span.bytes, linkType: sample.linkType) { _, _, body in
            end = body.upperBound
            return true
        }
        for bit in 0..<8 {
            var damaged = sample.bytes
            damaged[end - 1] ^= 1 << UInt8(bit)
            #expect(statuses(damaged, sample.linkType).last == .invalid)
            let line = PacketLine(damaged.span.bytes, linkType: sample.linkType).description
            #expect(line == sample.line + " [bad \(protocolName) checksum]")
        }
    }

    @Test func `Header corruption`() throws {
        let sample = try Sample.named("echoRequest")
        var damaged = sample.bytes
        damaged[22] -= 1
        #expect(statuses(damaged, .ethernet) == [.invalid, .valid])
        #expect(
            PacketLine(damaged.span.bytes, linkType: .ethernet).description == sample.line
                + " [bad IPv4 header checksum]")
    }

    @Test func `Truncated packets are not judged`() throws {
        for name in ["echoRequest", "tcpData", "ikeInit", "packetTooBig"] {
            let sample = try Sample.named(name)
            #expect(statuses(sample.bytes.dropLast(), .ethernet).count == statuses(sample.bytes, .ethernet).count - 1)
        }
    }
}
