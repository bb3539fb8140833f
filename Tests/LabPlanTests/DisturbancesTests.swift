import LabModel
import LabPlan
import NetworkTypes
import Testing

/// What faults make of a lab, and the changes that lead there and back.
@Suite struct DisturbancesTests {
    /// One of each kind, none of which hides another.
    static let faults = [
        "link aws-vpn-2 down", "loss aws-vpn-1 10%", "delay aws-vpn-1 5ms from tgw", "jitter oci-vpn-1 1ms",
        "rate oci-vpn-1 10mbit", "corruption oci-vpn-1 1%", "duplication oci-internet 2%", "reordering oci-internet 3%",
        "blackhole aws-internet from aws-igw", "drop esp on aws-vpn-1", "drop bgp on main from drg",
        "mtu tgw vpn1 1300",
        "nat aws-igw 203.0.113.20 to 10.3.0.1", "security vpc2-ec2 without 10.2.0.0/16",
        "source-destination-check vcn2-vm on", "daemon vpc2-ec2/pluto killed", "daemon drg/bird stopped",
        "mismatch main psk at tgw", "mismatch backup ike at vcn2-vm", "sa main deleted at drg", "bgp main shut at tgw",
        "maintenance backup at vpc2-ec2",
        "bgp main hold 9s at drg", "bgp main md5 wrong at tgw", "node oci-igw down", "zone aws down",
        "node vcn2-vm rebooted",
    ]

    let topology: Topology
    let none: Disturbances

    init() throws {
        topology = try AwsOci.topology()
        none = Disturbances([], in: topology)
    }

    private func disturbed(_ faults: String...) throws -> Disturbances { try disturbed(faults) }

    private func disturbed(_ faults: [String]) throws -> Disturbances {
        Disturbances(try faults.map { try Fault($0, in: topology) }, in: topology)
    }

    private func changes(_ faults: String...) throws -> [Adjustment] {
        none.adjustments(to: try disturbed(faults))
    }

    private func files(_ faults: String...) throws -> [String: String] {
        var files: [String: String] = [:]
        for case .configuration(let daemon, let change) in none.adjustments(to: try disturbed(faults)) {
            for file in change.files { files["\(daemon) \(file.path)"] = file.contents.reveal() }
        }
        return files
    }

    private func shape(_ port: String, _ faults: String...) throws -> LinkShape {
        let shapes = none.adjustments(to: try disturbed(faults)).compactMap { change in
            if case .shape(let other, let shape, _) = change, "\(other)" == port { shape } else { nil }
        }
        #expect(shapes.count == 1)
        return try #require(shapes.first)
    }

    // MARK: There and back

    @Test func `Without a fault there is nothing to change`() throws {
        #expect(none.adjustments(to: Disturbances([], in: topology)).isEmpty)
        #expect(try disturbed("nat aws-igw flushed", "daemon tgw/bird restarted") == none)
    }

    @Test(arguments: faults) func `Every fault changes something and is undone`(_ fault: String) throws {
        let broken = try disturbed(fault)
        let changes = none.adjustments(to: broken).filter { !$0.isWait }
        #expect(!changes.isEmpty)
        let back = broken.adjustments(to: none)
        #expect(Set(back) == Set(changes.map(\.reversed)))
        #expect(Set(back.map(\.reversed)) == Set(changes))
        #expect(broken.adjustments(to: broken).isEmpty)
    }

    @Test func `The order of faults is no matter`() throws {
        #expect(try disturbed(Self.faults) == disturbed(Self.faults.reversed()))
    }

    /// Healing one of two faults leaves what the other alone would have made, whichever it is.
    @Test func `Any two faults are undone one by one`() throws {
        let single = try Dictionary(uniqueKeysWithValues: Self.faults.map { ($0, try disturbed($0)) })
        for (index, first) in Self.faults.enumerated() {
            for second in Self.faults[(index + 1)...] {
                let both = try disturbed(first, second)
                let rest = try #require(single[second])
                let there = Set(rest.adjustments(to: both).filter { !$0.isWait })
                #expect(Set(both.adjustments(to: rest).map(\.reversed)) == there, "\(first), \(second)")
            }
        }
    }

    // MARK: Links

