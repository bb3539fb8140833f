import Daemons
import HeaderStacks
import LabModel
import NetworkTypes
import Providers

/// The facts with everything in place that a lab needs: what no input says is assumed, and noted.
struct SettledLab {
    struct Gateway {
        let key: String
        /// The stem of its nodes' names: `aws`, `site`.
        let name: String
        let title: String
        let provider: String?
        let origin: Origin
        var asn: Sourced<UInt32>?
        var networks: [Sourced<IPPrefix>]
        var daemon: (word: String, why: Origin)?
        /// Whether another one may stand in for it.
        var mayChangeDaemon = false
        /// Its own addresses that tunnels end at, each once.
        var addresses: [Sourced<IPAddress>] = []
        /// Addresses of a NAT before it, by its own.
        var translations: [(outside: Sourced<IPAddress>, own: Sourced<IPAddress>)] = []

        var node: String { "\(name)-gw" }
        /// The networks that get a host, with its name: no two overlap, and there are few.
        var hosts: [(network: Sourced<IPPrefix>, name: String)] = []
    }

    struct Tunnel {
        let name: String
        let facts: TunnelFacts
        /// The near end and the far one, complete.
        var ends: [EndFacts]
        /// Those of both ends, or of each.
        let proposals: [Proposals]
        let keys: [Sourced<String>]
        let mtu: Sourced<Int>
        let daemonVersion: Int

        var isOwn: Bool { ends.contains { $0.own != nil } }
        /// Whether each end has proposals of its own.
        var differs: Bool { proposals.count == 2 }
    }

    var gateways: [Gateway] = []
    var tunnels: [Tunnel] = []
    var notes: [ImportNote]
    private let facts: Facts
    private let providerNamed: (String) -> Provider?

    /// How many networks of a gateway get a host.
    private static let mostHosts = 3

    /// - Parameter provider: A provider that lab files may name; nil for one that they may not.
    init(_ facts: Facts, provider: @escaping (String) -> Provider?) {
        self.facts = facts
        providerNamed = provider
        notes = facts.notes
        settleGateways()
        settleTunnels()
        settleNetworks()
        chooseDaemons()
        settleSchedules()
        settleStaticRoutes()
    }

    func gateway(_ key: String) -> Gateway? { gateways.first { $0.key == key } }

    private mutating func note(_ kind: ImportNote.Kind, _ text: String) {
        let note = ImportNote(kind, text)
        if !notes.contains(note) { notes.append(note) }
    }

    // MARK: Gateways

    private mutating func settleGateways() {
        var names = Names()
        for gateway in facts.gateways {
            let base = gateway.provider ?? "site"
            let isAlone = facts.gateways.count { ($0.provider ?? "site") == base } == 1
            let name =
                facts.tunnels.contains { $0.near.own != nil || $0.far.own != nil }
                ? names.claim(gateway.name, usual: base)
                : names.claim(isAlone ? base : "\(base)-\(gateway.name)", usual: base)
            let isKnown = gateway.provider.map { providerNamed($0) != nil } ?? true
            if let provider = gateway.provider, !isKnown {
                note(.assumed, "netlab knows no rules of \(provider): nothing is held against them")
            }
            let networks = gateway.networks.filter { network in
                if !network.value.isV4 {
                    note(
                        .unsupported,
                        "\(network.value) behind \(name) (\(network.origin.comment)): imported labs have IPv4 inside")
                }
                return network.value.isV4 && !network.value.isDefault
            }
            gateways.append(
                Gateway(
                    key: gateway.key, name: name, title: gateway.title, provider: isKnown ? gateway.provider : nil,
                    origin: gateway.origin,
                    asn: gateway.asn, networks: networks,
                    daemon: (gateway.daemon ?? gateway.daemonMeant).map { ($0, gateway.origin) },
                    mayChangeDaemon: gateway.daemon == nil))
        }
    }

