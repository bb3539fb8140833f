import LabModel
import NetworkTypes

/// Connections of a virtual network gateway: `az network vpn-connection show`, and Terraform's
/// `azurerm_virtual_network_gateway_connection`.
struct AzureFacts {
    let resources: Resources
    var facts: Facts

    private static let gateways = ["azurerm_virtual_network_gateway"]
    private static let others = ["azurerm_local_network_gateway"]

    static func add(_ resources: Resources, to facts: inout Facts) {
        var reader = AzureFacts(resources: resources, facts: facts)
        for connection in resources.of("azurerm_virtual_network_gateway_connection") { reader.read(connection) }
        facts = reader.facts
    }

    private mutating func read(_ connection: Resource) {
        let node = connection.node
        let name = node["name"]?.text?.value ?? connection.shortName
        let type = (node["connectionType"] ?? node["type"])?.text?.value ?? "IPsec"
        guard type == "IPsec" else {
            facts.note(
                .unsupported,
                "\(name) (\(connection.origin.comment)) is a connection of type \(type): those of IPsec alone are read")
            return
        }
        let gateway = resource(of: connection, "virtual_network_gateway", 1, Self.gateways)
        let other = resource(of: connection, "local_network_gateway", 2, Self.others)
        let near = add(gateway, named: name, title: "Microsoft Azure", provider: "azure", connection)
        let far = add(other, named: "\(name) far side", title: "Local network gateway", provider: nil, connection)
        if gateway == nil {
            facts.note(
                .missing,
                "the gateway of \(name): its addresses and AS number are in `az network vnet-gateway show`, which was not given"
            )
        }
        if other == nil {
            facts.note(
                .missing,
                "the far side of \(name): its address and networks are in `az network local-gateway show`, which was not given"
            )
        }
        let isBGP = node["enableBgp", "bgp_enabled"]?.flag ?? false
        let publics = gateway.map(publicAddresses) ?? []
        // One that is active at two addresses has a tunnel from each.
        let isActive = (gateway?.node["activeActive", "active_active"])?.flag ?? false
        let count = isActive ? max(1, min(publics.count, 2)) : 1
        for index in 0..<count {
            var tunnel = TunnelFacts(
                name: count == 1 ? name : "\(name)-\(index + 1)", origin: connection.origin,
                near: EndFacts(gateway: near),
                far: EndFacts(gateway: far), routing: isBGP ? .bgp : .fixed)
            tunnel.near.address = publics.indices.contains(index) ? publics[index] : nil
            tunnel.far.address = other?.node["gatewayIpAddress", "gateway_address"]?.text?.map { IPAddress($0) }
            tunnel.near.key = node["sharedKey"]?.text
            tunnel.near.patience = node["dpdTimeoutSeconds"]?.number?.positive
            let settings = gateway?.node["bgpSettings"]?.members.first
            tunnel.near.asn = settings?["asn"]?.text?.map { UInt32($0) }
            let peer = other?.node["bgpSettings"]?.members.first
            tunnel.far.asn = peer?["asn"]?.text?.map { UInt32($0) }
            if isBGP { speakers(of: settings, peer, index, &tunnel) }
            if let version = (node["connectionProtocol"]?.text)?.map({ $0.hasSuffix("1") ? 1 : 2 }) {
                tunnel.ikeVersion = version
            }
            if let mode = (node["connectionMode"]?.text) {
                tunnel.near.initiates = mode.map { ["responderonly": false, "initiatoronly": true][$0.lowercased()] }
                if mode.value.lowercased() == "initiatoronly" { tunnel.far.initiates = mode.map { _ in false } }
            }
            if let policy = (node["ipsecPolicies"] ?? node["ipsec_policy"])?.members.first {
                proposals(policy, &tunnel)
            }
            if let other { tunnel.near.routes = networks(of: other) }
            facts.tunnels.append(tunnel)
        }
    }

    private func resource(of connection: Resource, _ attribute: String, _ number: Int, _ kinds: [String]) -> Resource? {
        let short = attribute + "\(number)"
        if let id = connection.node[short]?["id"]?.text {
            let plain = Resource.plain(id.value)
            let known = resources.all.filter { kinds.contains($0.kind) }
            if let found = known.first(where: { $0.identifiers.contains(plain) }) { return found }
            let last = plain.split(separator: "/").last.map(String.init)
            return known.first { $0.node["name"]?.text?.value.lowercased() == last }
        }
        return resources.named(by: ["\(attribute)_id"], of: connection, among: kinds)
    }

