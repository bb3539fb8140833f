import LabModel
import NetworkTypes

/// Site-to-Site VPN connections: `aws ec2 describe-vpn-connections`, and Terraform's `aws_vpn_connection`.
///
/// The tunnels' options decide (Amazon EC2 API, TunnelOption); `CustomerGatewayConfiguration`, an XML document for the customer's device,
/// fills in what they lack. Its algorithms do not count: it has one of those that are offered.
struct AWSFacts {
    let resources: Resources
    var facts: Facts

    static func add(_ resources: Resources, to facts: inout Facts) {
        var reader = AWSFacts(resources: resources, facts: facts)
        for connection in resources.of("aws_vpn_connection") { reader.read(connection) }
        facts = reader.facts
    }

    private mutating func read(_ connection: Resource) {
        let name = connection.node["VpnConnectionId", "id"]?.text?.value ?? connection.shortName
        if let state = connection.node["State"]?.text?.value, ["deleted", "deleting"].contains(state) {
            facts.note(.unsupported, "\(name) is \(state): it is left out")
            return
        }
        let document = document(of: connection, name)
        let near = gateway(of: connection, name)
        let far = customerGateway(of: connection, name, document, at: near)
        let certificate = resources.named(
            by: ["CustomerGatewayId"], of: connection, among: ["aws_customer_gateway"])?.node["CertificateArn"]?.text
        let options = options(of: connection)
        let telemetry = connection.node["VgwTelemetry"]?.members ?? []
        let configured = document?.element.children.filter { $0.name == "ipsec_tunnel" } ?? []
        let count = max(options.count, configured.count, telemetry.count)
        if count == 0 { facts.note(.missing, "\(name) (\(connection.origin.comment)) has no tunnels: it is left out") }
        let isFixed = (connection.node["Options"]?["StaticRoutesOnly"] ?? connection.node["static_routes_only"])?.flag
        let routes = routes(of: connection)
        for index in 0..<count {
            let option = options.indices.contains(index) ? options[index] : nil
            let address =
                option?.text("OutsideIpAddress", "address")
                ?? (telemetry.indices.contains(index) ? telemetry[index]["OutsideIpAddress"]?.text : nil)
            let device =
                configured.first { $0.text(at: "vpn_gateway/tunnel_outside_address/ip_address") == address?.value }
                ?? (configured.indices.contains(index) ? configured[index] : nil)
            let described = device.map { Device(element: $0, file: document?.origin ?? connection.origin) }
            let hasRoutes = isFixed ?? !routes.isEmpty
            var tunnel = TunnelFacts(
                name: "\(name)-\(index + 1)", origin: option?.node.origin ?? connection.origin,
                near: EndFacts(gateway: near),
                far: EndFacts(gateway: far), routing: hasRoutes ? .fixed : .bgp)
            fill(&tunnel, option, described, address: address)
            tunnel.far.address =
                tunnel.far.address
                ?? resources.named(by: ["CustomerGatewayId"], of: connection, among: ["aws_customer_gateway"])?.node[
                    "IpAddress"]?.text?.map { IPAddress($0) }
            tunnel.near.routes = routes
            if tunnel.near.key == nil { tunnel.certificates = certificate?.origin }
            selectors(of: connection, &tunnel)
            facts.tunnels.append(tunnel)
        }
    }

    // MARK: Tunnels

    /// Options of a tunnel: a member of `TunnelOptions`, or Terraform's attributes of `tunnel1_` and `tunnel2_`.
    private struct Options {
        let node: JSONNode
        let prefix: String

        subscript(_ names: String...) -> JSONNode? {
            for name in names { if let value = node[prefix + name] { return value } }
            return nil
        }
        func text(_ names: String...) -> Sourced<String>? {
            for name in names { if let value = node[prefix + name]?.text { return value } }
            return nil
        }
    }

    private func options(of connection: Resource) -> [Options] {
        if let list = (connection.node["Options"] ?? connection.node)["TunnelOptions"], list.isList {
            return list.members.map { Options(node: $0, prefix: "") }
        }
        guard connection.node["VpnConnectionId"] == nil else { return [] }
        return ["tunnel1_", "tunnel2_"].filter { prefix in
            // A plan does not know them yet.
            connection.isPlanned || connection.node.names.contains { $0.hasPrefix(prefix) }
        }.map { Options(node: connection.node, prefix: $0) }
    }

    /// An `ipsec_tunnel` of the document for the customer's device.
    private struct Device {
        let element: XMLElement
        let file: Origin