    /// Blocks for documentation (RFC 5737), for addresses that no input has.
    private func freeAddress(beside taken: Set<IPAddress>) -> IPAddress? {
        let blocks = ["203.0.113.0/24", "198.51.100.0/24"].compactMap { IPPrefix($0) }
        let all = blocks.lazy.flatMap { block in (UInt32(10)..<250).lazy.compactMap { block.host($0)?.address } }
        return all.filter { !taken.contains($0) }.first
    }

    // MARK: Tunnels

    private mutating func settleTunnels() {
        var names = Names()
        var taken = Set(facts.tunnels.flatMap { [$0.near.address, $0.far.address].compactMap { $0?.value } })
        var blocks = Set(facts.tunnels.flatMap { [$0.near.inside, $0.far.inside].compactMap { $0?.value.prefix } })
        var placeholders: [String: Sourced<IPAddress>] = [:]
        for facts in facts.tunnels {
            let name = names.claim(facts.name, usual: "vpn", length: 32)
            var ends = [facts.near, facts.far]
            for place in ends.indices where ends[place].address == nil {
                // A provider's gateway has an address for each tunnel, a customer's one for all.
                let gateway = ends[place].gateway
                let isShared = gateways.first { $0.key == gateway }?.provider == nil
                if isShared, let known = placeholders[gateway] ?? knownAddress(of: gateway) {
                    ends[place].address = known
                    continue
                }
                guard let free = freeAddress(beside: taken) else { continue }
                taken.insert(free)
                let address = Sourced.assumed(free, "no input has this address yet")
                ends[place].address = address
                if isShared { placeholders[gateway] = address }
                note(.missing, "\(name): the outside address of \(title(of: gateway)): \(free) stands in for it")
            }
            settleInside(&ends, routing: facts.routing, name, &blocks)
            let proposals = proposals(of: ends, name)
            let keys = facts.certificates == nil ? keys(of: ends, name) : []
            if let origin = facts.certificates {
                note(
                    .missing,
                    "\(name): its certificates are in no input (\(origin.comment)): the lab's own CA signs one of RSA with 2048 bits for each end"
                )
            }
            let version = facts.ikeVersion?.value ?? 2
            for (place, end) in ends.enumerated() {
                guard let gateway = gateways.firstIndex(where: { $0.key == end.gateway }), let address = end.address
                else { continue }
                gateways[gateway].asn = gateways[gateway].asn ?? end.asn
                let own = end.behind ?? address
                if !gateways[gateway].addresses.contains(where: { $0.value == own.value }) {
                    gateways[gateway].addresses.append(own)
                }
                if let behind = end.behind,
                    !gateways[gateway].translations.contains(where: { $0.own.value == behind.value })
                {
                    gateways[gateway].translations.append((address, behind))
                }
                // What a static route leads to is behind the other end.
                let other = ends[1 - place].gateway
                for route in end.routes where route.value.isV4 && !route.value.isDefault {
                    guard let far = gateways.firstIndex(where: { $0.key == other }),
                        !gateways[far].networks.contains(where: { $0.value == route.value })
                    else { continue }
                    gateways[far].networks.append(route)
                }
            }
            tunnels.append(
                Tunnel(
                    name: name, facts: facts, ends: ends, proposals: proposals, keys: keys,
                    mtu: mtu(of: proposals, ends, isForced: facts.forcesEncapsulation, said: facts.mtu, name),
                    daemonVersion: version))
        }
        settleNumbers()
    }

    private func title(of key: String) -> String {
        gateways.first { $0.key == key }.map { "\($0.name) (\($0.title))" } ?? key
    }

    private func knownAddress(of gateway: String) -> Sourced<IPAddress>? {
        facts.tunnels.lazy.flatMap { [$0.near, $0.far] }.filter { $0.gateway == gateway }.compactMap(\.address).first
    }