    @Test func `Impairments add up`() throws {
        let loss = try shape("tgw:wan1", "loss aws-vpn-1 10%", "loss aws-vpn-1 20% from tgw")
        #expect(loss.loss.description == "28%")
        let other = try shape("internet:aws-vpn1", "loss aws-vpn-1 10%", "loss aws-vpn-1 20% from tgw")
        #expect(other.loss.description == "10%")
        let slow = try shape(
            "tgw:wan1", "delay aws-vpn-1 5ms", "delay aws-vpn-1 1ms from tgw", "jitter aws-vpn-1 2ms",
            "jitter aws-vpn-1 1ms from tgw", "rate aws-vpn-1 20mbit", "rate aws-vpn-1 10mbit from tgw")
        #expect(slow.delay == .microseconds(6550) && slow.jitter == .milliseconds(3))
        #expect(slow.rate == (try read("10mbit")) && slow.loss == .zero)
        let rest = try shape(
            "tgw:wan1", "corruption aws-vpn-1 50%", "corruption aws-vpn-1 40% from tgw", "duplication aws-vpn-1 1%",
            "reordering aws-vpn-1 2%")
        #expect(rest.corruption.description == "70%" && rest.duplication.description == "1%")
        #expect(rest.reordering.description == "2%" && rest.delay == .microseconds(550))
    }

    @Test func `A black hole swallows whatever else there is`() throws {
        #expect(try shape("tgw:wan1", "blackhole aws-vpn-1 from tgw", "loss aws-vpn-1 5%").loss.description == "100%")
        #expect(try changes("blackhole aws-vpn-1 from tgw").count == 1)
        #expect(try changes("blackhole aws-vpn-1").count == 2)
    }

    /// Packets under way have to find room: 50 ms more than the delay at the link's rate.
    @Test func `The queue grows with the delay`() throws {
        let usual = try LinkShape(#require(topology.link(named: "aws-vpn-1"))).queue
        let longer = try shape("tgw:wan1", "delay aws-vpn-1 1s").queue
        #expect(usual == 5265 && longer == 109_432)
    }

    @Test func `Both ends of a link go down`() throws {
        #expect(
            try changes("link aws-vpn-1 down").map(\.description) == [
                "internet:aws-vpn1: set down", "tgw:wan1: set down",
            ])
        let node = try disturbed("node tgw down")
        #expect(try node.adjustments(to: disturbed("node tgw down", "link aws-vpn-1 down")).count == 1)
    }

    @Test func `The lowest MTU counts`() throws {
        let both = try changes("mtu tgw vpn1 1300", "mtu tgw vpn1 1200")
        #expect(both.map(\.description) == ["tgw:vpn1: set MTU 1200"])
        let back = try disturbed("mtu tgw vpn1 1300").adjustments(to: none)
        #expect(back.map(\.description) == ["tgw:vpn1: set MTU as it was"])
    }

    // MARK: Filters

    private func rules(_ node: String, _ faults: String...) throws -> String {
        let rules = none.adjustments(to: try disturbed(faults)).compactMap { change in
            if case .ruleset(node, let new, _) = change { new?.text } else { nil }
        }
        #expect(rules.count == 1)
        return try #require(rules.first)
    }

