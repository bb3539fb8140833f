/// What the clouds' own command lines print as JSON: lists and objects, told apart by the names that only they have.
enum CloudReader {
    /// - Returns: Whether anything was known.
    static func read(_ root: JSONNode, into resources: inout Resources, depth: Int = 0) -> Bool {
        var isKnown = false
        // `value` is what Azure's REST interface has around a list, `data` what OCI has around anything.
        if let inner = root["data"] ?? root["value"], inner.isList || inner.isObject, depth < 3 {
            return read(inner, into: &resources, depth: depth + 1)
        }
        for (name, kind) in listsOfAWS {
            guard let list = root[name], list.isList else { continue }
            isKnown = true
            for node in list.members { resources.add(Resource(kind: kind, node: node, address: node.path)) }
        }
        if isKnown { return true }
        for node in root.members where node.isObject {
            guard let kind = kind(of: node) else {
                if root.isList, depth < 3, read(node, into: &resources, depth: depth + 1) { isKnown = true }
                continue
            }
            isKnown = true
            resources.add(Resource(kind: kind, node: node, address: node["name"]?.text?.value ?? node.path))
        }
        return isKnown
    }

    /// Members of what `aws ec2 describe-…` prints.
    private static let listsOfAWS = [
        ("VpnConnections", "aws_vpn_connection"), ("CustomerGateways", "aws_customer_gateway"),
        ("VpnGateways", "aws_vpn_gateway"), ("TransitGateways", "aws_ec2_transit_gateway"), ("Vpcs", "aws_vpc"),
        ("RouteTables", "aws_route_table"), ("TransitGatewayRouteTables", "aws_ec2_transit_gateway_route_table"),
        ("TransitGatewayVpcAttachments", "aws_ec2_transit_gateway_vpc_attachment"),
    ]

    private static func kind(of node: JSONNode) -> String? {
        let has = { (names: String...) in names.allSatisfy { node[$0] != nil } }
        if has("VpnConnectionId", "CustomerGatewayId") { return "aws_vpn_connection" }
        if let kind = node["kind"]?.text?.value {
            return [
                "compute#vpnTunnel": "google_compute_vpn_tunnel", "compute#vpnGateway": "google_compute_ha_vpn_gateway",
                "compute#targetVpnGateway": "google_compute_vpn_gateway", "compute#router": "google_compute_router",
                "compute#externalVpnGateway": "google_compute_external_vpn_gateway",
                "compute#subnetwork": "google_compute_subnetwork", "compute#address": "google_compute_address",
            ][kind]
        }
        if let type = node["type"]?.text?.value.lowercased(), type.hasPrefix("microsoft.network/") {
            return [
                "connections": "azurerm_virtual_network_gateway_connection",
                "virtualnetworkgateways": "azurerm_virtual_network_gateway",
                "localnetworkgateways": "azurerm_local_network_gateway", "publicipaddresses": "azurerm_public_ip",
                "virtualnetworks": "azurerm_virtual_network",
            ][String(type.dropFirst("microsoft.network/".count))]
        }
        if has("connectionType", "virtualNetworkGateway1") { return "azurerm_virtual_network_gateway_connection" }
        if has("gatewayType", "ipConfigurations") { return "azurerm_virtual_network_gateway" }
        if has("gatewayIpAddress") { return "azurerm_local_network_gateway" }
        if has("peerIp", "targetVpnGateway") || has("peerIp", "vpnGateway") { return "google_compute_vpn_tunnel" }
        if has("vpn-ip") { return "oci_core_ipsec_connection_tunnel_management" }
        if has("cpe-id", "drg-id") { return "oci_core_ipsec" }
        if has("shared-secret") { return "oci_core_ipsec_psk" }
        if has("ip-address", "compartment-id") { return "oci_core_cpe" }
        if has("cidr-blocks", "compartment-id") { return "oci_core_vcn" }
        return nil
    }
}
