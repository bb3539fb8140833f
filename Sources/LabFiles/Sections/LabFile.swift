import Certificates
import Daemons
import LabModel
import NetworkTypes
import OSPFReading
import PolicyReading
import Providers
import RoutingDaemons
import YAMLReading

/// A lab file as it is written: every value read, nothing yet looked up.
///
/// ``resolve()`` turns it into a ``Topology`` or says all that is wrong.
public struct LabFile {
    let name: Located<String>?
    let title: String
    let summary: String
    let deviations: [String]
    let clouds: [CloudSpec]
    /// Providers' rules that the lab breaks on purpose, each with why.
    let accepts: [(rule: Located<String>, reason: String)]
    let nodes: [NodeSpec]
    let links: [LinkSpec]
    let tunnels: [TunnelSpec]
    let plainTunnels: [PlainTunnelSpec]
    let sessions: [SessionSpec]
    let ospf: [OSPFSpec]
    let policies: [PolicySpec]
    let probes: [ProbeSpec]
    /// Read when everything that they speak of is known.
    let expectations: [(name: Located<String>, value: YAMLValue)]
    let scenarios: [(name: Located<String>, value: YAMLValue)]
    let soak: YAMLValue?
    let variants: [VariantSpec]
    /// The variant that this is; nil for the lab as it stands.
    let variant: String?
    /// The names in each section, also of parts that could not be read, which has been reported.
    let written: [String: [String]]
    /// The whole file as it is written, without a variant.
    let root: YAMLValue?
    /// The whole file with the variant laid over it.
    let merged: YAMLValue?
    let collector: DiagnosticCollector
    let text: String
    let companion: @Sendable (String) throws -> String
    let companionNames: @Sendable (String) -> [String]
    /// When the lab comes up, in seconds since 1970: by this, certificates are valid or not.
    let date: Int64
    /// Nil where providers are not looked at.
    let providers: ProviderLibrary?

    private static let keys = [
        "name", "title", "summary", "deviations", "clouds", "accepts", "defaults", "nodes", "links", "tunnels", "bgp",
        "ospf", "policies", "probes", "expect", "soak", "variants", "scenarios",
    ]

