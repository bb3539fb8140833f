import LabModel
import NetworkTypes
import Testing

/// The lab says what the article says.
@Suite struct AwsOciTests {
    let topology: Topology

    init() throws {
        topology = try AwsOci.topology.get()
    }

    private func node(_ name: String) throws -> Node {
        try #require(topology.node(named: name))
    }

    private func tunnel(_ name: String) throws -> Tunnel {
        try #require(topology.tunnel(named: name))
    }

    private func end(_ tunnel: String, _ node: String) throws -> TunnelEnd {
        try #require(try self.tunnel(tunnel).ends.first { $0.node == node })
    }

    @Test func `Has no warning`() throws {
        #expect(try AwsOci.resolved().warnings.isEmpty)
        #expect(topology.name == "aws-oci" && topology.clouds.map(\.name) == ["aws", "oci", "internet"])
        #expect(topology.deviations.allSatisfy { !$0.isEmpty } && !topology.deviations.isEmpty)
    }

    @Test func `Nodes`() {
        let routers = topology.nodes.filter { $0.role == .router }.map(\.name)
        let instances = topology.nodes.filter { $0.role == .instance }.map(\.name)
        let gateways = topology.nodes.filter { $0.role == .internetGateway }.map(\.name)
        #expect(routers == ["vpc1", "tgw", "vpc2", "internet", "drg", "vcn1", "vcn2"])
        #expect(instances == ["vpc1-ec2", "vpc2-ec2", "vcn1-vm", "vcn2-vm"])
        #expect(gateways == ["aws-igw", "oci-igw"])
    }

    @Test(arguments: [
        ("vpc1-ec2", "10.2.3.100/24", "vpc1"), ("vcn1-vm", "10.105.2.100/24", "vcn1"),
        ("vpc2-ec2", "10.3.1.200/24", "vpc2"), ("vcn2-vm", "10.106.1.200/24", "vcn2"),
    ])
    func `Instance address`(_ name: String, _ address: String, _ fabric: String) throws {
        let (link, end) = try #require(topology.linkEnds(of: name).first)
        #expect(topology.linkEnds(of: name).count == 1)
        #expect(end.addresses.map(\.description) == [address])
        #expect(link.peer(of: end)?.node == fabric)
        let port = try #require(topology.fabricPort(of: try node(name)))
        #expect(port.node == fabric)
        let own = try #require(topology.address(of: name))
        #expect("\(own)/24" == address && topology.owner(of: own) == name)
    }

    @Test(arguments: [
        ("vpc1-attachment", "10.2.255.0/28"), ("vpc2-attachment", "10.3.255.0/28"), ("vpc2-libreswan", "10.3.1.0/24"),
        ("vcn1-workload", "10.105.2.0/24"), ("vcn2-libreswan", "10.106.1.0/24"),
    ])
    func `Subnet`(_ name: String, _ prefix: String) throws {
        let link = try #require(topology.links.first { $0.name == name })
        #expect(link.ends.flatMap(\.addresses).map(\.prefix.description) == [prefix, prefix])
        #expect(link.mtu == .ethernet)
    }

    @Test func `OCI side is capped`() throws {
        let capped = topology.links.filter { $0.rate.description == "500mbit" }.map(\.name)
        #expect(capped == ["vcn1-workload", "vcn2-libreswan"])
    }

