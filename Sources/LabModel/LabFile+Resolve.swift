import NetworkTypes

extension LabFile {
    /// Looks up everything the file names and checks that it fits together.
    ///
    /// - Returns: The topology, and what will work but may surprise.
    /// - Throws: ``LabFileError`` with every problem of the file, not only the first.
    public func resolve() throws(LabFileError) -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        var resolver = TopologyResolver(file: self)
        let topology = resolver.resolve()
        let found = collector.diagnostics.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        guard !collector.hasErrors else { throw LabFileError(diagnostics: found) }
        return (topology, found)
    }
}

/// Builds a topology from a lab file, noting every problem on the way.
///
/// Each step uses what the steps before it have resolved; a part that is wrong is left out, so that one mistake is
/// reported once.
struct TopologyResolver {
    let file: LabFile
    var collector: DiagnosticCollector { file.collector }
    /// Interface names by node, with the line each was given at.
    private var interfaces: [String: [InterfaceName: Int]] = [:]
    /// Nodes with a link that could not be read or names them wrongly: what they lack may be on it, and is not reported.
    private let unsure: Set<String>

    init(file: LabFile) {
        self.file = file
        let names = file.nodes.map(\.name.value)
        let stray = file.links.flatMap(\.ends).map(\.node.value).filter { !names.contains($0) }
        let meant = stray.compactMap { Suggestion.nearest(to: $0, among: names) }
        let isEverySure = file.links.allSatisfy(\.isComplete) && meant.count == stray.count
        unsure = Set(isEverySure ? meant : names)
    }

    /// The link ends written for a node, whether or not their links could be built.
    private func ends(of node: String) -> [LinkSpec.End] {
        file.links.flatMap(\.ends).filter { $0.node.value == node }
    }

    mutating func resolve() -> Topology {
        checkNames()
        let links = file.links.compactMap { resolve(link: $0) }
        checkAddresses(of: links)
        let nodes = file.nodes.map { resolve(node: $0) }
        let tunnels = file.tunnels.compactMap { resolve(tunnel: $0) }
        checkRoutes()
        let sessions = file.sessions.compactMap { resolve(session: $0, tunnels: tunnels, links: links) }
        let topology = Topology(
            name: file.name?.value ?? "", title: file.title, summary: file.summary, deviations: file.deviations,
            clouds: file.clouds.map { Cloud(name: $0.name.value, title: $0.title) }, nodes: nodes, links: links,
            tunnels: tunnels, sessions: sessions, probes: [])
        return Topology(
            name: topology.name, title: topology.title, summary: topology.summary, deviations: topology.deviations,
            clouds: topology.clouds, nodes: nodes, links: links, tunnels: tunnels, sessions: sessions,
            probes: file.probes.compactMap { resolve(probe: $0, topology: topology) })
    }

    // MARK: Names

    private var nodeNames: [String] { file.nodes.map(\.name.value) }

    private func checkNames() {
        let isName = { (text: String) in
            (1...32).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
                && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        }
        let all =
            [file.name].compactMap { $0 } + file.clouds.map(\.name) + file.nodes.map(\.name) + file.links.map(\.name)
            + file.tunnels.map(\.name) + file.sessions.map(\.name) + file.probes.map(\.name)
        for name in all where !isName(name.value) {
            collector.error(
                name.line, "\"\(name.value)\" is not a name",
                "Names are 1 to 32 lower-case letters, digits and hyphens, and do not begin with a hyphen.")
        }
        if file.nodes.isEmpty, !collector.hasErrors {
            collector.error(1, "the lab has no nodes", "Add at least one under `nodes:`.")
        }
        for node in file.nodes {
            guard let cloud = node.cloud, !file.clouds.contains(where: { $0.name.value == cloud.value }) else { continue }
            collector.error(
                cloud.line, "nodes.\(node.name.value): there is no cloud \"\(cloud.value)\"",
                Suggestion.remedy(for: cloud.value, among: file.clouds.map(\.name.value), noun: "clouds"))
        }
    }

