import NetworkTypes
import Testing

@Suite struct IPv4AddressTests {
    @Test(arguments: ["0.0.0.0", "10.0.0.1", "192.168.100.10", "255.255.255.255"])
    func `Text round trip`(_ text: String) {
        #expect(IPv4Address(text)?.description == text)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1..2.3", ".1.2.3", "1.2.3.", "+1.2.3.4",
        "-1.2.3.4",
        "1.2.3.-0", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4/8", "0x1.2.3.4", "1,2,3,4", "١.2.3.4", "1.2.3.4\0",
    ])
    func `Refused`(_ text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test func `Bytes and order`() throws {
        let address = try #require(IPv4Address("10.1.2.3"))
        #expect(address.bytes == [10, 1, 2, 3] && address.rawValue == 0x0A01_0203)
        #expect(IPAddress(bytes: address.bytes) == .v4(address))
        #expect(try address < #require(IPv4Address("10.1.3.0")))
    }
}

@Suite struct IPv6AddressTests {
    /// RFC 5952 section 4, rule by rule, and the examples of section 1 and 2.
    @Test(arguments: [
        ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::ABCD", "2001:db8::abcd"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("0:0:0:0:0:0:0:0", "::"), ("0:0:0:0:0:0:0:1", "::1"),
        ("1:0:0:0:0:0:0:0", "1::"), ("::1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("2001:db8:2::5efe:10.255.2.190", "2001:db8:2::5efe:aff:2be"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("fe80:0:0:0:0:5efe:c0a8:101", "fe80::5efe:c0a8:101"),
    ])
    func `Canonical text`(_ text: String, _ canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:", "::1:", ":1::", "12345::", "g::", "+1::", "-0::", "::-0", "::+1", "1.2.3.4::", "1.2.3.4::1",
        "::1.2.3.4:1",
        "::1.2.3", "::1.2.3.256", "::1.2.3.04", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "::1/64", " ::1", "[::1]",
        "::١",
    ])
    func `Refused`(_ text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test func `Random text round trip`() {
        for _ in 0..<2000 {
            // Many zero groups, to meet every place of "::".
            let groups = (0..<8).map { _ in Bool.random() ? 0 : UInt64.random(in: 0...0xFFFF) }
            let half = { (part: ArraySlice<UInt64>) in part.reduce(0) { $0 << 16 | $1 } }
            let address = IPv6Address(high: half(groups[..<4]), low: half(groups[4...]))
            #expect(IPv6Address(address.description) == address)
            #expect(IPAddress(bytes: address.bytes) == .v6(address))
            #expect(IPv6Address(groups.map { String($0, radix: 16) }.joined(separator: ":")) == address)
        }
    }
}

@Suite struct IPAddressTests {
    @Test func `Either family`() {
        #expect(IPAddress("10.0.0.1")?.bitWidth == 32 && IPAddress("::1")?.bitWidth == 128)
        #expect(IPAddress("localhost") == nil && IPAddress("") == nil)
        #expect(IPAddress(bytes: [1, 2, 3]) == nil && IPAddress(bytes: []) == nil)
        #expect(IPAddress("0.0.0.0")?.isUnspecified == true && IPAddress("::")?.isUnspecified == true)
        #expect(IPAddress("::1")?.unspecified == IPAddress("::") && IPAddress("::1")?.isUnspecified == false)
    }

    @Test(arguments: [
        ("255.255.255.255", 0, "0.0.0.0"), ("255.255.255.255", 1, "128.0.0.0"),
        ("255.255.255.255", 31, "255.255.255.254"),
        ("255.255.255.255", 32, "255.255.255.255"), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 63, "ffff:ffff:ffff:fffe::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 64, "ffff:ffff:ffff:ffff::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65, "ffff:ffff:ffff:ffff:8000::"),
        ("2001:db8::1", 128, "2001:db8::1"),
    ])
    func `Masks`(_ text: String, _ length: Int, _ expected: String) throws {
        #expect(try #require(IPAddress(text)).masked(to: length).description == expected)
    }
}
