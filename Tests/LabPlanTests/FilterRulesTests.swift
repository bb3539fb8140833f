import LabFiles
import LabModel
import LabPlan
import Testing

/// What the fabric enforces, as nft reads it.
@Suite struct FilterRulesTests {
    private func ruleset(_ node: String, _ change: (String) -> String = { $0 }) throws -> Ruleset? {
        try Self.ruleset(node, in: AwsOci.topology(change))
    }

    private static func ruleset(_ node: String, in topology: Topology) -> Ruleset? {
        Plan(for: topology).steps.lazy.compactMap { step in
            if case .applyFilter(node, let ruleset) = step.action { ruleset } else { nil }
        }.first
    }

    @Test func `Which nodes enforce`() throws {
        let nodes = Plan(for: try AwsOci.topology()).steps.compactMap { step in
            if case .applyFilter(let node, _) = step.action { node } else { nil }
        }
        #expect(
            nodes == ["vpc1", "tgw", "vpc2", "vpc2-ec2", "aws-igw", "drg", "vcn1", "vcn2", "vcn2-vm", "oci-igw"])
    }

    @Test func `With source destination check`() throws {
        let ruleset = try #require(try ruleset("vpc1"))
        #expect(ruleset.tables == ["inet netlab-fabric"] && ruleset.purpose == "the fabric's port of vpc1-ec2")
        #expect(
            ruleset.text == """
                table inet netlab-fabric {
                    chain to-vpc1-ec2 {
                        ct state established,related counter accept
                        ip saddr 10.105.0.0/16 counter accept
                        counter drop
                    }
                    chain source-destination-check {
                        type filter hook forward priority -10; policy accept;
                        iifname "workload" ip saddr != { 10.2.3.100 } counter drop
                        oifname "workload" ip daddr != { 10.2.3.100 } counter drop
                    }
                    chain security {
                        type filter hook forward priority 0; policy accept;
                        oifname "workload" jump to-vpc1-ec2
                    }
                }
                """)
    }

    @Test func `Without source destination check`() throws {
        let ruleset = try #require(try ruleset("vpc2"))
        #expect(
            ruleset.text == """
                table inet netlab-fabric {
                    chain to-vpc2-ec2 {
                        ct state established,related counter accept
                        ip saddr 198.51.100.20/32 meta l4proto tcp th dport { 500, 4500 } counter accept
                        ip saddr 198.51.100.20/32 meta l4proto udp th dport { 500, 4500 } counter accept
                        ip saddr 198.51.100.20/32 meta l4proto icmp counter accept
                        ip saddr 10.2.0.0/16 counter accept
                        ip saddr 10.3.0.0/16 counter accept
                        ip saddr 10.105.0.0/16 counter accept
                        ip saddr 10.106.0.0/16 counter accept
                        counter drop
                    }
                    chain source-destination-check {
                        type filter hook forward priority -10; policy accept;
                    }
                    chain security {
                        type filter hook forward priority 0; policy accept;
                        oifname "libreswan" jump to-vpc2-ec2
                    }
                }
                """)
    }

    /// Turned on, the libreswan host's forwarded packets are dropped at its port.
    @Test func `Turned on at the libreswan host`() throws {
        let ruleset = try #require(
            try ruleset("vpc2") {
                // A scenario that turns it on would have nothing to do.
                String($0.prefix(upTo: $0.firstRange(of: "\nscenarios:")?.lowerBound ?? $0.endIndex))
                    .replacing(
                        "source-destination-check: off", with: "source-destination-check: on", maxReplacements: 1)
            })
        #expect(ruleset.text.contains("iifname \"libreswan\" ip saddr != { 10.3.1.200 } counter drop\n"))
        #expect(ruleset.text.contains("oifname \"libreswan\" ip daddr != { 10.3.1.200 } counter drop\n"))
    }

    @Test func `The translation`() throws {
        let ruleset = try #require(try ruleset("aws-igw"))
        #expect(ruleset.tables == ["ip netlab-nat"] && ruleset.purpose == "1:1 NAT 203.0.113.20 = 10.3.1.200")
        #expect(
            ruleset.text == """
                table ip netlab-nat {
                    chain inward {
                        type nat hook prerouting priority dstnat; policy accept;
                        iifname "wan" ip daddr 203.0.113.20 counter dnat to 10.3.1.200
                    }
                    chain outward {
                        type nat hook postrouting priority srcnat; policy accept;
                        oifname "wan" ip saddr 10.3.1.200 counter snat to 203.0.113.20
                    }
                }
                """)
    }

    @Test(arguments: [
        ("from: 10.105.0.0/16", "from: 0.0.0.0/0", "meta nfproto ipv4 counter accept"),
        (
            "from: 10.105.0.0/16", "from: \"::/0\", protocol: icmp",
            "meta nfproto ipv6 meta l4proto icmpv6 counter accept"
        ),
        (
            "from: 10.105.0.0/16", "from: \"2001:db8::/32\", protocol: esp",
            "ip6 saddr 2001:db8::/32 meta l4proto esp counter accept"
        ),
        (
            "from: 10.105.0.0/16", "from: 10.0.0.0/8, protocol: 6in4",
            "ip saddr 10.0.0.0/8 meta l4proto ipv6 counter accept"
        ),
        (
            "from: 10.105.0.0/16", "from: 10.0.0.0/8, protocol: udp, ports: 53",
            "ip saddr 10.0.0.0/8 meta l4proto udp th dport { 53 } counter accept"
        ),
    ])
    func `The rule`(_ old: String, _ new: String, _ expected: String) throws {
        let ruleset = try #require(try ruleset("vpc1") { $0.replacing(old, with: new, maxReplacements: 1) })
        #expect(ruleset.text.contains("        \(expected)\n        counter drop\n"))
    }

    @Test func `No rules let all in`() throws {
        let ruleset = try ruleset("vpc1") {
            $0.replacing(
                "    security:\n      - {from: 10.105.0.0/16}\n", with: "    source-destination-check: off\n",
                maxReplacements: 1)
        }
        #expect(ruleset == nil)
    }

    // MARK: MSS clamps

    @Test func `Clamp of a tunnel to the path MTU`() throws {
        let ruleset = try #require(try ruleset("tgw"))
        #expect(ruleset.tables == ["inet netlab-mss"] && ruleset.purpose == "MSS clamp of vpn1")
        #expect(
            ruleset.text == """
                table inet netlab-mss {
                    chain forwarded {
                        type filter hook forward priority mangle; policy accept;
                        iifname "vpn1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set rt mtu
                        oifname "vpn1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set rt mtu
                    }
                    chain own {
                        type filter hook output priority mangle; policy accept;
                        oifname "vpn1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set rt mtu
                    }
                }
                """)
    }

    @Test func `Clamp of a tunnel to a number`() throws {
        let ruleset = try #require(try ruleset("vpc2-ec2"))
        #expect(ruleset.tables == ["inet netlab-mss"] && ruleset.purpose == "MSS clamp of vti1")
        #expect(
            ruleset.text == """
                table inet netlab-mss {
                    chain forwarded {
                        type filter hook forward priority mangle; policy accept;
                        iifname "vti1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1398
                        oifname "vti1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1398
                    }
                    chain own {
                        type filter hook output priority mangle; policy accept;
                        oifname "vti1" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1398
                    }
                }
                """)
    }

    /// What a node clamps is what it forwards: its own connections are left alone.
    @Test func `Clamp of a node`() throws {
        let ruleset = try #require(
            try ruleset("internet") {
                $0.replacing("summary: everything", with: "mss: 1360\n    summary: everything", maxReplacements: 1)
            })
        #expect(ruleset.tables == ["inet netlab-mss"] && ruleset.purpose == "MSS clamp")
        #expect(
            ruleset.text == """
                table inet netlab-mss {
                    chain forwarded {
                        type filter hook forward priority mangle; policy accept;
                        tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1360
                    }
                }
                """)
    }

    @Test func `No clamp that is off`() throws {
        let off = { (text: String) in text.replacing("mss: clamp-to-pmtu", with: "mss: off") }
        #expect(try ruleset("tgw", off) == nil)
        #expect(try ruleset("drg", off) == nil)
        #expect(try ruleset("vcn2-vm", off) != nil)
        #expect(try ruleset("internet") == nil)
    }

    /// A gateway that guards a port, translates, and clamps what it forwards and what enters a tunnel.
    @Test func `All on one node`() throws {
        let text = """
            name: all
            nodes:
              vm: {security: [{from: 10.0.0.0/8}]}
              gw:
                role: internet-gateway
                mss: clamp-to-pmtu
                nat: {outside: wan, map: {192.0.2.3: 10.0.0.2}}
              peer: {role: router}
            links:
              lan: {ends: {vm:eth0: 10.0.0.2/24, gw:lan: 10.0.0.1/24}}
              wan: {ends: {gw:wan: 192.0.2.1/24, peer:wan: 192.0.2.2/24}}
            tunnels:
              t:
                psk: example-key
                mss: 1300
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16}
                ends:
                  gw: {address: 192.0.2.1, interface: vpn}
                  peer: {address: 192.0.2.2, interface: vpn}

            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let ruleset = try #require(Self.ruleset("gw", in: topology))
        #expect(ruleset.tables == ["inet netlab-fabric", "ip netlab-nat", "inet netlab-mss"])
        #expect(
            ruleset.purpose == "the fabric's port of vm, 1:1 NAT 192.0.2.3 = 10.0.0.2, MSS clamp, MSS clamp of vpn")
        #expect(
            ruleset.text == """
                table inet netlab-fabric {
                    chain to-vm {
                        ct state established,related counter accept
                        ip saddr 10.0.0.0/8 counter accept
                        counter drop
                    }
                    chain source-destination-check {
                        type filter hook forward priority -10; policy accept;
                        iifname "lan" ip saddr != { 10.0.0.2 } counter drop
                        oifname "lan" ip daddr != { 10.0.0.2 } counter drop
                    }
                    chain security {
                        type filter hook forward priority 0; policy accept;
                        oifname "lan" jump to-vm
                    }
                }
                table ip netlab-nat {
                    chain inward {
                        type nat hook prerouting priority dstnat; policy accept;
                        iifname "wan" ip daddr 192.0.2.3 counter dnat to 10.0.0.2
                    }
                    chain outward {
                        type nat hook postrouting priority srcnat; policy accept;
                        oifname "wan" ip saddr 10.0.0.2 counter snat to 192.0.2.3
                    }
                }
                table inet netlab-mss {
                    chain forwarded {
                        type filter hook forward priority mangle; policy accept;
                        tcp flags & (syn|rst) == syn counter tcp option maxseg size set rt mtu
                        iifname "vpn" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1300
                        oifname "vpn" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1300
                    }
                    chain own {
                        type filter hook output priority mangle; policy accept;
                        oifname "vpn" tcp flags & (syn|rst) == syn counter tcp option maxseg size set 1300
                    }
                }
                """)
    }

    /// A speaker that keeps its timers reads its own hold time in the peer's OPENs, whichever of them connects.
    @Test func `Fixed timers`() throws {
        let ruleset = try #require(
            try ruleset("drg") { $0.replacing("drg: {asn: 31898,", with: "drg: {asn: 31898, negotiate: off,") })
        #expect(ruleset.tables.contains("inet netlab-timers"))
        #expect(
            ruleset.text.contains(
                """
                table inet netlab-timers {
                    chain opens {
                        type filter hook input priority 0; policy accept;
                        ip saddr 169.254.120.1 tcp sport 179 @ih,144,8 1 @ih,176,16 set 180 counter
                        ip saddr 169.254.120.1 tcp dport 179 @ih,144,8 1 @ih,176,16 set 180 counter
                    }
                }
                """), "\(ruleset.text)")
        #expect(try self.ruleset("drg")?.tables.contains("inet netlab-timers") == false)
    }

    /// What is made and what is taken back are the same tables.
    @Test func `Every table is taken back`() throws {
        var applied = 0
        for step in Plan(for: try AwsOci.topology()).steps {
            guard case .applyFilter(let node, let ruleset) = step.action else { continue }
            applied += 1
            let made = ruleset.text.split(separator: "\n").filter { $0.hasPrefix("table ") }
            #expect(made.map { $0.dropFirst("table ".count).dropLast(" {".count) } == ruleset.tables.map { $0[...] })
            guard case .removeFilter(node, ruleset)? = step.action.reversal else {
                Issue.record("\(node)'s rules are not taken back")
                continue
            }
        }
        #expect(applied > 3)
    }
}
