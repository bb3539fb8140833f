import NetworkTypes
import PacketFormats
import Testing

/// Each header decoded from bytes written by hand, and every way in which it can be malformed.
@Suite struct HeaderTests {
    /// What a decoder makes of bytes: nil where they are well-formed.
    private func malformation(_ hex: String, _ decode: (RawSpan) throws -> Void) -> Malformation? {
        let bytes = bytes(hex)
        do {
            try decode(bytes.span.bytes)
            return nil
        } catch {
            return error as? Malformation
        }
    }

    /// A header of `length` bytes is refused when it lacks its last one.
    private func expectShort(_ hex: String, length: Int, _ decode: (RawSpan) throws -> Void) {
        let whole = bytes(hex).prefix(length)
        for count in 0..<length {
            #expect(throws: Malformation.shortHeader) { try decode(Array(whole.prefix(count)).span.bytes) }
        }
        #expect(throws: Never.self) { try decode(Array(whole).span.bytes) }
    }

    @Test func `Ethernet`() throws {
        let hex = "020000000002 0200005e1001 86dd"
        let header = try EthernetHeader(bytes(hex).span.bytes)
        #expect(header.destination == MACAddress("02:00:00:00:00:02"))
        #expect(header.source == MACAddress("02:00:00:5e:10:01"))
        #expect(header.etherType == .ipv6 && !header.etherType.isLength)
        #expect(EtherType(rawValue: 1500).isLength)
        expectShort(hex, length: 14) { _ = try EthernetHeader($0) }
    }

    @Test func `VLAN tag`() throws {
        let tag = try VLANTag(bytes("b154 0800").span.bytes)
        #expect(tag.identifier == 340 && tag.priority == 5 && tag.isDropEligible && tag.etherType == .ipv4)
        expectShort("b154 0800", length: 4) { _ = try VLANTag($0) }
    }

    @Test func `Linux cooked`() throws {
        let header = try LinuxCookedHeader(bytes("0004 0001 0006 020000000001 0000 0806").span.bytes)
        #expect(header.packetType == 4 && header.deviceType == 1 && header.etherType == .arp)
        #expect(header.source == MACAddress("02:00:00:00:00:01"))
        let tunnel = try LinuxCookedHeader(bytes("0000 0300 0004 c0000201 0000 0000 0800").span.bytes)
        #expect(tunnel.source == nil && tunnel.deviceType == 768)
        expectShort("0004 0001 0006 020000000001 0000 0806", length: 16) { _ = try LinuxCookedHeader($0) }
    }

    @Test func `ARP`() throws {
        let hex = "0001 0800 06 04 0002 020000000002 0a000002 020000000001 0a000001"
        let message = try ARPMessage(bytes(hex).span.bytes)
        #expect(message.operation == 2)
        #expect(message.sender == IPv4Address("10.0.0.2") && message.senderMAC == MACAddress("02:00:00:00:00:02"))
        #expect(message.target == IPv4Address("10.0.0.1") && message.targetMAC == MACAddress("02:00:00:00:00:01"))
        expectShort(hex, length: 28) { _ = try ARPMessage($0) }
        for wrong in ["0006 0800 06 04", "0001 86dd 06 04", "0001 0800 08 04", "0001 0800 06 10"] {
            #expect(malformation(wrong + hex.dropFirst(15)) { _ = try ARPMessage($0) } == .arpFormat)
        }
    }

    @Test func `A header of IPv4`() throws {
        let hex = "45 b8 05c0 1c2d 40b9 3f 32 abcd cb00710a c633640a"
        let header = try IPv4Header(bytes(hex).span.bytes)
        #expect(header.headerLength == 20 && header.totalLength == 1472 && header.trafficClass == 0xB8)
        #expect(header.identification == 0x1C2D && header.dontFragment && !header.moreFragments)
        #expect(header.fragmentOffset == 1480 && header.isFragment)
        #expect(header.timeToLive == 63 && header.nextProtocol == .esp && header.checksum == 0xABCD)
        #expect(header.source == IPv4Address("203.0.113.10") && header.destination == IPv4Address("198.51.100.10"))
        let first = try IPv4Header(bytes("45 00 0014 0000 2000 40 11 0000 00000000 00000000").span.bytes)
        #expect(first.moreFragments && first.fragmentOffset == 0 && first.isFragment && !first.dontFragment)
        let whole = try IPv4Header(bytes("45 00 0014 0000 4000 40 11 0000 00000000 00000000").span.bytes)
        #expect(!whole.isFragment)
        expectShort(hex, length: 20) { _ = try IPv4Header($0) }
    }