    /// Reads a lab file's text.
    ///
    /// - Parameters:
    ///   - text: The YAML.
    ///   - file: The file's name for messages.
    ///   - variant: One of the file's variants, to be laid over it.
    ///   - providers: What `provider:` of a cloud may name; nil leaves providers' rules and defaults out.
    ///   - date: When the lab comes up, in seconds since 1970: its date is the machine's then.
    ///   - companionNames: The names of the files in a directory beside the lab file, or beside it itself (`.`).
    ///   - companion: Reads a file beside the lab file by its path from there, for configurations that the lab brings along.
    public init(
        text: String, file: String, variant: String? = nil, providers: ProviderLibrary? = nil,
        date: Int64 = CertificateDate.now, companionNames: @escaping @Sendable (String) -> [String] = { _ in [] },
        companion: @escaping @Sendable (String) throws -> String
    ) {
        let collector = DiagnosticCollector(file: file)
        self.text = text
        // Nil where it is not YAML, which has been reported.
        root = YAMLValue.parse(text, collector: collector)
        self.providers = providers
        self.collector = collector
        self.companion = companion
        self.companionNames = companionNames
        self.date = date
        self.variant = variant
        let section = root?.entry("variants")
        variants =
            section?.entries("a mapping of variants").map { VariantSpec(key: $0, value: $1, keys: Self.keys) } ?? []
        let changes = variants.first { $0.name.value == variant }?.changes
        if let variant, root != nil, changes == nil {
            collector.error(
                section?.line, "there is no variant \"\(variant)\"",
                Suggestion.remedy(for: variant, among: variants.map(\.name.value), noun: "variants"))
        }
        let whole = root.map { root in
            changes.map { root.replacing(root.node.overlaid(by: $0), collector: collector) } ?? root
        }
        merged = whole
        let fields = whole?.fields(Self.keys)
        name = fields?.required("name", "the lab's name, as in `netlab up NAME`")?.text()
        title = fields?["title"]?.text()?.value ?? name?.value ?? ""
        summary = fields?["summary"]?.text()?.value ?? ""
        deviations = fields?["deviations"]?.members.compactMap { $0.text()?.value } ?? []
        clouds = fields?["clouds"]?.entries("a mapping of clouds").map(CloudSpec.init) ?? []
        accepts =
            fields?["accepts"]?.entries("a mapping of rules to reasons").compactMap { key, value in
                value.text("the reason why the rule may be broken").map { (key, $0.value) }
            } ?? []
        let defaults = LinkSpec.Shape(
            fields?["defaults"]?.fields(["link"])?["link"]?.fields(LinkSpec.Shape.keys), over: .standard)
        let machines =
            fields?.required("nodes", "the machines of the lab")?.entries("a mapping of nodes").compactMap(
                NodeSpec.init)
            ?? []
        links =
            fields?["links"]?.entries("a mapping of links").map {
                LinkSpec(key: $0, value: $1, defaults: defaults)
            } ?? []
        let tunnels = fields?["tunnels"]?.entries("a mapping of tunnels") ?? []
        let isPlain = { (value: YAMLValue) in value.entry("kind") != nil }
        self.tunnels = tunnels.filter { !isPlain($1) }.compactMap(TunnelSpec.init)
        plainTunnels = tunnels.filter { isPlain($1) }.compactMap(PlainTunnelSpec.init)
        let ends = self.tunnels.flatMap(\.ends).map(\.node.value) + plainTunnels.flatMap(\.ends).map(\.node.value)
        let rented = Set(clouds.filter { $0.provider != nil }.map(\.name.value))
        nodes = NodeSpec.settled(machines, gateways: Set(ends), links: links, rented: rented)
        sessions = fields?["bgp"]?.entries("a mapping of BGP sessions").compactMap(SessionSpec.init) ?? []
        ospf = fields?["ospf"]?.entries("a mapping of OSPF domains").compactMap(OSPFSpec.init) ?? []
        policies = fields?["policies"]?.entries("a mapping of policies").compactMap(PolicySpec.init) ?? []
        probes = fields?["probes"]?.entries("a mapping of probes").compactMap(ProbeSpec.init) ?? []
        written = (fields?.values ?? [:]).mapValues {
            $0.node.mapping?.mergedPairs.compactMap { $0.key.scalar?.string } ?? []
        }
        expectations = fields?["expect"]?.entries("a mapping of expectations").map { ($0, $1) } ?? []
        scenarios = fields?["scenarios"]?.entries("a mapping of scenarios").map { ($0, $1) } ?? []
        soak = fields?["soak"]
    }
}

extension LabFile {
    /// The daemons that may have a part in the lab, as far as the file says it by itself.
    public var daemons: Set<DaemonID> {
        let negotiating = tunnels.isEmpty ? [] : nodes.map(\.keyDaemon.id)
        let routing = sessions.isEmpty && ospf.isEmpty ? [] : nodes.map(\.routingDaemon.id)
        return Set(negotiating + routing)
    }

    public var hasScenarios: Bool { !scenarios.isEmpty }

    /// Where a part of the lab is written: its line, from 1; nil for what is not.
    ///
    /// - Parameter section: The key of the part's section, such as `tunnels`.
    public func line(of name: String, in section: String) -> Int? {
        merged?.entry(section)?.node.mapping?.mergedPairs.first { $0.key.scalar?.string == name }?.key.mark?.line
    }
}

struct CloudSpec {
    let name: Located<String>
    let title: String
    let provider: Located<String>?

    init(key: Located<String>, value: YAMLValue) {
        let fields = value.fields(["title", "provider"])
        name = key
        title = fields?["title"]?.text()?.value ?? key.value
        provider = fields?["provider"]?.text("a provider's name")
    }
}

struct NodeSpec {
    struct Route {
        let entry: RouteEntry
        let line: Int
    }
    struct NAT {
        /// Nil where it could not be read, which has been reported.
        let interface: Located<InterfaceName>?
        let mappings: [(outside: Located<IPAddress>, inside: Located<IPAddress>)]
        let masqueraded: [AddressTranslation.Masquerade]
        let timeouts: AddressTranslation.Timeouts
    }