    private mutating func add(
        _ resource: Resource?, named name: String, title: String, provider: String?, _ connection: Resource
    ) -> String {
        let key = resource?.key ?? "azure \(name)"
        var gateway = GatewayFacts(
            key: key, name: resource?.node["name"]?.text?.value ?? name, title: title, provider: provider,
            origin: resource?.origin ?? connection.origin)
        gateway.asn = resource?.node["bgpSettings"]?.members.first?["asn"]?.text?.map { UInt32($0) }
        if let resource { gateway.networks = networks(of: resource) }
        facts.add(gateway)
        return key
    }

    /// Of a local network gateway its address space; of a virtual one that of all virtual networks that are given.
    private func networks(of resource: Resource) -> [Sourced<IPPrefix>] {
        let spaces =
            Self.others.contains(resource.kind)
            ? [resource.node["localNetworkAddressSpace"]?["addressPrefixes"] ?? resource.node["address_space"]]
            : resources.of("azurerm_virtual_network").map {
                $0.node["addressSpace"]?["addressPrefixes"] ?? $0.node["address_space"]
            }
        return spaces.compactMap(\.self).flatMap(\.texts).compactMap { $0.map { IPPrefix($0) } }
    }

    private func publicAddresses(of gateway: Resource) -> [Sourced<IPAddress>] {
        let settings = gateway.node["bgpSettings"]?.members.first
        let peering = (settings?["bgpPeeringAddresses"] ?? settings?["peering_addresses"])?.members ?? []
        let known = peering.flatMap { $0["tunnelIpAddresses"]?.texts ?? [] }.compactMap { $0.map { IPAddress($0) } }
            .filter { !$0.value.isPrivate }
        if !known.isEmpty { return known }
        let addresses = resources.of("azurerm_public_ip")
        let configurations = (gateway.node["ipConfigurations"] ?? gateway.node["ip_configuration"])?.members ?? []
        let ids = configurations.compactMap { ($0["publicIpAddress"]?["id"] ?? $0["public_ip_address_id"])?.text }.map {
            Resource.plain($0.value)
        }
        let named = ids.compactMap { id in addresses.first { $0.identifiers.contains(id) } }
        return (named.isEmpty && addresses.count == 1 ? addresses : named).compactMap {
            $0.node["ipAddress"]?.text?.map { IPAddress($0) }
        }
    }

    /// Who speaks BGP with whom: Azure's own addresses of link-local blocks where both sides have one, else what is not in one block.
    private func speakers(of settings: JSONNode?, _ peer: JSONNode?, _ index: Int, _ tunnel: inout TunnelFacts) {
        let peering = (settings?["bgpPeeringAddresses"] ?? settings?["peering_addresses"])?.members ?? []
        let own = peering.indices.contains(index) ? peering[index] : peering.first
        let custom = (own?["customBgpIpAddresses", "apipa_addresses"]?.texts ?? []).compactMap {
            $0.map { IPAddress($0) }
        }
        let far = peer?["bgpPeeringAddress"]?.text?.map { IPAddress($0) }
        let block = { (address: IPAddress) in IPPrefix(address, length: address.isV4 ? 30 : 126) }
        if let far, let near = custom.first(where: { block($0.value) == block(far.value) }) {
            tunnel.near.inside = near.map { InterfaceAddress($0, prefixLength: 30) }
            tunnel.far.inside = far.map { InterfaceAddress($0, prefixLength: 30) }
            return
        }
        let usual =
            own?["defaultBgpIpAddresses", "default_addresses"]?.texts.first ?? settings?["bgpPeeringAddress"]?.text
        tunnel.near.inside = (custom.first ?? usual?.map { IPAddress($0) })?.map {
            InterfaceAddress($0, prefixLength: $0.bitWidth)
        }
        tunnel.far.inside = far?.map { InterfaceAddress($0, prefixLength: $0.bitWidth) }
    }

    private func proposals(_ policy: JSONNode, _ tunnel: inout TunnelFacts) {
        let one = { (name: String) in [policy[name]?.text].compactMap(\.self) }
        // Phase 1 lasts 28,800 s, which cannot be changed ("About cryptographic requirements and Azure VPN gateways").
        tunnel.near.ike = PhaseFacts(
            encryption: one("ikeEncryption"), integrity: one("ikeIntegrity"), groups: one("dhGroup"))
        tunnel.near.esp = PhaseFacts(
            encryption: one("ipsecEncryption"), integrity: one("ipsecIntegrity"), groups: one("pfsGroup"),
            lifetime: policy["saLifeTimeSeconds", "sa_lifetime"]?.number?.positive)
    }
}