    /// The means of the article's pings: 3 ms by the main path, 4 ms by the backup.
    @Test(arguments: [
        (["vpc1-workload", "vpc1-attachment", "aws-vpn-1", "oci-vpn-1", "vcn1-attachment", "vcn1-workload"], 3.0),
        (
            [
                "vpc1-workload", "vpc1-attachment", "vpc2-attachment", "vpc2-libreswan", "vpc2-libreswan",
                "vpc2-internet",
                "aws-internet", "oci-internet", "vcn2-internet", "vcn2-libreswan", "vcn2-libreswan", "vcn2-attachment",
                "vcn1-attachment", "vcn1-workload",
            ], 4.0
        ),
    ])
    func `Delays add up`(_ path: [String], _ milliseconds: Double) throws {
        let oneWay = try path.reduce(Duration.zero) { sum, name in
            sum + (try #require(topology.links.first { $0.name == name })).delay
        }
        #expect(abs(2 * oneWay.inSeconds * 1000 - milliseconds) < 0.5)
    }

    @Test(arguments: ["main", "main-2"])
    func `Main proposal`(_ name: String) throws {
        for end in try tunnel(name).ends {
            let proposal = try #require(end.proposal)
            let (ike, esp) = try (#require(proposal.ike.first), #require(proposal.esp.first))
            #expect(ike.encryption.rawValue == "aes-256-cbc" && ike.hash == .sha2_384)
            #expect(ike.group == DiffieHellmanGroup(number: 20) && proposal.ikeLifetime == .seconds(28800))
            #expect(esp.algorithms.encryption.rawValue == "aes-256-cbc" && esp.algorithms.integrity == .sha2_256)
            #expect(esp.group == DiffieHellmanGroup(number: 5) && proposal.espLifetime == .seconds(3600))
            #expect(proposal.ike.count == 1 && proposal.esp.count == 1)
            #expect(end.deadPeerDetection?.timeout == .seconds(30) && end.deadPeerDetection?.delay == .seconds(10))
        }
    }

    @Test func `Main tunnels have keys of their own`() throws {
        let keys = try ["main", "main-2"].map { try #require(try tunnel($0).ends[0].proposal).presharedKey?.reveal() }
        #expect(Set(keys).count == 2)
    }

    @Test func `Unused tunnels`() {
        #expect(topology.tunnels.filter(\.isUnused).map(\.name) == ["main-2"])
    }

    /// AWS takes the first address of the /30, OCI the second.
    @Test(arguments: [
        ("main", "tgw", "203.0.113.10", "198.51.100.10", "vpn1", "169.254.120.1/30", UInt32(101)),
        ("main", "drg", "198.51.100.10", "203.0.113.10", "vpn1", "169.254.120.2/30", 101),
        ("main-2", "tgw", "203.0.113.14", "198.51.100.14", "vpn2", "169.254.121.1/30", 102),
        ("main-2", "drg", "198.51.100.14", "203.0.113.14", "vpn2", "169.254.121.2/30", 102),
    ])
    func `Main end`(
        _ tunnel: String, _ node: String, _ local: String, _ remote: String, _ interface: String, _ inside: String,
        _ mark: UInt32
    ) throws {
        let end = try end(tunnel, node)
        #expect(end.localAddress.description == local && end.identity.description == local)
        #expect(end.remoteAddress.description == remote)
        #expect(
            end.interface?.description == interface && end.inside?.description == inside && end.steering.number == mark)
        #expect(end.mtu == MTU(1438) && end.routes.isEmpty && !end.interfaceIsMadeByDaemon)
    }

    @Test func `Main starts at OCI`() throws {
        #expect(try end("main", "tgw").configuration == .generated(startup: .listen, deadPeerAction: .clear))
        #expect(try end("main", "drg").configuration == .generated(startup: .initiate, deadPeerAction: .restart))
    }

    /// The libreswan hosts know themselves by their private address and each other by the public one.
    @Test(arguments: [
        (
            "vpc2-ec2", "10.3.1.200", "198.51.100.20", "203.0.113.20", "192.168.2.1/30",
            ["10.105.0.0/16", "10.106.0.0/16"],
            "oracle-tunnel-1"
        ),
        (
            "vcn2-vm", "10.106.1.200", "203.0.113.20", "198.51.100.20", "192.168.2.2/30",
            ["10.2.0.0/16", "10.3.0.0/16"], "aws-tunnel-1"
        ),
    ])
    func `Backup end`(
        _ node: String, _ local: String, _ remote: String, _ identity: String, _ inside: String, _ routes: [String],
        _ connection: String
    ) throws {
        let end = try end("backup", node)
        #expect(end.localAddress.description == local && end.remoteAddress.description == remote)
        #expect(end.identity.description == identity && end.inside?.description == inside)
        #expect(end.routes.map(\.description) == routes && end.connection == connection)
        #expect(end.interface?.description == "vti1" && end.steering.number == 5 && end.interfaceIsMadeByDaemon)
        #expect(try tunnel("backup").ends.allSatisfy { $0.proposal == nil })
    }

    /// Every parameter of the article, in its order; only the addresses are filled in.
    @Test(arguments: [
        ("vpc2-ec2", "oci-ipsec", "oracle-tunnel-1", "10.3.1.200", "203.0.113.20", "198.51.100.20"),
        ("vcn2-vm", "aws-ipsec", "aws-tunnel-1", "10.106.1.200", "198.51.100.20", "203.0.113.20"),
    ])
    func `Backup files are the article's`(
        _ node: String, _ stem: String, _ connection: String, _ left: String, _ leftID: String, _ right: String
    ) throws {
        let expected = [
            "conn \(connection)", "left=\(left)", "leftid=\(leftID)", "right=\(right)", "authby=secret",
            "leftsubnet=0.0.0.0/0", "rightsubnet=0.0.0.0/0", "auto=start", "mark=5/0xffffffff", "vti-interface=vti1",
            "vti-routing=no", "ikev2=insist", "ike=aes_cbc256-sha2_384;modp1536", "phase2alg=aes_gcm256;modp1536",
            "encapsulation=yes", "ikelifetime=28800s", "salifetime=3600s",
        ]
        guard case .own(let files) = try end("backup", node).configuration else {
            Issue.record("the backup's configuration is generated")
            return
        }
        #expect(files.configurationName == "\(stem).conf" && files.secretsName == "\(stem).secrets")
        let lines = files.configuration.split(separator: "\n").map { $0.drop { $0 == " " } }
        #expect(lines.map(String.init) == expected)
        #expect(files.secrets.reveal() == "\(right) \(leftID): PSK \"example-preshared-key-of-the-backup-tunnel\"\n")
        #expect(files.configuration == (try AwsOci.text("\(stem).conf")))
    }

    @Test(arguments: [
        ("vpc1", ["10.105.0.0/16 10.2.255.2", "10.3.0.0/16 10.2.255.2"]),
        (
            "tgw",
            [
                "10.2.0.0/16 10.2.255.1", "10.3.0.0/16 10.3.255.1", "10.105.0.0/16 10.3.255.1",
                "198.51.100.10/32 203.0.113.9", "198.51.100.14/32 203.0.113.13",
            ]
        ),
        (
            "vpc2",
            ["0.0.0.0/0 10.3.0.2", "10.2.0.0/16 10.3.255.2", "10.105.0.0/16 10.3.1.200", "10.106.0.0/16 10.3.1.200"]
        ),
        (
            "drg",
            [
                "10.105.0.0/16 10.105.0.1", "10.106.0.0/16 10.106.0.1", "10.2.0.0/15 10.106.0.1",
                "203.0.113.10/32 198.51.100.9", "203.0.113.14/32 198.51.100.13",
            ]
        ),
        ("vcn1", ["10.2.0.0/16 10.105.0.2", "10.106.0.0/16 10.105.0.2"]),
        ("vcn2", ["0.0.0.0/0 10.106.0.6", "10.105.0.0/16 10.106.0.2", "10.2.0.0/15 10.106.1.200"]),
    ])
    func `Static routes`(_ name: String, _ expected: [String]) throws {
        let routes = try node(name).routes.map { route in
            "\(route.destination) " + route.nextHops.map { $0.gateway?.description ?? "-" }.joined(separator: ",")
        }
        #expect(routes == expected)
        #expect(try node(name).routes.allSatisfy { $0.table == 254 })
    }

    @Test func `The session`() throws {
        let session = try #require(topology.sessions.first)
        #expect(topology.sessions.count == 1 && session.name == "main" && session.password == nil)
        let text = session.speakers.map {
            "\($0.node) AS\($0.asn) \($0.address) \($0.interface) \($0.keepalive.shortText) \($0.hold.shortText) \($0.advertised)"
        }
        #expect(
            text == [
                "tgw AS64512 169.254.120.1 vpn1 10s 30s [10.2.0.0/16]",
                "drg AS31898 169.254.120.2 vpn1 1m 3m [10.105.2.0/24]",
            ])
    }

    /// The backup's static routes are shorter than what BGP brings, so that the main path goes before.
    @Test func `Backup is the shorter match`() throws {
        let advertised = try #require(topology.sessions.first).speakers.flatMap { speaker in
            speaker.advertised.map { (speaker.node, $0) }
        }
        for (advertiser, prefix) in advertised {
            let learner = advertiser == "tgw" ? "drg" : "tgw"
            let covering = try node(learner).routes.filter { $0.destination.contains(prefix) }
            #expect(covering.count == 1 && covering.allSatisfy { $0.destination.length < prefix.length })
        }
    }

