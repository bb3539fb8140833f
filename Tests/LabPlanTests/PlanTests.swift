import DaemonProfiles
import Daemons
import Foundation
import LabModel
import LabPlan
import NetworkTypes
import Testing

@Suite struct PlanTests {
    /// Without boot scripts, so that there is more for netlab to do; ``BootPlanTests`` has those.
    let topology: Topology
    let plan: Plan

    init() throws {
        topology = try AwsOci.topology(AwsOci.withoutBootScripts)
        plan = Plan(for: topology)
    }

    /// Where a step stands that holds for exactly one step of the plan.
    private func index(_ isMeant: (Action) -> Bool) throws -> Int {
        let found = plan.steps.indices.filter { isMeant(plan.steps[$0].action) }
        #expect(found.count == 1)
        return try #require(found.first)
    }

    private func index(_ description: String) throws -> Int {
        try index { $0.description == description }
    }

    @Test func `Stages come in order`() {
        let stages = plan.steps.map(\.stage)
        let order = stages.compactMap { Step.Stage.allCases.firstIndex(of: $0) }
        #expect(order == order.sorted())
        #expect(Set(stages) == Set(Step.Stage.allCases))
        #expect(plan.lab == "aws-oci")
    }

    @Test func `Every node and link is made`() {
        let nodes = plan.steps.compactMap { if case .createNode(let setup) = $0.action { setup.name } else { nil } }
        let links = plan.steps.compactMap { if case .createLink(let link) = $0.action { link } else { nil } }
        #expect(nodes == topology.nodes.map(\.name))
        #expect(links == topology.links)
    }

