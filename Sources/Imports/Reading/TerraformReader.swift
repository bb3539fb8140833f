/// `terraform show -json`: a state or a plan (Terraform's "JSON Output Format", format versions 0 and 1).
enum TerraformReader {
    static func isMeant(_ root: JSONNode) -> Bool { root["format_version"] != nil || root["terraform_version"] != nil }

    /// The prefixes of types that belong to a cloud's VPN.
    private static func isOfVPN(_ type: String) -> Bool {
        [
            "vpn", "ipsec", "customer_gateway", "transit_gateway", "virtual_network_gateway", "local_network_gateway",
            "_router", "drg", "_cpe",
        ]
        .contains { type.contains($0) }
    }

    /// Types that say nothing a lab needs, though their names belong to a VPN.
    static let known: Set = [
        "aws_vpn_connection", "aws_customer_gateway", "aws_vpn_gateway", "aws_ec2_transit_gateway", "aws_vpc",
        "aws_route", "aws_route_table", "aws_vpn_connection_route", "aws_vpn_gateway_attachment",
        "aws_ec2_transit_gateway_vpc_attachment",
        "azurerm_virtual_network_gateway_connection", "azurerm_local_network_gateway",
        "azurerm_virtual_network_gateway",
        "azurerm_public_ip", "azurerm_virtual_network",
        "google_compute_vpn_tunnel", "google_compute_ha_vpn_gateway", "google_compute_vpn_gateway",
        "google_compute_external_vpn_gateway", "google_compute_router", "google_compute_router_peer",
        "google_compute_router_interface", "google_compute_subnetwork", "google_compute_address",
        "oci_core_ipsec", "oci_core_ipsec_connection_tunnel_management", "oci_core_ipsec_connection_tunnels",
        "oci_core_cpe", "oci_core_drg", "oci_core_vcn",
    ]

    /// - Returns: How many resources there were, and the addresses of those that belong to a VPN and are not known.
    static func read(_ root: JSONNode, into resources: inout Resources) -> (count: Int, unknown: [String]) {
        let isPlan = root["planned_values"] != nil
        var references: [String: [String: [String]]] = [:]
        if let configuration = root["configuration"]?["root_module"] {
            collect(configuration, module: "", depth: 0, into: &references)
        }
        guard let module = (root["planned_values"] ?? root["values"])?["root_module"] else { return (0, []) }
        var count = 0
        var unknown: [String] = []
        func take(_ module: JSONNode, depth: Int) {
            for entry in module["resources"]?.members ?? [] {
                count += 1
                guard let type = entry["type"]?.text?.value, let address = entry["address"]?.text?.value,
                    let values = entry["values"]
                else { continue }
                guard known.contains(type) else {
                    if isOfVPN(type), entry["mode"]?.text?.value != "data" { unknown.append(address) }
                    continue
                }
                // The address says more than the place: that one ends in `values`.
                let node = JSONNode(values.value, file: values.file, path: address)
                resources.add(
                    Resource(
                        kind: type, node: node, address: address, isPlanned: isPlan,
                        references: references[address.withoutIndices] ?? [:]))
            }
            guard depth < 16 else { return }
            for child in module["child_modules"]?.members ?? [] { take(child, depth: depth + 1) }
        }
        take(module, depth: 0)
        return (count, unknown)
    }

    /// What each attribute of each resource refers to, by addresses without indices.
    private static func collect(
        _ module: JSONNode, module prefix: String, depth: Int, into references: inout [String: [String: [String]]]
    ) {
        for entry in module["resources"]?.members ?? [] {
            guard let address = entry["address"]?.text?.value, let expressions = entry["expressions"] else { continue }
            var own: [String: [String]] = [:]
            for name in expressions.names {
                let found = expressions[name]?["references"]?.texts.map { prefix + $0.value } ?? []
                if !found.isEmpty { own[JSONValue.folded(name)] = found }
            }
            references[prefix + address.withoutIndices] = own
        }
        guard depth < 16, let calls = module["module_calls"] else { return }
        for name in calls.names {
            guard let inner = calls[name]?["module"] else { continue }
            collect(inner, module: "\(prefix)module.\(name).", depth: depth + 1, into: &references)
        }
    }
}
