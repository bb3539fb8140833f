import LabModel
import NetworkTypes
import Providers

/// The settled lab as a lab file, with a comment at every value that says whence it is.
struct LabText {
    let lab: SettledLab
    let name: String
    let sources: [String]
    /// Rules of providers that the lab breaks as its inputs do.
    let accepted: [String]
    private var lines: [String] = []

    /// - Parameter sources: The inputs' names.
    init(_ lab: SettledLab, name: String, sources: [String], accepted: [String]) {
        self.accepted = accepted
        self.lab = lab
        self.name = name
        self.sources = sources
    }

    /// The files beside the lab file that have the tunnels' keys, by their names.
    var keys: [(name: String, key: String)] {
        lab.tunnels.flatMap { tunnel in
            tunnel.keys.enumerated().map { (keyFile(of: tunnel, $0), $1.value) }
        }
    }

    var text: String {
        var copy = self
        copy.write()
        return copy.lines.joined(separator: "\n") + "\n"
    }

    private mutating func add(_ line: String, _ origin: Origin? = nil) {
        lines.append(origin.map { "\(line)  # \($0.comment.oneLine)" } ?? line)
    }

    private mutating func write() {
        let gateways = lab.gateways
        let titles = gateways.map(\.title).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let count = lab.tunnels.count
        let title = "\(titles.joined(separator: " and ")), \(count) tunnel\(count == 1 ? "" : "s")"
        add(
            "# Imported from \(sources.joined(separator: ", ").oneLine) by `netlab import`. Behind each value is whence it is: a file and the place in it,"
        )
        add(
            "# or `assumed` and why. Pre-shared keys are in files of their own beside this one. What must hold is derived: `netlab check`."
        )
        for kind in ImportNote.Kind.allCases {
            let notes = lab.notes.filter { $0.kind == kind }
            guard !notes.isEmpty else { continue }
            add("#")
            add("# \(kind.heading):")
            for note in notes { add("# - \(note.text.oneLine)") }
        }
        add("name: \(name)")
        add("title: \(title.quoted)")
        add("")
        add("clouds:")
        for gateway in gateways {
            let provider = gateway.provider.map { ", provider: \($0)" } ?? ""
            add("  \(gateway.name): {title: \(gateway.title.quoted)\(provider)}", gateway.origin)
        }
        add("  internet: {title: Internet}")
        if !accepted.isEmpty {
            add("")
            add("# Imported values that rules of providers speak against: what a provider has itself is kept.")
            add("accepts:")
            for rule in accepted { add("  \(rule): imported, and not changed") }
        }
        writeNodes()
        writeLinks()
        writeTunnels()
        writeSessions()
        writeProbes()
    }

    // MARK: Nodes and links

    /// Blocks for tests of networks (RFC 2544) join gateways to the Internet, so that their own addresses may be any.
    private func transit(_ gateway: Int, _ block: Int, _ place: Int) -> String {
        "198.18.\(gateway % 256).\(block * 4 + place)"
    }
    /// The same for IPv6 (RFC 5180).
    private func transit6(_ gateway: Int, _ block: Int, _ place: Int) -> String {
        "2001:2:0:\(String(gateway * 4 + block, radix: 16))::\(place)"
    }

    /// The neighbour's address of a gateway whose own file may leave to the kernel which address it speaks from: the kernel takes that of the
    /// way to its neighbour, so that both are of one block of two (RFC 3021). Nil where another block joins it to the Internet.
    private func neighbour(of gateway: SettledLab.Gateway) -> IPAddress? {
        let isOwn = lab.tunnels.flatMap(\.ends).contains { $0.gateway == gateway.key && $0.own != nil }
        guard isOwn, gateway.addresses.count == 1, gateway.translations.isEmpty,
            case .v4(let own)? = gateway.addresses.first?.value
        else { return nil }
        let neighbour = IPAddress.v4(IPv4Address(rawValue: own.rawValue ^ 1))
        let isFree = lab.gateways.allSatisfy { other in
            !other.addresses.contains { $0.value == neighbour }
                && !other.networks.contains { $0.value.contains(neighbour) || $0.value.contains(IPAddress.v4(own)) }
        }
        return isFree ? neighbour : nil
    }