    @Test func `Drops stand where traffic arrives`() throws {
        #expect(
            try rules(
                "internet", "drop esp-in-udp on aws-internet from aws-igw", "drop frag-needed on aws-vpn-1 from tgw")
                    == """
                    table inet netlab-faults {
                        chain arriving {
                            type filter hook prerouting priority -450; policy accept;
                            iifname "aws-igw" udp sport 4500 @th,64,32 != 0 counter drop
                            iifname "aws-igw" udp dport 4500 @th,64,32 != 0 counter drop
                            iifname "aws-vpn1" icmp type destination-unreachable icmp code 4 counter drop
                            iifname "aws-vpn1" icmpv6 type packet-too-big counter drop
                        }
                    }
                    """)
        // What a tunnel is made of comes to its end from outside; what goes through it, by its interface.
        #expect(
            try rules("drg", "drop esp on main from tgw").contains(
                "        ip saddr 203.0.113.10 ip daddr 198.51.100.10 meta l4proto esp counter drop\n"))
        #expect(
            try rules("drg", "drop bgp on main from tgw").contains(
                "        iifname \"vpn1\" tcp dport 179 counter drop\n"))
        #expect(try changes("drop esp on main").count == 2)
    }

    @Test func `BFD stops where it leaves its speaker`() throws {
        let lab = try AwsOci.topology { $0.replacing("    over: main", with: "    bfd: {}\n    over: main") }
        let fault = try Fault("bfd main stopped at tgw", in: lab)
        let changes = Disturbances([], in: lab).adjustments(to: Disturbances([fault], in: lab))
        #expect(changes.map(\.description) == ["tgw: replace dropped traffic"])
        guard case .ruleset("tgw", let rules?, _)? = changes.first else { return #expect(Bool(false), "\(changes)") }
        #expect(
            rules.text == """
                table inet netlab-faults {
                    chain leaving {
                        type filter hook output priority -450; policy accept;
                        ip saddr 169.254.120.1 ip daddr 169.254.120.2 udp dport { 3784, 4784 } counter drop
                    }
                }
                """)
    }

    @Test func `Security and checks are the fabric's`() throws {
        let all = try #require(Self.fabric(of: "vpc2", in: topology))
        #expect(all.contains("ip saddr 10.2.0.0/16 counter accept"))
        let without = try rules("vpc2", "security vpc2-ec2 without 10.2.0.0/16")
        #expect(without == all.replacing("        ip saddr 10.2.0.0/16 counter accept\n", with: ""))
        let icmp = "ip saddr 198.51.100.20/32 meta l4proto icmp counter accept"
        #expect(try !rules("vpc2", "security vpc2-ec2 without 198.51.100.20/32 icmp").contains(icmp))
        // The first of three rules of that prefix.
        let first = try rules("vpc2", "security vpc2-ec2 without 198.51.100.20/32")
        #expect(first.contains(icmp) && !first.contains("l4proto tcp"))
        let checked = try rules("vpc2", "source-destination-check vpc2-ec2 on")
        #expect(checked.contains("iifname \"libreswan\" ip saddr != { 10.3.1.200 } counter drop"))
    }

    private static func fabric(of node: String, in topology: Topology) -> String? {
        Plan(for: topology).steps.lazy.compactMap { step in
            if case .applyFilter(node, let ruleset) = step.action { ruleset.text } else { nil }
        }.first
    }

    @Test func `A new translation is for connections of old too`() throws {
        let changes = try changes("nat aws-igw 203.0.113.20 to 10.3.0.1")
        #expect(
            changes.map(\.description) == [
                "aws-igw: replace 1:1 NAT 203.0.113.20 = 10.3.0.1", "aws-igw: forget tracked connections",
            ])
        // Others are not touched by a rule that goes.
        #expect(try self.changes("security vpc2-ec2 without 10.2.0.0/16").count == 1)
    }

    // MARK: Daemons

    @Test func `A killed daemon is not stopped besides`() throws {
        let both = try disturbed("daemon tgw/bird stopped", "daemon tgw/bird killed")
        #expect(none.adjustments(to: both).map(\.description) == ["tgw/bird: be killed"])
        let stopped = try disturbed("daemon tgw/bird stopped")
        #expect(both.adjustments(to: stopped).map(\.description) == ["tgw/bird: be stopped"])
        #expect(both.adjustments(to: none).map(\.description) == ["tgw/bird: run"])
    }

    @Test func `An end of power comes daemons first`() throws {
        let down = try disturbed("node vpc1-ec2 down", "node tgw down")
        let there = none.adjustments(to: down).map(\.description)
        #expect(
            there == [
                "tgw/bird: be killed", "tgw/pluto: be killed", "tgw: power off", "vpc1-ec2: power off",
                "tgw:vpc1: set down", "tgw:vpc2: set down", "tgw:wan1: set down", "tgw:wan2: set down",
                "vpc1-ec2:ens5: set down",
            ])
        let back = down.adjustments(to: none).map(\.description)
        #expect(
            back == [
                "tgw: power on", "vpc1-ec2: power on", "tgw:vpc1: set up", "tgw:vpc2: set up", "tgw:wan1: set up",
                "tgw:wan2: set up", "vpc1-ec2:ens5: set up", "tgw/bird: run", "tgw/pluto: run",
            ])
        let zone = try changes("zone oci down").filter { if case .power = $0 { true } else { false } }
        #expect(zone.count == topology.nodes.filter { $0.cloud == "oci" }.count)
    }

    /// A new configuration or a new process knows nothing of what BIRD was told.
    @Test func `A session is shut by word`() throws {
        #expect(try changes("bgp main shut").map(\.description) == ["tgw: shut BGP session main"])
        let shut = try disturbed("bgp main shut at drg", "daemon drg/bird killed", "bgp main hold 9s at drg")
        #expect(shut.shutSessions(of: "drg") == ["main"] && shut.shutSessions(of: "tgw") == [])
        let back = try shut.adjustments(to: disturbed("bgp main shut at drg")).map(\.description)
        #expect(back == ["drg/bird: read /etc/bird/bird.conf anew", "drg/bird: run"])
    }

    /// Traffic first, then the ears, then the last word; back in the other order.
    @Test func `An endpoint goes when its traffic has gone`() throws {
        let away = try disturbed("maintenance main at drg")
        #expect(
            none.adjustments(to: away).map(\.description) == [
                "drg: shut BGP session main", "drg: wait until traffic has left main", "drg: replace dropped traffic",
                "drg: delete the IKE SA of main and forget it",
            ])
        #expect(
            away.adjustments(to: none).map(\.description) == [
                "drg: replace dropped traffic", "drg: know main again", "drg: enable BGP session main",
            ])
        #expect(away.awayTunnels(at: "drg") == ["main"] && away.awayTunnels(at: "tgw") == [])
        for case .ruleset(_, let rules?, _) in none.adjustments(to: away) {
            #expect(rules.text.contains("ip saddr 203.0.113.10 ip daddr 198.51.100.10 meta l4proto esp counter drop"))
            #expect(rules.text.contains("udp dport 500 counter drop") && rules.text.contains("udp dport 4500"))
        }
    }

    @Test func `Timers and keys of one speaker`() throws {
        let hold = try files("bgp main hold 9s")
        #expect(hold.keys.sorted() == ["tgw/bird /etc/bird/bird.conf"])
        // Three keepalives have to fit.
        #expect(hold.values.first?.contains("    keepalive time 3;\n    hold time 9;\n") == true)
        let key = try files("bgp main md5 wrong at drg")
        #expect(key.keys.sorted() == ["drg/bird /etc/bird/bird.conf"])
        #expect(key.values.first?.contains("    password \"mistaken\";\n") == true)
    }

    @Test func `A mismatch of generated files`() throws {
        let key = try files("mismatch main psk")
        #expect(key.keys.sorted() == ["tgw/pluto /etc/ipsec.d/main.secrets"])
        #expect(
            key.values.first
                == "203.0.113.10 198.51.100.10 : PSK \"mistaken-examplepresharedkeyofmaintunnel1\"\n")
        let ike = try files("mismatch main ike at drg")
        #expect(ike.keys.sorted() == ["drg/pluto /etc/ipsec.d/main.conf"])
        #expect(ike.values.first?.contains("    ike=aes_cbc192-sha2_384;dh20\n") == true)
        let esp = try files("mismatch main esp")
        #expect(esp.values.first?.contains("    phase2alg=aes_cbc192-sha2_256;modp1536\n") == true)
        for case .configuration(_, let change) in try changes("mismatch main psk") {
            #expect(change.connections.map(\.name) == ["main"] && change.connections.allSatisfy(\.isUsed))
        }
        // One that is not used is not negotiated.
        let unused = Disturbances([.mismatch(tunnel: "main-2", .psk, node: "tgw")], in: topology)
        let names = none.adjustments(to: unused).flatMap { change -> [ConfigurationChange.Connection] in
            if case .configuration(_, let change) = change { change.connections } else { [] }
        }
        #expect(names.map(\.name) == ["main-2"] && names.allSatisfy { !$0.isUsed })
    }

    /// The user's own files stay word for word what they were, but for the parameter.
    @Test func `A mismatch of the user's files`() throws {
        let own = Dictionary(
            uniqueKeysWithValues: Plan(for: topology).steps.compactMap { step -> (String, String)? in
                guard case .writeFile("vpc2-ec2", let file) = step.action else { return nil }
                return (file.path, file.contents.reveal())
            })
        let configuration = try #require(own["/etc/ipsec.d/oci-ipsec.conf"])
        let ike = try files("mismatch backup ike")
        #expect(
            ike == [
                "vpc2-ec2/pluto /etc/ipsec.d/oci-ipsec.conf": configuration.replacing(
                    "ike=aes_cbc256-sha2_384;modp1536", with: "ike=aes_cbc192-sha2_512;modp4096", maxReplacements: 1)
            ])
        let esp = try files("mismatch backup esp")
        #expect(
            esp == [
                "vpc2-ec2/pluto /etc/ipsec.d/oci-ipsec.conf": configuration.replacing(
                    "phase2alg=aes_gcm256;modp1536", with: "phase2alg=aes_cbc192-sha2_512;modp4096")
            ])
        let secrets = try #require(own["/etc/ipsec.d/oci-ipsec.secrets"])
        #expect(
            try files("mismatch backup psk") == [
                "vpc2-ec2/pluto /etc/ipsec.d/oci-ipsec.secrets": secrets.replacing("PSK \"", with: "PSK \"mistaken-")
            ])
        let connections = try changes("mismatch backup psk").compactMap { change -> [String]? in
            if case .configuration(_, let change) = change { change.connections.map(\.name) } else { nil }
        }
        #expect(connections == [["oracle-tunnel-1"]])
    }

    /// Steps are shown to people, and end up in logs.
    @Test func `No secret is shown`() throws {
        let all = try changes("mismatch main psk", "mismatch backup psk", "bgp main md5 wrong")
        #expect(all.count > 2)
        for change in all {
            #expect(!"\(change)".contains("example") && !"\(change)".contains("mistaken"))
        }
    }
}
