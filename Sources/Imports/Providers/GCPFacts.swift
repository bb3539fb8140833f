import LabModel
import NetworkTypes

/// Cloud VPN: `gcloud compute vpn-tunnels describe --format json` with routers and gateways, and Terraform's `google_compute_vpn_tunnel`.
struct GCPFacts {
    let resources: Resources
    var facts: Facts

    static func add(_ resources: Resources, to facts: inout Facts) {
        var reader = GCPFacts(resources: resources, facts: facts)
        for tunnel in resources.of("google_compute_vpn_tunnel") { reader.read(tunnel) }
        facts = reader.facts
    }

    private mutating func read(_ resource: Resource) {
        let node = resource.node
        let name = node["name"]?.text?.value ?? resource.shortName
        let own = resources.named(
            by: ["vpn_gateway", "target_vpn_gateway"], of: resource,
            among: ["google_compute_ha_vpn_gateway", "google_compute_vpn_gateway"])
        let router = resources.named(by: ["router"], of: resource, among: ["google_compute_router"])
        let outer = resources.named(
            by: ["peer_external_gateway"], of: resource, among: ["google_compute_external_vpn_gateway"])
        let near =
            own?.key ?? (node["vpnGateway"] ?? node["targetVpnGateway"])?.text.map { Resource.plain($0.value) }
            ?? "gcp \(name)"
        let peer =
            node["peerIp"]?.text
            ?? outer.flatMap { address(of: $0, at: node["peerExternalGatewayInterface"]?.number?.value ?? 0) }
        let far =
            outer?.key ?? node["peerExternalGateway"]?.text.map { Resource.plain($0.value) } ?? peer.map {
                "gcp peer \($0.value)"
            } ?? "gcp peer of \(name)"
        var gateway = GatewayFacts(
            key: near, name: own?.node["name"]?.text?.value ?? name, title: "Google Cloud", provider: "gcp",
            origin: own?.origin ?? resource.origin)
        let bgp = router?.node["bgp"]?.members.first
        gateway.asn = bgp?["asn"]?.text?.map { UInt32($0) }
        let advertised = (bgp?["advertisedIpRanges"]?.members ?? []).compactMap { $0["range"]?.text }
        let subnets = resources.of("google_compute_subnetwork").compactMap { $0.node["ipCidrRange"]?.text }
        gateway.networks = (subnets + advertised).compactMap { $0.map { IPPrefix($0) } }
        facts.add(gateway)
        facts.add(
            GatewayFacts(
                key: far, name: outer?.node["name"]?.text?.value ?? "peer", title: "Peer gateway", provider: nil,
                origin: outer?.origin ?? resource.origin))
        var tunnel = TunnelFacts(
            name: name, origin: resource.origin, near: EndFacts(gateway: near), far: EndFacts(gateway: far),
            routing: node["router"] != nil || resource.references["router"] != nil ? .bgp : .fixed)
        let interface = node["vpnGatewayInterface"]?.number?.value ?? 0
        tunnel.near.address = (own.flatMap { address(of: $0, at: interface) })?.map { IPAddress($0) }
        if own == nil {
            facts.note(
                .missing,
                "the gateway of \(name): its addresses are in `gcloud compute vpn-gateways describe --format json`, which was not given"
            )
        }
        tunnel.far.address = peer?.map { IPAddress($0) }
        tunnel.near.key = node["sharedSecret"]?.text
        tunnel.ikeVersion = node["ikeVersion"]?.number
        tunnel.near.asn = gateway.asn
        tunnel.near.keepalive = bgp?["keepaliveInterval"]?.number?.positive
        // Cloud Router's hold time is three keepalives, of 20 s unless said otherwise ("Cloud Router: BGP timers").
        tunnel.near.hold = tunnel.near.keepalive?.map { $0 * 3 }
        let ciphers = node["cipherSuite"]?.members.first
        phases(ciphers, &tunnel)
        selectors(of: node, &tunnel)
        if tunnel.routing == .bgp { session(of: resource, router, name, &tunnel) }
        facts.tunnels.append(tunnel)
    }

    private func address(of gateway: Resource, at interface: Int) -> Sourced<String>? {
        let interfaces =
            (gateway.node["vpnInterfaces"] ?? gateway.node["interfaces"] ?? gateway.node["interface"])?.members ?? []
        let found =
            interfaces.first { $0["id"]?.number?.value == interface }
            ?? (interfaces.indices.contains(interface) ? interfaces[interface] : nil)
        return found?["ipAddress"]?.text ?? gateway.node["ipAddress"]?.text
    }

    private func phases(_ ciphers: JSONNode?, _ tunnel: inout TunnelFacts) {
        guard let ciphers else { return }
        let phase = { (name: String) -> PhaseFacts in
            let part = ciphers[name]?.members.first
            return PhaseFacts(
                encryption: part?["encryption"]?.texts ?? [], integrity: part?["integrity"]?.texts ?? [],
                groups: (part?["dh"] ?? part?["pfs"])?.texts ?? [])
        }
        tunnel.near.ike = phase("phase1")
        tunnel.near.esp = phase("phase2")
    }

    private func selectors(of node: JSONNode, _ tunnel: inout TunnelFacts) {
        let prefixes = { (name: String) in
            (node[name]?.texts ?? []).compactMap { $0.map { IPPrefix($0) } }.filter { !$0.value.isDefault }
        }
        let near = prefixes("localTrafficSelector")
        let far = prefixes("remoteTrafficSelector")
        guard tunnel.routing == .fixed, !near.isEmpty, !far.isEmpty else { return }
        tunnel.routing = .policies
        tunnel.selectors = near.flatMap { one in far.map { (one, $0) } }
    }

    /// The router's peer at the interface of this tunnel: of the router's own lists, or Terraform's resources.
    private mutating func session(
        of resource: Resource, _ router: Resource?, _ name: String, _ tunnel: inout TunnelFacts
    ) {
        let plain = { (node: JSONNode?) in
            node?.text.flatMap { Resource.plain($0.value).split(separator: "/").last.map(String.init) }
        }
        let apart = resources.of("google_compute_router_interface")
        let isOfTunnel = { (node: JSONNode) in plain(node["linkedVpnTunnel"] ?? node["vpn_tunnel"]) == name.lowercased()
        }
        let own = router?.node["interfaces"]?.members.first(where: isOfTunnel)
        let referring = apart.first {
            isOfTunnel($0.node)
                || resources.named(by: ["vpn_tunnel"], of: $0, among: ["google_compute_vpn_tunnel"])?.address
                    == resource.address
        }
        guard let interface = own ?? referring?.node else {
            facts.note(
                .missing,
                "\(name): the BGP session's addresses are in `gcloud compute routers describe --format json`, which was not given"
            )
            return
        }
        tunnel.near.inside = interface["ipRange"]?.text?.map { InterfaceAddress($0) }
        let peers = (router?.node["bgpPeers"]?.members ?? []) + resources.of("google_compute_router_peer").map(\.node)
        let title = interface["name"]?.text?.value
        guard let peer = peers.first(where: { $0["interfaceName", "interface"]?.text?.value == title && title != nil })
        else { return }
        tunnel.far.asn = peer["peerAsn"]?.text?.map { UInt32($0) }
        let length = tunnel.near.inside?.value.prefixLength ?? 30
        tunnel.far.inside = peer["peerIpAddress"]?.text?.map { InterfaceAddress("\($0)/\(length)") }
        if tunnel.near.inside == nil {
            tunnel.near.inside = peer["ipAddress"]?.text?.map { InterfaceAddress("\($0)/30") }
        }
    }
}
