import Daemons
import LabModel
import NetworkTypes

/// What a provider's text for the user's gateway tells: of that gateway what is configured, of the provider's what follows from it.
///
/// The user's gateway is `left`, as providers have it. The lab's gateways run configurations of netlab's own with the same settings;
/// a setting that has no counterpart is noted. The provider's side has the same proposals, for a text says nothing else of it.
struct DeviceTextFacts {
    private let text: DeviceText
    private let author: DeviceText.Author
    /// The daemon whose form of an ipsec.conf it is.
    private let daemon: (any KeyDaemon)?
    /// Whether that is the older format, in which a proposal of phase 2 without a group means that there is none.
    private let isOlder: Bool
    private let source: String
    private let near: String
    private let far: String
    private var facts: Facts
    /// Settings without a counterpart, by their words: where they stand.
    private var leftOut: [(setting: String, origins: [Origin])] = []
    /// Pairs of selectors that a tunnel of policies has already.
    private var pairs: [Set<IPPrefix>] = []

    /// - Parameter source: What the input is called.
    static func add(_ text: DeviceText, source: String, _ resources: Resources, to facts: inout Facts)
        throws(ImportError)
    {
        var reader = DeviceTextFacts(text, source: source, facts)
        try reader.read(resources)
        facts = reader.facts
    }

    private init(_ text: DeviceText, source: String, _ facts: Facts) {
        self.text = text
        self.source = source
        self.facts = facts
        author = text.author
        let older = DaemonRegistry.keyDaemons.first { $0.converted(text.connections, keys: nil) != nil }
        isOlder = older != nil
        daemon = older ?? DaemonRegistry.keyDaemons.first { !$0.connections(in: text.connections).isEmpty }
        let gateway = text.identifier("virtual private gateway id", "transit gateway id")?.value
        near = gateway.map(Resource.plain) ?? "\(author.title) of \(source)"
        far = text.identifier("customer gateway id").map { Resource.plain($0.value) } ?? "device of \(source)"
    }

    private mutating func read(_ resources: Resources) throws(ImportError) {
        let connection = text.identifier("vpn connection id")
        let origin = text.lines.first?.origin ?? .read(file: source, path: "")
        var provider = GatewayFacts(
            key: near, name: author.provider ?? "peer", title: author.title, provider: author.provider,
            origin: author.origin ?? origin)
        if author.provider == "aws" { provider.networks = AWSFacts.networksOfVPCs(resources) }
        facts.add(provider)
        facts.add(
            GatewayFacts(
                key: far, name: "device", title: "Customer gateway", provider: nil, origin: origin,
                daemonMeant: daemon?.keyword))
        if author.provider == nil {
            facts.note(.assumed, "\(source) names no provider: the far side is a gateway like any other")
        }
        let known = facts.tunnels.count
        for (place, name) in text.names.enumerated() {
            add(name, as: connection.map { "\($0.value)-\(place + 1)" } ?? name)
        }
        noteBlanks()
        noteLeftOut()
        noteMissingTunnels()
        guard facts.tunnels.count > known else {
            let start = text.names.flatMap { text.conf.beginnings(of: $0) }.min() ?? 1
            let place = text.lines.indices.contains(start - 1) ? text.lines[start - 1].origin.comment : source
            throw ImportError(
                message: "\(place): none of its connections (\(text.names.joined(separator: ", "))) can be read:"
                    + facts.notes.map { "\n  \($0.text)" }.joined(),
                remedy: "Give the whole text, as the provider has written it: a connection has at least `right=`.")
        }
    }

    // MARK: A tunnel