    /// The options of a header of 24 bytes; router alert is the well-formed one.
    @Test(
        arguments: [
            ("94040000", nil), ("01010101", nil), ("00ffffff", nil), ("01830300", nil), ("94000000", .ipv4Options),
            ("94010000", .ipv4Options), ("94050000", .ipv4Options), ("01010194", .ipv4Options),
        ] as [(String, Malformation?)])
    func `IPv4 options`(_ options: String, _ expected: Malformation?) throws {
        let hex = "46 00 0018 0000 0000 40 02 0000 0a000001 0a000002 " + options
        #expect(malformation(hex) { _ = try IPv4Header($0) } == expected)
        guard expected == nil else { return }
        #expect(try IPv4Header(bytes(hex).span.bytes).headerLength == 24)
        for count in 20..<24 {
            #expect(throws: Malformation.shortHeader) { try IPv4Header(Array(bytes(hex).prefix(count)).span.bytes) }
        }
    }

    @Test(
        arguments: [
            ("65 00 0014", .ipVersion(6)), ("05 00 0014", .ipVersion(0)), ("44 00 0014", .ipv4HeaderLength),
            ("40 00 0014", .ipv4HeaderLength), ("45 00 0013", .ipv4TotalLength), ("45 00 0000", .ipv4TotalLength),
            ("46 00 0017", .ipv4TotalLength), ("45 00 0014", nil),
        ] as [(String, Malformation?)])
    func `IPv4 lengths`(_ start: String, _ expected: Malformation?) {
        #expect(malformation(start + "0000 0000 40 02 0000 0a000001 0a000002") { _ = try IPv4Header($0) } == expected)
    }

    @Test func `IPv6`() throws {
        let hex = "6b8a1234 0028 3c 40 20010db8000000000000000000000001 20010db80002000000005efe0aff02be"
        let header = try IPv6Header(bytes(hex).span.bytes)
        #expect(header.trafficClass == 0xB8 && header.flowLabel == 0xA1234 && header.payloadLength == 40)
        #expect(header.nextHeader == .destinationOptions && header.hopLimit == 64)
        #expect(header.source == IPv6Address("2001:db8::1"))
        #expect(header.destination == IPv6Address("2001:db8:2::5efe:10.255.2.190"))
        #expect(header.source.isatapAddress == nil)
        #expect(header.destination.isatapAddress == IPv4Address("10.255.2.190"))
        #expect(IPv6Address("fe80::200:5efe:c000:201")?.isatapAddress == IPv4Address("192.0.2.1"))
        expectShort(hex, length: 40) { _ = try IPv6Header($0) }
        #expect(malformation("4" + hex.dropFirst()) { _ = try IPv6Header($0) } == .ipVersion(4))
    }

    @Test(
        arguments: [
            ("3b00 040104 010100", 8, 4, nil), ("3b00 010400000000", 8, nil, nil), ("3b00 000000000000", 8, nil, nil),
            ("3b01 010c 000000000000000000000000", 16, nil, nil), ("3b00 0401ff 000000", 8, 255, nil),
            ("3b00 010500000000", 0, nil, .ipv6Options), ("3b00 040204050000", 0, nil, .ipv6Options),
            ("3b00 000000000001", 0, nil, .ipv6Options), ("3b00 0102000004ff", 0, nil, .ipv6Options),
            ("3b01 010400000000", 0, nil, .shortHeader),
        ] as [(String, Int, UInt8?, Malformation?)])
    func `IPv6 options`(_ hex: String, _ length: Int, _ limit: UInt8?, _ expected: Malformation?) throws {
        #expect(malformation(hex) { _ = try IPv6OptionsHeader($0) } == expected)
        guard expected == nil else { return }
        let header = try IPv6OptionsHeader(bytes(hex).span.bytes)
        #expect(header.headerLength == length && header.tunnelEncapsulationLimit == limit)
        #expect(header.nextHeader == .noNextHeader)
        expectShort(hex, length: length) { _ = try IPv6OptionsHeader($0) }
    }