    private func routes(_ pairs: [String]) -> String {
        pairs.isEmpty ? "" : ", routes: {\(pairs.joined(separator: ", "))}"
    }

    private func hasV6(_ gateway: SettledLab.Gateway) -> Bool { gateway.addresses.contains { !$0.value.isV4 } }

    private mutating func writeNodes() {
        add("")
        add("nodes:")
        for (number, gateway) in lab.gateways.enumerated() {
            for (place, host) in gateway.hosts.enumerated() {
                let hop =
                    host.network.value.length > 30
                    ? transit(number, 8 + place, 1) : lanAddress(of: gateway, host.network.value)
                // Its gateway stands in the network as any machine does, and sends it what comes from afar.
                let isBeside = gateway.addresses.contains {
                    host.network.value.length <= 30 && host.network.value.contains($0.value)
                }
                let check = isBeside ? ", source-destination-check: off" : ""
                add(
                    "  \(host.name): {cloud: \(gateway.name), role: instance\(check), routes: {0.0.0.0/0: \(hop)}}",
                    .assumed("somebody to ask behind the gateway"))
            }
            let hop = neighbour(of: gateway).map { "\($0)" } ?? transit(number, 0, 1)
            var hops = ["0.0.0.0/0: \(hop)"]
            if hasV6(gateway) { hops.append("\"::/0\": \"\(transit6(number, 0, 1))\"") }
            for (place, host) in gateway.hosts.enumerated() where host.network.value.length > 30 {
                hops.append("\(host.network.value): \(transit(number, 8 + place, 2))")
            }
            let daemon = gateway.daemon.map { ", ike: \($0.word)" } ?? ""
            add(
                "  \(gateway.node): {cloud: \(gateway.name), role: router\(daemon)\(routes(hops))}",
                gateway.daemon?.why ?? gateway.origin)
            if !gateway.translations.isEmpty {
                let map = gateway.translations.map { "\($0.outside.value): \($0.own.value)" }
                let back = gateway.translations.map { "\($0.own.value)/32: \(transit(number, 0, 2))" }
                add(
                    "  \(gateway.name)-nat: {cloud: \(gateway.name), role: internet-gateway\(routes(["0.0.0.0/0: \(transit(number, 1, 1))"] + back)), nat: {outside: wan, map: {\(map.joined(separator: ", "))}}}",
                    gateway.translations[0].outside.origin)
            }
        }
        let known = lab.gateways.enumerated().flatMap { number, gateway -> [String] in
            let translated = gateway.translations.map { "\($0.outside.value)/32: \(transit(number, 1, 2))" }
            if neighbour(of: gateway) != nil { return [] }
            let own = gateway.addresses.filter { own in !gateway.translations.contains { $0.own.value == own.value } }
                .map { address in
                    address.value.isV4
                        ? "\(address.value)/32: \(transit(number, 0, 2))"
                        : "\"\(address.value)/128\": \"\(transit6(number, 0, 2))\""
                }
            return translated + own
        }
        add(
            "  internet: {cloud: internet, role: router\(routes(known))}",
            .assumed("joins the gateways' public addresses"))
    }

    /// The gateway's address in a network: its own where it is in it, else the first.
    private func lanAddress(of gateway: SettledLab.Gateway, _ network: IPPrefix) -> String {
        if let own = gateway.addresses.first(where: { network.contains($0.value) }) { return "\(own.value)" }
        return network.host(1).map { "\($0.address)" } ?? ""
    }

    private func hostAddress(of gateway: SettledLab.Gateway, _ network: IPPrefix) -> String {
        guard network.length <= 30 else { return "\(network.address)" }
        let own = Set(gateway.addresses.map(\.value))
        let places: [UInt32] = network.length <= 28 ? [10, 11, 12] : [2, 1]
        let free = places.lazy.compactMap { network.host($0)?.address }.first { address in
            !own.contains(address) && "\(address)" != lanAddress(of: gateway, network)
        }
        return free.map { "\($0)" } ?? ""
    }