        func text(_ path: String) -> Sourced<String>? {
            guard let text = element.text(at: path), case .read(let file, let place) = file else { return nil }
            return Sourced(text, .read(file: file, path: "\(place) ipsec_tunnel/\(path)"))
        }
        func number(_ path: String) -> Sourced<Int>? { text(path)?.map { Int($0) } }
        func inside(_ side: String) -> Sourced<InterfaceAddress>? {
            let length = element.text(at: "\(side)/tunnel_inside_address/network_cidr") ?? "30"
            return text("\(side)/tunnel_inside_address/ip_address")?.map { InterfaceAddress("\($0)/\(length)") }
        }
    }

    private mutating func fill(
        _ tunnel: inout TunnelFacts, _ options: Options?, _ device: Device?, address: Sourced<String>?
    ) {
        tunnel.near.address =
            (address ?? device?.text("vpn_gateway/tunnel_outside_address/ip_address"))?.map { IPAddress($0) }
        tunnel.far.address = device?.text("customer_gateway/tunnel_outside_address/ip_address")?.map { IPAddress($0) }
        let block = options?.text("TunnelInsideCidr", "inside_cidr")?.map { IPPrefix($0) }
        // AWS has the first address of the block, the customer the second (User Guide, "Tunnel options").
        tunnel.near.inside =
            device?.inside("vpn_gateway") ?? options?.text("vgw_inside_address")?.map { InterfaceAddress("\($0)/30") }
            ?? block?.map { $0.host(1) }
        tunnel.far.inside =
            device?.inside("customer_gateway") ?? options?.text("cgw_inside_address")?.map {
                InterfaceAddress("\($0)/30")
            }
            ?? block?.map { $0.host(2) }
        tunnel.near.key = options?.text("PreSharedKey", "preshared_key") ?? device?.text("ike/pre_shared_key")
        tunnel.near.asn =
            (device?.text("vpn_gateway/bgp/asn") ?? options?.text("bgp_asn"))?.map { UInt32($0) }
        tunnel.far.asn = device?.text("customer_gateway/bgp/asn")?.map { UInt32($0) }
        tunnel.near.hold = device?.number("vpn_gateway/bgp/hold_time") ?? options?["bgp_holdtime"]?.number?.positive
        tunnel.far.hold = device?.number("customer_gateway/bgp/hold_time") ?? options?["bgp_holdtime"]?.number?.positive
        tunnel.near.ike = phase(1, options)
        tunnel.near.esp = phase(2, options)
        tunnel.near.ike.lifetime = tunnel.near.ike.lifetime ?? device?.number("ike/lifetime")
        tunnel.near.esp.lifetime = tunnel.near.esp.lifetime ?? device?.number("ipsec/lifetime")
        tunnel.near.patience = options?["DpdTimeoutSeconds"]?.number?.positive ?? deadAfter(device)
        tunnel.far.patience = deadAfter(device)
        if let action = options?.text("DpdTimeoutAction") {
            tunnel.near.ignoresDeadPeers = action.value == "none"
            tunnel.near.deadPeerAction = action.map { ["clear", "restart"].contains($0) ? $0 : nil }
        }
        tunnel.near.initiates = options?.text("StartupAction")?.map { $0 == "start" }
        let versions = (options?["IkeVersions"] ?? options?["ike_versions"])?.texts ?? []
        if let only = versions.first, versions.allSatisfy({ $0.value.hasSuffix("1") }) {
            tunnel.ikeVersion = only.map { _ in 1 }
        }
        if let block = options?.text("TunnelInsideIpv6Cidr", "inside_ipv6_cidr") {
            facts.note(.unsupported, "IPv6 inside (\(block.origin.comment)): the lab's tunnel carries IPv4")
        }
    }

    private func phase(_ number: Int, _ options: Options?) -> PhaseFacts {
        guard let options else { return PhaseFacts() }
        let list = { (name: String) in options["Phase\(number)\(name)"]?.texts ?? [] }
        return PhaseFacts(
            encryption: list("EncryptionAlgorithms"), integrity: list("IntegrityAlgorithms"),
            groups: list("DHGroupNumbers"),
            lifetime: options["Phase\(number)LifetimeSeconds"]?.number?.positive)
    }

    /// The document asks for questions at an interval, and gives up after so many.
    private func deadAfter(_ device: Device?) -> Sourced<Int>? {
        guard let interval = device?.number("ipsec/dead_peer_detection/interval"), (1...3600).contains(interval.value)
        else {
            return nil
        }
        let retries = device?.number("ipsec/dead_peer_detection/retries")?.value ?? 3
        return interval.map { $0 * min(max(retries, 1), 100) }
    }

