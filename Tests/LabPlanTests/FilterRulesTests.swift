import LabModel
import LabPlan
import Testing

/// What the fabric enforces, as nft reads it.
@Suite struct FilterRulesTests {
    private func ruleset(_ node: String, _ change: (String) -> String = { $0 }) throws -> Ruleset? {
        Plan(for: try AwsOci.topology(change)).steps.lazy.compactMap { step in
            if case .applyFilter(node, let ruleset) = step.action { ruleset } else { nil }
        }.first
    }

    @Test func whichNodesEnforce() throws {
        let nodes = Plan(for: try AwsOci.topology()).steps.compactMap { step in
            if case .applyFilter(let node, _) = step.action { node } else { nil }
        }
        #expect(
            nodes == ["vpc1", "tgw", "vpc2", "vpc2-ec2", "aws-igw", "drg", "vcn1", "vcn2", "vcn2-vm", "oci-igw"])
    }

    @Test func withSourceDestinationCheck() throws {
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

    @Test func withoutSourceDestinationCheck() throws {
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
    @Test func turnedOnAtTheLibreswanHost() throws {
        let ruleset = try #require(
            try ruleset("vpc2") {
                $0.replacing("source-destination-check: off", with: "source-destination-check: on", maxReplacements: 1)
            })
        #expect(ruleset.text.contains("iifname \"libreswan\" ip saddr != { 10.3.1.200 } counter drop\n"))
        #expect(ruleset.text.contains("oifname \"libreswan\" ip daddr != { 10.3.1.200 } counter drop\n"))
    }

    @Test func translation() throws {
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
    func rule(_ old: String, _ new: String, _ expected: String) throws {
        let ruleset = try #require(try ruleset("vpc1") { $0.replacing(old, with: new, maxReplacements: 1) })
        #expect(ruleset.text.contains("        \(expected)\n        counter drop\n"))
    }

    @Test func noRulesLetAllIn() throws {
        let ruleset = try ruleset("vpc1") {
            $0.replacing(
                "    security:\n      - {from: 10.105.0.0/16}\n", with: "    source-destination-check: off\n",
                maxReplacements: 1)
        }
        #expect(ruleset == nil)
    }
}