    /// Inside addresses: as they are where both are of one block, else of a free one.
    private mutating func settleInside(
        _ ends: inout [EndFacts], routing: TunnelFacts.Routing, _ name: String, _ blocks: inout Set<IPPrefix>
    ) {
        let needsOne = routing != .policies && ends.allSatisfy { $0.own == nil || $0.own?.interface != nil }
        guard needsOne else { return }
        if let near = ends[0].inside?.value, let far = ends[1].inside?.value, near.prefix == far.prefix,
            near.address != far.address
        {
            return
        }
        // One address of a /30 or /31 says the other.
        for place in ends.indices {
            guard let known = ends[place].inside, ends[1 - place].inside == nil,
                (30...31).contains(known.value.prefixLength)
            else { continue }
            let hosts: [UInt32] = known.value.prefixLength == 30 ? [1, 2] : [0, 1]
            if let other = hosts.lazy.compactMap({ known.value.prefix.host($0) }).first(where: {
                $0.address != known.value.address
            }) {
                ends[1 - place].inside = .assumed(other, "the other address of \(known.value.prefix)")
                return
            }
        }
        if ends.contains(where: { $0.inside != nil }) {
            note(
                .unsupported,
                "\(name): its inside addresses (\(ends.compactMap { $0.inside?.value.description }.joined(separator: ", "))) are not of one block; in the lab, BGP speaks between two of its own"
            )
        }
        let free = (0..<64).lazy.compactMap { IPPrefix("169.254.\(21 + $0 / 64).\($0 % 64 * 4)/30") }.first {
            !blocks.contains($0)
        }
        guard let free, let first = free.host(1), let second = free.host(2) else { return }
        blocks.insert(free)
        ends[0].inside = .assumed(first, "a block that providers leave free")
        ends[1].inside = .assumed(second, "a block that providers leave free")
    }

    private mutating func proposals(of ends: [EndFacts], _ name: String) -> [Proposals] {
        guard ends.contains(where: { $0.own == nil }) else { return [] }
        let saying = ends.filter {
            !$0.ike.isEmpty || !$0.esp.isEmpty || $0.ike.lifetime != nil || $0.esp.lifetime != nil
        }
        if saying.isEmpty { note(.assumed, "\(name): no input says its algorithms: AES-256, SHA2-256 and group 14") }
        let chosen = (saying.isEmpty ? [ends[0]] : saying).map { Proposals(ike: $0.ike, esp: $0.esp, of: name) }
        for proposals in chosen { notes += proposals.notes.filter { !notes.contains($0) } }
        return chosen
    }

