import Foundation
import LabFiles
import LabModel
import NetworkTypes
import Testing

@Suite struct FaultTests {
    let topology: Topology

    init() throws {
        topology = try AwsOci.topology.get()
    }

    /// What a person may write, and the text that it reads as.
    static let texts: [(written: String, full: String)] = [
        ("link aws-vpn-1 down", "link aws-vpn-1 down"),
        ("loss aws-vpn-1 30%", "loss aws-vpn-1 30%"),
        ("loss aws-vpn-1 0.5% from tgw", "loss aws-vpn-1 0.5% from tgw"),
        ("loss aws-vpn-1 100% from internet", "loss aws-vpn-1 100% from internet"),
        ("delay oci-vpn-1 20ms", "delay oci-vpn-1 20ms"),
        ("delay oci-vpn-1 1.2345678ms", "delay oci-vpn-1 1234568ns"),
        ("delay oci-vpn-1 1h", "delay oci-vpn-1 1h"),
        ("jitter oci-vpn-1 150us from drg", "jitter oci-vpn-1 150us from drg"),
        ("rate vcn1-workload 10mbit", "rate vcn1-workload 10mbit"),
        ("rate vcn1-workload 0.5gbit from vcn1", "rate vcn1-workload 500mbit from vcn1"),
        ("corruption aws-internet 1%", "corruption aws-internet 1%"),
        ("duplication aws-internet 2%", "duplication aws-internet 2%"),
        ("reordering aws-internet 25% from aws-igw", "reordering aws-internet 25% from aws-igw"),
        ("blackhole aws-vpn-1", "blackhole aws-vpn-1"),
        ("blackhole aws-vpn-1 from tgw", "blackhole aws-vpn-1 from tgw"),
        ("drop esp on aws-vpn-1", "drop esp on aws-vpn-1"),
        ("drop frag-needed on main from drg", "drop frag-needed on main from drg"),
        ("mtu tgw wan1 1400", "mtu tgw wan1 1400"),
        ("mtu tgw vpn1 1437", "mtu tgw vpn1 1437"),
        ("mtu vpc2-ec2 vti1 1400", "mtu vpc2-ec2 vti1 1400"),
        ("nat aws-igw flushed", "nat aws-igw flushed"),
        ("nat aws-igw 203.0.113.20 to 10.3.1.77", "nat aws-igw 203.0.113.20 to 10.3.1.77"),
        ("security vpc1-ec2 without 10.105.0.0/16", "security vpc1-ec2 without 10.105.0.0/16"),
        ("security vpc2-ec2 without 198.51.100.20/32 udp", "security vpc2-ec2 without 198.51.100.20/32 udp"),
        ("security vpc2-ec2 without 10.2.0.0/16 any", "security vpc2-ec2 without 10.2.0.0/16 any"),
        ("source-destination-check vpc2-ec2 on", "source-destination-check vpc2-ec2 on"),
        ("daemon tgw/pluto killed", "daemon tgw/pluto killed"),
        ("daemon tgw/bird stopped", "daemon tgw/bird stopped"),
        ("daemon vcn2-vm/pluto restarted", "daemon vcn2-vm/pluto restarted"),
        ("mismatch main psk", "mismatch main psk at tgw"),
        ("mismatch main ike at drg", "mismatch main ike at drg"),
        ("mismatch backup esp", "mismatch backup esp at vpc2-ec2"),
        ("sa main deleted", "sa main deleted at tgw"),
        ("sa backup deleted at vcn2-vm", "sa backup deleted at vcn2-vm"),
        ("maintenance main", "maintenance main at tgw"),
        ("maintenance main at drg", "maintenance main at drg"),
        ("maintenance backup at vcn2-vm", "maintenance backup at vcn2-vm"),
        ("bgp main shut", "bgp main shut at tgw"),
        ("bgp main shut at drg", "bgp main shut at drg"),
        ("bgp main hold 90s", "bgp main hold 1m30s at tgw"),
        ("bgp main hold 0s at drg", "bgp main hold 0s at drg"),
        ("bgp main hold 65535s", "bgp main hold 65535000000000ns at tgw"),
        ("bgp main md5 wrong", "bgp main md5 wrong at tgw"),
        ("bgp main md5 wrong at drg", "bgp main md5 wrong at drg"),
        ("node tgw down", "node tgw down"),
        ("node vpc2-ec2 rebooted", "node vpc2-ec2 rebooted"),
        ("zone aws down", "zone aws down"),
    ]

