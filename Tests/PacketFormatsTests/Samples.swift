import PacketFormats
import Testing

/// A frame of each kind, with the line that describes it.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let linkType: LinkType
    /// A line of digits for each header, and for the data.
    let hex: String
    let line: String

    init(_ name: String, _ linkType: LinkType, _ hex: String, _ line: String) {
        self.name = name
        self.linkType = linkType
        self.hex = hex
        self.line = line
    }

    var bytes: [UInt8] { PacketFormatsTests.bytes(hex) }
    var testDescription: String { name }

    static func named(_ name: String) throws -> Sample {
        try #require(all.first { $0.name == name })
    }

    /// All checksums are right; a program independent of the decoders computed them.
    static let all: [Sample] = [
        Sample(
            "espInUDP", .ethernet,
            """
            0200000000020200000000010800
            45000044000140004011d45fcb00710ac633640a
            1194119400300000
            1a2b3c4d00000011
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
            """,
            "203.0.113.10 > 198.51.100.10 UDP 4500 > 4500 ESP spi 0x1a2b3c4d seq 17, 40 bytes"),
        Sample(
            "esp", .ethernet,
            """
            0200000000020200000000010800
            45000040000140004032d442cb00710ac633640a
            1a2b3c4d00000011
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
            """,
            "203.0.113.10 > 198.51.100.10 ESP spi 0x1a2b3c4d seq 17, 44 bytes"),
        Sample(
            "natKeepalive", .ethernet,
            """
            0200000000020200000000010800
            4500001d000140004011d486cb00710ac633640a
            119411940009776a
            ff
            0000000000000000000000000000000000
            """,
            "203.0.113.10 > 198.51.100.10 UDP 4500 > 4500 NAT keepalive"),
        Sample(
            "ikeInit", .ethernet,
            """
            0200000000020200000000010800
            450000f4000140004011d3afcb00710ac633640a
            01f401f400e0ab75
            112233445566778800000000000000002120220800000000000000d8
            220000300000002c010100040300000c01000014800e01000300000802000005030000080300000c000000080400000e
            28000028000e0000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
            290000240000000000000000000000000000000000000000000000000000000000000000
            2900001c000040040000000000000000000000000000000000000000
            2b00001c000040050000000000000000000000000000000000000000
            0000000861626364
            """,
            "203.0.113.10 > 198.51.100.10 UDP 500 > 500 IKEv2 IKE_SA_INIT request 0 [SA KE(14) Nonce "
                + "N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) V], 216 bytes"),
        Sample(
            "ikeAuth", .ethernet,
            """
            0200000000020200000000010800
            45000068000140004011d43bc633640acb00710a
            1194119400543ed2
            00000000
            112233445566778899aabbccddeeff002e2023200000000100000048
            2400002c000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627
            """,
            "198.51.100.10 > 203.0.113.10 UDP 4500 > 4500 IKEv2 IKE_AUTH response 1 [SK], 72 bytes"),
        Sample(
            "ikeFragment", .ethernet,
            """
            0200000000020200000000010800
            4500005c000140004011d447cb00710ac633640a
            1194119400483218
            00000000
            112233445566778899aabbccddeeff0035202308000000010000003c
            2300002000010002000102030405060708090a0b0c0d0e0f1011121314151617
            """,
            "203.0.113.10 > 198.51.100.10 UDP 4500 > 4500 IKEv2 IKE_AUTH request 1 [SKF(1/2)], 60 bytes"),
        Sample(
            "ikeDelete", .raw,
            """
            45000050000140004011d453cb00710ac633640a
            01f401f4003c7c38
            000000000000000100000000000000022a2025080000000500000034
            2900000c030400011a2b3c4d
            0000000c0304400901020304
            """,
            "203.0.113.10 > 198.51.100.10 UDP 500 > 500 IKEv2 INFORMATIONAL request 5 [D N(REKEY_SA)], 52 bytes"),
        Sample(
            "ikeV1", .raw,
            """
            4500003c000140004011d467cb00710ac633640a
            01f401f40028923c
            0000000000000001000000000000000001100200000000000000002000000000
            """,
            "203.0.113.10 > 198.51.100.10 UDP 500 > 500 IKEv1 exchange 2, 32 bytes"),
        Sample(
            "echoRequest", .ethernet,
            """
            0200000000020200000000010800
            4500005400014000400120760a0203640a690264
            080000e500070001
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f
            3031323334353637
            """,
            "10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 64 bytes"),
        Sample(
            "echoReply", .ipv4,
            """
            4500001d00014000400120ad0a6902640a020364
            0000fff700070001
            00
            """,
            "10.105.2.100 > 10.2.3.100 ICMP echo reply id 7 seq 1, 9 bytes"),
        Sample(
            "fragmentationNeeded", .ethernet,
            """
            0200000000020200000000010800
            450000380001400040013cb9c0000201cb007109
            03045acc0000059e
            450005a00001400040061b250a0203640a6902649c40005000000001
            """,
            "192.0.2.1 > 203.0.113.9 ICMP frag-needed mtu 1438 (10.2.3.100 > 10.105.2.100 TCP 40000 > 80 …), 36 "
                + "bytes"),
        Sample(
            "timeExceeded", .ethernet,
            """
            0200000000020200000000010800
            450000440001400040016b51c00002010a020364
            0b000f5800000000
            450000280001400001115f920a0203640a690264
            829a829b0014c239
            000102030405060708090a0b
            """,
            "192.0.2.1 > 10.2.3.100 ICMP time exceeded in transit (10.2.3.100 > 10.105.2.100 UDP 33434 > 33435), "
                + "48 bytes"),
        Sample(
            "portUnreachable", .raw,
            """
            4500004400014000400120860a6902640a020364
            0303175500000000
            450000280001400001115f920a0203640a690264
            829a829b0014c239
            000102030405060708090a0b
            """,
            "10.105.2.100 > 10.2.3.100 ICMP port unreachable (10.2.3.100 > 10.105.2.100 UDP 33434 > 33435), 48 "
                + "bytes"),
        Sample(
            "redirect", .raw,
            """
            4500004400014000400120860a6902640a020364
            05010a590a0000fe
            450000280001400001115f920a0203640a690264
            829a829b0014c239
            000102030405060708090a0b
            """,
            "10.105.2.100 > 10.2.3.100 ICMP redirect to 10.0.0.254 (10.2.3.100 > 10.105.2.100 UDP 33434 > "
                + "33435), 48 bytes"),
        Sample(
            "syn", .ethernet,
            """
            0200000000020200000000010800
            4500003c00014000400620890a0203640a690264
            9c4013891234567800000000a002faf01aa40000020405760402080a000000010000000001030307
            """,
            "10.2.3.100 > 10.105.2.100 TCP 40000 > 5001 [SYN] seq 305419896 win 64240 mss 1398 wscale 7 sack-ok, "
                + "0 bytes"),
        Sample(
            "md5Syn", .ethernet,
            """
            0200000000020200000000010800
            4500004000014000400620850a0203640a690264
            9c4000b30000000100000000b002faf0822f00000204056c1312000000000000000000000000000000000101
            """,
            "10.2.3.100 > 10.105.2.100 TCP 40000 > 179 [SYN] seq 1 win 64240 mss 1388 md5, 0 bytes"),
        Sample(
            "tcpData", .ethernet,
            """
            0200000000020200000000010800
            4500008c00014000400620390a0203640a690264
            9c4013890000000100000001501801f647a70000
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f
            303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f
            60616263
            """,
            "10.2.3.100 > 10.105.2.100 TCP 40000 > 5001 [PSH,ACK] seq 1 ack 1 win 502, 100 bytes"),
        Sample(
            "bgpOpen", .ethernet,
            """
            0200000000020200000000010800
            45000068000140004006268d0a0000010a000002
            00b39c410000000100000001501801f6013b0000
            ffffffffffffffffffffffffffffffff002d01045ba0001e0a00000110020e0104000100014104fa56ea014600
            ffffffffffffffffffffffffffffffff001304
            """,
            "10.0.0.1 > 10.0.0.2 TCP 179 > 40001 [PSH,ACK] seq 1 ack 1 win 502 BGP OPEN as 4200000001 hold 30 id "
                + "10.0.0.1 + BGP KEEPALIVE, 64 bytes"),
        Sample(
            "bgpUpdate", .ethernet,
            """
            0200000000020200000000010800
            4500007000014000400626850a0000010a000002
            00b39c410000000100000001501801f63ae50000
            ffffffffffffffffffffffffffffffff0033020003100a0100144001010040020602010000fde94003040a000001180a
            020300
            ffffffffffffffffffffffffffffffff0015030400
            """,
            "10.0.0.1 > 10.0.0.2 TCP 179 > 40001 [PSH,ACK] seq 1 ack 1 win 502 BGP UPDATE 2 announced 1 "
                + "withdrawn + BGP NOTIFICATION code 4 subcode 0, 72 bytes"),
        Sample(
            "bgpContinued", .ethernet,
            """
            0200000000020200000000010800
            4500005d00014000400626980a0000010a000002
            00b39c410000000100000001501801f69c410000
            ffffffffffffffffffffffffffffffff00170500010001
            ffffffffffffffffffffffffffffffff0033020003100a01001440010100
            """,
            "10.0.0.1 > 10.0.0.2 TCP 179 > 40001 [PSH,ACK] seq 1 ack 1 win 502 BGP ROUTE-REFRESH + BGP UPDATE "
                + "(continued), 53 bytes"),
        Sample(
            "ipip", .ethernet,
            """
            0200000000020200000000010800
            45000040000140004004b6b5c0000201c0000202
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "192.0.2.1 > 192.0.2.2 IPIP / 10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 24 bytes"),
        Sample(
            "sixInFour", .ethernet,
            """
            0200000000020200000000010800
            45000054000140004029b67cc0000201c0000202
            6000000000183a4020010db800000000000000000000000120010db8000000000000000000000002
            8000ebef00070001
            000102030405060708090a0b0c0d0e0f
            """,
            "192.0.2.1 > 192.0.2.2 6in4 / 2001:db8::1 > 2001:db8::2 ICMPv6 echo request id 7 seq 1, 24 bytes"),
        Sample(
            "isatapIPIP6", .ethernet,
            """
            0200000000020200000000010800
            450000700001400040291eea0aff02be0aff02bf
            6000000000343c4020010db80002000000005efe0aff02be20010db80002000000005efe0aff02bf
            0400040104010100
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "10.255.2.190 > 10.255.2.191 ISATAP / 2001:db8:2::5efe:aff:2be > 2001:db8:2::5efe:aff:2bf "
                + "encap-limit 4 IPv4 in IPv6 / 10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 24 bytes"),
        Sample(
            "ipv6InIPv6", .ethernet,
            """
            02000000000202000000000186dd
            600000000040294020010db800000000000000000000000120010db8000000000000000000000002
            6000000000183a40fe800000000000000000000000000001fe800000000000000000000000000002
            80004a6000070001
            000102030405060708090a0b0c0d0e0f
            """,
            "2001:db8::1 > 2001:db8::2 IPv6 in IPv6 / fe80::1 > fe80::2 ICMPv6 echo request id 7 seq 1, 24 bytes"),
        Sample(
            "packetTooBig", .ethernet,
            """
            02000000000202000000000186dd
            6000000000383a4020010db800000000000000000000000120010db8000000000000000000000002
            0200cecd00000578
            600000000580114020010db800000000000000000000000220010db800000000000000000000000103e807d00580ea64
            """,
            "2001:db8::1 > 2001:db8::2 ICMPv6 packet-too-big mtu 1400 (2001:db8::2 > 2001:db8::1 UDP 1000 > 2000 "
                + "…), 56 bytes"),
        Sample(
            "neighborSolicitation", .ethernet,
            """
            02000000000202000000000186dd
            6000000000203a40fe800000000000000000000000000001ff0200000000000000000001ff000002
            87004b5f0000000020010db8000000000000000000000002
            0101020000000001
            """,
            "fe80::1 > ff02::1:ff00:2 ICMPv6 neighbor solicitation for 2001:db8::2, 32 bytes"),
        Sample(
            "neighborAdvertisement", .ipv6,
            """
            6000000000183a40fe800000000000000000000000000002fe800000000000000000000000000001
            8800ecec6000000020010db8000000000000000000000002
            """,
            "fe80::2 > fe80::1 ICMPv6 neighbor advertisement of 2001:db8::2, 24 bytes"),
        Sample(
            "extensionHeaders", .ethernet,
            """
            02000000000202000000000186dd
            600000000030004020010db800000000000000000000000120010db8000000000000000000000002
            2b00050200000100
            2c00000000000000
            3c00000000000007
            1100010400000000
            03e807d000108c91
            0001020304050607
            """,
            "2001:db8::1 > 2001:db8::2 routing type 0 segments-left 0 fragment 0x00000007 offset 0 last UDP 1000 "
                + "> 2000, 8 bytes"),
        Sample(
            "ipv6Fragment", .ethernet,
            """
            02000000000202000000000186dd
            60000000001c2c4020010db800000000000000000000000120010db8000000000000000000000002
            110005a80000abcd
            000102030405060708090a0b0c0d0e0f10111213
            """,
            "2001:db8::1 > 2001:db8::2 fragment 0x0000abcd offset 1448 last UDP, 20 bytes"),
        Sample(
            "noNextHeader", .raw,
            """
            6000000000003b4020010db800000000000000000000000120010db8000000000000000000000002
            """,
            "2001:db8::1 > 2001:db8::2 no next header, 0 bytes"),
        Sample(
            "firstFragment", .ethernet,
            """
            0200000000020200000000010800
            4500002c1c2d2000401124620a0203640a690264
            9c4013890648c3df
            000102030405060708090a0b0c0d0e0f
            """,
            "10.2.3.100 > 10.105.2.100 fragment 0x1c2d offset 0 more UDP 40000 > 5001, 16 bytes"),
        Sample(
            "lastFragment", .ethernet,
            """
            0200000000020200000000010800
            450000281c2d0003401144630a0203640a690264
            101112131415161718191a1b1c1d1e1f20212223
            """,
            "10.2.3.100 > 10.105.2.100 fragment 0x1c2d offset 24 last UDP, 20 bytes"),
        Sample(
            "gre", .ethernet,
            """
            0200000000020200000000010800
            4500004800014000402fb682c0000201c0000202
            200008000000002a
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "192.0.2.1 > 192.0.2.2 GRE key 0x0000002a / 10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, "
                + "24 bytes"),
        Sample(
            "greBridge", .ethernet,
            """
            0200000000020200000000010800
            4500005e00014000402fb66cc0000201c0000202
            b0006558abcd00000000002a00000009
            0200000000020200000000010800
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "192.0.2.1 > 192.0.2.2 GRE key 0x0000002a seq 9 / 10.2.3.100 > 10.105.2.100 ICMP echo request id 7 "
                + "seq 1, 24 bytes"),
        Sample(
            "ah", .ethernet,
            """
            0200000000020200000000010800
            45000044000140004033b682c0000201c0000202
            010400000000010000000005000000000000000000000000
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "192.0.2.1 > 192.0.2.2 AH spi 0x00000100 seq 5 ICMP echo request id 7 seq 1, 24 bytes"),
        Sample(
            "vlan", .ethernet,
            """
            0200000000020200000000018100
            a1540800
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "VLAN 340 / 10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 24 bytes"),
        Sample(
            "stackedVLAN", .ethernet,
            """
            02000000000202000000000188a8
            01548100
            000c0806
            00010800060400010200000000010a0000010000000000000a000002
            00000000000000000000
            """,
            "VLAN 340 / VLAN 12 / ARP who-has 10.0.0.2 tell 10.0.0.1"),
        Sample(
            "arpReply", .ethernet,
            """
            0200000000020200000000010806
            00010800060400020200000000020a0000020200000000010a000001
            """,
            "ARP 10.0.0.2 is-at 02:00:00:00:00:02"),
        Sample(
            "linuxCooked", .linuxCooked,
            """
            00000001000602000000000100000800
            4500002c000140004001209e0a0203640a690264
            0800bfb700070001
            000102030405060708090a0b0c0d0e0f
            """,
            "10.2.3.100 > 10.105.2.100 ICMP echo request id 7 seq 1, 24 bytes"),
        Sample(
            "options", .ethernet,
            """
            0200000000020200000000010800
            46000020000140004002b85a0a020364e000001694040000
            2200f9fd00000000
            """,
            "10.2.3.100 > 224.0.0.22 protocol 2, 8 bytes"),
        Sample(
            "padded", .ethernet,
            """
            0200000000020200000000010800
            4500001e000140004011209c0a0203640a690264
            03e807d0000ad9ee
            0001
            00000000000000000000000000000000
            """,
            "10.2.3.100 > 10.105.2.100 UDP 1000 > 2000, 2 bytes"),
        Sample(
            "lldp", .ethernet,
            """
            02000000000202000000000188cc
            000102030405060708090a0b0c0d0e0f10111213
            """,
            "02:00:00:00:00:01 > 02:00:00:00:00:02 ethertype 0x88cc, 20 bytes"),
        Sample(
            "spanningTree", .ethernet,
            """
            0200000000020200000000010026
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425
            """,
            "02:00:00:00:00:01 > 02:00:00:00:00:02 802.3, 38 bytes"),
        Sample(
            "unknownInVLAN", .ethernet,
            """
            0200000000020200000000018100
            00079999
            00010203
            """,
            "VLAN 7 / 02:00:00:00:00:01 > 02:00:00:00:00:02 ethertype 0x9999, 4 bytes"),
    ]
}

/// Reads pairs of hexadecimal digits; spaces and line ends are for the reader.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