    /// One for both ends, or one for each.
    private mutating func keys(of ends: [EndFacts], _ name: String) -> [Sourced<String>] {
        guard ends.contains(where: { $0.own == nil }) else { return [] }
        let usable = ends.map { end in
            end.key.flatMap { key -> Sourced<String>? in
                if Self.isRedacted(key.value) {
                    note(
                        .missing,
                        "\(name): its pre-shared key is left out in \(key.origin.comment): a made-up one stands in for it"
                    )
                    return nil
                }
                guard (8...64).contains(key.value.utf8.count),
                    key.value.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 })
                else {
                    note(
                        .unsupported,
                        "\(name): its pre-shared key (\(key.origin.comment)) is not of 8 to 64 printable characters without spaces and quotes: a made-up one stands in for it"
                    )
                    return nil
                }
                return key
            }
        }
        if let near = usable[0], let far = usable[1] { return near.value == far.value ? [near] : [near, far] }
        if let one = usable[0] ?? usable[1] { return [one] }
        if ends.allSatisfy({ $0.key == nil }) {
            note(.missing, "\(name): no input has its pre-shared key: a made-up one stands in for it")
        }
        return [.assumed("MadeUp" + name.filter { $0 != "-" }, "made up")]
    }

    /// What tools write in place of a secret.
    private static func isRedacted(_ key: String) -> Bool {
        let word = key.lowercased()
        return key.allSatisfy { "*xX•".contains($0) } || word.contains("sensitive") || word.contains("redacted")
            || word == "<hidden>" || !DeviceText.blanks(in: key).isEmpty
    }

    /// What ESP leaves of 1500 bytes, and no more than what the providers or an input set.
    private mutating func mtu(
        of proposals: [Proposals], _ ends: [EndFacts], isForced: Bool, said: Sourced<Int>?, _ name: String
    ) -> Sourced<Int> {
        let inUDP = isForced || ends.contains { $0.behind != nil }
        let family: EncapsulationFamily = ends.allSatisfy { $0.address?.value.isV4 ?? true } ? .ipv4 : .ipv6
        let room = proposals.compactMap { $0.largestPacket(inUDP: inUDP, family: family) }.min() ?? 1400
        let standards = ends.compactMap { end in
            gateways.first { $0.key == end.gateway }?.provider.flatMap(providerNamed)?.standard(.tunnelMTU).flatMap {
                Int($0.value)
            }
        }
        let usual = ([room] + standards).min() ?? room
        if let said, (576...room).contains(said.value) { return said }
        if let said {
            note(
                .unsupported,
                "\(name): its interface takes \(said.value) bytes (\(said.origin.comment)), and ESP leaves \(room) of 1500: \(usual)"
            )
        }
        return .assumed(usual, "what ESP leaves of 1500 bytes, and providers set at most")
    }

    // MARK: What tunnels and networks still lack

    /// AS numbers where BGP speaks: a provider's own, and private ones (RFC 6996) for a site.
    private mutating func settleNumbers() {
        let speaking = Set(tunnels.filter { $0.facts.routing == .bgp }.flatMap { $0.ends.map(\.gateway) })
        var next: UInt32 = 65001
        for place in gateways.indices where speaking.contains(gateways[place].key) && gateways[place].asn == nil {
            let standard = gateways[place].provider.flatMap(providerNamed)?.standard(.asn).flatMap { UInt32($0.value) }
            if let standard {
                gateways[place].asn = .assumed(standard, "the provider's own, unless somebody changes it")
            } else {
                while gateways.contains(where: { $0.asn?.value == next }) { next += 1 }
                gateways[place].asn = .assumed(next, "no input has it")
                note(.missing, "the AS number of \(gateways[place].name): \(next) stands in for it")
            }
        }
    }

    /// A network behind each gateway, so that there is somebody to ask, and hosts in them.
    private mutating func settleNetworks() {
        for tunnel in tunnels where tunnel.facts.routing == .policies {
            for pair in tunnel.facts.selectors {
                for (end, prefix) in zip(tunnel.ends, [pair.near, pair.far])
                where prefix.value.isV4 && !prefix.value.isDefault {
                    guard let place = gateways.firstIndex(where: { $0.key == end.gateway }) else { continue }
                    let isThere = gateways[place].networks.contains { $0.value == prefix.value }
                    let isOwn =
                        prefix.value.length == 32
                        && gateways[place].addresses.contains { $0.value == prefix.value.address }
                    if !isThere, !isOwn { gateways[place].networks.append(prefix) }
                }
            }
        }
        let known = gateways.flatMap { $0.networks.map(\.value) }
        for place in gateways.indices {
            let isHostToHost = tunnels.contains { tunnel in
                tunnel.facts.routing == .policies && tunnel.ends.contains { $0.gateway == gateways[place].key }
            }
            if gateways[place].networks.isEmpty, !isHostToHost {
                let free = (0..<50).lazy.compactMap { IPPrefix("10.\(200 + place % 5).\($0).0/24") }.first {
                    candidate in
                    !known.contains { $0.overlaps(candidate) }
                }
                guard let free else { continue }
                gateways[place].networks = [.assumed(free, "no input says what is behind it")]
                note(.missing, "what is behind \(gateways[place].name): \(free) stands in for it")
            }
            var chosen: [Sourced<IPPrefix>] = []
            for network in gateways[place].networks.sorted(by: { $0.value.length > $1.value.length })
            where chosen.count < Self.mostHosts && !chosen.contains(where: { $0.value.overlaps(network.value) }) {
                chosen.append(network)
            }
            let order = gateways[place].networks.map(\.value)
            chosen.sort { (order.firstIndex(of: $0.value) ?? 0) < (order.firstIndex(of: $1.value) ?? 0) }
            let name = gateways[place].name
            gateways[place].hosts = chosen.enumerated().map {
                ($1, chosen.count == 1 ? "\(name)-host" : "\(name)-host-\($0 + 1)")
            }
            if chosen.count < gateways[place].networks.count {
                note(.assumed, "\(name): \(chosen.count) of its \(gateways[place].networks.count) networks have a host")
            }
        }
    }

    /// The usual daemon, unless a tunnel needs what it cannot do.
    private mutating func chooseDaemons() {
        for tunnel in tunnels {
            let isAble = { (daemon: any KeyDaemon) in
                tunnel.proposals.allSatisfy { $0.isFor(daemon, version: tunnel.daemonVersion) }
            }
            guard let able = DaemonRegistry.keyDaemons.first(where: isAble) else { continue }
            for end in tunnel.ends where end.own == nil {
                guard let place = gateways.firstIndex(where: { $0.key == end.gateway && $0.mayChangeDaemon }) else {
                    continue
                }
                let meant = gateways[place].daemon?.word
                let present =
                    DaemonRegistry.keyDaemons.first { $0.keyword == meant } ?? DaemonRegistry.usualKeyDaemon
                guard !isAble(present) else { continue }
                gateways[place].daemon = (
                    able.keyword, .assumed("\(present.keyword) cannot do what \(tunnel.name) has")
                )
                gateways[place].mayChangeDaemon = false
                guard meant != nil else { continue }
                note(
                    .unsupported,
                    "\(gateways[place].name) runs \(able.product), though its text is for \(present.product): Debian's cannot do what \(tunnel.name) has"
                )
            }
        }
    }

    /// A lab has no route that stays for ever beside another one to the same prefix, since the other one would be of no use.
    private mutating func settleStaticRoutes() {
        for tunnel in tunnels.indices {
            for end in tunnels[tunnel].ends.indices {
                let own = tunnels[tunnel].ends[end]
                guard let origin = own.staticRoutes else { continue }
                let prefixes = Set(own.routes.map(\.value))
                let others = tunnels.indices.filter { $0 != tunnel }.flatMap { tunnels[$0].ends }
                guard
                    others.contains(where: {
                        $0.gateway == own.gateway && !prefixes.isDisjoint(with: $0.routes.map(\.value))
                    })
                else { continue }
                tunnels[tunnel].ends[end].staticRoutes = nil
                note(
                    .unsupported,
                    "\(tunnels[tunnel].name): its route (\(origin.comment)) stays when the tunnel is down, and packets are lost in it; in the lab the route goes with the tunnel, and another tunnel takes over"
                )
            }
        }
    }

    /// One time until a silent peer is dead for all tunnels of a gateway whose daemon has one alone.
    private mutating func settleSchedules() {
        for gateway in gateways {
            let daemon =
                DaemonRegistry.keyDaemons.first { $0.keyword == gateway.daemon?.word } ?? DaemonRegistry.usualKeyDaemon
            let own = tunnels.flatMap(\.ends).filter {
                $0.gateway == gateway.key && $0.own == nil && !$0.ignoresDeadPeers
            }
            guard daemon.hasOneSchedule, Set(own.map(\.patience?.value)).count > 1,
                let first = own.lazy.compactMap(\.patience).first
            else { continue }
            note(
                .assumed,
                "\(gateway.name): \(daemon.product) has one time until a peer is dead for all tunnels: \(first.value) s, the first one's"
            )
            for tunnel in tunnels.indices {
                for end in tunnels[tunnel].ends.indices where tunnels[tunnel].ends[end].gateway == gateway.key {
                    tunnels[tunnel].ends[end].patience = first
                }
            }
        }
    }
}
