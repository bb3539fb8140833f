import NetworkTypes
import Testing

@Suite struct IPPrefixTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"),
        ("2001:DB8::/32", "2001:db8::/32"), ("::1", "::1/128"),
    ])
    func `Text`(_ text: String, _ canonical: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == canonical && IPPrefix(canonical) == prefix)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "/8", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
        "10.0.0.0/8/8", "10/8",
        "2001:db8::1/64", "::/129", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0", "10.0.0.0/99999999999999999999",
    ])
    func `Refused`(_ text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `Host bits are cleared`() throws {
        #expect(IPPrefix(try #require(IPAddress("10.1.2.3")), length: 8) == IPPrefix("10.0.0.0/8"))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0", true), ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false), ("::/0", "10.0.0.1", false),
        ("2001:db8::/33", "2001:db8:7fff::", true), ("2001:db8::/33", "2001:db8:8000::", false),
        ("10.0.0.1/32", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.2", false),
    ])
    func `Contains address`(_ prefix: String, _ address: String, _ expected: Bool) throws {
        #expect(try #require(IPPrefix(prefix)).contains(#require(IPAddress(address))) == expected)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.1.0.0/16", true, true), ("10.1.0.0/16", "10.0.0.0/8", false, true),
        ("10.0.0.0/8", "10.0.0.0/8", true, true), ("10.0.0.0/9", "10.128.0.0/9", false, false),
        ("0.0.0.0/0", "::/0", false, false), ("::/0", "2001:db8::/32", true, true),
    ])
    func `Contains and overlaps`(_ one: String, _ other: String, _ contains: Bool, _ overlaps: Bool) throws {
        let one = try #require(IPPrefix(one))
        let other = try #require(IPPrefix(other))
        #expect(one.contains(other) == contains)
        #expect(one.overlaps(other) == overlaps && other.overlaps(one) == overlaps)
    }

    @Test func `Order`() throws {
        let texts = ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "::/0", "2001:db8::/32"]
        let prefixes = texts.compactMap(IPPrefix.init)
        #expect(prefixes.shuffled().sorted().map(\.description) == texts)
        #expect(prefixes.filter(\.isDefault).count == 1)
    }
}

@Suite struct InterfaceAddressTests {
    @Test func `Host bits are kept`() throws {
        let address = try #require(InterfaceAddress("10.2.3.100/24"))
        #expect(address.description == "10.2.3.100/24" && address.prefix == IPPrefix("10.2.3.0/24"))
        #expect(InterfaceAddress("10.2.3.100")?.prefixLength == 32 && InterfaceAddress("::1")?.prefixLength == 128)
        #expect(InterfaceAddress("10.2.3.100/33") == nil && InterfaceAddress("10.2.3/24") == nil)
    }
}