    // MARK: What is around them

    private mutating func document(of connection: Resource, _ name: String) -> (element: XMLElement, origin: Origin)? {
        guard let text = connection.node["CustomerGatewayConfiguration"]?.text, text.value.contains("<") else {
            return nil
        }
        do throws(XMLElement.ParseError) {
            return (try XMLElement(document: text.value), text.origin)
        } catch {
            facts.note(
                .unsupported,
                "\(text.origin.comment) of \(name) is no XML that can be read (its line \(error.line): \(error.reason)): the tunnels' options alone count"
            )
            return nil
        }
    }

    private mutating func gateway(of connection: Resource, _ name: String) -> String {
        let found = resources.named(
            by: ["TransitGatewayId", "VpnGatewayId"], of: connection,
            among: ["aws_ec2_transit_gateway", "aws_vpn_gateway"])
        let id =
            found?.key ?? (connection.node["TransitGatewayId"] ?? connection.node["VpnGatewayId"])?.text.map {
                Resource.plain($0.value)
            }
            ?? "aws gateway of \(name)"
        var gateway = GatewayFacts(
            key: id, name: found.flatMap(Self.nameTag) ?? id, title: "Amazon Web Services", provider: "aws",
            origin: found?.origin ?? connection.origin)
        if let found {
            gateway.asn = (found.node["Options"] ?? found.node)["AmazonSideAsn"]?.text?.map { UInt32($0) }
            gateway.networks = networks(of: found)
        }
        facts.add(gateway)
        return id
    }

    /// The networks of the VPCs that a gateway is attached to; of all that are given where nothing says which.
    private func networks(of gateway: Resource) -> [Sourced<IPPrefix>] {
        let attachments = (gateway.node["VpcAttachments"]?.members ?? []).compactMap { $0["VpcId"]?.text?.value }
        let ofTransit = resources.of("aws_ec2_transit_gateway_vpc_attachment", "aws_vpn_gateway_attachment").filter {
            resources.named(
                by: ["TransitGatewayId", "VpnGatewayId"], of: $0, among: ["aws_ec2_transit_gateway", "aws_vpn_gateway"])?
                .key == gateway.key
        }
        let ofAttachments = ofTransit.compactMap { resources.named(by: ["VpcId"], of: $0, among: ["aws_vpc"])?.key }
        let own = resources.named(by: ["VpcId"], of: gateway, among: ["aws_vpc"])?.key
        let known = Set((attachments + ofAttachments + [own].compactMap(\.self)).map(Resource.plain))
        return Self.networksOfVPCs(resources) { known.isEmpty || known.contains($0) }
    }

    /// The blocks of VPCs, by their keys.
    static func networksOfVPCs(_ resources: Resources, where isMeant: (String) -> Bool = { _ in true }) -> [Sourced<
        IPPrefix
    >] {
        resources.of("aws_vpc").filter { isMeant($0.key) }.flatMap { vpc in
            let blocks = (vpc.node["CidrBlockAssociationSet"]?.members ?? []).compactMap { $0["CidrBlock"]?.text }
            return (blocks.isEmpty ? [vpc.node["CidrBlock"]?.text].compactMap(\.self) : blocks).compactMap {
                $0.map { IPPrefix($0) }
            }
        }
    }

    private mutating func customerGateway(
        of connection: Resource, _ name: String, _ document: (element: XMLElement, origin: Origin)?, at near: String
    ) -> String {
        let found = resources.named(by: ["CustomerGatewayId"], of: connection, among: ["aws_customer_gateway"])
        let id =
            found?.key ?? connection.node["CustomerGatewayId"]?.text.map { Resource.plain($0.value) }
            ?? "customer gateway of \(name)"
        var gateway = GatewayFacts(
            key: id, name: found.flatMap(Self.nameTag) ?? id, title: "Customer gateway", provider: nil,
            origin: found?.origin ?? connection.origin)
        gateway.asn = found?.node["BgpAsnExtended", "BgpAsn"]?.text?.map { UInt32($0) }
        gateway.networks = routes(of: connection)
        if gateway.networks.isEmpty { gateway.networks = routesOfTables(to: near, id) }
        facts.add(gateway)
        if found == nil, document == nil {
            facts.note(
                .missing,
                "the customer gateway of \(name): its address and AS number are in `aws ec2 describe-customer-gateways`, which was not given"
            )
        }
        return id
    }