    /// Nothing is done in a node, to an interface or for a daemon before those are there.
    @Test func `Nothing is used before it is there`() throws {
        var nodes: Set<String> = []
        var interfaces: Set<String> = []
        var daemons: Set<String> = []
        for step in plan.steps {
            switch step.action {
            case .createNode(let setup): nodes.insert(setup.name)
            case .createLink(let link):
                for end in link.ends {
                    #expect(nodes.contains(end.node))
                    interfaces.insert("\(end.node):\(end.interface)")
                }
            case .createTunnelInterface(let interface):
                #expect(nodes.contains(interface.node))
                interfaces.insert("\(interface.node):\(interface.name)")
            case .await(let condition, _):
                switch condition.subject {
                case .interface(let node, let name): interfaces.insert("\(node):\(name)")
                case .daemon(let node, let kind): #expect(daemons.contains("\(node)/\(kind.rawValue)"))
                case .tunnel, .session, .ospf, .route, .echo: #expect(!daemons.isEmpty)
                }
            case .addAddress(let node, let name, _), .setMTU(let node, let name, _):
                #expect(interfaces.contains("\(node):\(name)"))
            case .addRoute(let node, let route):
                #expect(nodes.contains(node))
                for name in route.nextHops.compactMap(\.interface) { #expect(interfaces.contains("\(node):\(name)")) }
            case .setSysctls(let node, let settings):
                #expect(nodes.contains(node) && !settings.isEmpty)
                for name in ["ens3", "ens5", "vpn1", "vpn2"]
                where settings.contains(where: { $0.key.contains(".\(name).") }) {
                    #expect(interfaces.contains("\(node):\(name)"))
                }
            case .applyFilter(let node, _), .writeFile(let node, _), .createKeyStore(let node, _):
                #expect(nodes.contains(node))
            case .startDaemon(let daemon):
                #expect(nodes.contains(daemon.node))
                daemons.insert(daemon.name)
            case .shareFile: #expect(nodes.isEmpty)
            default: Issue.record("a plan that builds does not \(step)")
            }
        }
        #expect(daemons == ["tgw/pluto", "tgw/bird", "drg/pluto", "drg/bird", "vpc2-ec2/pluto", "vcn2-vm/pluto"])
    }

    @Test(arguments: [
        ("vpc2-ec2", "192.168.2.1/30", ["10.105.0.0/16", "10.106.0.0/16"]),
        ("vcn2-vm", "192.168.2.2/30", ["10.2.0.0/16", "10.3.0.0/16"]),
    ])
    func `Routes into the backup wait for it`(_ node: String, _ address: String, _ prefixes: [String]) throws {
        let steps =
            try [
                index("wait for tunnel backup up, at most 2m"),
                index("wait for interface \(node) vti1 up, at most 30s"),
                index("\(node): add address \(address) to vti1"),
            ] + prefixes.map { try index("\(node): add route \($0) dev vti1") }
        #expect(steps == steps.sorted())
    }

    @Test func `The main tunnels' interfaces are there before`() throws {
        let made = try index("tgw: create VTI vpn1, 203.0.113.10 to 198.51.100.10, key 101, 169.254.120.1/30, MTU 1438")
        #expect(plan.steps[made + 1].description == "tgw: set net.ipv4.conf.vpn1.disable_policy = 1")
        #expect(
            try made < index { if case .startDaemon(let daemon) = $0 { daemon.name == "tgw/pluto" } else { false } })
        #expect(
            try index {
                if case .createTunnelInterface(let made) = $0 {
                    made.node == "drg" && made.kind.key == 102
                } else {
                    false
                }
            } > 0)
    }

    @Test func `Unused tunnel is not awaited`() {
        #expect(!plan.steps.contains { $0.description.contains("wait for tunnel main-2") })
        #expect(plan.steps.contains { $0.description.contains("wait for tunnel main up") })
    }

    @Test(arguments: [
        (
            "tgw", Daemon.Kind.pluto,
            ["/etc/ipsec.conf", "/etc/ipsec.secrets", "/etc/ipsec.d/main.conf", "/etc/ipsec.d/main.secrets"]
        ),
        ("drg", .pluto, ["/etc/ipsec.d/main.conf", "/etc/ipsec.d/main-2.conf", "/etc/ipsec.d/main-2.secrets"]),
        ("tgw", .bird, ["/etc/bird/bird.conf"]), ("drg", .bird, ["/etc/bird/bird.conf"]),
        ("vpc2-ec2", .pluto, ["/etc/ipsec.conf", "/etc/ipsec.d/oci-ipsec.conf", "/etc/ipsec.d/oci-ipsec.secrets"]),
        ("vcn2-vm", .pluto, ["/etc/ipsec.conf", "/etc/ipsec.d/aws-ipsec.conf", "/etc/ipsec.d/aws-ipsec.secrets"]),
    ])
    func `Files come before their daemon`(_ node: String, _ kind: Daemon.Kind, _ paths: [String]) throws {
        let start = try index {
            if case .startDaemon(let daemon) = $0 { daemon.node == node && daemon.kind == kind } else { false }
        }
        for path in paths {
            #expect(try index { if case .writeFile(node, let file) = $0 { file.path == path } else { false } } < start)
        }
        if kind == .pluto {
            #expect(try index { if case .createKeyStore(node, _) = $0 { true } else { false } } < start)
        }
        #expect(try start < index("wait for daemon \(node)/\(kind.rawValue) up, at most 30s"))
    }

    @Test func `The article's files are word for word`() throws {
        let written = plan.steps.compactMap {
            if case .writeFile("vpc2-ec2", let file) = $0.action { file } else { nil }
        }
        let ends = try #require(topology.tunnel(named: "backup")).ends
        guard case .own(let files)? = ends.first?.configuration else {
            Issue.record("the backup's configuration is generated")
            return
        }
        let configuration = try #require(written.first { $0.path.hasSuffix("/oci-ipsec.conf") })
        let secrets = try #require(written.first { $0.path.hasSuffix("/oci-ipsec.secrets") })
        #expect(configuration.contents.reveal() == files.configuration && !configuration.isSecret)
        #expect(secrets.contents == files.secrets && secrets.isSecret)
    }

    @Test func `Convergence`() {
        let last = plan.steps.filter { $0.stage == .convergence }.map(\.description)
        #expect(
            last == [
                "wait for tunnel main up, at most 2m", "wait for tunnel backup up, at most 2m",
                "wait for interface vpc2-ec2 vti1 up, at most 30s", "vpc2-ec2: add address 192.168.2.1/30 to vti1",
                "vpc2-ec2: add route 10.105.0.0/16 dev vti1", "vpc2-ec2: add route 10.106.0.0/16 dev vti1",
                "wait for interface vcn2-vm vti1 up, at most 30s", "vcn2-vm: add address 192.168.2.2/30 to vti1",
                "vcn2-vm: add route 10.2.0.0/16 dev vti1", "vcn2-vm: add route 10.3.0.0/16 dev vti1",
                "wait for bgp main up, at most 2m",
                "wait for route tgw 10.105.2.0/24 via 169.254.120.2 present, at most 30s",
                "wait for route drg 10.2.0.0/16 via 169.254.120.1 present, at most 30s",
                "wait for ping vpc1-ec2 10.105.2.100 up, at most 30s",
                "wait for ping vcn1-vm 10.2.3.100 up, at most 30s", "wait for ping vcn2-vm 192.168.2.1 up, at most 30s",
                "wait for ping tgw 10.105.0.2 up, at most 30s",
            ])
    }

    /// What a user's own route or setting needs a daemon's interface for comes after it.
    @Test func `Late routes and settings`() throws {
        let late = Plan(
            for: try AwsOci.topology { text in
                text.replacing(
                    "routes: {0.0.0.0/0: 10.3.1.1}",
                    with: "routes: {0.0.0.0/0: 10.3.1.1, 10.7.0.0/16: 192.168.2.2, 10.8.0.0/16: {dev: vti1}}"
                )
                .replacing("net.ipv4.conf.ens5.send_redirects: 0", with: "net.ipv4.conf.vti1.send_redirects: 0")
            }
        ).steps
        let descriptions = late.map(\.description)
        let up = try #require(descriptions.firstIndex { $0.hasPrefix("wait for interface vpc2-ec2 vti1") })
        for text in [
            "vpc2-ec2: add route 10.7.0.0/16 via 192.168.2.2", "vpc2-ec2: add route 10.8.0.0/16 dev vti1",
            "vpc2-ec2: set net.ipv4.conf.vti1.send_redirects = 0",
        ] {
            #expect(try #require(descriptions.firstIndex(of: text)) > up)
        }
        #expect(try #require(descriptions.firstIndex(of: "vpc2-ec2: add route 0.0.0.0/0 via 10.3.1.1")) < up)
    }

    /// An interface that a daemon makes gets its MTU when it is there, before anything is sent through it.
    @Test func `MTU of a daemon's interface`() throws {
        let descriptions = Plan(
            for: try AwsOci.topology {
                AwsOci.withoutBootScripts($0).replacing(
                    "connection: aws-tunnel-1", with: "connection: aws-tunnel-1\n        mtu: 1400")
            }
        ).steps.map(\.description)
        let set = try #require(descriptions.firstIndex(of: "vcn2-vm: set MTU 1400 on vti1"))
        #expect(descriptions[set - 1] == "wait for interface vcn2-vm vti1 up, at most 30s")
        #expect(descriptions[set + 1] == "vcn2-vm: add address 192.168.2.2/30 to vti1")
    }

    @Test(arguments: [
        ("tgw", true), ("aws-igw", true), ("vpc1-ec2", false), ("vpc2-ec2", false),
    ])
    func `Only the fabric forwards by itself`(_ node: String, _ forwards: Bool) throws {
        let first = try #require(
            plan.steps.firstIndex { if case .setSysctls(node, _) = $0.action { true } else { false } })
        guard case .setSysctls(_, let settings) = plan.steps[first].action else { return }
        #expect(settings.contains(Sysctl(key: "net.ipv4.ip_forward", value: "1")) == forwards)
        #expect(settings.contains(Sysctl(key: "net.ipv6.conf.all.disable_ipv6", value: "1")))
    }

    @Test func `Every node knows the others`() throws {
        // One file for all, or a lab's plan would grow with the square of its nodes; before the first of them.
        guard case .shareFile(let file) = plan.steps.first?.action else {
            Issue.record("the plan begins with \(String(describing: plan.steps.first))")
            return
        }
        let hosts = file.contents.reveal()
        #expect(file.path == "/etc/hosts")
        #expect(hosts.contains("10.2.3.100 vpc1-ec2\n") && hosts.contains("127.0.0.1 localhost\n"))
        #expect(hosts.split(separator: "\n").count == topology.nodes.count + 2)
    }

    // MARK: Reversal

    @Test func `Every change can be taken back`() {
        for step in plan.steps {
            switch step.action {
            case .await, .setSysctls, .setMTU, .run: #expect(step.action.reversal == nil)
            default: #expect(step.action.reversal != nil && step.action.reversal?.reversal == nil, "\(step)")
            }
        }
    }

    @Test(arguments: [
        ("create node tgw (router)", "remove node tgw"),
        ("vpc2-ec2: add address 192.168.2.1/30 to vti1", "vpc2-ec2: remove address 192.168.2.1/30 from vti1"),
        ("vpc2-ec2: add route 10.105.0.0/16 dev vti1", "vpc2-ec2: remove route 10.105.0.0/16 dev vti1"),
        ("tgw: write /etc/ipsec.d/main.secrets (secret)", "tgw: remove /etc/ipsec.d/main.secrets"),
        ("tgw: create an empty key store in /etc/ipsec.d/nss", "tgw: remove /etc/ipsec.d/nss"),
        ("tgw: start /usr/libexec/ipsec/pluto --nofork --config /etc/ipsec.conf", "tgw: stop pluto"),
        (
            "tgw: create VTI vpn1, 203.0.113.10 to 198.51.100.10, key 101, 169.254.120.1/30, MTU 1438",
            "tgw: remove interface vpn1"
        ),
        (
            "create link vpc1-attachment: vpc1:tgw 10.2.255.1/28 -- tgw:vpc1 10.2.255.2/28, MTU 1500, 5gbit, 100us",
            "remove link vpc1-attachment"
        ),
        ("vpc1: apply the fabric's port of vpc1-ec2", "vpc1: remove the fabric's port of vpc1-ec2"),
    ])
    func `Reversal`(_ change: String, _ expected: String) throws {
        let step = try #require(plan.steps.first { $0.description == change })
        #expect(step.action.reversal?.description == expected)
    }

    @Test func `Rules can be taken back`() throws {
        let plan = Plan(
            for: try AwsOci.topology {
                $0.replacing("summary: VPC1 10.2.0.0/16", with: "rules: [{from: 10.2.3.0/24, in: tgw, table: 7}]")
            })
        let step = try #require(plan.steps.first { if case .addRule = $0.action { true } else { false } })
        #expect(step.description == "vpc1: add rule from 10.2.3.0/24 in tgw table 7 priority 1000")
        #expect(step.action.reversal?.description == "vpc1: remove rule from 10.2.3.0/24 in tgw table 7 priority 1000")
    }

    // MARK: Secrets and travel

    @Test func `No step shows a secret`() {
        var shown = plan.steps.flatMap {
            [$0.description, $0.action.reversal?.description ?? "", "\($0.action)", String(reflecting: $0)]
        }
        var dumped = ""
        dump(plan, to: &dumped)
        shown.append(dumped)
        #expect(shown.allSatisfy { !$0.contains(#/example-?preshared-?key/#) })
        let files = plan.steps.compactMap { if case .writeFile(_, let file) = $0.action { file } else { nil } }
        let secret = files.filter { $0.contents.reveal().contains(#/example-?preshared-?key/#) }
        #expect(secret.count == 6 && secret.allSatisfy(\.isSecret))
    }

    @Test func `Travels as JSON`() throws {
        let copy = try JSONDecoder().decode(Plan.self, from: JSONEncoder().encode(plan))
        #expect(copy == plan)
        let copied = try JSONDecoder().decode(Topology.self, from: JSONEncoder().encode(topology))
        #expect(copied == topology && Plan(for: copied) == plan)
    }

    @Test func `Is the same each time`() throws {
        #expect(Plan(for: try AwsOci.topology(AwsOci.withoutBootScripts)) == plan)
    }

    @Test func `Multipath route text`() throws {
        let hops = try ["10.0.0.1", "10.0.0.2"].map { RouteEntry.NextHop(gateway: try read($0), interface: nil) }
        let route = RouteEntry(destination: try read("10.9.0.0/16"), nextHops: hops, table: 100)
        #expect(route.description == "10.9.0.0/16 via 10.0.0.1, via 10.0.0.2 table 100")
    }
}