    private mutating func add(_ name: String, as tunnelName: String) {
        guard var settings = text.conf[connection: name] else { return }
        if ["%defaultroute", "%any"].contains(settings["right"] ?? "") { settings = Self.turned(settings) }
        let begin = text.lines[max(0, (text.conf.beginnings(of: name).first ?? 1) - 1)].origin
        guard let right = settings["right"], settings["auto"] != "ignore" else {
            facts.note(
                .missing,
                settings["right"] == nil
                    ? "connection \(name) (\(begin.comment)) has no far end (`right=`): it is left out; perhaps the text is cut off"
                    : "connection \(name) (\(begin.comment)) is switched off: it is left out")
            return
        }
        let place = { [text] (keys: String...) -> Origin in
            keys.first { settings[$0] != nil }.map { text.origin(of: $0, in: name) } ?? begin
        }
        let value = { [text] (keys: String...) -> Sourced<String>? in
            keys.lazy.compactMap { key in settings[key].map { Sourced($0, text.origin(of: key, in: name)) } }.first
        }
        var tunnel = TunnelFacts(
            name: tunnelName, origin: begin, near: EndFacts(gateway: near), far: EndFacts(gateway: far), routing: .fixed
        )
        tunnel.near.address = IPAddress(right).map { Sourced($0, place("right")) }
        customerAddress(settings, place, &tunnel)
        guard !facts.has(tunnel), routing(settings, value, &tunnel, name) else { return }
        negotiation(settings, value, &tunnel, name)
        liveness(settings, value, &tunnel.far, name)
        let names = ["left", "leftid", "right", "rightid"].compactMap { settings[$0] }
        tunnel.near.key = text.key(for: Set(names + names.map { $0.drop { $0 == "@" } }.map(String.init)))
        if let method = value("authby", "leftauth"), !["secret", "psk"].contains(method.value) {
            facts.note(
                .unsupported,
                "\(tunnelName): \(method.value) (\(method.origin.comment)): imported tunnels have a pre-shared key")
        }
        if value("encapsulation", "forceencaps")?.value == "yes" { tunnel.forcesEncapsulation = true }
        for (key, setting) in settings.sorted(by: { $0.key < $1.key })
        where !Self.isUsed(key, setting) {
            leave("\(key)=\(setting)", place(key))
        }
        facts.tunnels.append(tunnel)
    }