    @Test(arguments: [
        ("aws-igw", "203.0.113.20", "10.3.1.200"), ("oci-igw", "198.51.100.20", "10.106.1.200"),
    ])
    func `The translation`(_ name: String, _ outside: String, _ inside: String) throws {
        let nat = try #require(try node(name).nat)
        #expect(nat.interface.description == "wan")
        #expect(nat.mappings.map { "\($0.outside) \($0.inside)" } == ["\(outside) \(inside)"])
    }

    @Test func `Only the internet gateways translate`() {
        #expect(topology.nodes.filter { $0.nat != nil }.map(\.name) == ["aws-igw", "oci-igw"])
    }

    @Test(arguments: [
        ("vpc1-ec2", ["10.105.0.0/16 any []"]), ("vcn1-vm", ["10.2.0.0/16 any []"]),
        (
            "vpc2-ec2",
            [
                "198.51.100.20/32 tcp [500, 4500]", "198.51.100.20/32 udp [500, 4500]", "198.51.100.20/32 icmp []",
                "10.2.0.0/16 any []", "10.3.0.0/16 any []", "10.105.0.0/16 any []", "10.106.0.0/16 any []",
            ]
        ),
        (
            "vcn2-vm",
            [
                "203.0.113.20/32 tcp [500, 4500]", "203.0.113.20/32 udp [500, 4500]", "203.0.113.20/32 icmp []",
                "10.2.0.0/16 any []", "10.3.0.0/16 any []", "10.105.0.0/16 any []", "10.106.0.0/16 any []",
            ]
        ),
    ])
    func `Security rules`(_ name: String, _ expected: [String]) throws {
        let rules = try #require(try node(name).security)
        #expect(rules.map { "\($0.source) \($0.transport.rawValue) \($0.ports)" } == expected)
    }

