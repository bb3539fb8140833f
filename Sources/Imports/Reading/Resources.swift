/// A part of a cloud as an input describes it.
struct Resource {
    /// The type that Terraform has for it, whatever tool wrote it: `aws_vpn_connection`.
    let kind: String
    let node: JSONNode
    /// As the input calls it: Terraform's address, or the place in the file.
    let address: String
    /// Whether only a plan has it, so that what is not there is not known yet.
    var isPlanned = false
    /// By folded names of attributes, the addresses of the resources that they are to be had from.
    var references: [String: [String]] = [:]

    var origin: Origin { node.origin }
    /// What tells it from others in all inputs.
    var key: String { identifiers.first ?? "\(node.file) \(address)" }

    /// Terraform's address without types: `vpn-this` of `module.vpn.aws_vpn_connection.this`.
    var shortName: String {
        address.withoutIndices.split(separator: ".").filter { !["module", kind, "data"].contains(String($0)) }
            .joined(separator: "-")
    }

    /// All that others may name it by.
    var identifiers: [String] {
        let names: [String] =
            switch kind {
            case "aws_vpn_connection": ["VpnConnectionId"]
            case "aws_customer_gateway": ["CustomerGatewayId"]
            case "aws_vpn_gateway": ["VpnGatewayId"]
            case "aws_ec2_transit_gateway": ["TransitGatewayId"]
            case "aws_vpc": ["VpcId"]
            default: []
            }
        return (["id"] + names + ["self_link", "ip_sec_connection_id"]).compactMap { node[$0]?.text?.value }
            .map(Self.plain)
    }

    /// An identifier as it is compared: GCP's without its host, Azure's in any case.
    static func plain(_ identifier: String) -> String {
        let project = identifier.firstRange(of: "projects/")
        return String(project.map { identifier[$0.lowerBound...] } ?? identifier[...]).lowercased()
    }
}

/// All resources of all inputs.
struct Resources {
    private(set) var all: [Resource] = []

    mutating func add(_ resource: Resource) { all.append(resource) }

    func of(_ kinds: String...) -> [Resource] { all.filter { kinds.contains($0.kind) } }

    /// The resource that another one names by an attribute: by its identifier, or by Terraform's reference.
    func named(by attributes: [String], of resource: Resource, among kinds: [String]) -> Resource? {
        let candidates = all.filter { kinds.contains($0.kind) }
        for attribute in attributes {
            if let name = resource.node[attribute]?.text?.value {
                let plain = Resource.plain(name)
                if let found = candidates.first(where: { $0.identifiers.contains(plain) }) { return found }
                // GCP names what is in the same project by its last part.
                let last = plain.split(separator: "/").last.map(String.init)
                if let found = candidates.first(where: { $0.node["name"]?.text?.value.lowercased() == last }) {
                    return found
                }
            }
            for reference in resource.references[JSONValue.folded(attribute)] ?? [] {
                let isMeant = { (address: String) in
                    reference == address || reference.hasPrefix("\(address).") || reference.hasPrefix("\(address)[")
                }
                if let found = candidates.first(where: { isMeant($0.address) || isMeant($0.address.withoutIndices) }) {
                    return found
                }
            }
        }
        return nil
    }
}

extension String {
    /// Terraform's address without `[0]` and `["key"]`.
    var withoutIndices: String {
        var depth = 0
        return filter { character in
            if character == "[" { depth += 1 }
            defer { if character == "]" { depth = max(0, depth - 1) } }
            return depth == 0
        }
    }
}