    private func isKnown(node: Located<String>, in place: String) -> Bool {
        guard !nodeNames.contains(node.value) else { return true }
        collector.error(
            node.line, "\(place): there is no node \"\(node.value)\"",
            Suggestion.remedy(for: node.value, among: nodeNames, noun: "nodes"))
        return false
    }

    private mutating func claim(_ interface: InterfaceName, of node: String, line: Int) {
        if let earlier = interfaces[node, default: [:]][interface] {
            collector.error(
                line, "node \(node) has two interfaces named \(interface); the other is in line \(earlier)",
                "Give one of them another name.")
        } else if !interface.description.utf8.allSatisfy(Self.isPlain) {
            collector.error(
                line, "\"\(interface)\" of node \(node) is not an interface's name",
                "Write 1 to 15 letters, digits, points, hyphens and underscores.")
        } else if interface.description == "lo" || interface.description == "all" || interface.description == "default" {
            collector.error(line, "\"\(interface)\" is the kernel's own name", "Take another interface name, such as eth0.")
        } else {
            interfaces[node, default: [:]][interface] = line
        }
    }

    /// Letters, digits and what cannot be taken for anything else in a daemon's or nft's configuration.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || "._-".utf8.contains(byte)
    }

    // MARK: Links

    private mutating func resolve(link spec: LinkSpec) -> Link? {
        let place = "links.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.ends.count == 2 else {
            collector.error(
                spec.name.line, "\(place) has \(spec.ends.count) usable ends", "A link joins exactly two: `NODE:INTERFACE: ADDRESS/LENGTH`.")
            return nil
        }
        var ends: [LinkEnd] = []
        for end in spec.ends where isKnown(node: end.node, in: place) {
            claim(end.interface.value, of: end.node.value, line: end.interface.line)
            ends.append(
                LinkEnd(node: end.node.value, interface: end.interface.value, addresses: end.addresses.map(\.value)))
            for address in end.addresses {
                check(hostAddress: address)
            }
        }
        guard ends.count == 2, let rate = spec.shape.rate else { return nil }
        if ends[0].node == ends[1].node {
            collector.error(spec.name.line, "\(place) joins node \(ends[0].node) to itself", "Name two different nodes.")
            return nil
        }
        // Two ends with addresses must share a block, or neither can reach the other.
        let (near, far) = (spec.ends[0].addresses, spec.ends[1].addresses)
        if let stray = far.first, !near.isEmpty,
            !far.contains(where: { end in near.contains { $0.value.prefix == end.value.prefix } })
        {
            collector.error(
                stray.line, "\(place): \(stray.value) is not on the link of \(near.map(\.value.description).joined(separator: ", "))",
                "Both ends of a link need an address in the same block with the same length.")
        }
        return Link(
            name: spec.name.value, ends: ends, mtu: spec.shape.mtu, rate: rate, delay: spec.shape.delay, loss: spec.shape.loss)
    }

    private func check(hostAddress address: Located<InterfaceAddress>) {
        guard case .v4(let v4) = address.value.address, case .v4(let network) = address.value.prefix.address,
            address.value.prefixLength < 31
        else { return }
        let hostBits = UInt32.max >> UInt32(address.value.prefixLength)
        if v4 == network || v4.rawValue | hostBits == v4.rawValue {
            collector.error(
                address.line, "\(address.value) is the network's or the broadcast address of \(address.value.prefix)",
                "Choose an address between them.")
        }
    }

    private func checkAddresses(of links: [Link]) {
        var owners: [IPAddress: (place: String, line: Int)] = [:]
        for link in file.links {
            for end in link.ends {
                for address in end.addresses {
                    let place = "\(end.node.value):\(end.interface.value)"
                    if let other = owners[address.value.address] {
                        collector.error(
                            address.line, "address \(address.value.address) of \(place) is also \(other.place)'s, in line \(other.line)",
                            "Give one of them another address.")
                    } else {
                        owners[address.value.address] = (place, address.line)
                    }
                }
            }
        }
        for node in nodeNames {
            var blocks: [(prefix: IPPrefix, place: String)] = []
            for link in links {
                for end in link.ends where end.node == node {
                    let line = file.links.first { $0.name.value == link.name }?.name.line
                    for address in end.addresses {
                        check(block: address.prefix, of: "link \(link.name)", at: node, line: line, against: &blocks)
                    }
                }
            }
            for tunnel in file.tunnels {
                for end in tunnel.ends where end.node.value == node {
                    guard let inside = end.inside else { continue }
                    let place = "tunnel \(tunnel.name.value)"
                    check(block: inside.value.prefix, of: place, at: node, line: inside.line, against: &blocks)
                }
            }
        }
    }

    /// Notes a block that overlaps one of another link or tunnel of the node, and remembers it.
    private func check(
        block: IPPrefix, of place: String, at node: String, line: Int?, against blocks: inout [(prefix: IPPrefix, place: String)]
    ) {
        if let other = blocks.first(where: { $0.prefix.overlaps(block) && $0.place != place }) {
            collector.error(
                line, "node \(node): the block \(block) of \(place) overlaps \(other.prefix) of \(other.place)",
                "A node's links and tunnels need blocks apart from each other, or it cannot tell where to send.")
        }
        blocks.append((block, place))
    }

    // MARK: Nodes

    private func resolve(node spec: NodeSpec) -> Node {
        let place = "nodes.\(spec.name.value)"
        let ends = ends(of: spec.name.value)
        let hasOneLink = ends.count == 1 || (ends.isEmpty && unsure.contains(spec.name.value))
        if spec.security != nil || !spec.sourceDestinationCheck, spec.role.value != .instance || !hasOneLink {
            collector.error(
                spec.securityLine, "\(place): security rules and the source/destination check belong to an instance with one link",
                "They are enforced at the fabric's port: set `role: instance` and give the node one link.")
        }
        for setting in spec.sysctls {
            let isPlain = setting.value.key.utf8.allSatisfy(Self.isPlain)
            if !setting.value.key.hasPrefix("net.") || !isPlain || setting.value.key.contains("..") {
                collector.error(
                    setting.line, "\(place): \"\(setting.value.key)\" is not a setting of a network namespace",
                    "Write a dotted name below net., such as net.ipv4.ip_forward.")
            }
        }
        return Node(
            name: spec.name.value, cloud: spec.cloud?.value, role: spec.role.value, summary: spec.summary,
            routes: spec.routes.map(\.entry), rules: spec.rules.map(\.value), sysctls: spec.sysctls.map(\.value),
            security: spec.security, sourceDestinationCheck: spec.role.value == .instance && spec.sourceDestinationCheck,
            nat: spec.nat.flatMap { resolve(nat: $0, of: spec.name.value) },
            birdConfiguration: spec.bird.flatMap { companion($0, place: place) })
    }

    private func resolve(nat spec: NodeSpec.NAT, of node: String) -> OneToOneNAT? {
        let place = "nodes.\(node)"
        let own = ends(of: node).map(\.interface.value)
        guard let interface = spec.interface else { return nil }
        guard own.contains(interface.value) || unsure.contains(node) else {
            collector.error(
                interface.line, "\(place).nat: the node has no interface \(interface.value)",
                Suggestion.remedy(
                    for: interface.value.description, among: own.map(\.description), noun: "interfaces here"))
            return nil
        }
        let addresses = Set(file.links.flatMap(\.ends).flatMap(\.addresses).map(\.value.address))
        for mapping in spec.mappings where !addresses.contains(mapping.inside.value) && file.links.allSatisfy(\.isComplete) {
            collector.error(
                mapping.inside.line, "\(place).nat: no node has the address \(mapping.inside.value)",
                "Write the private address of the instance that \(mapping.outside.value) stands for.")
        }
        return OneToOneNAT(
            interface: interface.value,
            mappings: spec.mappings.map { .init(outside: $0.outside.value, inside: $0.inside.value) })
    }

    /// The text of a file beside the lab file; the name must not lead anywhere else.
    private func companion(_ name: Located<String>, place: String) -> String? {
        guard !name.value.isEmpty, !name.value.contains("/"), !name.value.hasPrefix("."), !name.value.utf8.contains(0) else {
            collector.error(
                name.line, "\(place): \"\(name.value)\" is not the plain name of a file beside the lab file",
                "Put the file in the lab's directory and write its name without a path.")
            return nil
        }
        do {
            return try file.companion(name.value)
        } catch {
            collector.error(
                name.line, "\(place): the file \"\(name.value)\" cannot be read: \(error)", "It must stand beside the lab file.")
            return nil
        }
    }

    // MARK: Tunnels

    private mutating func resolve(tunnel spec: TunnelSpec) -> Tunnel? {
        let place = "tunnels.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.ends.count == 2 else {
            collector.error(
                spec.name.line, "\(place) leads to nowhere: it has \(spec.ends.count) usable ends", "A tunnel joins exactly two nodes: add them under `ends:`.")
            return nil
        }
        guard spec.ends.allSatisfy({ isKnown(node: $0.node, in: place) }) else { return nil }
        for end in spec.ends {
            if let interface = end.interface { claim(interface.value, of: end.node.value, line: interface.line) }
            if let inside = end.inside { check(hostAddress: inside) }
        }
        if let (near, far) = zip2(spec.ends[0].inside, spec.ends[1].inside) {
            if near.value.prefix != far.value.prefix {
                collector.error(
                    far.line, "\(place): \(far.value) is not on the link of \(near.value)",
                    "Both inside addresses need the same block with the same length, such as a /30.")
            } else if near.value.address == far.value.address {
                collector.error(far.line, "\(place): both ends have the inside address \(near.value.address)", "Give one of them another address.")
            }
        }
        let ownsFiles = spec.ends.allSatisfy { $0.configuration != nil }
        let proposal = ownsFiles ? nil : proposal(of: spec, place: place)
        if !ownsFiles, !spec.isUnused, spec.ends.allSatisfy({ $0.startup == .listen }) {
            collector.error(
                spec.name.line, "\(place): both ends listen, so the tunnel never comes up",
                "Set `startup: initiate` at one end, or `unused: true` for the tunnel.")
        }
        let nat = file.nodes.compactMap(\.nat).flatMap(\.mappings)
        let outside = { (address: IPAddress) in nat.first { $0.inside.value == address }?.outside.value ?? address }
        var sides: [(spec: TunnelSpec.End, local: IPAddress, parameters: [String: String]?, configuration: TunnelEnd.Configuration)] = []
        for end in spec.ends {
            let owned = self.ends(of: end.node.value).flatMap(\.addresses).map(\.value.address)
            let parameters = end.configuration.flatMap { connection(of: end, file: $0, place: place) }
            let local = end.address ?? parameters?["left"].flatMap(IPAddress.init).map { Located(value: $0, line: end.line) }
            guard let local else {
                if end.configuration == nil {
                    collector.error(
                        end.line, "\(place).ends.\(end.node.value) has no \"address\"",
                        "Add `address: …`, one of the node's own: \(owned.map(\.description).joined(separator: ", ")).")
                }
                continue
            }
            guard owned.contains(local.value) || unsure.contains(end.node.value) else {
                collector.error(
                    local.line, "\(place): node \(end.node.value) does not have the address \(local.value)",
                    "Take one of its own: \(owned.map(\.description).joined(separator: ", ")).")
                continue
            }
            if let configuration = configuration(of: end, place: place) {
                sides.append((end, local.value, parameters, configuration))
            }
        }
        guard sides.count == 2, let proposalOrFiles = ownsFiles ? .some(nil) : proposal.map(Optional.some) else { return nil }
        let index = UInt32(file.tunnels.firstIndex { $0.name.value == spec.name.value } ?? 0)
        let ends = zip(sides, sides.reversed()).compactMap { own, other -> TunnelEnd? in
            guard let interface = own.spec.interface else { return nil }
            checkPeer(of: own.spec, parameters: own.parameters, expected: outside(other.local), place: place)
            return TunnelEnd(
                node: own.spec.node.value, localAddress: own.local, remoteAddress: outside(other.local),
                identity: outside(own.local), interface: interface.value,
                mark: own.parameters.flatMap(Self.mark) ?? 101 + index, inside: own.spec.inside?.value,
                mtu: own.spec.mtu ?? spec.mtu, routes: own.spec.routes,
                connection: own.spec.connection?.value ?? spec.name.value, configuration: own.configuration)
        }
        guard ends.count == 2 else { return nil }
        return Tunnel(name: spec.name.value, summary: spec.summary, proposal: proposalOrFiles, isUnused: spec.isUnused, ends: ends)
    }

    private func proposal(of spec: TunnelSpec, place: String) -> TunnelProposal? {
        if !spec.missing.isEmpty {
            collector.error(
                spec.name.line, "\(place) has no \(spec.missing.joined(separator: ", "))",
                "A generated tunnel needs `ike:`, `esp:` and `psk:`; or give both ends their own `config:`.")
        }
        guard let ike = spec.ike, let esp = spec.esp, let key = spec.presharedKey else { return nil }
        return TunnelProposal(ike: ike, esp: esp, deadPeerDetection: spec.deadPeerDetection, presharedKey: key)
    }

    private func connection(of end: TunnelSpec.End, file: Located<String>, place: String) -> [String: String]? {
        guard let text = companion(file, place: place) else { return nil }
        let connections = IpsecConf(text).connections
        guard let name = end.connection, let parameters = connections[name.value] else {
            collector.error(
                end.connection?.line ?? end.line,
                "\(place): \(file.value) has no `conn \(end.connection?.value ?? "…")` section",
                Suggestion.remedy(for: end.connection?.value ?? "", among: connections.keys, noun: "connections there"))
            return nil
        }
        if let interface = end.interface, let named = parameters["vti-interface"], named != interface.value.description {
            collector.error(
                interface.line, "\(place): \(file.value) says vti-interface=\(named), the lab file \(interface.value)",
                "Write `interface: \(named)`.")
        }
        if parameters["vti-interface"] != nil, Self.mark(parameters) == nil {
            collector.error(
                file.line, "\(place): \(file.value): vti-interface= needs mark=", "Add `mark=5/0xffffffff` to conn \(name.value).")
        }
        return parameters
    }

    private func configuration(of end: TunnelSpec.End, place: String) -> TunnelEnd.Configuration? {
        guard let name = end.configuration else {
            return .generated(startup: end.startup, deadPeerAction: end.deadPeerAction)
        }
        guard let secretsName = end.secrets else {
            collector.error(
                name.line, "\(place).ends.\(end.node.value) has `config:` but no `secrets:`", "Add `secrets: FILE` with its pre-shared key.")
            return nil
        }
        guard let configuration = companion(name, place: place), let secrets = companion(secretsName, place: place) else { return nil }
        return .own(
            ConnectionFiles(
                configurationName: name.value, configuration: configuration, secretsName: secretsName.value,
                secrets: Secret(secrets)))
    }

    private func checkPeer(of end: TunnelSpec.End, parameters: [String: String]?, expected: IPAddress, place: String) {
        guard let right = parameters?["right"], right != "%any", let file = end.configuration else { return }
        if IPAddress(right) != expected {
            collector.error(
                file.line, "\(place): \(file.value) says right=\(right), but the other end is reached at \(expected)",
                "Write right=\(expected), or mend the addresses and the NAT of the lab file.")
        }
    }

    /// The number before the mask of `mark=5/0xffffffff`.
    private static func mark(_ parameters: [String: String]) -> UInt32? {
        guard let text = parameters["mark"]?.split(separator: "/").first else { return nil }
        return text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }

    // MARK: Routes

    private func checkRoutes() {
        for node in file.nodes {
            let name = node.name.value
            let place = "nodes.\(name)"
            let blocks =
                ends(of: name).flatMap(\.addresses).map(\.value.prefix)
                + file.tunnels.flatMap(\.ends).filter { $0.node.value == name }.compactMap(\.inside?.value.prefix)
            let isSure = !unsure.contains(name)
            let own = interfaces[name, default: [:]].keys.map(\.description)
            var seen: [String: Int] = [:]
            for route in node.routes {
                for hop in route.entry.nextHops {
                    if isSure, let gateway = hop.gateway, !blocks.contains(where: { $0.contains(gateway) }) {
                        collector.error(
                            route.line, "\(place): the gateway \(gateway) of \(route.entry.destination) is on none of the node's links",
                            "Its links are \(blocks.map(\.description).joined(separator: ", ")).")
                    }
                    if isSure, let interface = hop.interface, !own.contains(interface.description) {
                        collector.error(
                            route.line, "\(place): there is no interface \(interface) for \(route.entry.destination)",
                            Suggestion.remedy(for: interface.description, among: own, noun: "interfaces here"))
                    }
                }
                let key = "\(route.entry.destination) in table \(route.entry.table)"
                if let earlier = seen[key] {
                    collector.error(
                        route.line, "\(place): there are two routes to \(key); the other is in line \(earlier)",
                        "Keep one; for several next hops write a list: `PREFIX: [GATEWAY, GATEWAY]`.")
                }
                seen[key] = route.line
            }
        }
    }

    // MARK: BGP and probes

    private func resolve(session spec: SessionSpec, tunnels: [Tunnel], links: [Link]) -> BGPSession? {
        let place = "bgp.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.speakers.count == 2 else {
            collector.error(
                spec.name.line, "\(place) has \(spec.speakers.count) usable speakers", "A session joins exactly two nodes: add them under `speakers:`.")
            return nil
        }
        let ends: [(node: String, interface: InterfaceName, address: InterfaceAddress?)]
        if let tunnel = tunnels.first(where: { $0.name == spec.over.value }) {
            if tunnel.isUnused {
                collector.error(
                    spec.over.line, "\(place): tunnel \(tunnel.name) is unused, so the session would never come up",
                    "Remove `unused: true` from the tunnel, or the session.")
            }
            ends = tunnel.ends.map { ($0.node, $0.interface, $0.inside) }
        } else if let link = links.first(where: { $0.name == spec.over.value }) {
            ends = link.ends.map { ($0.node, $0.interface, $0.addresses.first) }
        } else {
            // A tunnel that was left out for an error of its own has been reported already.
            let written = file.tunnels.map(\.name.value) + file.links.map(\.name.value)
            if !written.contains(spec.over.value) {
                collector.error(
                    spec.over.line, "\(place): there is no tunnel or link \"\(spec.over.value)\"",
                    Suggestion.remedy(for: spec.over.value, among: written, noun: "tunnels and links"))
            }
            return nil
        }
        let speakers = spec.speakers.compactMap { speaker -> BGPSpeaker? in
            guard isKnown(node: speaker.node, in: place) else { return nil }
            guard let end = ends.first(where: { $0.node == speaker.node.value }), let address = end.address else {
                collector.error(
                    speaker.node.line, "\(place): node \(speaker.node.value) has no address on \(spec.over.value)",
                    "The speakers are the two ends of it: \(ends.map(\.node).joined(separator: ", ")); a tunnel's end needs `inside:`.")
                return nil
            }
            return BGPSpeaker(
                node: speaker.node.value, asn: speaker.asn, address: address.address, interface: end.interface,
                keepalive: speaker.keepalive, hold: speaker.hold, advertised: speaker.advertised)
        }
        guard speakers.count == 2 else { return nil }
        return BGPSession(name: spec.name.value, speakers: speakers, password: spec.password)
    }

    private func resolve(probe spec: ProbeSpec, topology: Topology) -> Probe? {
        let place = "probes.\(spec.name.value)"
        guard isKnown(node: spec.source, in: place) else { return nil }
        let isAddress = IPAddress(spec.destination.value)
        if let address = isAddress ?? topology.address(of: spec.destination.value) {
            return Probe(name: spec.name.value, source: spec.source.value, destination: address, interval: spec.interval)
        }
        guard !unsure.contains(spec.destination.value) else { return nil }
        collector.error(
            spec.destination.line, "\(place): \"\(spec.destination.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: spec.destination.value, among: nodeNames, noun: "nodes"))
        return nil
    }
}

/// Both, or neither.
private func zip2<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
    guard let first, let second else { return nil }
    return (first, second)
}