    let name: Located<String>
    let cloud: Located<String>?
    let zone: Located<String>?
    private(set) var role: Located<Node.Role>
    /// Whether the file says itself whether it forwards: by its role, by what only an instance has, or by its kernel's settings.
    private let isRoleWritten: Bool
    let summary: String
    let routes: [Route]
    let rules: [Located<PolicyRule>]
    let sysctls: [Located<Sysctl>]
    let filters: [Located<InboundFilter>]
    let security: [SecurityRule]?
    let securityLine: Int
    let sourceDestinationCheck: Bool
    let nat: NAT?
    let mss: MSSClamp
    let keyDaemon: any KeyDaemon
    let routingDaemon: any RoutingDaemon
    let bestPath: BestPathOptions
    let preferredSource: Located<IPv4Address>?
    let decrementsTTL: Located<Bool>
    /// The user's own file for the routing daemon.
    let routingConfiguration: Located<String>?
    /// The user's own file of settings for the key daemon.
    let keySettings: Located<String>?
    let boot: BootSpec
    let system: NodeSystem?

    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields(
                [
                    "cloud", "zone", "role", "summary", "routes", "rules", "sysctls", "security",
                    "source-destination-check", "filter", "nat", "mss", "ike", "preferred-source", "decrement-ttl",
                    "bgp", "best-path", "system",
                ] + BootSpec.keys + DaemonRegistry.routingDaemons.map(\.keyword)
                    + Self.keyDaemonsWithSettings.map(\.keyword))
        else { return nil }
        name = key
        cloud = fields["cloud"]?.text()
        zone = fields["zone"]?.text()
        role = fields["role"]?.choice(Node.Role.self, noun: "roles") ?? Located(value: .instance, line: key.line)
        summary = fields["summary"]?.text()?.value ?? ""
        routes = fields["routes"]?.entries("a mapping of prefixes to next hops").compactMap(Route.init) ?? []
        rules = fields["rules"]?.members.enumerated().compactMap { Self.rule($1, index: $0) } ?? []
        sysctls =
            fields["sysctls"]?.entries("a mapping of kernel settings").compactMap { key, value in
                guard let text = value.text() else { return nil }
                return Located(value: Sysctl(key: key.value, value: text.value), line: key.line)
            } ?? []
        security = fields["security"]?.members.compactMap(Self.securityRule)
        securityLine = fields["security"]?.line ?? key.line
        sourceDestinationCheck = fields["source-destination-check"]?.flag()?.value ?? true
        filters =
            fields["filter"]?.entries("a mapping of interfaces to rules").compactMap { key, value in
                guard let interface = InterfaceName(key.value) else {
                    value.collector.error(
                        key.line, "\(value.path): \"\(key.value)\" is not an interface's name",
                        "Write the name of an interface of the node, of 1 to 15 bytes.")
                    return nil
                }
                let rules = value.members.compactMap(Self.securityRule)
                return Located(value: InboundFilter(interface: interface, rules: rules), line: key.line)
            } ?? []
        nat = fields["nat"].flatMap(Self.nat)
        mss = fields["mss"]?.mssClamp() ?? .off
        // A file for a daemon chooses it.
        let configured = Self.keyDaemonsWithSettings.first { fields[$0.keyword] != nil }
        keyDaemon =
            fields["ike"]?.daemon(among: DaemonRegistry.keyDaemons, noun: "IKE daemons") ?? configured
            ?? DaemonRegistry.usualKeyDaemon
        let settings = configured.flatMap { fields[$0.keyword]?.text("the name of a file beside the lab file") }
        keySettings = configured?.id == keyDaemon.id ? settings : nil
        let own = DaemonRegistry.routingDaemons.first { fields[$0.keyword] != nil }
        routingDaemon =
            fields["bgp"]?.daemon(among: DaemonRegistry.routingDaemons, noun: "routing daemons") ?? own
            ?? DaemonRegistry.usualRoutingDaemon
        bestPath = fields["best-path"].map(BestPathOptions.init) ?? BestPathOptions()
        preferredSource = fields["preferred-source"]?.value(IPv4Address.self, "an IPv4 address of the node's own")
        decrementsTTL = fields["decrement-ttl"]?.flag() ?? Located(value: true, line: key.line)
        isRoleWritten =
            ["role", "security", "source-destination-check"].contains { fields[$0] != nil }
            || sysctls.contains { $0.value.key.hasSuffix("forward") || $0.value.key.hasSuffix("forwarding") }
        routingConfiguration = own.flatMap { fields[$0.keyword]?.text("the name of a file beside the lab file") }
        boot = BootSpec(fields)
        system = fields["system"].flatMap(Self.system)
        if let own, own.id != routingDaemon.id {
            value.collector.error(
                fields[own.keyword]?.line,
                "\(value.path) has a file for \(own.product) and runs \(routingDaemon.product)",
                "Remove `bgp:` or `\(own.keyword):`.")
        }
        if let configured, configured.id != keyDaemon.id {
            value.collector.error(
                fields[configured.keyword]?.line,
                "\(value.path) has a file for \(configured.product) and runs \(keyDaemon.product)",
                "Remove `ike:` or `\(configured.keyword):`.")
        }
    }

    private static func system(_ value: YAMLValue) -> NodeSystem? {
        guard let text = value.text("a release such as debian-13, or a root directory") else { return nil }
        guard let system = NodeSystem(text.value) else {
            let names = DebianRelease.allCases.map(\.rawValue)
            value.collector.error(
                value.line,
                "\(value.path): \"\(text.value)\" is no release that netlab knows, and no directory, which has a slash in it",
                Suggestion.remedy(for: text.value, among: names, noun: "releases"))
            return nil
        }
        return system
    }

    private static var keyDaemonsWithSettings: [any KeyDaemon] {
        DaemonRegistry.keyDaemons.filter { $0.settingsFile != nil }
    }

    /// Nodes whose roles are known by what they do, where they say nothing themselves: who ends a tunnel, and whom another node's route
    /// leads to, is a router.
    ///
    /// - Parameter rented: Clouds of providers, where a machine is its user's, and the provider's rules not its own, unless it says so.
    static func settled(
        _ nodes: [NodeSpec], gateways: Set<String>, links: [LinkSpec], rented: Set<String>
    ) -> [NodeSpec] {
        guard nodes.contains(where: { !$0.isRoleWritten }) else { return nodes }
        let ends = links.flatMap(\.ends)
        let hops = nodes.reduce(into: [IPAddress: Set<String>]()) { hops, node in
            for hop in node.routes.flatMap(\.entry.nextHops).compactMap(\.gateway) {
                hops[hop, default: []].insert(node.name.value)
            }
        }
        return nodes.map { node in
            let name = node.name.value
            let isNextHop = ends.contains { end in
                end.node.value == name
                    && end.addresses.contains { hops[$0.value.address, default: []].contains { $0 != name } }
            }
            guard !node.isRoleWritten, !rented.contains(node.cloud?.value ?? ""), gateways.contains(name) || isNextHop
            else { return node }
            var router = node
            router.role = Located(value: .router, line: node.role.line)
            return router
        }
    }

    private static func rule(_ value: YAMLValue, index: Int) -> Located<PolicyRule>? {
        guard let fields = value.fields(["from", "to", "in", "table", "priority"]),
            let table = fields.required("table", "the route table's number")?.value(UInt32.self, "a table's number")
        else { return nil }
        let rule = PolicyRule(
            priority: fields["priority"]?.value(UInt32.self, "a number")?.value ?? UInt32(1000 + index),
            from: fields["from"]?.value(IPPrefix.self, "a prefix such as 10.0.0.0/8")?.value,
            to: fields["to"]?.value(IPPrefix.self, "a prefix such as 10.0.0.0/8")?.value,
            inputInterface: fields["in"]?.value(InterfaceName.self, "an interface's name")?.value, table: table.value)
        return Located(value: rule, line: value.line)
    }

    private static func securityRule(_ value: YAMLValue) -> SecurityRule? {
        guard let fields = value.fields(["from", "protocol", "ports"]),
            let source = fields.required("from", "the prefix the traffic comes from")?
                .value(IPPrefix.self, "a prefix such as 10.0.0.0/8")
        else { return nil }
        let written = fields["protocol"].map {
            $0.choice(SecurityRule.TransportProtocol.self, noun: "protocols")?.value
        }
        guard let transport = written ?? .any else { return nil }
        let ports = fields["ports"]?.members.compactMap { $0.value(UInt16.self, "a port from 0 to 65535")?.value } ?? []
        if !ports.isEmpty, transport != .tcp, transport != .udp {
            value.collector.error(
                value.line, "\(value.path): ports need a protocol that has them",
                "Add `protocol: tcp` or `protocol: udp`.")
        }
        return SecurityRule(source: source.value, transport: transport, ports: ports)
    }

    /// `true`, prefixes, or a mapping of public addresses to prefixes.
    private static func masqueraded(_ value: YAMLValue) -> [AddressTranslation.Masquerade] {
        func prefixes(_ value: YAMLValue, _ outside: IPAddress?) -> [AddressTranslation.Masquerade] {
            value.members.compactMap { member in
                guard let prefix = member.value(IPPrefix.self, "a prefix such as 10.0.0.0/8")?.value else { return nil }
                if prefix.address.bitWidth != 32 { member.wrong("a prefix of IPv4") }
                return AddressTranslation.Masquerade(inside: prefix, outside: outside)
            }
        }
        if value.node.mapping != nil {
            return value.entries("a mapping of public addresses to prefixes").flatMap { key, member in
                guard let outside = IPAddress(key.value), outside.bitWidth == 32 else {
                    value.collector.error(
                        key.line, "\(value.path): \"\(key.value)\" is not an IPv4 address", "Write the public address.")
                    return [AddressTranslation.Masquerade]()
                }
                return prefixes(member, outside)
            }
        }
        guard ["true", "yes", "on"].contains(value.node.scalar?.string ?? "") else { return prefixes(value, nil) }
        return [AddressTranslation.Masquerade(inside: SelectorPair.all.local, outside: nil)]
    }

    private static func nat(_ value: YAMLValue) -> NAT? {
        guard let fields = value.fields(["outside", "map", "masquerade", "timeouts"]) else { return nil }
        let masqueraded = fields["masquerade"].map(masqueraded)
        let interface = fields.required("outside", "the interface that faces the Internet")?
            .value(InterfaceName.self, "an interface's name")
        let map =
            masqueraded == nil
            ? fields.required("map", "public addresses and the private ones they stand for; or `masquerade:`")
            : fields["map"]
        let mappings = map?.entries("a mapping of public to private addresses").compactMap { key, value in
            let outside = IPAddress(key.value)
            if outside == nil {
                value.collector.error(
                    key.line, "\(value.path): \"\(key.value)\" is not an address", "Write the public address.")
            }
            return outside.flatMap { address in
                value.value(IPAddress.self, "the private address").map { (Located(value: address, line: key.line), $0) }
            }
        }
        return NAT(
            interface: interface, mappings: mappings ?? [], masqueraded: masqueraded ?? [],
            timeouts: fields["timeouts"].map { timeouts($0, isOfPorts: masqueraded != nil) } ?? .init())
    }

    private static func timeouts(_ value: YAMLValue, isOfPorts: Bool) -> AddressTranslation.Timeouts {
        guard let fields = value.fields(["udp", "udp-stream"]) else { return .init() }
        if !isOfPorts {
            value.collector.error(
                value.line, "\(value.path): a translation one to one is there for ever",
                "Remove `timeouts:`, or add `masquerade:`.")
        }
        let time = { (key: String) -> Duration? in
            guard let field = fields[key], let time = field.duration()?.value else { return nil }
            if time < .seconds(1) || time > .seconds(86400) || time.components.attoseconds != 0 {
                field.wrong("whole seconds from 1s to 1d, such as 30s")
            }
            return time
        }
        return .init(unanswered: time("udp"), stream: time("udp-stream"))
    }
}