    @Test func `Source destination check`() {
        #expect(topology.nodes.filter(\.sourceDestinationCheck).map(\.name) == ["vpc1-ec2", "vcn1-vm"])
    }

    @Test(arguments: [("vpc2-ec2", "ens5", false), ("vcn2-vm", "ens3", true)])
    func `Sysctls`(_ name: String, _ interface: String, _ hasReversePathFilter: Bool) throws {
        var expected = [
            "net.ipv4.ip_forward=1", "net.ipv4.conf.all.accept_redirects=0", "net.ipv4.conf.all.send_redirects=0",
        ]
        for kind in ["send_redirects", "accept_redirects"] {
            expected += ["default", interface].map { "net.ipv4.conf.\($0).\(kind)=0" }
        }
        if hasReversePathFilter {
            expected += ["all", "default", interface].map { "net.ipv4.conf.\($0).rp_filter=0" }
        }
        #expect(try node(name).sysctls.map { "\($0.key)=\($0.value)" } == expected)
    }

    @Test func `Probes`() {
        let probes = topology.probes.map {
            "\($0.name) \($0.source) \($0.destination) \($0.interval?.shortText ?? "once")"
        }
        #expect(
            probes == [
                "workload vpc1-ec2 10.105.2.100 once", "workload-back vcn1-vm 10.2.3.100 once",
                "backup-inside vcn2-vm 192.168.2.1 1m", "backup-routers tgw 10.105.0.2 once",
            ])
        #expect(topology.probes.map(\.sourceAddress?.description) == [nil, nil, nil, "10.3.255.2"])
        #expect(
            topology.probes.compactMap { topology.owner(of: $0.destination) } == [
                "vcn1-vm", "vpc1-ec2", "vpc2-ec2", "drg",
            ])
    }
}
