import NetworkTypes
import Testing

@testable import HeaderStacks
@testable import LabModel

@Suite("Header stacks")
struct HeaderStackTests {
    /// A stack by the words of the command line, and its sum by hand.
    struct Known: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var request = HeaderStackRequest()
        let mtu: Int

        init(_ sum: String, mtu: Int, _ change: (inout HeaderStackRequest) -> Void) {
            testDescription = sum
            self.mtu = mtu
            change(&request)
        }
    }

    static let known = [
        Known("1500", mtu: 1500) { _ in },
        Known("1500; the tag is outside", mtu: 1500) { $0.layers = "vlan" },
        // 1500 − 20 IP − 8 ESP − 16 IV − 16 ICV = 1440 = 90 · 16; − 2
        Known("aes-cbc sha2-256", mtu: 1438) { ($0.encryption, $0.integrity) = ("aes-256-cbc", "sha2-256") },
        // 1500 − 20 − 8 UDP − 8 − 16 − 16 = 1432 → 1424 = 89 · 16; − 2
        Known("aes-cbc sha2-256 nat-t", mtu: 1422) {
            ($0.encryption, $0.integrity, $0.isUDPEncapsulated) = ("aes-cbc", "sha2-256", true)
        },
        // 1500 − 20 − 8 − 16 − 12 = 1444 → 1440; − 2
        Known("aes-cbc sha1", mtu: 1438) { ($0.encryption, $0.integrity) = ("aes-128-cbc", "sha1") },
        // 1500 − 20 − 8 − 8 − 8 − 16 = 1440 = 360 · 4; − 2
        Known("aes-gcm-16 nat-t", mtu: 1438) { ($0.encryption, $0.isUDPEncapsulated) = ("aes-gcm-16", true) },
        // 1500 − 20 − 8 − 8 − 16 = 1448 = 362 · 4; − 2
        Known("aes-gcm-16", mtu: 1446) { $0.encryption = "aes-128-gcm-16" },
        // 1500 − 40 − 8 − 8 − 16 = 1428 = 357 · 4; − 2
        Known("aes-gcm-16 in IPv6", mtu: 1426) { ($0.encryption, $0.family) = ("aes-gcm-16", .ipv6) },
        // 1500 − 20 − 8 − 8 − 8 = 1456; − 2
        Known("aes-ccm-8", mtu: 1454) { $0.encryption = "aes-ccm-8" },
        // 1500 − 20 − 8 − 8 − 24 = 1440; − 2
        Known("aes-ctr sha2-384", mtu: 1438) { ($0.encryption, $0.integrity) = ("aes-192-ctr", "sha2-384") },
        // 1500 − 20 − 8 − 0 − 12 = 1460; − 2
        Known("null aes-xcbc", mtu: 1458) { ($0.encryption, $0.integrity) = ("null", "aes-xcbc") },
        // 1500 − 20 − 8 − 8 − 16 = 1448; − 2 = 1446 of payload, and the 20 of its header
        Known("aes-gcm-16 transport", mtu: 1466) { ($0.encryption, $0.mode) = ("aes-gcm-16", .transport) },
        // 1446 of payload as above, − 4 GRE
        Known("gre in aes-gcm-16 transport", mtu: 1442) {
            ($0.encryption, $0.mode, $0.layers) = ("aes-gcm-16", .transport, "esp,gre")
        },
        // 1500 − 20 − 4 GRE = 1476; − 20 − 8 − 8 − 16 = 1424; − 2 + 20
        Known("aes-gcm-16 transport over gre", mtu: 1442) {
            ($0.encryption, $0.mode, $0.layers) = ("aes-gcm-16", .transport, "gre")
        },
        // 1500 − 20 − 4 − 4 key
        Known("gre+key", mtu: 1472) { $0.layers = "gre+key" },
        // 1500 − 20 − 4 − 4 − 4 − 4
        Known("gre with all", mtu: 1464) { $0.layers = "gre+csum+key+seq" },
        // 1500 − 20 − 8
        Known("udp", mtu: 1472) { $0.layers = "udp" },
        // 1500 − 20
        Known("6in4", mtu: 1480) { $0.layers = "6in4" },
        Known("ipip", mtu: 1480) { $0.layers = "ipip" },
        // 1500 − 20 − 40 − 8
        Known("isatap,ipip6", mtu: 1432) { $0.layers = "isatap,ipip6" },
        // 1500 − 20 − 40
        Known("isatap,ipip6+no-encaplimit", mtu: 1440) { $0.layers = "isatap,ipip6+no-encaplimit" },
        // 1432 − 20 − 8 − 8 − 16 = 1380 = 345 · 4; − 2
        Known("aes-gcm-16 over isatap,ipip6", mtu: 1378) {
            ($0.encryption, $0.layers) = ("aes-gcm-16", "isatap,ipip6")
        },
        // 1500 − 40 − 8 outside ESP; − 8 − 16 − 16 = 1412 → 1408; − 2
        Known("ipip6 in aes-cbc transport", mtu: 1406) {
            ($0.encryption, $0.integrity, $0.mode, $0.layers) = ("aes-cbc", "sha2-256", .transport, "esp,ipip6")
        },
        // 9001 − 20 − 8 − 8 − 8 − 16 = 8941 → 8940; − 2
        Known("aes-gcm-16 nat-t on jumbo frames", mtu: 8938) {
            ($0.encryption, $0.isUDPEncapsulated) = ("aes-gcm-16", true)
            if let jumbo = MTU(9001) { $0.linkMTU = jumbo }
        },
    ]

    @Test(arguments: known)
    func `Sums done by hand`(known: Known) throws {
        let stack = try known.request.stack()
        #expect(stack.mtu == known.mtu)
        #expect(stack.mss4 == (stack.carried.contains(.ipv4) ? known.mtu - 40 : nil))
        #expect(stack.mss6 == (stack.carried.contains(.ipv6) ? known.mtu - 60 : nil))
        #expect(Self.holds(stack))
    }

    /// What is inside is padded to a multiple of 16, and not beyond the interface's MTU.
    @Test(arguments: [("wireguard", 60), ("wireguard6", 80)])
    func `WireGuard pads`(_ name: String, _ headers: Int) throws {
        for link in [1280, 1500, 1501, 1507, 9000] {
            var request = HeaderStackRequest()
            (request.layers, request.linkMTU) = (name, try #require(MTU(link)))
            let stack = try request.stack()
            #expect(stack.mtu == link - headers)
            for length in 20...stack.mtu {
                #expect(stack.outerLength(ofInner: length) == headers + min(stack.mtu, (length + 15) / 16 * 16))
            }
        }
    }

    // MARK: All combinations

    /// Outermost first, with what each adds to a packet.
    static let tunnels: [(name: String, bytes: Int)] = [
        ("", 0), ("vlan", 0), ("vlan,gre", 24), ("gre+key", 28), ("gre+key+seq+csum", 36), ("udp", 28), ("ipip", 20),
        ("6in4", 20), ("isatap", 20), ("ipip6", 48), ("ipip6+no-encaplimit", 40), ("ip6ip6", 48), ("ip6gre", 52),
        ("ip6gre+no-encaplimit+seq", 48), ("vxlan", 50), ("vxlan6", 70), ("vxlan6,gre", 94), ("isatap,ipip6", 68),
        ("isatap,ipip6+no-encaplimit", 60), ("gre,gre", 48),
        ("isatap,ip6gre,ipip", 92), ("6in4,ip6ip6+no-encaplimit,ip6ip6", 108),
    ]

    /// Every cipher, mode, family, with and without UDP, over every stack of tunnels and with every one within: against
    /// sums added up from other figures, and against trying.
    @Test(arguments: tunnels.indices)
    func `All combinations agree with what trying every length finds`(index: Int) throws {
        let links = [576, 1280, 1500, 1501, 9000]
        let (outside, bytes) = Self.tunnels[index]
        var stacks = 0
        for esp in ESPEncapsulationTests.all {
            for link in links {
                var request = HeaderStackRequest()
                request.encryption = esp.transform.cipher.rawValue
                request.integrity = esp.transform.integrity?.rawValue
                (request.mode, request.family, request.isUDPEncapsulated) = (
                    esp.mode, esp.family, esp.isUDPEncapsulated
                )
                (request.layers, request.linkMTU) = (outside, try #require(MTU(link)))
                guard let stack = try? request.stack() else { continue }
                stacks += 1
                let sum = { ESPEncapsulationTests.length($0, in: esp) + bytes }
                #expect(stack.mtu == (0...link).last { $0 >= stack.shortestPacket && sum($0) <= link })
                #expect(stack.outerLength(ofInner: 1000) == sum(1000))
                #expect(Self.holds(stack))
            }
        }
        // Half the families where the innermost tunnel carries only one.
        #expect(stacks >= ESPEncapsulationTests.all.count / 2 * (links.count - 1))
    }

    @Test(arguments: ESPTransformTests.all)
    func `Tunnels in transport mode leave their IP header outside ESP`(transform: ESPOverhead) throws {
        for (name, ip, own) in [
            ("gre+key", 20, 8), ("ipip", 20, 0), ("ipip6", 48, 0), ("ip6gre", 48, 4), ("ip6ip6+no-encaplimit", 40, 0),
        ] {
            for isUDPEncapsulated in [false, true] {
                var request = HeaderStackRequest()
                request.encryption = transform.cipher.rawValue
                request.integrity = transform.integrity?.rawValue
                (request.mode, request.layers, request.isUDPEncapsulated) = (
                    .transport, "esp,\(name)", isUDPEncapsulated
                )
                let stack = try request.stack()
                let sum = { ip + (isUDPEncapsulated ? 8 : 0) + transform.espLength(payload: own + $0) }
                #expect((40...200).allSatisfy { stack.outerLength(ofInner: $0) == sum($0) })
                #expect(stack.mtu == (0...1500).last { sum($0) <= 1500 })
                #expect(Self.holds(stack))
            }
        }
    }

    /// What holds for every stack: the longest packet fits and the next does not, longer stays longer, parts add up.
    static func holds(_ stack: HeaderStack) -> Bool {
        let lengths = [stack.shortestPacket, 41, 59, 576, stack.mtu, 65535].sorted()
        let outer = lengths.map(stack.outerLength)
        return stack.outerLength(ofInner: stack.mtu) <= stack.linkMTU.bytes
            && stack.outerLength(ofInner: stack.mtu + 1) > stack.linkMTU.bytes
            && outer == outer.sorted()
            && zip(lengths, outer).allSatisfy { length, outer in
                let parts = stack.parts(ofInner: length)
                return parts.filter(\.isInMTU).reduce(0) { $0 + $1.bytes } == outer
                    && parts.allSatisfy { $0.bytes >= 0 }
            }
    }

    // MARK: Parts

    @Test
    func `The parts of a packet stand in the order of the wire`() throws {
        var request = HeaderStackRequest()
        (request.encryption, request.integrity, request.isUDPEncapsulated) = ("aes-cbc", "sha2-256", true)
        (request.layers, request.vlanTags) = ("6in4", 1)
        let parts = try request.stack().parts(ofInner: 1000)
        #expect(
            parts.map { "\($0.bytes) \($0.layer): \($0.name)" } == [
                "4 vlan: VLAN tag", "20 6in4: IPv4 header", "40 esp: IPv6 header", "8 esp: UDP header",
                "8 esp: ESP header",
                "16 esp: initialization vector", "1000 packet: inner packet", "6 esp: padding",
                "2 esp: pad length, next header", "16 esp: integrity check value",
            ])
        #expect(parts.filter { !$0.isInMTU }.map(\.name) == ["VLAN tag"])
    }

    @Test
    func `In transport mode the packet's own header comes first`() throws {
        let esp = ESPEncapsulation(transform: try ESPOverhead(cipher: .aesGCM16, integrity: nil), mode: .transport)
        #expect(
            try HeaderStack([.esp(esp)]).parts(ofInner: 100).map { "\($0.bytes) \($0.layer): \($0.name)" } == [
                "20 packet: IPv4 header", "8 esp: ESP header", "8 esp: initialization vector", "80 packet: payload",
                "2 esp: padding", "2 esp: pad length, next header", "16 esp: integrity check value",
            ])
    }

    // MARK: Stacks that cannot be

    @Test
    func `A link without room says how much is needed, and that much is enough`() throws {
        var request = HeaderStackRequest()
        (request.encryption, request.isUDPEncapsulated) = ("aes-gcm-16", true)
        // 20 + 8 + 8 + 8 + 20 and 2, filled up to 24, + 16
        request.linkMTU = try #require(MTU(83))
        let error = #expect(throws: EncapsulationError.self) { try request.stack() }
        #expect(error?.message == "A link MTU of 83 has no room for a packet within esp.")
        #expect(error?.remedy == "The shortest packet, an IP header of 20 bytes, needs a link MTU of 84.")
        request.linkMTU = try #require(MTU(84))
        #expect(try request.stack().mtu == 22)
        #expect(try request.stack().mss4 == nil)
    }

    @Test
    func `IPv6 needs 1280 bytes`() throws {
        let tunnel = [Encapsulation.tunnel(Encapsulation.Tunnel(.sixInFour))]
        #expect(try HeaderStack(tunnel, linkMTU: #require(MTU(1300))).hasMinimumOfIPv6)
        #expect(try !HeaderStack(tunnel, linkMTU: #require(MTU(1299))).hasMinimumOfIPv6)
    }

    @Test(
        arguments: [
            ("isatap,ipip", "ipip over IPv4 cannot stand within isatap, which carries IPv6 here."),
            ("ipip6,ipip6", "ipip6 over IPv6 cannot stand within ipip6, which carries IPv4 here."),
            ("gre,vlan", "A VLAN tag cannot stand within gre, which carries IP packets."),
        ])
    func `What cannot stand within each other is refused with what is there`(layers: String, message: String) {
        var request = HeaderStackRequest()
        request.layers = layers
        let error = #expect(throws: EncapsulationError.self) { try request.stack() }
        #expect(error?.message == message)
    }
}