extension NodeSpec.Route {
    /// `PREFIX: GATEWAY`, `PREFIX: [GATEWAY, GATEWAY]`, or `PREFIX: {via:, dev:, table:}`.
    init?(key: Located<String>, value: YAMLValue) {
        guard let prefix = IPPrefix(key.value) else {
            value.collector.error(
                key.line, "\(value.path): \"\(key.value)\" is not a prefix",
                "Write a block without host bits, such as 10.2.0.0/16; 0.0.0.0/0 for the default route.")
            return nil
        }
        let gateways: [YAMLValue]
        var interface: InterfaceName?
        var table: UInt32 = 254
        if value.node.mapping != nil {
            guard let fields = value.fields(["via", "dev", "table"]) else { return nil }
            gateways = fields["via"]?.members ?? []
            interface = fields["dev"]?.value(InterfaceName.self, "an interface's name")?.value
            table = fields["table"]?.value(UInt32.self, "a table's number")?.value ?? table
        } else {
            gateways = value.members
        }
        if gateways.isEmpty, interface == nil {
            value.collector.error(key.line, "\(value.path) leads nowhere", "Add `via: ADDRESS` or `dev: INTERFACE`.")
            return nil
        }
        let hops = gateways.compactMap { $0.value(IPAddress.self, "a gateway's address") }
        guard hops.count == gateways.count else { return nil }
        let nextHops = hops.map { RouteEntry.NextHop(gateway: $0.value, interface: interface) }
        entry = RouteEntry(
            destination: prefix, nextHops: nextHops.isEmpty ? [.init(gateway: nil, interface: interface)] : nextHops,
            table: table)
        line = key.line
    }
}