    private mutating func writeLinks() {
        add("")
        add("# Delays are made up, and rates are 1 Gbit/s unless `rate:` says otherwise.")
        add("links:")
        for (number, gateway) in lab.gateways.enumerated() {
            for (place, host) in gateway.hosts.enumerated() {
                let network = host.network.value
                let lan = gateway.hosts.count == 1 ? "lan" : "lan\(place + 1)"
                if network.length > 30 {
                    add(
                        "  \(gateway.name)-\(lan): {ends: {\(host.name):eth0: [\(transit(number, 8 + place, 2))/30, \(network)], \(gateway.node):\(lan): \(transit(number, 8 + place, 1))/30}}",
                        host.network.origin)
                    continue
                }
                let own = lanAddress(of: gateway, network)
                add(
                    "  \(gateway.name)-\(lan): {ends: {\(host.name):eth0: \(hostAddress(of: gateway, network))/\(network.length), \(gateway.node):\(lan): \(own)/\(network.length)}}",
                    host.network.origin)
            }
            // What is on a network of its own is not here as well.
            let lans = gateway.hosts.map(\.network.value).filter { $0.length <= 30 }
            let addresses = gateway.addresses.filter { address in !lans.contains { $0.contains(address.value) } }
            var own = ["\(transit(number, 0, 2))/30"]
            var far = ["\(transit(number, 0, 1))/30"]
            if hasV6(gateway) {
                own.append("\(transit6(number, 0, 2))/64")
                far.append("\(transit6(number, 0, 1))/64")
            }
            own += addresses.map { "\($0.value)/\($0.value.bitWidth)" }
            let list = { (texts: [String]) in
                texts.count == 1 && !texts[0].contains("::")
                    ? texts[0] : "[\(texts.map { $0.contains(":") ? "\"\($0)\"" : $0 }.joined(separator: ", "))]"
            }
            let origins = addresses.map(\.origin)
            if let neighbour = neighbour(of: gateway), let address = gateway.addresses.first {
                own = ["\(address.value)/31"]
                far = ["\(neighbour)/31"]
            }
            let hop = gateway.translations.isEmpty ? "internet:\(interface(number))" : "\(gateway.name)-nat:lan"
            add(
                "  \(gateway.name)-\(gateway.translations.isEmpty ? "wan" : "uplink"): {ends: {\(gateway.node):wan: \(list(own)), \(hop): \(list(far))}\(gateway.translations.isEmpty ? ", delay: 1ms" : "")}",
                origins.isEmpty ? gateway.origin : .read(joining: origins))
            if !gateway.translations.isEmpty {
                add(
                    "  \(gateway.name)-wan: {ends: {\(gateway.name)-nat:wan: \(transit(number, 1, 2))/30, internet:\(interface(number)): \(transit(number, 1, 1))/30}, delay: 1ms}"
                )
            }
        }
    }

    /// Names of interfaces have 15 bytes.
    private func interface(_ gateway: Int) -> String { "to\(gateway + 1)" }

    // MARK: Tunnels

    private func keyFile(of tunnel: SettledLab.Tunnel, _ place: Int) -> String {
        tunnel.keys.count == 1 ? "\(tunnel.name).psk" : "\(tunnel.name)-\(place + 1).psk"
    }

    private mutating func writeTunnels() {
        add("")
        add("tunnels:")
        for (number, tunnel) in lab.tunnels.enumerated() {
            add("  \(tunnel.name):", tunnel.facts.origin)
            if let origin = tunnel.facts.certificates { add("    certificate: rsa-2048", origin) }
            if tunnel.keys.count == 1 { add("    psk: {file: \(keyFile(of: tunnel, 0))}", tunnel.keys[0].origin) }
            if tunnel.proposals.count == 1 { write(tunnel.proposals[0], indent: "    ") }
            if tunnel.daemonVersion == 1 { add("    ike-version: 1", tunnel.facts.ikeVersion?.origin) }
            let isBare =
                tunnel.ends.allSatisfy { $0.own == nil || $0.own?.interface == nil }
                && tunnel.facts.routing == .policies
            if !isBare {
                add("    mtu: \(tunnel.mtu.value)", tunnel.mtu.origin)
            }
            add("    mss: clamp-to-pmtu", .assumed("convention"))
            if isBare, !tunnel.isOwn { writeSelectors(of: tunnel) }
            add("    ends:")
            for place in [1, 0] { write(tunnel.ends[place], place, of: tunnel, number: number) }
        }
    }

    private mutating func writeSelectors(of tunnel: SettledLab.Tunnel) {
        let nodes = tunnel.ends.map { lab.gateway($0.gateway)?.node ?? "" }
        add("    selectors:")
        for pair in tunnel.facts.selectors {
            add(
                "      - {\(nodes[0]): \(pair.near.value), \(nodes[1]): \(pair.far.value)}",
                .read(joining: [pair.near.origin, pair.far.origin]))
        }
    }

    private mutating func write(_ proposals: Proposals, indent: String) {
        add("\(indent)ike:", .read(joining: proposals.ikeOrigins))
        for line in proposals.ikeLines { add("\(indent)  - \(line)") }
        add("\(indent)esp:", .read(joining: proposals.espOrigins))
        for line in proposals.espLines { add("\(indent)  - \(line)") }
    }

    private mutating func write(_ end: EndFacts, _ place: Int, of tunnel: SettledLab.Tunnel, number: Int) {
        guard let gateway = lab.gateway(end.gateway), let address = end.behind ?? end.address else { return }
        let indent = "        "
        add("      \(gateway.node):")
        add("\(indent)address: \(address.value.isV4 ? "\(address.value)" : "\"\(address.value)\"")", address.origin)
        if let own = end.own {
            add("\(indent)config: \(own.configuration)")
            if let secrets = own.secrets { add("\(indent)secrets: \(secrets)") }
            add("\(indent)connection: \(own.connection.quoted)")
            if let interface = own.interface { add("\(indent)interface: \(interface)") }
        } else if tunnel.facts.routing != .policies {
            add("\(indent)interface: vpn\(number + 1)")
        }
        let hasInterface = end.own.map { $0.interface != nil } ?? (tunnel.facts.routing != .policies)
        if hasInterface, let inside = end.inside { add("\(indent)inside: \(inside.value)", inside.origin) }
        if hasInterface, tunnel.facts.routing == .fixed { writeRoutes(of: end, place, of: tunnel, indent: indent) }
        guard end.own == nil else { return }
        if tunnel.keys.count == 2 {
            add("\(indent)psk: {file: \(keyFile(of: tunnel, place))}", tunnel.keys[place].origin)
        }
        if tunnel.differs { write(tunnel.proposals[place], indent: indent) }
        if !end.ignoresDeadPeers {
            let patience = end.patience ?? .assumed(30, "convention")
            let timeout = min(max(patience.value, 2), 3600)
            let question = end.question.flatMap { $0.value < timeout ? $0 : nil }
            add(
                "\(indent)dpd: {delay: \(question?.value ?? (timeout > 10 ? 10 : 1))s, timeout: \(timeout)s}",
                .read(joining: [question?.origin, patience.origin].compactMap(\.self)))
        }
        if let action = end.deadPeerAction { add("\(indent)dpd-action: \(action.value)", action.origin) }
        if tunnel.facts.forcesEncapsulation { add("\(indent)force-encapsulation: true", tunnel.facts.origin) }
        let (waits, why) = waits(end, place, of: tunnel)
        if waits { add("\(indent)startup: listen", why) }
    }

    /// Whether an end waits to be asked: as it is said, or as providers' gateways do; one end always begins.
    private func waits(_ end: EndFacts, _ place: Int, of tunnel: SettledLab.Tunnel) -> (Bool, Origin) {
        let other = tunnel.ends[1 - place]
        if other.own == nil, place == 1, !(other.initiates?.value ?? false), !(end.initiates?.value ?? true) {
            // Both would wait for ever.
            return (false, .assumed("one end has to begin"))
        }
        if let said = end.initiates { return (!said.value, said.origin) }
        guard place == 0, other.own == nil || other.initiates?.value ?? false else {
            return (false, end.address?.origin ?? .assumed(""))
        }
        return (true, .assumed("no input says who begins: the other end does"))
    }

    private mutating func writeRoutes(of end: EndFacts, _ place: Int, of tunnel: SettledLab.Tunnel, indent: String) {
        let other = lab.gateway(tunnel.ends[1 - place].gateway)
        let routes = end.routes.isEmpty ? other?.networks ?? [] : end.routes
        let prefixes = routes.filter { $0.value.isV4 }
        guard !prefixes.isEmpty else { return }
        add(
            "\(indent)routes: [\(prefixes.map { "\($0.value)" }.joined(separator: ", "))]",
            .read(joining: prefixes.map(\.origin)))
        guard end.own == nil else { return }
        if let origin = end.staticRoutes {
            add("\(indent)withdraw: never", origin)
            return
        }
        add("\(indent)withdraw: when-down", .assumed("as a provider's static routes"))
        let twins = lab.tunnels.filter { Set($0.ends.map(\.gateway)) == Set(tunnel.ends.map(\.gateway)) }
        guard twins.count > 1, let rank = twins.firstIndex(where: { $0.name == tunnel.name }) else { return }
        if let metric = end.metric {
            add("\(indent)metric: \(metric.value)", metric.origin)
        } else if !tunnel.facts.sharesTraffic {
            add("\(indent)metric: \(10 * (rank + 1))", .assumed("one tunnel carries at a time; which, no input says"))
        }
    }

    // MARK: Sessions and probes

    private mutating func writeSessions() {
        let tunnels = lab.tunnels.filter { $0.facts.routing == .bgp }
        guard !tunnels.isEmpty else { return }
        add("")
        add("bgp:")
        for tunnel in tunnels {
            add("  \(tunnel.name):")
            add("    over: \(tunnel.name)")
            add("    speakers:")
            for end in tunnel.ends.reversed() {
                guard let gateway = lab.gateway(end.gateway), let asn = end.asn ?? gateway.asn else { continue }
                add("      \(gateway.node):")
                add("        asn: \(asn.value)", asn.origin)
                if let hold = end.hold { add("        hold: \(max(hold.value, 3))s", hold.origin) }
                if let keepalive = end.keepalive, keepalive.value > 0 {
                    add("        keepalive: \(keepalive.value)s", keepalive.origin)
                }
                add(
                    "        advertise: [\(gateway.networks.map { "\($0.value)" }.joined(separator: ", "))]",
                    .read(joining: gateway.networks.map(\.origin)))
            }
        }
    }

    private mutating func writeProbes() {
        var names = Names()
        var probes: [String] = []
        var seen: Set<Set<String>> = []
        for tunnel in lab.tunnels {
            guard let near = lab.gateway(tunnel.ends[0].gateway), let far = lab.gateway(tunnel.ends[1].gateway) else {
                continue
            }
            if tunnel.facts.routing != .policies {
                guard seen.insert([near.name, far.name]).inserted, let one = near.hosts.first,
                    let other = far.hosts.first
                else { continue }
                probes += pair(&names, (near, one), (far, other))
                continue
            }
            for selectors in tunnel.facts.selectors {
                let one = near.hosts.first { selectors.near.value.contains($0.network.value) }
                let other = far.hosts.first { selectors.far.value.contains($0.network.value) }
                guard seen.insert(["\(selectors.near.value)", "\(selectors.far.value)"]).inserted else { continue }
                if let one, let other {
                    probes += pair(&names, (near, one), (far, other))
                } else if let other, selectors.near.value.length == 32 {
                    // The other side of such a tunnel is its gateway itself.
                    probes.append(
                        "  \(names.claim("\(far.name)-to-\(near.name)", usual: "probe")): {from: \(other.name)\(source(of: other.network.value)), to: \(selectors.near.value.address)}"
                    )
                } else if selectors.near.value.length == 32 || selectors.far.value.length == 32 {
                    let (from, name) =
                        one.map { ("\($0.name)\(source(of: $0.network.value))", near.name) } ?? (
                            "\(near.node)", near.name
                        )
                    guard one != nil || selectors.near.value.length == 32 else { continue }
                    probes.append(
                        "  \(names.claim("\(name)-to-\(far.name)", usual: "probe")): {from: \(from), to: \(selectors.far.value.address)}"
                    )
                }
            }
        }
        guard !probes.isEmpty else { return }
        add("")
        add("probes:")
        for probe in probes { add(probe, .assumed("a question each way between the hosts")) }
    }

    private func source(of network: IPPrefix) -> String { network.length > 30 ? ", source: \(network.address)" : "" }

    private func pair(
        _ names: inout Names, _ near: (gateway: SettledLab.Gateway, host: (network: Sourced<IPPrefix>, name: String)),
        _ far: (gateway: SettledLab.Gateway, host: (network: Sourced<IPPrefix>, name: String))
    ) -> [String] {
        [(far, near), (near, far)].map { from, to in
            let target = to.host.network.value.length > 30 ? "\(to.host.network.value.address)" : to.host.name
            return
                "  \(names.claim("\(from.gateway.name)-to-\(to.gateway.name)", usual: "probe")): {from: \(from.host.name)\(source(of: from.host.network.value)), to: \(target)}"
        }
    }
}