    private func routes(of connection: Resource) -> [Sourced<IPPrefix>] {
        let own = (connection.node["Routes"]?.members ?? []).filter { $0["State"]?.text?.value != "deleted" }
        let others = resources.of("aws_vpn_connection_route").filter {
            resources.named(by: ["vpn_connection_id"], of: $0, among: ["aws_vpn_connection"])?.key == connection.key
        }
        return (own + others.map(\.node)).compactMap { $0["DestinationCidrBlock"]?.text?.map { IPPrefix($0) } }
    }

    /// What routes of VPCs lead to a gateway: what is behind the only customer's gateway that has a connection there.
    private mutating func routesOfTables(to gateway: String, _ customer: String) -> [Sourced<IPPrefix>] {
        let target = { (route: JSONNode) -> String? in
            route["TransitGatewayId", "GatewayId"]?.text.map { Resource.plain($0.value) }
        }
        var leading: [Sourced<IPPrefix>] = []
        var tables: [(vpc: String, origin: Origin, leads: Bool)] = []
        for table in resources.of("aws_route_table") {
            let routes = (table.node["Routes"] ?? table.node["route"])?.members ?? []
            let own = routes.filter { target($0) == gateway && $0["State"]?.text?.value != "blackhole" }
            leading += own.compactMap { $0["DestinationCidrBlock", "cidr_block"]?.text?.map { IPPrefix($0) } }
            let learns = (table.node["PropagatingVgws"]?.members ?? []).contains {
                ($0["GatewayId"]?.text ?? $0.text).map { Resource.plain($0.value) } == gateway
            }
            if let vpc = table.node["VpcId"]?.text {
                tables.append((vpc.value, table.origin, !own.isEmpty || learns))
            }
        }
        for route in resources.of("aws_route") {
            let found = resources.named(
                by: ["transit_gateway_id", "gateway_id"], of: route,
                among: ["aws_ec2_transit_gateway", "aws_vpn_gateway"])?.key
            guard found == gateway || target(route.node) == gateway else { continue }
            leading += [route.node["destination_cidr_block"]?.text?.map { IPPrefix($0) }].compactMap(\.self)
        }
        noteVPCsWithoutRoute(tables, to: gateway)
        let customers = Set(
            resources.of("aws_vpn_connection").compactMap {
                $0.node["CustomerGatewayId"]?.text.map { Resource.plain($0.value) }
            })
        let local = Self.networksOfVPCs(resources)
        // A transit gateway's routes may lead to another VPC.
        let foreign = leading.filter { route in
            !route.value.isDefault && !local.contains { $0.value.overlaps(route.value) }
        }
        guard customers.subtracting([customer]).isEmpty else { return [] }
        var seen: Set<IPPrefix> = []
        return foreign.filter { seen.insert($0.value).inserted }
    }

    /// A VPC whose tables have no way to the gateway does not answer.
    private mutating func noteVPCsWithoutRoute(
        _ tables: [(vpc: String, origin: Origin, leads: Bool)], to gateway: String
    ) {
        for vpc in Set(tables.map(\.vpc)).sorted() {
            let own = tables.filter { $0.vpc == vpc }
            guard !own.contains(where: \.leads), resources.of("aws_route").isEmpty else {
                continue
            }
            facts.note(
                .unsupported,
                "no route table of \(vpc) (\(own[0].origin.comment)) leads to \(gateway): in AWS it would not answer; in the lab it does"
            )
        }
    }

    /// AWS takes one pair of prefixes, everything unless it is told otherwise.
    private func selectors(of connection: Resource, _ tunnel: inout TunnelFacts) {
        let options = connection.node["Options"] ?? connection.node
        // What is "local" is so to the customer (EC2 API, LocalIpv4NetworkCidr).
        guard let far = options["LocalIpv4NetworkCidr"]?.text?.map({ IPPrefix($0) }),
            let near = options["RemoteIpv4NetworkCidr"]?.text?.map({ IPPrefix($0) }),
            !far.value.isDefault, !near.value.isDefault, tunnel.routing == .fixed
        else { return }
        tunnel.selectors = [(near, far)]
        tunnel.routing = .policies
    }

    private static func nameTag(of resource: Resource) -> String? {
        let tags = resource.node["Tags"]
        let pairs = tags?.isList == true ? tags?.members ?? [] : []
        return pairs.first { $0["Key"]?.text?.value == "Name" }?["Value"]?.text?.value ?? tags?["Name"]?.text?.value
    }
}
