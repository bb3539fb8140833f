import LabModel
import NetworkTypes

/// OSPF of a router as ospfd reads it, and what passes between it and bgpd.
///
/// What is redistributed into OSPF bears a tag, and what bears it is told no BGP peer: else a second edge would tell peers their own
/// routes, and the domain what it has told itself.
/// Source: the FRR 8.4 user's guide, "OSPFv2", "Route Maps".
struct FrrOSPF {
    private let domain: OSPFDomain
    private let node: String
    private let routerID: IPv4Address
    private let edge: OSPFDomain.Edge?

    /// Nil for a node that is no router of a domain.
    init?(of node: String, in topology: Topology) {
        guard let domain = topology.ospfDomain(of: node) else { return nil }
        self.domain = domain
        self.node = node
        routerID = topology.routerID(of: node)
        edge = topology.ospfEdge(at: node)
    }

    /// Names with an underscore are netlab's own: a session's name has none.
    private static let toBGP = "netlab_ospf"
    private static let fromBGP = "netlab_bgp"
    /// Of what edges redistribute from BGP; any number does that nothing else has.
    private static let tag = 65000

    var text: String {
        let own = domain.interfaces.filter { $0.node == node }
        var text = own.map { interface in
            let neighbours =
                interface.isPassive
                ? ["passive"]
                : [
                    "network point-to-point", "hello-interval \(domain.hello.components.seconds)",
                    "dead-interval \(domain.dead.components.seconds)",
                ]
            let settings = ["area 0", "cost \(interface.cost)"] + neighbours
            return "interface \(interface.interface)\n" + settings.map { " ip ospf \($0)\n" }.joined() + "exit\n"
        }.joined()
        text += "router ospf\n ospf router-id \(routerID)\n log-adjacency-changes\n"
        if let edge, edge.tellsDomain {
            text +=
                " redistribute bgp metric \(edge.metric) metric-type \(edge.metricType.rawValue) route-map \(Self.fromBGP)\n"
        }
        text += "exit\n!\n"
        if edge?.tellsDomain == true { text += "route-map \(Self.fromBGP) permit 10\n set tag \(Self.tag)\nexit\n" }
        if edge?.tellsPeers == true {
            text += """
                route-map \(Self.toBGP) deny 10
                 match tag \(Self.tag)
                exit
                route-map \(Self.toBGP) permit 20
                exit

                """
        }
        return text
    }

    /// The line of bgpd's IPv4 addresses; empty for a router that tells no peers.
    var redistribution: String {
        edge?.tellsPeers == true ? "  redistribute ospf metric 0 route-map \(Self.toBGP)\n" : ""
    }
}