extension Origin {
    /// Several as one comment: places in one part of a file share its path.
    static func read(joining origins: [Origin]) -> Origin {
        var parts: [(parent: String, file: String, names: [String])] = []
        var assumptions: [String] = []
        for origin in origins {
            switch origin {
            case .assumed(let why): if !assumptions.contains(why) { assumptions.append(why) }
            case .read(let file, let path):
                var path = path
                if path.hasSuffix(".Value") { path.removeLast(6) }
                if path.hasSuffix("]"), let bracket = path.lastIndex(of: "[") { path = String(path[..<bracket]) }
                let point = path.lastIndex { $0 == "." || $0 == "/" }
                let parent = point.map { String(path[..<$0]) } ?? ""
                let name = point.map { String(path[path.index(after: $0)...]) } ?? path
                if let place = parts.firstIndex(where: { $0.parent == parent && $0.file == file }) {
                    if !parts[place].names.contains(name) { parts[place].names.append(name) }
                } else {
                    parts.append((parent, file, [name]))
                }
            }
        }
        let read = parts.map {
            "\($0.file): \($0.parent.isEmpty ? "" : "\($0.parent).")\($0.names.joined(separator: ", "))"
        }
        let assumed = assumptions.isEmpty ? [] : ["assumed \(assumptions.joined(separator: ", "))"]
        if read.isEmpty { return .assumed(assumptions.joined(separator: ", ")) }
        return .read(file: (read + assumed).joined(separator: "; "), path: "")
    }
}

extension ImportNote.Kind {
    /// What a list of such notes is headed by.
    public var heading: String {
        switch self {
        case .missing: "Missing"
        case .unsupported: "Left out or changed"
        case .assumed: "Assumed"
        }
    }
}

extension String {
    /// As one line that a comment may have: nothing in it ends the comment or moves a terminal's cursor.
    var oneLine: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map {
                    $0.properties.isWhitespace || $0.value < 0x20 || (0x7F...0x9F).contains($0.value)
                        || $0.properties.generalCategory == .format ? " " : $0
                }))
    }

    /// As a value in YAML that is a text whatever is in it.
    var quoted: String {
        let isPlain =
            !isEmpty
            && unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || " -_.".unicodeScalars.contains($0) || ("0"..."9").contains($0))
            }
        if isPlain, let first, first.isLetter, last?.isLetter ?? false,
            !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(lowercased())
        {
            return self
        }
        return "\"\(oneLine.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