    @Test func `IPv6 routing`() throws {
        let hex = "11 02 04 01 00000000 20010db8000000000000000000000001"
        let header = try IPv6RoutingHeader(bytes(hex).span.bytes)
        #expect(header.nextHeader == .udp && header.headerLength == 24 && header.type == 4 && header.segmentsLeft == 1)
        expectShort(hex, length: 24) { _ = try IPv6RoutingHeader($0) }
    }

    @Test func `IPv6 fragment`() throws {
        let hex = "11 00 05a9 0000abcd"
        let header = try IPv6FragmentHeader(bytes(hex).span.bytes)
        #expect(header.nextHeader == .udp && header.fragmentOffset == 1448 && header.moreFragments && header.isFragment)
        #expect(header.identification == 0xABCD)
        #expect(try !IPv6FragmentHeader(bytes("11 00 0000 0000abcd").span.bytes).isFragment)
        #expect(try IPv6FragmentHeader(bytes("11 00 0001 0000abcd").span.bytes).isFragment)
        expectShort(hex, length: 8) { _ = try IPv6FragmentHeader($0) }
    }

    @Test(
        arguments: [
            ("08 00 f7f6 0007 0001", .echoRequest(identifier: 7, sequence: 1), false),
            ("00 00 f7f6 0007 ffff", .echoReply(identifier: 7, sequence: 65535), false),
            ("03 01 0000 00000000", .destinationUnreachable, true),
            ("03 04 0000 0000059e", .fragmentationNeeded(mtu: 1438), true),
            ("05 01 0000 0a0000fe", .redirect(gateway: IPv4Address(rawValue: 0x0A00_00FE)), true),
            ("0b 00 0000 00000000", .timeExceeded, true), ("0c 00 0000 14000000", .parameterProblem(pointer: 20), true),
            ("0d 00 0000 00000000", .other, false),
        ] as [(String, ICMPMessage.Content, Bool)])
    func `ICMP`(_ hex: String, _ content: ICMPMessage.Content, _ quotes: Bool) throws {
        let message = try ICMPMessage(bytes(hex).span.bytes)
        #expect(message.content == content && message.quotesPacket == quotes)
        #expect([message.type, message.code] == Array(bytes(hex).prefix(2)))
        expectShort(hex, length: 8) { _ = try ICMPMessage($0) }
    }

    @Test(
        arguments: [
            ("80 00 f7f6 0007 0001", .echoRequest(identifier: 7, sequence: 1), false),
            ("81 00 f7f6 0007 0001", .echoReply(identifier: 7, sequence: 1), false),
            ("01 04 0000 00000000", .destinationUnreachable, true),
            ("02 00 0000 00000598", .packetTooBig(mtu: 1432), true),
            ("03 00 0000 00000000", .timeExceeded, true), ("04 01 0000 00000028", .parameterProblem(pointer: 40), true),
            ("85 00 0000 00000000", .routerSolicitation, false), ("86 00 0000 00000000", .routerAdvertisement, false),
            (
                "87 00 0000 00000000 00000000000000000000000000000001",
                .neighborSolicitation(target: IPv6Address(high: 0, low: 1)), false
            ),
            (
                "88 00 0000 60000000 00000000000000000000000000000002",
                .neighborAdvertisement(target: IPv6Address(high: 0, low: 2)), false
            ),
            ("8f 00 0000 00000001", .other, false),
        ] as [(String, ICMPv6Message.Content, Bool)])
    func `ICMPv6`(_ hex: String, _ content: ICMPv6Message.Content, _ quotes: Bool) throws {
        let message = try ICMPv6Message(bytes(hex).span.bytes)
        #expect(message.content == content && message.quotesPacket == quotes)
        #expect(message.headerLength == bytes(hex).count)
        expectShort(hex, length: message.headerLength) { _ = try ICMPv6Message($0) }
    }

