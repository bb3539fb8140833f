import Certificates
import LabFiles
import LabModel
import NetworkTypes
import Testing

/// Tunnels without IPsec, and routers' filters.
@Suite("Plain tunnels")
struct PlainTunnelTests {
    private static let text = """
        name: plain
        nodes:
          gateway: {role: instance, routes: {"::/0": "2001:db8:2::5efe:10.0.0.1"}}
          relay: {role: router, filter: {v4: [{from: 10.0.0.0/24, protocol: 6in4}]}}
          site: {role: router}
        links:
          inner: {ends: {gateway:eth0: 10.0.0.2/24, relay:v4: 10.0.0.1/24}}
          outer: {ends: {relay:v6: "2001:db8:1::1/64", site:v6: "2001:db8:1::2/64"}}
        tunnels:
          low:
            kind: isatap
            ends:
              gateway: {address: 10.0.0.2, interface: sit1, inside: "2001:db8:2::5efe:10.0.0.2/64", routers: 10.0.0.1}
              relay: {address: 10.0.0.1, interface: is0, inside: "2001:db8:2::5efe:10.0.0.1/64"}
          high:
            kind: ipip6
            ends:
              gateway: {address: "2001:db8:2::5efe:a00:2", interface: tun0, routes: 192.168.1.0/24}
              site: {address: "2001:db8:1::2", interface: tun1, encapsulation-limit: none, hop-limit: 9, mss: 1400}
        probes:
          across: {from: gateway, source: "2001:db8:2::5efe:a00:2", to: site}

        """

    private static func broken(_ old: String, _ new: String, _ message: String, _ remedy: String) -> BrokenLab {
        BrokenLab(text: text.replacing(old, with: new, maxReplacements: 1), message, remedy)
    }

    @Test func `Ends have what is written and the kernel's defaults`() throws {
        let (topology, warnings) = try BrokenLab.resolve(Self.text)
        #expect(warnings.isEmpty && topology.tunnels.isEmpty && topology.plainTunnels.map(\.name) == ["low", "high"])
        let high = try #require(topology.plainTunnel(named: "high"))
        #expect(high.ends.map(\.encapsulationLimit) == [4, nil] && high.ends.map(\.hopLimit) == [64, 9])
        #expect(high.ends.map(\.mss) == [.off, .to(1400)])
        #expect(high.ends.map { $0.overhead(.ipip6) } == [48, 40])
        let low = try #require(topology.plainTunnel(named: "low"))
        #expect(low.ends.map(\.potentialRouters) == [[try #require(IPv4Address("10.0.0.1"))], []])
        // 1500 - 20, whatever the link takes; and from there - 40 - 8, or a link's 1500 - 40.
        #expect(low.ends.map { topology.mtu(of: $0, in: .isatap) } == [1480, 1480])
        #expect(high.ends.map { topology.mtu(of: $0, in: .ipip6) } == [1432, 1460])
        #expect(topology.node(named: "relay")?.filters.first?.rules.map(\.transport) == [.ipv6])
        #expect(topology.owner(of: try #require(IPAddress("2001:db8:2::5efe:a00:1"))) == "relay")
    }