    @Test(arguments: texts)
    func `Round trip`(_ written: String, _ full: String) throws {
        let fault = try Fault(written, in: topology)
        #expect(fault.description == full)
        #expect(try Fault(fault.description, in: topology) == fault)
        #expect(try Fault("  " + written.replacing(" ", with: " \t ") + "\n", in: topology) == fault)
    }

    @Test func `Every form is read and names its word`() throws {
        let read = Set(Self.texts.map { $0.written.prefix { $0 != " " } })
        let forms = Set(Fault.forms.map { $0.prefix { $0 != " " } })
        #expect(read == forms.subtracting(["vlan", "certificate", "bfd"]))
        #expect(Set(Fault.forms).count == Fault.forms.count)
        #expect(Fault.forms.contains("nat NODE OUTSIDE to INSIDE"))
    }

    @Test(arguments: Fault.Traffic.allCases)
    func `Every traffic can be dropped`(_ traffic: Fault.Traffic) throws {
        let fault = try Fault("drop \(traffic.rawValue) on aws-vpn-1 from internet", in: topology)
        #expect(fault == .drop(traffic, on: "aws-vpn-1", sender: "internet"))
    }

    @Test func `Meanings`() throws {
        let wan = try #require(InterfaceName("wan1"))
        let mtu = try #require(MTU(1400))
        let loss = try #require(Percentage("30%"))
        #expect(try Fault("mtu tgw wan1 1400", in: topology) == .mtu(node: "tgw", wan, mtu))
        #expect(
            try Fault("loss aws-vpn-1 30% from tgw", in: topology)
                == .impairment(.loss(loss), link: "aws-vpn-1", sender: "tgw"))
        #expect(try Fault("bgp main hold 90s", in: topology) == .holdTime(session: "main", .seconds(90), node: "tgw"))
        #expect(try Fault("daemon drg/bird stopped", in: topology) == .daemon(node: "drg", .bird, .stopped))
        let source = try #require(IPPrefix("198.51.100.20/32"))
        #expect(
            try Fault("security vpc2-ec2 without 198.51.100.20/32", in: topology)
                == .securityRuleRemoved(node: "vpc2-ec2", source: source, nil))
    }

    @Test func `Momentary ones`() throws {
        let momentary = try Self.texts.map { try Fault($0.written, in: topology) }.filter(\.isMomentary)
        #expect(
            momentary.map(\.description) == [
                "nat aws-igw flushed", "daemon vcn2-vm/pluto restarted", "node vpc2-ec2 rebooted",
            ])
    }

    @Test(arguments: [
        ("link aws-vpn-l down", "There is no \"aws-vpn-l\". Did you mean \"aws-vpn-1\"? Known links: aws-internet,"),
        ("loss main 3%", "There is no \"main\". Known links:"),
        ("blackhole wan", "There is no \"wan\". Known links:"),
        ("blackhole aws-vpn-1 from drg", "Node drg is not one of the ends of aws-vpn-1: internet, tgw."),
        (
            "blackhole aws-vpn-1 from tgv",
            "There is no \"tgv\". Did you mean \"tgw\"? Known ends of aws-vpn-1: internet, tgw."
        ),
        ("drop espp on main", "\"espp\" is not one of the kinds of traffic. Did you mean \"esp\"?"),
        ("drop esp on mian", "Did you mean \"main\"? Known links and tunnels:"),
        ("drop esp on main from internet", "Node internet is not one of the ends of main: drg, tgw."),
        ("mtu tgv wan1 1400", "Did you mean \"tgw\"? Known nodes:"),
        (
            "mtu tgw wan3 1400",
            "There is no \"wan3\". Did you mean \"wan1\"? Known interfaces of tgw: vpc1, vpc2, vpn1, vpn2, wan1, wan2."
        ),
        ("mtu tgw wan1 1500", "\"1500\" is not a lower MTU. Write 68 to 1499, below the 1500 that wan1 of tgw has."),
        ("mtu tgw vpn1 1438", "Write 68 to 1437, below the 1438"),
        ("mtu tgw wan1 67", "\"67\" is not a lower MTU."),
        ("mtu vpc2-ec2 vti1 65536", "\"65536\" is not a lower MTU. Write 68 to 65535."),
        ("nat tgw flushed", "Node tgw translates no addresses. Nodes that do: aws-igw, oci-igw."),
        (
            "nat aws-igw 203.0.113.21 to 10.3.1.77",
            "Did you mean \"203.0.113.20\"? Known public addresses of aws-igw: 203.0.113.20."
        ),
        ("nat aws-igw 203.0.113.20 to 10.3.1.200", "Write one for 203.0.113.20 instead of 10.3.1.200"),
        ("nat aws-igw 203.0.113.20 to fd00::1", "\"fd00::1\" is not another private address."),
        (
            "security tgw without 10.0.0.0/8",
            "Node tgw has no security rules: everything comes in. Nodes with some: vcn1-vm,"
        ),
        (
            "security vpc2-ec2 without 10.9.0.0/16",
            "Known security rules of vpc2-ec2: 10.105.0.0/16, 10.106.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 198.51.100.20/32 icmp, 198.51.100.20/32 tcp, 198.51.100.20/32 udp."
        ),
        ("security vpc2-ec2 without 198.51.100.20/32 esp", "There is no \"198.51.100.20/32 esp\"."),
        ("security vpc2-ec2 without 198.51.100.20/32 upd", "Did you mean \"udp\"?"),
        ("source-destination-check vpc1-ec2 on", "of vpc1-ec2 is on already. Instances without it: vcn2-vm, vpc2-ec2."),
        ("source-destination-check tgw on", "of tgw does not exist: it is no instance."),
        ("daemon vpc1/pluto killed", "Node vpc1 runs no daemon."),
        (
            "daemon vpc2-ec2/bird killed",
            "Node vpc2-ec2 runs pluto. Known daemons: drg/bird, drg/pluto, tgw/bird, tgw/pluto, vcn2-vm/pluto, vpc2-ec2/pluto."
        ),
        ("daemon tgw/named killed", "Node tgw runs pluto and bird."),
        ("daemon tgw killed", "Node tgw runs pluto and bird."),
        ("daemon nobody/pluto killed", "There is no \"nobody\". Known nodes:"),
        ("mismatch mian psk", "Did you mean \"main\"? Known tunnels: backup, main, main-2."),
        ("mismatch main-2 psk", "Tunnel main-2 is unused: it never comes up. Used tunnels: backup, main."),
        ("mismatch main psk at vpc1", "Node vpc1 is not one of the ends of main: drg, tgw."),
        ("sa main deleted at vpc1", "Node vpc1 is not one of the ends of main: drg, tgw."),
        ("bgp backup shut", "There is no \"backup\". Known BGP sessions: main."),
        ("bgp main shut at vpc1", "Node vpc1 is not one of the speakers of main: drg, tgw."),
        ("bgp main hold 2s", "\"2s\" is not a hold time. Write 0s, or whole seconds from 3s to 65535s (RFC 4271)."),
        ("bgp main hold 3.5s", "\"3.5s\" is not a hold time."),
        ("bgp main hold 65536s", "\"65536s\" is not a hold time."),
        ("bgp main hold 30", "\"30\" is not a hold time."),
        ("loss aws-vpn-1 0%", "\"0%\" is not a share."),
        ("loss aws-vpn-1 101%", "\"101%\" is not a share."),
        ("loss aws-vpn-1 30", "\"30\" is not a share. Write more than 0% and at most 100%, such as 0.5%."),
        ("delay aws-vpn-1 0ms", "\"0ms\" is not a delay."),
        ("delay aws-vpn-1 61m", "\"61m\" is not a delay. Write more than 0s and at most 1h"),
        ("rate aws-vpn-1 fast", "\"fast\" is not a rate."),
        ("node tgv down", "There is no \"tgv\". Did you mean \"tgw\"? Known nodes:"),
        ("zone asw down", "There is no \"asw\". Did you mean \"aws\"? Known zones and clouds: aws, internet, oci."),
    ])
    func `Refused`(_ text: String, _ message: String) throws {
        let error = try #require(throws: FaultError.self) { try Fault(text, in: topology) }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test(arguments: [
        ("link aws-vpn-1 up", "\"link aws-vpn-1 up\" is not a fault. Write link LINK down."),
        ("link", "Write link LINK down."),
        ("nat aws-igw", "Write one of: nat NODE flushed; nat NODE OUTSIDE to INSIDE."),
        (
            "bgp main",
            "Write one of: bgp SESSION shut [at NODE]; bgp SESSION hold TIME [at NODE]; bgp SESSION md5 wrong [at NODE]."
        ),
        ("bgp main shut from tgw", "Write one of: bgp SESSION shut [at NODE];"),
        ("mismatch main dh", "Write mismatch TUNNEL psk|certificate|ike|esp [at NODE]."),
        ("daemon tgw/pluto started", "Write daemon NODE/KIND killed|stopped|restarted."),
        ("blackhole aws-vpn-1 from", "Write blackhole LINK [from NODE]."),
        ("blackhole aws-vpn-1 from tgw now", "Write blackhole LINK [from NODE]."),
        (
            "blackhol aws-vpn-1",
            "\"blackhol aws-vpn-1\" is not a fault. Did you mean \"blackhole\"? Known faults: bfd, bgp, blackhole, certificate, corruption,"
        ),
        ("Link aws-vpn-1 down", "Did you mean \"link\"? Known faults:"),
        ("", "\"\" is not a fault. Known faults: bfd, bgp,"),
        ("✓", "\"✓\" is not a fault. Known faults:"),
    ])
    func `Wrong form`(_ text: String, _ message: String) throws {
        let error = try #require(throws: FaultError.self) { try Fault(text, in: topology) }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func `A zone is of its nodes`() throws {
        let text = BrokenLab.text.replacing("  peer: {role: router}", with: "  peer: {role: router, zone: zone-a}")
        let topology = try BrokenLab.resolve(text).topology
        #expect(topology.node(named: "peer")?.zone == "zone-a")
        #expect(topology.nodes(inZone: "zone-a").map(\.name) == ["peer"])
        #expect(topology.nodes(inZone: "aws").map(\.name) == ["vm"])
        #expect(try Fault("zone zone-a down", in: topology) == .zoneDown("zone-a"))
        #expect(throws: FaultError.self) {
            try Fault("zone zone-a down", in: BrokenLab.resolve(BrokenLab.text).topology)
        }
    }

    /// A provider announces it; where only one end is a provider's, that is the one.
    @Test func `Maintenance is of the provider's end`() throws {
        let text = try KnownText.gcpAws()
        let site = text.replacing("{title: Google Cloud, provider: gcp}", with: "{title: A site}")
        #expect(try KnownText.resolve(text).fault("maintenance c1t1") == .maintenance(tunnel: "c1t1", node: "gcp-gw"))
        #expect(try KnownText.resolve(site).fault("maintenance c1t1") == .maintenance(tunnel: "c1t1", node: "tgw"))
        // An address that is away takes all with it that ends there.
        let shared = text.replacing("address: 198.51.100.3,", with: "address: 198.51.100.2,")
            .replacing("[198.51.100.2/29, 198.51.100.3/29]", with: "198.51.100.2/29")
            .replacing("    role: router\n", with: "    role: router\n    ike: strongswan\n")
        let error = try #require(throws: FaultError.self) {
            try KnownText.resolve(shared).fault("maintenance c1t1 at tgw")
        }
        #expect(error.description.hasPrefix("c1t1 is between the same addresses as c1t2:"), "\(error)")
    }

    @Test func `BFD can stop where both ends have it`() throws {
        let text = BrokenLab.text.replacing("    over: ", with: "    bfd: {}\n    over: ")
        let topology = try BrokenLab.resolve(text).topology
        let fault = try Fault("bfd main stopped at peer", in: topology)
        #expect(fault == .bfdStopped(session: "main", node: "peer") && "\(fault)" == "bfd main stopped at peer")
        #expect(try Fault("bfd main stopped", in: topology) == .bfdStopped(session: "main", node: "router"))
        let none = try #require(throws: FaultError.self) {
            try Fault("bfd main stopped", in: BrokenLab.resolve(BrokenLab.text).topology)
        }
        #expect(none.description.contains("main has no BFD that could stop"), "\(none)")
    }

    @Test func `Who brings an own configuration keeps it`() throws {
        let text = BrokenLab.text.replacing("  peer: {role: router}", with: "  peer: {role: router, bird: vm.conf}")
        let topology = try BrokenLab.resolve(text).topology
        for fault in ["bgp main hold 9s at peer", "bgp main md5 wrong at peer"] {
            let error = try #require(throws: FaultError.self) { try Fault(fault, in: topology) }
            #expect(
                error.description
                    == "Node peer brings its own routing configuration, which netlab does not change. Write `at router`."
            )
        }
        #expect(try Fault("bgp main hold 9s", in: topology) == .holdTime(session: "main", .seconds(9), node: "router"))
        #expect(try Fault("bgp main shut at peer", in: topology) == .sessionShut("main", node: "peer"))
    }
}

extension Topology {
    fileprivate func fault(_ text: String) throws -> Fault { try Fault(text, in: self) }
}

/// The repository's `Labs/gcp-aws`, without what needs its providers' files.
private enum KnownText {
    static func gcpAws() throws -> String {
        let labs = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: labs.appending(path: "Labs/gcp-aws/lab.yaml"), encoding: .utf8)
        return try String(text[..<#require(text.firstRange(of: "\nscenarios:")).lowerBound])
    }

    static func resolve(_ text: String) throws -> Topology {
        struct NoFile: Error {}
        return try LabFile(text: text, file: "lab.yaml", companion: { _ in throw NoFile() }).resolve().topology
    }
}
