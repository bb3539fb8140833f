import Daemons
import LabModel
import NetworkTypes

/// What two labs have and do not have in common, part by part, in the words of the lab file.
///
/// Values are compared as the lab has them, with what is left out filled in: two spellings of one lab do not differ.
public struct LabDifference: Sendable {
    /// One setting of one part.
    public struct Change: Hashable, Sendable, Encodable {
        /// A section of the lab file.
        public let section: String
        public let name: String
        /// The setting, `ends.aws-gw.dpd`; nil where the part as a whole is in one lab alone.
        public let setting: String?
        /// Nil where the first lab has none.
        public let before: String?
        /// Nil where the second lab has none.
        public let after: String?
    }

    public let changes: [Change]

    public init(from old: Topology, to new: Topology) {
        changes =
            Self.changes("nodes", old.nodes, new.nodes, \.name, Facets.init)
            + Self.changes("links", old.links, new.links, \.name, Facets.init)
            + Self.changes("tunnels", old.tunnels, new.tunnels, \.name, Facets.init)
            + Self.changes("tunnels", old.plainTunnels, new.plainTunnels, \.name, Facets.init)
            + Self.changes("bgp", old.sessions, new.sessions, \.name, Facets.init)
            + Self.changes("bgp", old.oneSidedSessions, new.oneSidedSessions, \.name) { _ in Facets() }
            + Self.changes("ospf", old.ospf, new.ospf, \.name, Facets.init)
            + Self.changes("probes", old.probes, new.probes, \.name, Facets.init)
    }

    private static func changes<Part: Hashable>(
        _ section: String, _ old: [Part], _ new: [Part], _ name: (Part) -> String, _ facets: (Part) -> Facets
    ) -> [Change] {
        var changes: [Change] = []
        for before in old {
            guard let after = new.first(where: { name($0) == name(before) }) else {
                changes.append(
                    Change(
                        section: section, name: name(before), setting: nil, before: facets(before).summary, after: nil))
                continue
            }
            guard before != after else { continue }
            let (ours, theirs) = (facets(before), facets(after))
            let settings = ours.names + theirs.names.filter { ours[$0] == nil }
            let found = settings.filter { ours[$0] != theirs[$0] }.map { setting in
                Change(
                    section: section, name: name(before), setting: setting, before: ours[setting]?.words,
                    after: theirs[setting]?.words)
            }
            // What has no word here is not passed over in silence.
            changes +=
                found.isEmpty
                ? [
                    Change(
                        section: section, name: name(before), setting: "other settings", before: "one way",
                        after: "another")
                ] : found
        }
        return changes
            + new.filter { part in !old.contains { name($0) == name(part) } }.map {
                Change(section: section, name: name($0), setting: nil, before: nil, after: facets($0).summary)
            }
    }
}

/// A part's settings by the lab file's words for them.
private struct Facets {
    struct Value: Hashable {
        /// What is shown.
        let words: String
        /// What is compared beside that: a secret, or a text that is too long to be shown.
        let hidden: String

        init(_ words: String, hidden: String = "") {
            self.words = words
            self.hidden = hidden
        }
    }

    private(set) var names: [String] = []
    private var values: [String: Value] = [:]
    var summary = "there"

    subscript(name: String) -> Value? { values[name] }

    mutating func set(_ name: String, _ words: String?) {
        guard let words, !words.isEmpty else { return }
        set(name, Value(words))
    }

    mutating func set(_ name: String, _ value: Value) {
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    mutating func set(_ name: String, _ list: [String]) { set(name, list.joined(separator: ", ")) }

    mutating func set(_ name: String, secret: Secret?) {
        if let secret { set(name, Value("(secret)", hidden: secret.reveal())) }
    }

    /// A text of the user's own.
    mutating func set(_ name: String, file text: String?) {
        if let text { set(name, Value("a text of \(text.utf8.count) bytes", hidden: text)) }
    }
}

extension Facets {
    init(_ node: Node) {
        summary = [node.role.rawValue, node.cloud.map { "in \($0)" }].compactMap(\.self).joined(separator: " ")
        set("cloud", node.cloud)
        set("zone", node.zone)
        set("role", node.role.rawValue)
        set("summary", node.summary)
        for route in node.routes {
            let table = route.table == 254 ? "" : "table \(route.table): "
            set("routes.\(table)\(route.destination)", route.nextHops.map(\.words))
        }
        set("rules", node.rules.map(\.words))
        for sysctl in node.sysctls { set("sysctls.\(sysctl.key)", sysctl.value) }
        set("security", node.security.map { $0.isEmpty ? "nothing" : $0.map(\.words).joined(separator: ", ") })
        set("source-destination-check", node.sourceDestinationCheck ? "on" : "off")
        for filter in node.filters { set("filter.\(filter.interface)", filter.rules.map(\.words)) }
        if let nat = node.nat {
            set("nat.outside", nat.interface.description)
            set("nat.map", nat.mappings.map { "\($0.outside): \($0.inside)" })
            set("nat.timeouts", nat.timeouts.settings.map { "\($0.key)=\($0.value)" })
            set("nat.masquerade", nat.masqueraded.map { "\($0.inside)\($0.outside.map { " as \($0)" } ?? "")" })
        }
        set("mss", node.mss.words)
        set("ike", DaemonRegistry.keyDaemon(node.keyDaemon).keyword)
        set("bgp", node.routingDaemon.rawValue)
        set("preferred-source", node.preferredSource?.description)
        set("decrement-ttl", node.decrementsTTL ? "on" : "off")
        set("routing configuration", file: node.routingConfiguration)
        set("key daemon's settings", file: node.keySettings)
        if let boot = node.boot { set("boot", Value(boot.name, hidden: "\(boot)")) }
        set("system", node.system.map { "\($0)" })
        set("boot-time", node.bootTime.shortText)
    }

