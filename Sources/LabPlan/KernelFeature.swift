import LabModel
import NetworkTypes

/// Something that a lab needs its kernel to do; the lab kernel does all of it, any other has to be asked.
public enum KernelFeature: Hashable, Sendable, Codable {
    /// Namespaces with a file system of their own, over the host's.
    case nodes
    case links
    /// Delay, rate and loss of links.
    case shaping
    case vlans
    case vtis(isOverIPv6: Bool)
    case xfrmInterfaces
    case plainTunnels(PlainTunnelInterface)
    /// ESP by itself, and over IPv4 in UDP as well.
    case esp(ESPAlgorithms, isOverIPv6: Bool)
    case packetFilter(Ruleset)
    case settings([Sysctl])
    case policyRouting
    case multipathRoutes
    /// BGP's passwords.
    case tcpSignatures
    case captures

    /// What it is, for people: two features of one name are one to them.
    public var name: String {
        switch self {
        case .nodes: "namespaces with overlay file systems"
        case .links: "veth pairs"
        case .shaping: "netem"
        case .vlans: "802.1Q"
        case .vtis(let isOverIPv6): isOverIPv6 ? "VTI over IPv6" : "VTI"
        case .xfrmInterfaces: "XFRM interfaces"
        case .plainTunnels(let interface): "\(interface.kind.rawValue) tunnels"
        case .esp(let algorithms, let isOverIPv6): (isOverIPv6 ? "ESP over IPv6, " : "ESP, ") + "\(algorithms)"
        case .packetFilter: "nftables, with all that the rules use"
        case .settings: "sysctls of nodes"
        case .policyRouting: "rules of policy routing"
        case .multipathRoutes: "routes with several next hops"
        case .tcpSignatures: "TCP MD5 signatures"
        case .captures: "packet sockets"
        }
    }

    /// The modules that have it, as modprobe(8) takes them, and the symbols that a kernel is configured by.
    public var source: (modules: [String], symbols: [String]) {
        switch self {
        case .nodes: (["overlay"], ["NAMESPACES", "PID_NS", "OVERLAY_FS"])
        case .links: (["veth"], ["VETH"])
        case .shaping: (["sch_netem"], ["NET_SCH_NETEM"])
        case .vlans: (["8021q"], ["VLAN_8021Q"])
        case .vtis(let isOverIPv6): isOverIPv6 ? (["ip6_vti"], ["IPV6_VTI"]) : (["ip_vti"], ["NET_IPVTI"])
        case .xfrmInterfaces: (["xfrm_interface"], ["XFRM_INTERFACE"])
        case .plainTunnels(let interface):
            switch interface.kind {
            case .isatap, .sixInFour: (["sit"], ["IPV6_SIT"])
            case .ipip: (["ipip"], ["NET_IPIP"])
            case .gre: (["ip_gre"], ["NET_IPGRE"])
            case .ip6gre: (["ip6_gre"], ["IPV6_GRE"])
            case .vxlan, .vxlan6: (["vxlan"], ["VXLAN"])
            case .wireguard, .wireguard6: (["wireguard"], ["WIREGUARD"])
            case .ipip6, .ip6ip6: (["ip6_tunnel"], ["IPV6_TUNNEL"])
            }
        case .esp(_, let isOverIPv6):
            isOverIPv6
                ? (["esp6"], ["XFRM_USER", "INET6_ESP", "CRYPTO"]) : (["esp4"], ["XFRM_USER", "INET_ESP", "CRYPTO"])
        case .packetFilter:
            (
                ["nf_tables", "nft_ct", "nft_chain_nat", "nft_masq"],
                ["NF_TABLES_INET", "NFT_CT", "NFT_NAT", "NFT_MASQ"]
            )
        case .settings: ([], ["SYSCTL"])
        case .policyRouting: ([], ["IP_MULTIPLE_TABLES"])
        case .multipathRoutes: ([], ["IP_ROUTE_MULTIPATH"])
        case .tcpSignatures: ([], ["TCP_MD5SIG"])
        case .captures: (["af_packet"], ["PACKET"])
        }
    }

    /// What a topology needs, each once, in the order in which its plan comes upon it.
    public static func needed(by topology: Topology) -> [KernelFeature] {
        var features: [KernelFeature] = []
        func add(_ feature: KernelFeature) {
            if !features.contains(feature) { features.append(feature) }
        }
        for step in Plan(for: topology).steps { needed(by: step.action).forEach(add) }
        let ends = topology.tunnels.flatMap(\.ends)
        for end in ends {
            // Those of a user's own files are not known: what any such daemon can do stands for them.
            let offered =
                end.proposal?.esp.map(\.algorithms) ?? [ESPAlgorithms(encryption: .aes256CBC, integrity: .sha2_256)]
            for algorithms in offered { add(.esp(algorithms, isOverIPv6: end.localAddress.bitWidth == 128)) }
        }
        if topology.hasSessionKeys { add(.tcpSignatures) }
        add(.captures)
        return features
    }

    private static func needed(by action: Action) -> [KernelFeature] {
        switch action {
        case .createNode: [.nodes]
        case .createLink(let link): [.links, .shaping] + (link.vlan == nil ? [] : [.vlans])
        case .createTunnelInterface(let interface):
            switch interface.kind {
            case .vti(let local, _, _): [.vtis(isOverIPv6: local.bitWidth == 128)]
            case .xfrm: [.xfrmInterfaces]
            }
        case .createPlainTunnelInterface(let interface): [.plainTunnels(interface)]
        case .setSysctls(_, let settings):
            // Those of an interface wait for the interface.
            [.settings(settings.filter { $0.key.contains(".all.") || !$0.key.contains(".conf.") })]
        case .addRoute(_, let entry): entry.nextHops.count > 1 ? [.multipathRoutes] : []
        case .addRule: [.policyRouting]
        case .applyFilter(_, let ruleset): [.packetFilter(ruleset)]
        default: []
        }
    }
}

extension Topology {
    fileprivate var hasSessionKeys: Bool {
        sessions.contains { session in session.speakers.contains { session.key(of: $0) != nil } }
            || oneSidedSessions.contains { $0.password != nil }
    }
}