@Suite("Header stacks in words")
struct HeaderStackRequestTests {
    typealias Change = @Sendable (inout HeaderStackRequest) -> Void

    static let mistakes: [(Change, String, String)] = [
        (
            { $0.layers = "isatp" }, "There is no layer \"isatp\".",
            "Did you mean \"isatap\"? Known layers: 6in4, esp, gre,"
        ),
        ({ $0.layers = "gre,,ipip" }, "There is no layer \"\".", "Known layers: "),
        (
            { $0.layers = "gre+kee" }, "The layer gre has no option \"kee\".",
            "Did you mean \"key\"? Known options of gre: csum, key, seq."
        ),
        (
            { $0.layers = "ipip+key" }, "The layer ipip has no option \"key\".",
            "There are no options of ipip to choose from."
        ),
        ({ $0.layers = "esp" }, "The layers name esp, and nothing says which cipher it has.", "Add --esp"),
        ({ $0.encryption = "aes-gcm-17" }, "There is no cipher \"aes-gcm-17\".", "Did you mean \"aes-gcm-1"),
        (
            { ($0.encryption, $0.integrity) = ("aes-cbc", "sha-256") }, "There is no integrity algorithm \"sha-256\".",
            "Did you mean \"sha2-256\"?"
        ),
        ({ $0.encryption = "aes-256-cbc" }, "aes-cbc does not authenticate", "Add one, such as sha2-256"),
        (
            { ($0.encryption, $0.integrity) = ("aes-gcm-16", "sha1") },
            "aes-gcm-16 authenticates by itself and takes no integrity algorithm (sha1).",
            "Leave the integrity algorithm out."
        ),
        (
            { ($0.integrity, $0.mode, $0.family, $0.isUDPEncapsulated) = ("sha1", .tunnel, .ipv4, true) },
            "Without ESP, nothing takes --integrity, --nat-t, --mode, --outer.", "Add --esp"
        ),
        (
            { ($0.encryption, $0.family, $0.layers) = ("aes-gcm-16", .ipv4, "isatap") },
            "esp over IPv4 cannot stand within isatap, which carries IPv6 here.", "Put the layers"
        ),
        (
            { ($0.encryption, $0.mode, $0.family, $0.layers) = ("aes-gcm-16", .transport, .ipv6, "esp,gre") },
            "gre over IPv4 cannot stand within esp, which carries IPv6 here.", "Put the layers"
        ),
    ]