struct LinkSpec {
    struct Shape {
        static let keys = ["mtu", "rate", "delay", "loss"]
        static let standard = Shape()

        var mtu = MTU.ethernet
        var rate = BitRate(bitsPerSecond: 1_000_000_000)
        var delay = Duration.microseconds(100)
        var loss = Percentage.zero

        private init() {}

        init(_ fields: YAMLFields?, over base: Shape) {
            self = base
            if let value = fields?["mtu"]?.value(MTU.self, "an MTU from 68 to 65535") { mtu = value.value }
            if let value = fields?["rate"]?.value(BitRate.self, "a rate such as 500mbit or 1.25gbit") {
                rate = value.value
            }
            if let value = fields?["delay"]?.duration() { delay = value.value }
            if let value = fields?["loss"]?.value(Percentage.self, "a share such as 0.03%") { loss = value.value }
        }
    }
    struct End {
        let node: Located<String>
        let interface: Located<InterfaceName>
        let addresses: [Located<InterfaceAddress>]
    }

    let name: Located<String>
    let ends: [End]
    /// Whether every end that is written could be read; if not, that has been reported.
    let isComplete: Bool
    let shape: Shape
    let vlan: Located<Int>?

    init(key: Located<String>, value: YAMLValue, defaults: Shape) {
        let fields = value.fields(["ends", "vlan"] + Shape.keys)
        let written = fields?.required("ends", "the two `NODE:INTERFACE: ADDRESS/LENGTH` it joins")?
            .entries("a mapping of NODE:INTERFACE to addresses")
        name = key
        shape = Shape(fields, over: defaults)
        vlan = fields?["vlan"].flatMap(Self.vlan)
        ends = written?.compactMap(End.init) ?? []
        isComplete = written?.count == ends.count
    }

    /// 0 marks a priority without a VLAN, and 4095 is reserved (IEEE 802.1Q-2018, table 9-2).
    private static func vlan(_ value: YAMLValue) -> Located<Int>? {
        guard let number = value.value(Int.self, "a VLAN identifier from 1 to 4094") else { return nil }
        guard (1...4094).contains(number.value) else {
            value.wrong("a VLAN identifier from 1 to 4094")
            return nil
        }
        return number
    }
}

extension LinkSpec.End {
    init?(key: Located<String>, value: YAMLValue) {
        let parts = key.value.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let name = InterfaceName(parts[1]) else {
            value.collector.error(
                key.line, "\(value.path): \"\(key.value)\" is not NODE:INTERFACE",
                "Write the node's name, a colon, and an interface's name of 1 to 15 bytes.")
            return nil
        }
        node = Located(value: parts[0], line: key.line)
        interface = Located(value: name, line: key.line)
        addresses = value.members.compactMap {
            $0.value(InterfaceAddress.self, "an address with its link's length, such as 10.2.3.100/24")
        }
    }
}