    @Test func `An MTU that does not fit is found by arithmetic`() throws {
        let text = Self.text.replacing("hop-limit: 9", with: "mtu: 1452")
        let warnings = try BrokenLab.resolve(text).warnings
        #expect(warnings.map(\.line) == [19])
        let warning = try #require(warnings.first)
        #expect(
            warning.message.contains(
                "packets of 1452 bytes do not fit: tunnel low of gateway leaves 1440, which is 1480 - 40"))
        #expect(warning.message.contains("Linux at gateway makes it 1432"))
        #expect(warning.remedy.contains("`mtu: 1432`"))
        #expect(try BrokenLab.resolve(text.replacing("1452", with: "1432")).warnings.isEmpty)
    }

    @Test func `A host without routers takes in little`() throws {
        let warnings = try BrokenLab.resolve(Self.text.replacing(", routers: 10.0.0.1", with: "")).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.message.contains("the potential router list is empty") == true)
        #expect(warnings.first?.remedy.contains("routers: 10.0.0.1") == true)
    }

    @Test(arguments: [
        broken(
            "kind: ipip6", "kind: ipip7§", "\"ipip7\" is not one of the kinds of tunnels",
            "6in4, gre, ip6gre, ip6ip6, ipip, ipip6, isatap"),
        broken("hop-limit: 9", "hop-limit: 0§", "\"0\" is not a number from 1 to 255", "1 to 255"),
        broken("limit: none", "limit: 256§", "\"256\" is not none, or a number", "0 to 255"),
        broken(
            "kind: isatap", "kind: isatap\n    encapsulation-limit: 4§", "isatap has no encapsulation limit", "Remove"),
        broken(
            "5efe:10.0.0.1/64", "5efe:10.0.0.9/64§", "is not the ISATAP address of 10.0.0.1",
            "2001:db8:2::5efe:a00:1/64"),
        broken(
            "routers: 10.0.0.1", "routers: 10.0.0.9§", "no other end of an ISATAP tunnel has the address 10.0.0.9",
            "router's end"),
        broken(
            "relay: {address: 10.0.0.1, interface: is0, inside: \"2001:db8:2::5efe:10.0.0.1/64\"}",
            "relay: {address: 10.0.0.1, interface: is0}§", "has no \"inside\"", "5efe"),
        broken("interface: tun1", "interface: v6§", "node site has two interfaces named v6", "another name"),
        broken(
            "address: \"2001:db8:1::2\"", "address: 10.9.9.9§", "10.9.9.9 is no IPv6 address, over which ipip6 goes",
            "2001:db8:1::2"),
        broken(
            "address: \"2001:db8:1::2\"", "address: \"2001:db8:1::3\"§", "node site does not have the address",
            "2001:db8:1::2"),
        broken(
            "routes: 192.168.1.0/24", "routes: \"2001:db8:9::/64\"§", "ipip6 carries IPv4, not 2001:db8:9::/64",
            "IPv4 prefixes"),
        broken("interface: sit1", "mtu: 1000§, interface: sit1", "1000 is too small for the IPv6", "1280 or more"),
        broken("hop-limit: 9", "routers: 10.0.0.1§", "ipip6 has no potential router list", "Remove"),
        broken("{v4: [", "{v5: [§", "none of the node's links is at an interface v5", "v4"),
        broken("protocol: 6in4", "protocol: 6in5§", "\"6in5\" is not one of the protocols", "6in4"),
    ])
    func `What is wrong is said once`(_ lab: BrokenLab) throws {
        try lab.expectOnlyDiagnostic()
    }

    /// The second tunnel's kind and key, and whether Linux tells it from the first, GRE without a key.
    @Test(arguments: [("gre", "", false), ("gre", "\n    key: 7", true), ("ipip", "", true)])
    func `Two tunnels of the same packets between the same addresses`(kind: String, key: String, isTold: Bool) throws {
        let text = """
            name: twins
            nodes: {a: {role: router}, b: {role: router}}
            links: {wire: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}}
            tunnels:
              one:
                kind: gre
                ends:
                  a: {address: 192.0.2.1, interface: g1}
                  b: {address: 192.0.2.2, interface: g1}
              two:
                kind: \(kind)\(key)
                ends:
                  a: {address: 192.0.2.1, interface: g2}
                  b: {address: 192.0.2.2, interface: g2}

            """
        let errors: [String]
        do {
            _ = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            errors = []
        } catch {
            errors = error.diagnostics.filter { $0.severity == .error }.map { "\($0.line ?? 0): \($0.message)" }
        }
        #expect(errors.isEmpty == isTold, "\(errors)")
        let message = "10: tunnels.two: a has a tunnel of the same kind from 192.0.2.1 to 192.0.2.2 already, one"
        #expect(isTold || errors.contains { $0.hasPrefix(message) }, "\(errors)")
    }

    private static let frames = """
        name: frames
        nodes: {a: {role: router}, b: {role: router}}
        links: {wire: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}}
        tunnels:
          one:
            kind: vxlan
            vni: 42
            ends:
              a: {address: 192.0.2.1, interface: v1, inside: 10.9.0.1/30, routes: 10.2.0.0/24}
              b: {address: 192.0.2.2, interface: v1, inside: 10.9.0.2/30}

        """

    private static func unframed(_ old: String, _ new: String, _ message: String, _ remedy: String) -> BrokenLab {
        BrokenLab(text: frames.replacing(old, with: new, maxReplacements: 1), message, remedy)
    }

    @Test func `VXLAN has four headers, a port and a next hop`() throws {
        let (topology, warnings) = try BrokenLab.resolve(Self.frames)
        let tunnel = try #require(topology.plainTunnel(named: "one"))
        #expect(
            warnings.isEmpty && tunnel.ends.map(\.vxlan) == [.init(vni: 42, port: 4789), .init(vni: 42, port: 4789)])
        #expect(tunnel.ends.map { $0.headerLengths(.vxlan) } == [[20, 8, 8, 14], [20, 8, 8, 14]])
        #expect(tunnel.ends.map { topology.mtu(of: $0, in: .vxlan) } == [1450, 1450])
        #expect(tunnel.ends.map(tunnel.gateway) == [IPAddress("10.9.0.2"), IPAddress("10.9.0.1")])
        let addresses = tunnel.ends.map(\.ethernetAddress)
        #expect(Set(addresses).count == 2 && addresses.allSatisfy { $0.rawValue >> 40 == 2 })
        let six = try #require(tunnel.ends.first).headerLengths(.vxlan6)
        #expect(six == [40, 8, 8, 14])
    }

    @Test(arguments: [
        unframed("vni: 42", "vni: 16777216§", "\"16777216\" is not a number from 0 to 16777215", "16777215"),
        unframed(
            "one:\n    kind: vxlan\n    vni: 42", "one:§\n    kind: vxlan", "tunnels.one has no \"vni\"", "vni: NUMBER"),
        unframed("vni: 42", "vni: 42\n    port: 4790§", "\"4790\" is not 4789 or 8472", "4789 or 8472"),
        unframed("vni: 42", "vni: 42\n    key: 7§", "vxlan has no `key:`, which is GRE's", "Remove"),
        unframed(
            "vni: 42", "vni: 42\n    encapsulation-limit: 4§", "vxlan has no encapsulation limit: it goes over UDP",
            "Remove"),
        unframed(
            "kind: vxlan\n    vni: 42", "kind: ipip\n    vni: 42§", "ipip has no `vni:`, which is VXLAN's",
            "kind: vxlan"),
        unframed(
            "inside: 10.9.0.1/30, routes: 10.2.0.0/24", "routes: 10.2.0.0/24§", "the routes have no next hop",
            "both ends"),
        unframed("routes: 10.2.0.0/24", "routes: \"2001:db8::/64\"§", "2001:db8::/64 cannot go by 10.9.0.2", "family"),
    ])
    func `What is wrong with VXLAN is said once`(_ lab: BrokenLab) throws {
        try lab.expectOnlyDiagnostic()
    }

    @Test(arguments: [(42, "", false), (43, "", true), (42, "\n    port: 8472", true)])
    func `Two of VXLAN at a node need two identifiers`(vni: Int, port: String, isTold: Bool) throws {
        let text =
            Self.frames + """
                  two:
                    kind: vxlan
                    vni: \(vni)\(port)
                    ends:
                      a: {address: 192.0.2.1, interface: v2}
                      b: {address: 192.0.2.2, interface: v2}

                """
        do {
            _ = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            #expect(isTold)
        } catch {
            let messages = error.diagnostics.filter { $0.severity == .error }.map(\.message)
            #expect(
                !isTold && messages.allSatisfy { $0.contains("has a tunnel with this `vni:` already, one") },
                "\(messages)")
        }
    }

    private static let sealed = """
        name: sealed
        nodes: {a: {role: router}, b: {role: router}}
        links: {wire: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}}
        tunnels:
          one:
            kind: wireguard
            port: 51822
            keepalive: 25s
            preshared-key: true
            ends:
              a: {address: 192.0.2.1, interface: wg1, inside: 10.9.0.1/30, routes: 10.2.0.0/24}
              b: {address: 192.0.2.2, interface: wg1, inside: 10.9.0.2/30}
        probes:
          over: {from: a, to: 10.9.0.2}

        """

    private static func unsealed(_ old: String, _ new: String, _ message: String, _ remedy: String) -> BrokenLab {
        BrokenLab(text: sealed.replacing(old, with: new, maxReplacements: 1), message, remedy)
    }

    @Test func `WireGuard has netlab's keys, which nothing prints`() throws {
        var (topology, warnings) = try BrokenLab.resolve(Self.sealed)
        var tunnel = try #require(topology.plainTunnel(named: "one"))
        let options = WireGuardOptions(port: 51822, keepalive: 25, hasPresharedKey: true)
        #expect(warnings.isEmpty && tunnel.ends.map(\.wireGuard) == [options, options])
        #expect(tunnel.ends.map { $0.headerLengths(.wireguard) } == [[20, 8, 16, 16], [20, 8, 16, 16]])
        #expect(tunnel.ends.map { topology.mtu(of: $0, in: .wireguard) } == [1420, 1420])
        #expect(try #require(tunnel.ends.first).headerLengths(.wireguard6) == [40, 8, 16, 16])

        try topology.makeWireGuardKeys()
        tunnel = try #require(topology.plainTunnel(named: "one"))
        let keys = tunnel.ends.compactMap(\.wireGuard?.keys)
        #expect(keys.count == 2 && keys[0].preshared == keys[1].preshared && keys[0].preshared != nil)
        let all = keys.flatMap { [$0.privateKey, $0.peer] }
        #expect(Set(all).count == 4 && all.allSatisfy { $0.bits == 256 })
        var text = "\(tunnel)"
        dump(tunnel, to: &text)
        for key in all.map(\.bytes) {
            #expect(!text.contains(key.map { String($0) }.joined(separator: ", ")))
            #expect(!text.contains(key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()))
        }
        let first = all
        try topology.makeWireGuardKeys()
        let second = try #require(topology.plainTunnel(named: "one")).ends.compactMap(\.wireGuard?.keys?.privateKey)
        #expect(Set(first).isDisjoint(with: second))
    }

    @Test func `An end may have a keepalive of its own`() throws {
        let text = Self.sealed.replacing("    keepalive: 25s\n", with: "").replacing(
            "routes: 10.2.0.0/24}", with: "routes: 10.2.0.0/24, keepalive: 1m}")
        let tunnel = try #require(try BrokenLab.resolve(text).0.plainTunnel(named: "one"))
        #expect(tunnel.ends.map(\.wireGuard?.keepalive) == [60, nil])
    }

    @Test(arguments: [
        unsealed("port: 51822", "port: 4789§", "\"4789\" is not a number from 51820 to 51835", "51835"),
        unsealed("keepalive: 25s", "keepalive: 25ms§", "\"25ms\" is not whole seconds", "65535s"),
        unsealed("keepalive: 25s", "hop-limit: 9§", "wireguard has no hop limit of its own", "Remove"),
        unsealed("keepalive: 25s", "vni: 9§", "wireguard has no `vni:`, which is VXLAN's", "Remove"),
        unsealed("keepalive: 25s", "encapsulation-limit: 9§", "it goes over UDP", "Remove"),
        unsealed(
            "kind: wireguard\n    port: 51822\n    keepalive: 25s\n    preshared-key: true",
            "kind: ipip\n    keepalive: 25s§", "ipip has no `keepalive:`, which is WireGuard's", "kind: wireguard"),
        unsealed(
            "kind: wireguard\n    port: 51822\n    keepalive: 25s\n    preshared-key: true",
            "kind: gre\n    preshared-key: true§", "gre has no `preshared-key:`, which is WireGuard's",
            "kind: wireguard"),
    ])
    func `What is wrong with WireGuard is said once`(_ lab: BrokenLab) throws {
        try lab.expectOnlyDiagnostic()
    }

    @Test(arguments: [("51822", true), ("51823", false)])
    func `Two of WireGuard at a node need two ports`(port: String, isTold: Bool) throws {
        let text = Self.sealed.replacing(
            "probes:",
            with: """
                  two:
                    kind: wireguard
                    port: \(port)
                    ends:
                      a: {address: 192.0.2.1, interface: wg2}
                      b: {address: 192.0.2.2, interface: wg2}
                probes:
                """)
        do {
            _ = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            #expect(!isTold)
        } catch {
            let messages = error.diagnostics.filter { $0.severity == .error }.map(\.message)
            #expect(isTold && messages.allSatisfy { $0.contains("at this `port:` already, one") }, "\(messages)")
        }
    }

    @Test(arguments: [
        ("{encapsulation: over, in: one, on: wire}", true), ("{encapsulation: over, as: wireguard, on: wire}", false),
        ("{encapsulation: over, as: [gre, wireguard], on: wire}", false),
    ])
    func `WireGuard is looked at by itself`(_ expectation: String, _ isTaken: Bool) throws {
        let text = Self.sealed + "expect:\n  it: \(expectation)\n"
        do {
            _ = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            #expect(isTaken)
        } catch {
            let messages = error.diagnostics.filter { $0.severity == .error }.map(\.message)
            #expect(!isTaken && messages.allSatisfy { $0.contains("nothing opens them") }, "\(messages)")
        }
    }

    @Test(arguments: [
        ("{encapsulation: across, in: [low, high], on: inner}", [Wrapping.ipv6InIPv4, .ipv4InIPv6]),
        ("{encapsulation: across, in: high, on: outer}", [.ipv4InIPv6]),
    ])
    func `An expectation follows from the tunnels`(_ claim: String, form: [Wrapping]) throws {
        let topology = try BrokenLab.resolve(Self.text + "expect:\n  one: \(claim)\n").topology
        guard case .encapsulation(let read)? = topology.expectations.first?.claim else {
            Issue.record("not read")
            return
        }
        #expect(read.ways.map(\.wrappings) == [form] && read.ways.map(\.tunnel) == [nil])
        #expect(read.ways.map(\.plainTunnels.count) == [form.count])
    }

    @Test(arguments: [
        BrokenLab(
            text: text + "expect:\n  one: {encapsulation: across, in: high, as: gre§, on: outer}\n",
            "is not what high makes of packets", "Remove `as:`"),
        BrokenLab(
            text: text + "expect:\n  one: {sa: high§}\n", "no security associations: it is no IPsec", "IPsec tunnels"),
    ])
    func `Expectations that cannot hold`(_ lab: BrokenLab) throws {
        try lab.expectOnlyDiagnostic()
    }
}