    @Test(arguments: mistakes.indices)
    func `Mistakes are told with their remedy`(index: Int) {
        let (change, message, remedy) = Self.mistakes[index]
        var request = HeaderStackRequest()
        change(&request)
        let error = #expect(throws: EncapsulationError.self) { try request.stack() }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "none")")
        #expect(error?.remedy.hasPrefix(remedy) == true, "\(error?.remedy ?? "none")")
    }

    @Test(
        arguments: EncryptionAlgorithm.allCases)
    func `Every name of an algorithm is understood, with and without its key's bits`(algorithm: EncryptionAlgorithm)
        throws
    {
        let stacks = try [algorithm.rawValue, algorithm.cipher.rawValue].map { name in
            var request = HeaderStackRequest()
            request.encryption = name
            request.integrity = algorithm.isAuthenticated ? nil : "sha1"
            return try request.stack()
        }
        #expect(stacks.first == stacks.last)
    }

    @Test(
        arguments: [
            ("", ESPEncapsulation.Mode.tunnel, EncapsulationFamily.ipv4), ("isatap", .tunnel, .ipv6),
            ("ipip6", .tunnel, .ipv4),
            ("gre", .tunnel, .ipv4), ("ip6ip6", .transport, .ipv6), ("esp,ip6gre", .transport, .ipv6),
            ("esp,ipip6", .tunnel, .ipv4), ("6in4,esp,ipip6", .transport, .ipv6),
        ])
    func `ESP takes the family that the layers around it leave`(
        layers: String, mode: ESPEncapsulation.Mode, family: EncapsulationFamily
    ) throws {
        var request = HeaderStackRequest()
        (request.encryption, request.layers, request.mode) = ("aes-gcm-16", layers, mode)
        let families = try request.stack().layers.compactMap { layer in
            if case .esp(let esp) = layer { esp.family } else { nil }
        }
        #expect(families == [family])
    }
}