    init(_ link: Link) {
        summary = link.ends.map { "\($0.node):\($0.interface)" }.joined(separator: " - ")
        for end in link.ends { set("ends.\(end.node):\(end.interface)", end.addresses.map { "\($0)" }) }
        set("mtu", "\(link.mtu)")
        set("rate", "\(link.rate)")
        set("delay", link.delay.shortText)
        set("loss", "\(link.loss)")
        set("vlan", link.vlan.map { "\($0)" })
    }

    init(_ domain: OSPFDomain) {
        summary = domain.routers.joined(separator: " - ")
        set("hello", domain.hello.shortText)
        set("dead", domain.dead.shortText)
        for own in domain.interfaces {
            set("links.\(own.link).cost at \(own.node)", "\(own.cost)")
            set("links.\(own.link).passive at \(own.node)", own.isPassive ? "on" : nil)
        }
        for edge in domain.edges {
            set("edges.\(edge.node).metric", "\(edge.metric)")
            set("edges.\(edge.node).metric-type", "\(edge.metricType.rawValue)")
            set(
                "edges.\(edge.node).redistribute",
                (edge.tellsDomain ? ["bgp"] : []) + (edge.tellsPeers ? ["ospf"] : []))
        }
    }

    init(_ tunnel: Tunnel) {
        summary = tunnel.ends.map(\.node).joined(separator: " - ")
        set("unused", tunnel.isUnused ? "true" : nil)
        set("summary", tunnel.summary)
        set("mode", tunnel.mode.rawValue)
        set("mss", tunnel.mss.words)
        for end in tunnel.ends { add(end, "ends.\(end.node).") }
    }

    private mutating func add(_ end: TunnelEnd, _ place: String) {
        set(place + "address", "\(end.localAddress)")
        set(place + "peer", "\(end.remoteAddress)")
        if case .interface(let name, let kind, let number) = end.steering {
            set(place + "interface", "\(name)")
            set(place + "interface-kind", Value(kind.rawValue, hidden: "\(number)"))
        }
        set(place + "ike daemon", DaemonRegistry.keyDaemon(end.daemon).keyword)
        set(place + "addressed-by", end.addressing == .boot ? "boot" : nil)
        set(
            place + "selectors",
            (end.wantedSelectors ?? []).map { "\($0.local) to \($0.remote)\($0.upper.map { " \($0)" } ?? "")" })
        set(place + "inside", end.inside.map { "\($0)" })
        set(place + "mtu", end.mtu.map { "\($0)" })
        set(place + "routes", end.routes.map { "\($0)" })
        set(place + "withdraw", end.withdrawal.rawValue)
        set(place + "metric", end.metric == 0 ? nil : "\(end.metric)")
        set(place + "ike", (end.proposal?.ike ?? []).map { "(\($0))" })
        set(
            place + "esp",
            (end.proposal?.esp ?? []).map { "(\($0.algorithms)\($0.group.map { ", group \($0.number)" } ?? ""))" })
        set(place + "ike.lifetime", end.proposal?.ikeLifetime.shortText)
        set(place + "esp.lifetime", end.proposal?.espLifetime.shortText)
        set(place + "psk", secret: end.proposal?.presharedKey)
        set(place + "identity", end.name)
        set(place + "certificate.intermediate", end.certificate?.hasIntermediate ?? false ? "true" : nil)
        set(place + "certificate.valid", end.certificate?.lifetime?.shortText)
        set(place + "certificate", end.certificate.map { "\($0.subject)" })
        set(
            place + "dpd",
            end.deadPeerDetection.map { "asks after \($0.delay.shortText), dead after \($0.timeout.shortText)" })
        if case .generated(let startup, let action) = end.configuration {
            set(place + "startup", startup.rawValue)
            set(place + "dpd-action", action.rawValue)
        }
        if case .own(let files) = end.configuration {
            set(place + "config", Value(files.configurationName, hidden: files.configuration))
            set(place + "secrets", Value(files.secretsName ?? "none", hidden: files.secrets.reveal()))
            set(place + "connection", end.connection)
        }
        let options = end.options
        set(place + "ike-version", "\(options.ikeVersion)")
        set(place + "aggressive", options.isAggressive ? "true" : nil)
        set(place + "force-encapsulation", options.forcesEncapsulation ? "true" : nil)
        set(place + "replay-window", options.replayWindow.map { "\($0)" })
        set(place + "esn", options.hasExtendedSequence.map { "\($0)" })
        set(place + "ike-fragmentation", options.fragmentsIKE.map { "\($0)" })
        set(place + "mobike", options.moves ? "true" : nil)
        set(place + "rekey-margin", options.rekeyMargin?.shortText)
    }

