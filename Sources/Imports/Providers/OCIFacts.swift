import LabModel
import NetworkTypes

/// Site-to-Site VPN: `oci network ip-sec-connection-tunnel list`, and Terraform's `oci_core_ipsec_connection_tunnel_management`.
struct OCIFacts {
    let resources: Resources
    var facts: Facts

    static func add(_ resources: Resources, to facts: inout Facts) {
        var reader = OCIFacts(resources: resources, facts: facts)
        let tunnels = resources.of("oci_core_ipsec_connection_tunnel_management")
        for tunnel in tunnels { reader.read(tunnel.node, tunnel) }
        let known = Set(tunnels.compactMap { $0.node["vpn-ip"]?.text?.value })
        for list in resources.of("oci_core_ipsec_connection_tunnels") {
            for node in list.node["ip_sec_connection_tunnels"]?.members ?? []
            where !known.contains(node["vpn-ip"]?.text?.value ?? "") {
                reader.read(node, list)
            }
        }
        facts = reader.facts
    }

    private mutating func read(_ node: JSONNode, _ resource: Resource) {
        let name = node["display-name"]?.text?.value ?? resource.shortName
        let all = resources.of("oci_core_ipsec")
        let connection =
            resources.named(by: ["ipsec_id"], of: resource, among: ["oci_core_ipsec"])
            ?? (all.count == 1 ? all[0] : nil)
        let near = connection?.node["drg-id"]?.text?.value ?? "oci"
        let peer = node["cpe-ip"]?.text ?? resources.of("oci_core_cpe").first?.node["ip-address"]?.text
        let far = "oci cpe \(peer?.value ?? "")"
        let session = node["bgp-session-info"]?.members.first
        var gateway = GatewayFacts(
            key: near, name: "drg", title: "Oracle Cloud Infrastructure", provider: "oci",
            origin: connection?.origin ?? resource.origin)
        gateway.asn = session?["oracle-bgp-asn"]?.text?.map { UInt32($0) }
        gateway.networks = resources.of("oci_core_vcn").flatMap { $0.node["cidr-blocks"]?.texts ?? [] }.compactMap {
            $0.map { IPPrefix($0) }
        }
        facts.add(gateway)
        let routes = (connection?.node["static-routes"]?.texts ?? []).compactMap { $0.map { IPPrefix($0) } }
        facts.add(
            GatewayFacts(
                key: far, name: "cpe", title: "Customer-premises equipment", provider: nil, origin: resource.origin))
        let routing = node["routing"]?.text?.value.uppercased() ?? "BGP"
        var tunnel = TunnelFacts(
            name: name, origin: node.origin, near: EndFacts(gateway: near), far: EndFacts(gateway: far),
            routing: routing == "BGP" ? .bgp : routing == "POLICY" ? .policies : .fixed)
        tunnel.near.address = node["vpn-ip"]?.text?.map { IPAddress($0) }
        tunnel.far.address = peer?.map { IPAddress($0) }
        tunnel.near.inside = session?["oracle-interface-ip"]?.text?.map { InterfaceAddress($0) }
        tunnel.far.inside = session?["customer-interface-ip"]?.text?.map { InterfaceAddress($0) }
        tunnel.near.asn = gateway.asn
        tunnel.far.asn = session?["customer-bgp-asn"]?.text?.map { UInt32($0) }
        let secrets = resources.of("oci_core_ipsec_psk")
        tunnel.near.key =
            node["shared-secret"]?.text ?? (secrets.count == 1 ? secrets[0].node["shared-secret"]?.text : nil)
        tunnel.ikeVersion = node["ike-version"]?.text?.map { $0.hasSuffix("1") ? 1 : 2 }
        tunnel.near.initiates = node["oracle-can-initiate", "oracle-initiation"]?.text?.map {
            ["INITIATOR_OR_RESPONDER": true, "RESPONDER_ONLY": false][$0]
        }
        let silence = node["dpd-config"]?.members.first
        tunnel.near.patience = (silence?["dpd-timeout-in-sec"] ?? node["dpd-timeout-in-sec"])?.number?.positive
        tunnel.near.ike = phase(node["phase-one-details"]?.members.first, "dh-group")
        tunnel.near.esp = phase(node["phase-two-details"]?.members.first, "dh-group")
        tunnel.near.esp.hasNoGroup = node["phase-two-details"]?.members.first?["is-pfs-enabled"]?.flag == false
        if tunnel.routing == .policies { selectors(of: node, &tunnel) } else { tunnel.near.routes = routes }
        facts.tunnels.append(tunnel)
    }

    /// What is set by the user goes before what was negotiated.
    private func phase(_ node: JSONNode?, _ group: String) -> PhaseFacts {
        guard let node else { return PhaseFacts() }
        let texts = { (names: [String]) in names.lazy.compactMap { node[$0]?.texts }.first { !$0.isEmpty } ?? [] }
        return PhaseFacts(
            encryption: texts(["custom-encryption-algorithm", "negotiated-encryption-algorithm"]),
            integrity: texts(["custom-authentication-algorithm", "negotiated-authentication-algorithm"]),
            groups: texts(["custom-dh-group", group, "negotiated-dh-group"]),
            lifetime: node["lifetime"]?.number?.positive)
    }

    private mutating func selectors(of node: JSONNode, _ tunnel: inout TunnelFacts) {
        let domains = node["encryption-domain-config"]?.members.first
        let prefixes = { (name: String) in (domains?[name]?.texts ?? []).compactMap { $0.map { IPPrefix($0) } } }
        let near = prefixes("oracle-traffic-selector")
        let far = prefixes("cpe-traffic-selector")
        tunnel.selectors = near.flatMap { one in far.map { (one, $0) } }
        if tunnel.selectors.isEmpty {
            facts.note(.missing, "\(tunnel.name): it is policy-based, and its encryption domains are not in the input")
        }
    }
}