    @Test func `UDP`() throws {
        let header = try UDPHeader(bytes("1194 01f4 0008 beef").span.bytes)
        #expect(header.sourcePort == 4500 && header.destinationPort == 500)
        #expect(header.datagramLength == 8 && header.checksum == 0xBEEF)
        expectShort("1194 01f4 0008 beef", length: 8) { _ = try UDPHeader($0) }
        for length in ["0007", "0000"] {
            #expect(malformation("1194 01f4 \(length) beef") { _ = try UDPHeader($0) } == .udpLength)
        }
    }

    @Test func `TCP`() throws {
        let hex = """
            9c40 00b3 00000001 ffffffff f0 12 faf0 cafe 0009
            02040576 0402 080a00000002 00000003 030307 01 01 00 000000000000000000000000000000000000
            """
        let header = try TCPHeader(bytes(hex).span.bytes)
        #expect(header.sourcePort == 40000 && header.destinationPort == 179)
        #expect(header.sequence == 1 && header.acknowledgment == 0xFFFF_FFFF && header.headerLength == 60)
        #expect(header.flags == [.syn, .ack] && header.window == 64240)
        #expect(header.checksum == 0xCAFE && header.urgentPointer == 9)
        #expect(header.maximumSegmentSize == 1398 && header.windowScale == 7 && header.sackPermitted)
        #expect(header.timestamps?.value == 2 && header.timestamps?.echoReply == 3 && !header.hasMD5Signature)
        let plain = try TCPHeader(bytes("0001 0002 00000001 00000002 50 fd 0000 0000 0000").span.bytes)
        #expect(plain.maximumSegmentSize == nil && plain.windowScale == nil && plain.timestamps == nil)
        #expect(!plain.sackPermitted && plain.flags == [.fin, .rst, .psh, .ack, .urg, .ece, .cwr])
        expectShort(hex, length: 60) { _ = try TCPHeader($0) }
    }

    /// The options of a header of 24 bytes, or more where so many digits are given.
    @Test(
        arguments: [
            ("02040576", nil), ("01010402", nil), ("00ff00ff", nil), ("fe040000", nil),
            ("131200112233445566778899aabbccddeeff0101", nil), ("02000000", .tcpOptions), ("02010000", .tcpOptions),
            ("02050000", .tcpOptions), ("01010102", .tcpOptions), ("02030501", .tcpOptions), ("03040700", .tcpOptions),
            ("04030001", .tcpOptions), ("08040000", .tcpOptions), ("13040000", .tcpOptions), ("fe000000", .tcpOptions),
        ] as [(String, Malformation?)])
    func `TCP options`(_ options: String, _ expected: Malformation?) throws {
        let offset = String(5 + options.count / 8, radix: 16)
        let hex = "0001 0002 00000001 00000002 \(offset)0 02 0000 0000 0000" + options
        #expect(malformation(hex) { _ = try TCPHeader($0) } == expected)
        guard expected == nil else { return }
        #expect(try TCPHeader(bytes(hex).span.bytes).hasMD5Signature == options.hasPrefix("1312"))
    }

    @Test(arguments: 0..<5)
    func `TCP data offset`(_ offset: Int) {
        let hex = "0001 0002 00000001 00000002 \(offset)0 02 0000 0000 0000"
        #expect(malformation(hex) { _ = try TCPHeader($0) } == .tcpDataOffset)
    }

    @Test func `ESP`() throws {
        let header = try ESPHeader(bytes("1a2b3c4d 00000011").span.bytes)
        #expect(header.spi == 0x1A2B_3C4D && header.sequence == 17)
        expectShort("1a2b3c4d 00000011", length: 8) { _ = try ESPHeader($0) }
    }

    @Test func `AH`() throws {
        let hex = "06 04 0000 00000100 00000005 000000000000000000000000"
        let header = try AuthenticationHeader(bytes(hex).span.bytes)
        #expect(header.nextHeader == .tcp && header.headerLength == 24)
        #expect(header.spi == 0x100 && header.sequence == 5)
        expectShort(hex, length: 24) { _ = try AuthenticationHeader($0) }
        #expect(malformation("06 00" + hex.dropFirst(5)) { _ = try AuthenticationHeader($0) } == .authenticationLength)
    }