    init(_ tunnel: PlainTunnel) {
        summary = "\(tunnel.kind.rawValue) \(tunnel.ends.map(\.node).joined(separator: " - "))"
        set("summary", tunnel.summary)
        set("kind", tunnel.kind.rawValue)
        for end in tunnel.ends {
            let place = "ends.\(end.node)."
            set(place + "address", "\(end.localAddress)")
            set(place + "peer", "\(end.remoteAddress)")
            set(place + "interface", "\(end.interface)")
            set(place + "inside", end.inside.map { "\($0)" })
            set(place + "mtu", end.mtu.map { "\($0)" })
            set(place + "mss", end.mss.words)
            set(place + "routes", end.routes.map { "\($0)" })
            set(place + "hop-limit", "\(end.hopLimit)")
            set(place + "encapsulation-limit", end.encapsulationLimit.map { "\($0)" })
            set(place + "routers", end.potentialRouters.map { "\($0)" })
            set(place + "key", end.gre.key.map { "\($0)" })
            set(place + "sequence-numbers", end.gre.hasSequenceNumbers ? "true" : nil)
            set(place + "checksum", end.gre.hasChecksum ? "true" : nil)
            set(place + "vni", end.vxlan.map { "\($0.vni)" })
            set(place + "port", (end.vxlan?.port ?? end.wireGuard?.port).map { "\($0)" })
            set(place + "keepalive", end.wireGuard?.keepalive.map { "\($0)s" })
            set(place + "preshared-key", end.wireGuard?.hasPresharedKey == true ? "true" : nil)
        }
    }

    init(_ session: BGPSession) {
        summary = session.speakers.map { "\($0.node) AS\($0.asn)" }.joined(separator: " - ")
        set("password", secret: session.password)
        for speaker in session.speakers {
            let place = "speakers.\(speaker.node)."
            set(place + "asn", "\(speaker.asn)")
            set(place + "peer-asn", speaker.peerASN.map { "\($0)" })
            set(place + "address", "\(speaker.address)")
            set(place + "keepalive", speaker.keepalive.shortText)
            set(place + "hold", speaker.hold.shortText)
            set(place + "advertise", speaker.advertised.map { "\($0)" })
            set(place + "transit", speaker.passesOn ? "on" : nil)
            set(place + "reflect", speaker.reflects ? "on" : nil)
            set(place + "graceful-restart", speaker.gracefulRestart?.shortText)
            set(place + "prepend", speaker.prepended == 0 ? nil : "\(speaker.prepended)")
            set(place + "negotiate", speaker.keepsTimers ? "off" : nil)
            set(place + "password", secret: speaker.password)
        }
    }

    init(_ probe: Probe) {
        summary = "\(probe.source) to \(probe.destination)"
        set("from", probe.source)
        set("source", probe.sourceAddress.map { "\($0)" })
        set("to", "\(probe.destination)")
        set("every", probe.interval?.shortText)
        set("alarm", probe.alarm.map { "after \($0.failures) in \($0.timeout.shortText)" })
        set("awaited", probe.isAwaited ? "true" : "false")
    }
}

extension MSSClamp {
    fileprivate var words: String {
        switch self {
        case .off: "off"
        case .toPathMTU: "clamp-to-pmtu"
        case .to(let size): "\(size)"
        }
    }
}

extension RouteEntry.NextHop {
    fileprivate var words: String {
        [gateway.map { "\($0)" }, interface.map { "dev \($0)" }].compactMap(\.self).joined(separator: " ")
    }
}

extension PolicyRule {
    fileprivate var words: String {
        let parts = [from.map { "from \($0)" }, to.map { "to \($0)" }, inputInterface.map { "in \($0)" }].compactMap(
            \.self)
        return "\(priority): \(parts.isEmpty ? "all" : parts.joined(separator: " ")) table \(table)"
    }
}

extension SecurityRule {
    fileprivate var words: String {
        "\(transport.rawValue) from \(source)\(ports.isEmpty ? "" : " to \(ports.map(String.init).joined(separator: "/"))")"
    }
}