    /// With the sides' names exchanged.
    private static func turned(_ settings: [String: String]) -> [String: String] {
        Dictionary(
            settings.map { key, value in
                if key.hasPrefix("left") { return ("right" + key.dropFirst(4), value) }
                if key.hasPrefix("right") { return ("left" + key.dropFirst(5), value) }
                return (key, value)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The address that the provider knows the user's gateway by, and the gateway's own where there is a NAT between them.
    private mutating func customerAddress(
        _ settings: [String: String], _ place: (String...) -> Origin, _ tunnel: inout TunnelFacts
    ) {
        let own = settings["left"].flatMap { IPAddress($0) }
        let called = settings["leftid"].flatMap { IPAddress(String($0.drop { $0 == "@" })) }
        if let own, own.isPrivate {
            tunnel.far.behind = Sourced(own, place("left"))
            if let called, !called.isPrivate { tunnel.far.address = Sourced(called, place("leftid")) }
        } else if let own {
            tunnel.far.address = Sourced(own, place("left"))
        } else if let called {
            tunnel.far.address = Sourced(called, place("leftid"))
        }
        if let id = settings["leftid"], called == nil, DeviceText.blanks(in: id).isEmpty, id != "%any" {
            leave("leftid=\(id)", place("leftid"))
        }
        if let id = settings["rightid"], id != "%any", id != settings["right"], DeviceText.blanks(in: id).isEmpty {
            leave("rightid=\(id)", place("rightid"))
        }
    }

    // MARK: Negotiation

    private mutating func negotiation(
        _ settings: [String: String], _ value: (String...) -> Sourced<String>?, _ tunnel: inout TunnelFacts,
        _ name: String
    ) {
        let seconds = { (setting: Sourced<String>?) -> Sourced<Int>? in setting?.map { Self.seconds($0) }?.positive }
        tunnel.far.ike = DeviceSuites.phase(value("ike"), lifetime: seconds(value("ikelifetime")), isExact: false)
        tunnel.far.esp = DeviceSuites.phase(
            value("esp", "phase2alg"), lifetime: seconds(value("lifetime", "keylife", "salifetime")), isExact: isOlder)
        if value("pfs")?.value == "no" { tunnel.far.esp.hasNoGroup = true }
        switch (value("keyexchange")?.value, value("ikev2")?.value) {
        case ("ikev1", _): tunnel.ikeVersion = value("keyexchange")?.map { _ in 1 }
        case ("ikev2", _): tunnel.ikeVersion = value("keyexchange")?.map { _ in 2 }
        case (_, "no"), (_, "never"): tunnel.ikeVersion = value("ikev2")?.map { _ in 1 }
        case (_, "yes"), (_, "insist"): tunnel.ikeVersion = value("ikev2")?.map { _ in 2 }
        default:
            facts.note(
                .assumed,
                "\(source) names no version of IKE for \(name): IKEv2, which \(daemon?.product ?? "the daemon") of today begins with"
            )
        }
        if let auto = value("auto") {
            tunnel.far.initiates = auto.map { $0 != "add" }
            if ["route", "ondemand"].contains(auto.value) {
                leave("auto=\(auto.value): the lab's begins at once", auto.origin)
            }
        }
    }

    private mutating func liveness(
        _ settings: [String: String], _ value: (String...) -> Sourced<String>?, _ end: inout EndFacts, _ name: String
    ) {
        let action = value("dpdaction")
        // The older format asks where there is an action; the other one where there are both times.
        let asks =
            isOlder
            ? action.map { $0.value != "none" } ?? false : settings["dpddelay"] != nil && settings["dpdtimeout"] != nil
        guard asks else {
            end.ignoresDeadPeers = true
            facts.note(.assumed, "\(source): \(name) configures no dead peer detection: the lab's gateway does not ask")
            return
        }
        let seconds = { (setting: Sourced<String>?) -> Sourced<Int>? in setting?.map { Self.seconds($0) }?.positive }
        // 30 s and 150 s are what ipsec.conf(5) has where nothing is said.
        end.question = seconds(value("dpddelay")) ?? .assumed(30, "dpddelay= where nothing is said")
        end.patience = seconds(value("dpdtimeout")) ?? .assumed(150, "dpdtimeout= where nothing is said")
        if let action {
            end.deadPeerAction = action.map { $0.hasPrefix("restart") ? "restart" : $0 == "clear" ? "clear" : nil }
            if end.deadPeerAction == nil { leave("dpdaction=\(action.value)", action.origin) }
        }
    }

    /// `8h`, `600m`, or seconds without a unit.
    private static func seconds(_ text: String) -> Int? {
        let duration = Duration(text: text) ?? Duration(text: "\(text)s")
        return duration.flatMap { $0.components.seconds <= 100_000_000 ? Int($0.components.seconds) : nil }
    }

    // MARK: Routing

    /// - Returns: Whether the tunnel is one of its own.
    private mutating func routing(
        _ settings: [String: String], _ value: (String...) -> Sourced<String>?, _ tunnel: inout TunnelFacts,
        _ name: String
    ) -> Bool {
        let interface = text.interface(of: name, settings: settings, farFirst: author.provider == "gcp")
        let own = Self.prefixes(value("leftsubnet", "leftsubnets"))
        let other = Self.prefixes(value("rightsubnet", "rightsubnets"))
        let takesAll = own.contains { $0.value.isDefault } && other.contains { $0.value.isDefault }
        let isMarked = ["mark", "mark_in", "if_id_in", "vti-interface", "ipsec-interface", "leftvti"].contains {
            settings[$0] != nil
        }
        if interface != nil || isMarked || takesAll {
            tunnel.far.inside = interface?.local
            tunnel.near.inside = interface?.peer
            tunnel.far.routes = (interface?.routes ?? []).filter { $0.value.isV4 }
            tunnel.mtu = interface?.mtu
            tunnel.far.metric = interface?.metric
            tunnel.far.staticRoutes = interface?.stays
            tunnel.sharesTraffic = interface?.sharesTraffic ?? false
            session(&tunnel)
            behind(far, own.filter { !$0.value.isDefault })
            behind(near, other.filter { !$0.value.isDefault })
            return true
        }
        guard let pair = selectors(own, other, settings, value, name) else { return false }
        tunnel.routing = .policies
        tunnel.selectors = pair
        return true
    }

    private static func prefixes(_ setting: Sourced<String>?) -> [Sourced<IPPrefix>] {
        guard let setting else { return [] }
        return setting.value.split { ",{} ".contains($0) }.compactMap { IPPrefix(String($0)) }.filter(\.isV4).map {
            Sourced($0, setting.origin)
        }
    }

    private mutating func behind(_ gateway: String, _ networks: [Sourced<IPPrefix>]) {
        guard let place = facts.gateways.firstIndex(where: { $0.key == gateway }) else { return }
        for network in networks where !facts.gateways[place].networks.contains(where: { $0.value == network.value }) {
            facts.gateways[place].networks.append(network)
        }
    }

    /// BGP where a neighbour is the far end of the tunnel.
    private mutating func session(_ tunnel: inout TunnelFacts) {
        guard let peer = tunnel.near.inside?.value.address,
            let neighbour = text.neighbours.first(where: { $0.address == peer })
        else { return }
        tunnel.routing = .bgp
        tunnel.near.asn = neighbour.remote
        tunnel.far.asn = neighbour.local
        tunnel.far.hold = neighbour.hold
        tunnel.far.keepalive = neighbour.keepalive
        behind(far, text.advertised.filter { $0.value.isV4 && !$0.value.isDefault })
    }

    /// What a tunnel of policies carries; nil where another one carries it already.
    private mutating func selectors(
        _ own: [Sourced<IPPrefix>], _ other: [Sourced<IPPrefix>], _ settings: [String: String],
        _ value: (String...) -> Sourced<String>?, _ name: String
    ) -> [(near: Sourced<IPPrefix>, far: Sourced<IPPrefix>)]? {
        let made = { (side: String, block: String) -> [Sourced<IPPrefix>] in
            [IPPrefix(block)].compactMap(\.self).map { .assumed($0, "\(side) is to be filled in") }
        }
        if own.isEmpty {
            facts.note(
                .missing,
                "the network behind the user's gateway (leftsubnet= of \(source)): 10.201.0.0/24 stands in for it")
        }
        let known = facts.gateways.first { $0.key == near }?.networks.filter(\.value.isV4) ?? []
        if other.isEmpty, known.isEmpty {
            facts.note(.missing, "the provider's network (rightsubnet= of \(source)): 10.200.0.0/24 stands in for it")
        }
        let local = own.isEmpty ? made("leftsubnet=", "10.201.0.0/24") : own
        let remote = !other.isEmpty ? other : !known.isEmpty ? known : made("rightsubnet=", "10.200.0.0/24")
        var result: [(near: Sourced<IPPrefix>, far: Sourced<IPPrefix>)] = []
        for one in remote { for two in local where !one.value.overlaps(two.value) { result.append((one, two)) } }
        let all = Set(result.flatMap { [$0.near.value, $0.far.value] })
        guard !result.isEmpty else {
            facts.note(.unsupported, "\(name): what is behind both sides overlaps: it is left out")
            return nil
        }
        guard !pairs.contains(all) else {
            facts.note(
                .unsupported,
                "connection \(name) of \(source) is left out: its policies are those of another connection, so that one of the two can be up at a time"
            )
            return nil
        }
        pairs.append(all)
        return result
    }

    // MARK: What is left

    /// Whether a setting is in the lab, or does nothing there.
    private static func isUsed(_ key: String, _ value: String) -> Bool {
        switch key {
        case "left", "right", "leftid", "rightid", "leftsubnet", "rightsubnet", "leftsubnets", "rightsubnets", "auto",
            "ike",
            "esp", "phase2alg", "ikelifetime", "lifetime", "keylife", "salifetime", "dpddelay", "dpdtimeout",
            "dpdaction",
            "authby", "leftauth", "rightauth", "encapsulation", "forceencaps", "pfs", "keyexchange", "ikev2", "mark",
            "mark_in", "mark_out", "if_id_in", "if_id_out", "vti-interface", "ipsec-interface", "leftvti", "leftupdown":
            true
        // These have the value here that a lab's tunnels have anyway, or their own interfaces make of no account.
        case "type": value == "tunnel"
        case "rekey", "fragmentation", "installpolicy", "vti-routing": value == "yes" || key == "vti-routing"
        case "compress", "aggressive": value == "no"
        case "mobike", "reqid", "leftfirewall", "rightfirewall", "vti-shared": true
        case "keyingtries": value == "%forever" || value == "0"
        default: false
        }
    }

    private mutating func leave(_ setting: String, _ origin: Origin) {
        if let place = leftOut.firstIndex(where: { $0.setting == setting }) {
            leftOut[place].origins.append(origin)
        } else {
            leftOut.append((setting, [origin]))
        }
    }

    private mutating func noteLeftOut() {
        for (setting, origins) in leftOut {
            facts.note(.unsupported, "\(setting) (\(Origin.read(joining: origins).comment)) is not in the lab")
        }
    }

    private mutating func noteBlanks() {
        var byName: [(what: String, origins: [Origin])] = []
        for (what, origin) in text.blanks {
            if let place = byName.firstIndex(where: { $0.what == what }) {
                byName[place].origins.append(origin)
            } else {
                byName.append((what, [origin]))
            }
        }
        for (what, origins) in byName {
            facts.note(.missing, "\(what) is to be filled in: \(Origin.read(joining: origins).comment)")
        }
    }

    /// A text that announces more tunnels than it has is cut off.
    private mutating func noteMissingTunnels() {
        for line in text.lines {
            let words = line.text.lowercased()
            guard words.contains("tunnel"), words.contains("two tunnels") || words.contains("tunnel #2") else {
                continue
            }
            if text.names.count == 1 {
                facts.note(
                    .missing,
                    "the second tunnel: the text speaks of it (\(line.origin.comment)), and has one connection; perhaps it is cut off"
                )
            }
            return
        }
    }
}