    @Test func `VXLAN`() throws {
        let hex = "08000000 abcdef00"
        #expect(try VXLANHeader(bytes(hex).span.bytes).networkIdentifier == 0xABCDEF)
        expectShort(hex, length: 8) { _ = try VXLANHeader($0) }
    }

    /// Anything may use the port.
    @Test(arguments: [
        ("08000000 00002a00", 4789, "VXLAN vni 42 / 10.0.0.1 > 10.0.0.2 ICMP"),
        ("08000000 00002a00", 8472, "VXLAN vni 42 / 10.0.0.1 > 10.0.0.2 ICMP"),
        ("08000000 00002a00", 4790, nil), ("00000000 00002a00", 4789, nil), ("08000000 00002a01", 4789, nil),
        ("88000000 00002a00", 4789, nil),
    ])
    func `VXLAN is told by port and header`(_ header: String, _ port: Int, _ words: String?) {
        let ping = "45000024 00010000 4001 0000 0a000001 0a000002 0800 f7fd 0001 0001 00000000 00000000"
        let ethernet = "020000000002 020000000001 0800"
        let content = bytes(header + ethernet + ping)
        let number = String(port, radix: 16)
        let length = String(content.count + 8, radix: 16)
        let udp = "c000 \(number) 00\(length) 0000"
        let total = String(content.count + 28, radix: 16)
        let outer = "450000\(total) 00010000 4011 0000 c0000201 c0000202"
        let packet = bytes(outer + udp) + content
        let line = PacketLine(packet.span.bytes, linkType: .raw).description
        if let words {
            #expect(line.contains(words), "\(line)")
        } else {
            #expect(!line.contains("VXLAN") && line.contains("UDP 49152 > \(port)"), "\(line)")
        }
    }

    /// Each kind is told by its type and its length; anything may use the port.
    @Test(arguments: [
        (1, 148, 51820, "WireGuard handshake initiation index 0xddccbbaa"),
        (2, 92, 51835, "WireGuard handshake response"),
        (3, 64, 51820, "WireGuard cookie reply"), (4, 32, 51820, "WireGuard data index 0xddccbbaa counter 7 keepalive"),
        (4, 128, 51821, "WireGuard data index 0xddccbbaa counter 7,"),
        (1, 147, 51820, nil), (2, 93, 51820, nil), (3, 65, 51820, nil), (4, 31, 51820, nil), (5, 148, 51820, nil),
        (1, 148, 51836, nil),
    ])
    func `WireGuard's messages`(_ type: UInt8, _ length: Int, _ port: UInt16, _ words: String?) throws {
        let content = ([type, 0, 0, 0, 0xAA, 0xBB, 0xCC, 0xDD, 7] + [UInt8](repeating: 0, count: length)).prefix(length)
        let udp = [0xC0, 0, UInt8(port >> 8), UInt8(port & 0xFF), 0, UInt8(length + 8), 0, 0] + content
        let packet = bytes("450000") + [UInt8(length + 28)] + bytes("00010000 4011 0000 c0000201 c0000202") + udp
        let line = PacketLine(packet.span.bytes, linkType: .raw).description
        if let words {
            #expect(line.contains(words), "\(line)")
        } else {
            #expect(!line.contains("WireGuard"), "\(line)")
        }
    }

    @Test func `GRE`() throws {
        let hex = "b000 0800 abcd0000 0000002a 00000009"
        let header = try GREHeader(bytes(hex).span.bytes)
        #expect(header.headerLength == 16 && header.protocolType == .ipv4)
        #expect(header.checksum == 0xABCD && header.key == 42 && header.sequence == 9)
        let plain = try GREHeader(bytes("0000 86dd").span.bytes)
        #expect(plain.headerLength == 4 && plain.protocolType == .ipv6)
        #expect(plain.checksum == nil && plain.key == nil && plain.sequence == nil)
        #expect(try GREHeader(bytes("1000 86dd 00000007").span.bytes).sequence == 7)
        expectShort(hex, length: 16) { _ = try GREHeader($0) }
        // Version 1 (PPTP), routing, strict source route, recursion.
        for flags in ["0001", "4000", "0800", "0100"] {
            #expect(malformation("\(flags) 0800") { _ = try GREHeader($0) } == .greFlags)
        }
    }
}
