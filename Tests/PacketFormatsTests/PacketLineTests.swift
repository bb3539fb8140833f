import NetworkTypes
import PacketFormats
import Testing

@Suite struct PacketLineTests {
    @Test(arguments: Sample.all)
    func `Every kind has its line`(_ sample: Sample) {
        #expect(PacketLine(sample.bytes.span.bytes, linkType: sample.linkType).description == sample.line)
    }

    /// The first `count` bytes of a sample.
    @Test(arguments: [
        (
            "echoRequest", 60,
            "10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 26 bytes [truncated: 38 bytes missing]"
        ),
        ("tcpData", 50, "10.2.3.100 > 10.105.2.100 TCP 40000 > 5001, 16 bytes [truncated: 104 bytes missing]"),
        ("tcpData", 36, "10.2.3.100 > 10.105.2.100 TCP, 2 bytes [truncated: 118 bytes missing]"),
        ("esp", 40, "203.0.113.10 > 198.51.100.10 ESP, 6 bytes [truncated: 38 bytes missing]"),
        (
            "ikeInit", 200,
            """
            203.0.113.10 > 198.51.100.10 UDP 500 > 500 IKEv2 IKE_SA_INIT request 0 [SA KE(14) Nonce], 158 bytes \
            [truncated: 58 bytes missing]
            """
        ),
        ("echoRequest", 20, "02:00:00:00:00:01 > 02:00:00:00:00:02 IPv4, 6 bytes [truncated: 1 byte missing]"),
        ("echoRequest", 5, "Ethernet [truncated: 1 byte missing]"),
        ("echoRequest", 0, "Ethernet [truncated: 1 byte missing]"),
        ("linuxCooked", 16, "IPv4, 0 bytes [truncated: 1 byte missing]"),
        (
            "vlan", 20,
            """
            VLAN 340 / 02:00:00:00:00:01 > 02:00:00:00:00:02 IPv4, 2 bytes [truncated: 1 byte missing]
            """
        ),
    ])
    func `Truncated`(_ name: String, _ count: Int, _ line: String) throws {
        let sample = try Sample.named(name)
        #expect(PacketLine(Array(sample.bytes.prefix(count)).span.bytes, linkType: sample.linkType).description == line)
    }

    @Test(arguments: [
        ("5500 0014", "raw IP, 4 bytes [malformed: IP version 5]"),
        ("5500 0014 0000 0000 40 3b 0000 0a000001 0a000002", "raw IP, 20 bytes [malformed: IP version 5]"),
        (
            "4500 0018 0000 0000 40 11 66d3 0a000001 0a000002 00010002",
            "10.0.0.1 > 10.0.0.2 UDP, 4 bytes [malformed: header cut short]"
        ),
        (
            "4500 001c 0000 0000 40 11 66cf 0a000001 0a000002 00010002 0007 0000",
            "10.0.0.1 > 10.0.0.2 UDP, 8 bytes [malformed: UDP length]"
        ),
        (
            """
            4500 003f 0000 0000 40 11 66ac 0a000001 0a000002 01f4 01f4 002b 0000
            0000000000000001 0000000000000000 28 20 22 08 00000000 00000023 00 00 0003 000000
            """,
            "10.0.0.1 > 10.0.0.2 UDP 500 > 500 IKEv2 IKE_SA_INIT request 0, 35 bytes [malformed: IKE length]"
        ),
    ])
    func `What is malformed`(_ hex: String, _ line: String) {
        #expect(PacketLine(bytes(hex).span.bytes, linkType: .raw).description == line)
    }

    @Test func `A decrypted packet within other bytes`() throws {
        let sample = try Sample.named("portUnreachable")
        let bytes = [1, 2, 3] + sample.bytes + [4, 5]
        #expect(PacketLine(packet: bytes.span.bytes, in: 3..<bytes.count - 2).description == sample.line)
    }

    @Test func `Unknown link type`() {
        let type = LinkType(rawValue: 147)
        #expect(PacketLine(bytes("0102").span.bytes, linkType: type).description == "link type 147, 2 bytes")
        #expect(PacketLine([UInt8]().span.bytes, linkType: type).description == "link type 147")
    }
}
