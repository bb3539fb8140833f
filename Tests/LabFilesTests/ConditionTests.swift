import LabModel
import NetworkTypes
import Testing

@Suite struct ConditionTests {
    let topology: Topology

    init() throws {
        topology = try AwsOci.topology.get()
    }

    @Test(arguments: [
        "tunnel main up", "tunnel main-2 down", "bgp main up", "bgp main down", "interface vpc2-ec2 vti1 up",
        "interface tgw vpn1 down",
        "route tgw 10.105.2.0/24 present", "route drg 10.2.0.0/16 absent", "ping vcn2-vm 192.168.2.1 up",
        "ping vpc1-ec2 10.105.2.100 down",
        "daemon tgw/pluto up", "daemon drg/bird down",
    ])
    func `Round trip`(_ text: String) throws {
        let condition = try Condition(text, in: topology)
        #expect(condition.description == text)
        #expect(condition.holds == (text.hasSuffix("up") || text.hasSuffix("present")))
        #expect(try Condition("  " + text.replacing(" ", with: " \t ") + "\n", in: topology) == condition)
    }

    @Test func `Subjects`() throws {
        #expect(try Condition("tunnel backup down", in: topology) == Condition(.tunnel("backup"), holds: false))
        #expect(try Condition("bgp main up", in: topology).subject == .session("main"))
        #expect(try Condition("daemon tgw/bird up", in: topology).subject == .daemon(node: "tgw", .bird))
        let wan = try #require(InterfaceName("wan1"))
        #expect(try Condition("interface tgw wan1 up", in: topology).subject == .interface(node: "tgw", wan))
        let everything = try #require(IPPrefix("0.0.0.0/0"))
        #expect(try Condition("route tgw 0.0.0.0/0 present", in: topology).subject == .route(node: "tgw", everything))
        let gateway = try #require(IPAddress("169.254.120.2"))
        let byOne = try Condition("route tgw 0.0.0.0/0 via 169.254.120.2 absent", in: topology)
        #expect(byOne.subject == .route(node: "tgw", everything, via: gateway) && !byOne.holds)
        #expect(byOne.description == "route tgw 0.0.0.0/0 via 169.254.120.2 absent")
        #expect(throws: ConditionError.self) {
            try Condition("route tgw 0.0.0.0/0 by 169.254.120.2 absent", in: topology)
        }
    }

    @Test func `A node can be pinged by name`() throws {
        #expect(try Condition("ping vpc1-ec2 vcn1-vm up", in: topology).description == "ping vpc1-ec2 10.105.2.100 up")
    }

    @Test(arguments: [
        ("tunnel mian up", "There is no \"mian\". Did you mean \"main\"? Known tunnels: backup, main, main-2."),
        ("bgp backup up", "There is no \"backup\". Known BGP sessions: main."),
        ("interface tgv vpn1 up", "There is no \"tgv\". Did you mean \"tgw\"? Known nodes: aws-igw,"),
        ("route vpc3 10.0.0.0/8 absent", "Did you mean \"vpc1\"?"),
        ("ping vpc1-ec 10.2.3.100 up", "Did you mean \"vpc1-ec2\"?"),
        ("ping vpc1-ec2 vcn1-wm up", "There is no \"vcn1-wm\". Did you mean \"vcn1-vm\"?"),
        ("daemon dgr/pluto up", "Did you mean \"drg\"?"),
        ("daemon tgw/named up", "There is no \"named\". Known daemons at tgw: bird, pluto."),
    ])
    func `Unknown name`(_ text: String, _ message: String) throws {
        let error = try #require(throws: ConditionError.self) { try Condition(text, in: topology) }
        #expect(error.description.contains(message))
    }

    @Test(arguments: [
        "", " ", "up", "main up", "tunnel up", "tunnel main", "tunnel main on", "tunnel main backup up",
        "Tunnel main up", "bgp main UP",
        "interface tgw up", "interface tgw vpn1 vpn2 up", "interface tgw a/b up", "route tgw 10.0.0.1/8 present",
        "route tgw present",
        "ping tgw up", "daemon tgw up", "daemon tgw/pluto/bird up", "daemon / up",
        "session main up", "✓",
    ])
    func `Garbage`(_ text: String) throws {
        let error = try #require(throws: ConditionError.self) { try Condition(text, in: topology) }
        #expect(error.description.hasPrefix("\"\(text)\" is not a condition. Write one of: "))
        for form in [
            "tunnel NAME", "bgp NAME", "interface NODE NAME", "route NODE PREFIX", "ping NODE ADDRESS",
            "daemon NODE/KIND",
        ] {
            #expect(error.description.contains(form))
        }
    }
}
