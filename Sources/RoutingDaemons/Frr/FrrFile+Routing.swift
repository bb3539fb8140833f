import ConfigurationFormats
import LabModel
import NetworkTypes

// What a frr.conf says of BGP, BFD and routes, with FRR's own values for what it leaves out.
//
// Source: the FRR 8.4 user's guide, "BGP", "BFD"; FRR 8.4.4 and 10.3, bgpd/bgp_vty.c (`FRR_CFG_DEFAULT_*`), bgpd/bgpd.h, bfdd/bfd.h.
extension FrrFile {
    var routing: OwnRouting { Reader(self).routing }

    /// FRR's own timers, which depend on its `frr defaults` (`FRR_CFG_DEFAULT_ULONG`).
    fileprivate struct Defaults {
        var hold = Duration.seconds(180)
        var keepalive = Duration.seconds(60)
        /// 120 s in FRR 8.4, 30 s in 10.3: the longer one, as windows begin at nothing.
        var connectRetry = Duration.seconds(120)
        var requiresPolicy = true
        var checksNetworks = true

        init(_ statements: [Statement]) {
            guard statements.contains(where: { $0.begins("frr", "defaults", "datacenter") }) else { return }
            hold = .seconds(9)
            keepalive = .seconds(3)
            connectRetry = .seconds(10)
            requiresPolicy = false
        }
    }
}

/// One reading of a file.
private struct Reader {
    private(set) var routing = OwnRouting()
    private let statements: [FrrFile.Statement]
    private var defaults: FrrFile.Defaults
    private var asn: ASN?
    private var helpsRestart = true
    private var activatesIPv4 = true
    private var hasMultipath = true
    private var relaxesPaths = false
    private var networks: [IPPrefix] = []
    private var staticRoutes: [IPPrefix] = []
    private var redistributesStatic = false
    private var bfdPeers: [IPAddress: BFDOptions] = [:]
    private var bfdProfiles: [String: BFDOptions] = [:]
    private var isBFDOpen: [String] = []

    init(_ file: FrrFile) {
        statements = file.statements
        defaults = FrrFile.Defaults(file.statements)
        let routers = statements.filter { $0.stands() && $0.begins("router", "bgp") && !$0.isNegated }
        for statement in statements { read(statement) }
        for router in routers.dropFirst() { open(router, 3) }
        readNeighbors()
        if !networks.isEmpty, defaults.checksNetworks {
            routing.checkedNetworks = networks
            routing.networkObstacle = OwnObstacle(
                reason: "the node has no route to it (bgp network import-check, FRR's default)",
                remedy: "Give the node such a route, `blackhole` for one, or write `no bgp network import-check`")
        } else {
            routing.staticRoutes += networks
        }
        if redistributesStatic { routing.staticRoutes += staticRoutes }
        routing.mergesPaths = hasMultipath && relaxesPaths
        routing.kernelExports = [32: .all, 128: .all]
        let usual = BFDTimers(transmit: .milliseconds(300), receive: .milliseconds(300), multiplier: 3)
        if routing.sessions.contains(where: { $0.bfd != nil }) {
            routing.bfd = OwnBFD(interfaces: [], usual: usual, multihop: usual)
        }
        routing.open += isBFDOpen
    }

    private mutating func open(_ statement: FrrFile.Statement, _ words: Int = 2) {
        routing.open.append(Self.place(statement, words))
    }

    private static func place(_ statement: FrrFile.Statement, _ words: Int) -> String {
        "`\(statement.beginning(words))` in line \(statement.line)"
    }

    private static func seconds(_ word: String?, _ range: ClosedRange<Int> = 0...65535) -> Duration? {
        word.flatMap { Int($0) }.flatMap { range.contains($0) ? .seconds($0) : nil }
    }

    private mutating func read(_ statement: FrrFile.Statement) {
        switch statement.blocks.first?.first {
        case nil: readOutside(statement)
        case "router" where statement.blocks[0].starts(with: ["router", "bgp"]): readRouter(statement)
        case "bfd": readBFD(statement)
        case "route-map": readRouteMap(statement)
        case "interface":
            if !["description", "bandwidth", "link-detect"].contains(statement.words[0]) || statement.isNegated {
                open(statement)
            }
        case "line", "rpki": break
        default: open(statement)
        }
    }

    // MARK: Outside of blocks

    private static let harmless: Set = [
        "frr", "hostname", "domainname", "log", "service", "password", "enable", "debug", "line", "access-list",
        "banner", "bfd", "interface", "end", "write", "agentx", "zebra", "allow-external-route-update", "username",
    ]

    private mutating func readOutside(_ statement: FrrFile.Statement) {
        let words = statement.words
        switch words[0] {
        case "router" where statement.begins("router", "bgp"):
            guard !statement.isNegated, words.count == 3, let number = ASN(words[2]) else { return open(statement, 4) }
            asn = asn ?? number
        case "ip" where words.count > 3 && words[1] == "route", "ipv6" where words.count > 3 && words[1] == "route":
            let isNowhere = words.dropFirst(3).contains { ["null0", "blackhole", "reject"].contains($0.lowercased()) }
            guard !statement.isNegated, isNowhere, let prefix = IPPrefix(words[2]) else { return open(statement, 3) }
            staticRoutes.append(prefix)
        case "ip" where words.count > 1 && ["prefix-list", "forwarding"].contains(words[1]),
            "ipv6" where words.count > 1 && ["prefix-list", "forwarding", "access-list"].contains(words[1]):
            break
        case "bgp"
        where words.count > 1
            && ["as-path", "community-list", "large-community-list", "extcommunity-list"]
                .contains(words[1]):
            break
        case "route-map": break
        case let word where Self.harmless.contains(word): break
        default: open(statement)
        }
    }

    /// What a route map does to a route may decide which is the best.
    private mutating func readRouteMap(_ statement: FrrFile.Statement) {
        if statement.begins("set", "as-path", "prepend") {
            routing.prepends = !statement.isNegated
            return
        }
        if statement.begins("set"), !statement.isNegated {
            let harmless: Set = ["community", "large-community", "comm-list", "src", "tag"]
            if statement.words.count < 2 || !harmless.contains(statement.words[1]) { open(statement, 3) }
        }
    }

    // MARK: The router

    private mutating func readRouter(_ statement: FrrFile.Statement) {
        let words = statement.words
        let isOn = !statement.isNegated
        switch (words[0], words.count > 1 ? words[1] : "") {
        case ("neighbor", _): break
        case ("address-family", _):
            if words.count < 2 || !["ipv4", "ipv6"].contains(words[1]) || words.count > 2 && words[2] != "unicast" {
                open(statement, 3)
            }
        case ("timers", "bgp"):
            guard isOn, words.count >= 4, let keepalive = Self.seconds(words[2]), let hold = Self.seconds(words[3])
            else {
                return open(statement, 4)
            }
            defaults.keepalive = keepalive
            defaults.hold = hold
        case ("bgp", "router-id"), ("bgp", "log-neighbor-changes"), ("bgp", "deterministic-med"),
            ("bgp", "suppress-duplicates"), ("bgp", "cluster-id"),
            ("no", _), ("bgp", "hard-administrative-reset"):
            break
        case ("bgp", "graceful-restart-disable"): helpsRestart = !isOn
        case ("bgp", "ebgp-requires-policy"): defaults.requiresPolicy = isOn
        case ("bgp", "network") where words.count > 2 && words[2] == "import-check": defaults.checksNetworks = isOn
        case ("bgp", "default") where words.count > 2 && words[2] == "ipv4-unicast": activatesIPv4 = isOn
        case ("bgp", "default") where words.count > 2 && words[2] == "show-hostname": break
        case ("bgp", "bestpath") where statement.begins("bgp", "bestpath", "as-path", "multipath-relax"):
            relaxesPaths = isOn
        // Which of equally good routes is told on, not which carry.
        case ("bgp", "bestpath") where statement.begins("bgp", "bestpath", "compare-routerid"): break
        case ("maximum-paths", _):
            // Without a number, or with more than one, it shares; the number is for sessions with other systems or within one.
            if words.last == "1" { hasMultipath = false }
        case ("network", _):
            guard isOn, words.count == 2, let prefix = IPPrefix(words[1]) else { return open(statement) }
            networks.append(prefix)
        case ("redistribute", "connected") where words.count == 2 && isOn: routing.directInterfaces = ["*"]
        case ("redistribute", "static") where words.count == 2 && isOn: redistributesStatic = true
        default:
            // What is said not to be is as it was.
            if isOn || statement.begins("bgp", "fast-external-failover") { open(statement, 3) }
        }
    }

    // MARK: BFD

    private mutating func readBFD(_ statement: FrrFile.Statement) {
        guard let block = statement.blocks.dropFirst().first else {
            // `peer ADDRESS …` and `profile NAME` begin blocks, which may be empty.
            if statement.begins("peer") { change(statement, at: statement.words) { _ in } }
            return
        }
        let value = statement.words.last.flatMap { Int64($0) }
        switch (statement.words[0], statement.isNegated) {
        case ("detect-multiplier", false):
            guard let value, (1...255).contains(value) else { return bfdOpen(statement) }
            change(statement, at: block) { $0.multiplier = Int(value) }
        case ("receive-interval", false):
            guard let value, (1...60000).contains(value) else { return bfdOpen(statement) }
            change(statement, at: block) { $0.receive = .milliseconds(value) }
        case ("transmit-interval", false):
            guard let value, (1...60000).contains(value) else { return bfdOpen(statement) }
            change(statement, at: block) { $0.transmit = .milliseconds(value) }
        case ("profile", false) where statement.words.count == 2 && block.first == "peer":
            let profile = bfdProfiles[statement.words[1]]
            if profile == nil { bfdOpen(statement) }
            change(statement, at: block) { $0 = (profile ?? BFDOptions()).over($0) }
        case ("label", _), ("minimum-ttl", _), (_, true): break
        default: bfdOpen(statement)
        }
    }

    private mutating func bfdOpen(_ statement: FrrFile.Statement) { isBFDOpen.append(Self.place(statement, 2)) }

    private mutating func change(
        _ statement: FrrFile.Statement, at block: [String], _ body: (inout BFDOptions) -> Void
    ) {
        guard block.count > 1 else { return }
        if block[0] == "profile" {
            body(&bfdProfiles[block[1], default: BFDOptions()])
        } else if let address = IPAddress(block[1]) {
            body(&bfdPeers[address, default: BFDOptions()])
        } else {
            bfdOpen(statement)
        }
    }

    // MARK: Neighbours

    /// Neighbours by their names, which are addresses but for groups, each with its lines; those of its group come first.
    private mutating func readNeighbors() {
        var lines: [String: [FrrFile.Statement]] = [:]
        var names: [String] = []
        var groups: [String: String] = [:]
        for statement in statements {
            guard statement.blocks.first?.starts(with: ["router", "bgp"]) ?? false, statement.begins("neighbor"),
                statement.words.count > 2
            else { continue }
            let name = statement.words[1]
            if lines[name] == nil { names.append(name) }
            lines[name, default: []].append(statement)
            if statement.words[2] == "peer-group", statement.words.count > 3 { groups[name] = statement.words[3] }
        }
        for name in names {
            guard let own = lines[name], let first = own.first else { continue }
            let isGroup = own.contains { $0.words.count == 3 && $0.words[2] == "peer-group" }
            guard let address = IPAddress(name) else {
                if !isGroup { open(first, 3) }
                continue
            }
            let inherited = groups[name].map { group in lines[group, default: []] } ?? []
            routing.sessions.append(session(with: address, inherited + own, line: first.line))
        }
    }

    private func session(
        with address: IPAddress, _ statements: [FrrFile.Statement], line: Int
    ) -> OwnSession {
        var session = OwnSession(
            name: address.description, line: line, hold: defaults.hold, connectRetry: defaults.connectRetry,
            connectDelay: .zero, errorWait: Window(.seconds(1), .seconds(2)))
        session.asn = asn
        session.neighbor = address
        session.keepalive = defaults.keepalive
        session.helpsRestart = helpsRestart
        let bits = address.bitWidth
        var isActive = bits == 32 && activatesIPv4
        var hasFamily = activatesIPv4
        var policies: Set<String> = []
        var missing: [String: OwnObstacle] = [:]
        var filters = ["in": RouteLists(), "out": RouteLists()]
        for statement in statements {
            let words = Array(statement.words.dropFirst(2))
            let isOn = !statement.isNegated
            let isOwnFamily = family(of: statement) == bits
            let isTaken = read(words, isOn, statement, into: &session)
            switch words[0] {
            case "activate":
                if isOwnFamily { isActive = isOn }
                hasFamily = isOn || hasFamily && family(of: statement) != 32
            case "route-map", "prefix-list", "filter-list", "distribute-list":
                guard let way = words.last, words.count == 3, isOn, isOwnFamily else { break }
                policies.insert(way)
                var filter = RouteLists()
                filter.add(words[0], words[1], bits, in: self.statements)
                filters[way]?.add(words[0], words[1], bits, in: self.statements)
                if isUndefined(words[0], words[1], bits) {
                    missing[way] = OwnObstacle(
                        reason:
                            "there is no \(words[0]) \(words[1]), which line \(statement.line) names, and FRR refuses all routes then",
                        remedy: "Define \(words[1]), or remove `\(words.joined(separator: " "))`")
                } else if !filter.isRead {
                    session.open.append(Self.place(statement, 4))
                }
            default:
                if isTaken {
                    let name = "neighbor \(words.prefix(Self.named[words[0]] ?? 1).joined(separator: " "))"
                    if Self.named[words[0]] != nil, !session.taken.contains(name) { session.taken.append(name) }
                }
            }
        }
        let isInternal = session.asn != nil && session.asn == session.peerASN
        if session.peerASN == nil { session.open.append("the AS number of the neighbour \(address) in line \(line)") }
        let needsPolicy = defaults.requiresPolicy && !isInternal
        func obstacle(_ way: String) -> OwnObstacle? {
            if !isActive {
                return OwnObstacle(
                    reason: "the neighbour is not activated for IPv\(bits == 32 ? 4 : 6)",
                    remedy: "Write `neighbor \(address) activate` in its address family")
            }
            if needsPolicy, !policies.contains(way) {
                return OwnObstacle(
                    reason:
                        "it has no route map or list for what goes \(way) (bgp ebgp-requires-policy, FRR's default)",
                    remedy: "Write `no bgp ebgp-requires-policy`, or give the neighbour a `route-map … \(way)`")
            }
            return missing[way]
        }
        session.silence = obstacle("out")
        let (taken, told) = (filters["in"] ?? RouteLists(), filters["out"] ?? RouteLists())
        session.exports[bits] = session.silence != nil ? .nothing : told.isEmpty ? .all : .lists(told)
        if let obstacle = obstacle("in") {
            session.imports[bits] = OwnImport(filter: .nothing, line: line, obstacle: obstacle)
        } else if !taken.isEmpty {
            session.imports[bits] = OwnImport(filter: .lists(taken), line: line)
        }
        if !hasFamily {
            session.refusal = OwnObstacle(
                reason: "no address family is activated for the neighbour (\"No AFI/SAFI activated\")",
                remedy: "Write `neighbor \(address) activate` in `address-family ipv4 unicast`")
        }
        if !session.hasCapabilities, let asn = session.asn, asn.number > 65535 {
            session.refusal = OwnObstacle(
                reason:
                    "AS \(asn) has 32 bits, which its neighbour is told by a capability alone (RFC 6793), and `dont-capability-negotiate` sends none",
                remedy: "Remove `dont-capability-negotiate`")
        }
        if session.isMultihop {
            session.open.append("the neighbour \(address) in line \(line) may be several hops away")
        }
        if session.bfd != nil, let own = bfdPeers[address] { session.bfd = own.over(session.bfd ?? BFDOptions()) }
        return session
    }

    /// Whether a list or map that a neighbour is given is defined nowhere.
    private func isUndefined(_ kind: String, _ name: String, _ bits: Int) -> Bool {
        let family = bits == 32 ? "ip" : "ipv6"
        let definitions: [[String]] =
            switch kind {
            case "route-map": [["route-map", name]]
            case "prefix-list": [[family, "prefix-list", name]]
            case "filter-list": [["bgp", "as-path", "access-list", name]]
            default: [["access-list", name], [family, "access-list", name]]
            }
        return !statements.contains { statement in
            !statement.isNegated
                && definitions.contains { statement.words.count > $0.count && statement.words.starts(with: $0) }
        }
    }

    private func family(of statement: FrrFile.Statement) -> Int {
        statement.blocks.contains { $0.starts(with: ["address-family", "ipv6"]) } ? 128 : 32
    }

    /// How many words of a neighbour's setting that is computed with name it.
    private static let named = [
        "remote-as": 1, "timers": 1, "password": 1, "bfd": 1, "ebgp-multihop": 1, "advertisement-interval": 1,
    ]

    private static let harmlessForNeighbors: Set = [
        "description", "update-source", "soft-reconfiguration", "send-community", "next-hop-self", "peer-group",
        "capability", "disable-connected-check", "activate", "graceful-restart-disable",
        "graceful-restart-helper", "route-map", "prefix-list", "filter-list", "distribute-list", "interface",
        "sender-as-path-loop-detection", "extended-optional-parameters",
    ]

    /// - Returns: Whether it was understood; what was not is noted if it may decide.
    private func read(
        _ words: [String], _ isOn: Bool, _ statement: FrrFile.Statement, into session: inout OwnSession
    ) -> Bool {
        func open() -> Bool {
            session.open.append(Self.place(statement, 3))
            return false
        }
        let value = words.count > 1 ? words[1] : nil
        switch words[0] {
        case "remote-as":
            switch value {
            case "internal": session.peerASN = session.asn
            case "external": return open()
            default:
                guard isOn, let number = value.flatMap(ASN.init) else { return open() }
                session.peerASN = number
            }
        case "timers":
            if value == "connect" {
                guard isOn, words.count == 3, let retry = Self.seconds(words[2], 1...65535) else { return open() }
                session.connectRetry = retry
            } else {
                guard isOn, words.count == 3, let keepalive = Self.seconds(value), let hold = Self.seconds(words[2])
                else { return open() }
                session.keepalive = keepalive
                session.hold = hold
            }
        // What its neighbour takes it for.
        case "local-as":
            guard isOn else { return true }
            session.asn = value.flatMap(ASN.init)
            return open()
        case "password": session.password = isOn ? value.map { Secret($0) } : nil
        case "shutdown":
            guard isOn else { return true }
            session.disabledLine = statement.line
            return open()
        case "passive":
            guard isOn else { return true }
            session.passiveLine = statement.line
            return open()
        case "dont-capability-negotiate":
            session.hasCapabilities = !isOn
            return isOn ? open() : true
        // One more than a single hop is not said to whom.
        case "ttl-security":
            session.checksTTL = isOn
            return isOn && words != ["ttl-security", "hops", "1"] ? open() : true
        case "ebgp-multihop": session.isMultihop = isOn && value != "1"
        case "advertisement-interval": return isOn && value != "0" ? open() : true
        case "graceful-restart-disable": session.helpsRestart = !isOn
        case "graceful-restart-helper": if isOn { session.helpsRestart = true }
        case "bfd": return readBFD(Array(words.dropFirst()), isOn, into: &session) ? true : open()
        case let word where Self.harmlessForNeighbors.contains(word): return true
        default: return isOn ? open() : true
        }
        return true
    }

    /// `bfd`, `bfd MULTIPLIER RECEIVE TRANSMIT` or `bfd profile NAME`.
    private func readBFD(_ words: [String], _ isOn: Bool, into session: inout OwnSession) -> Bool {
        guard isOn else {
            if words.isEmpty { session.bfd = nil }
            return words.isEmpty
        }
        var options = session.bfd ?? BFDOptions()
        let numbers = words.compactMap { Int64($0) }
        if words.isEmpty {
        } else if words.count == 2, words[0] == "profile" {
            guard let profile = bfdProfiles[words[1]] else { return false }
            options = profile.over(options)
        } else if words.count == 3, numbers.count == 3, (2...255).contains(numbers[0]),
            numbers.dropFirst().allSatisfy({ (50...60000).contains($0) })
        {
            options.multiplier = Int(numbers[0])
            options.receive = .milliseconds(numbers[1])
            options.transmit = .milliseconds(numbers[2])
        } else {
            return false
        }
        session.bfd = options
        return true
    }
}

extension BFDOptions {
    /// These, and for what they leave out the others.
    fileprivate func over(_ other: BFDOptions) -> BFDOptions {
        var options = self
        options.transmit = transmit ?? other.transmit
        options.receive = receive ?? other.receive
        options.multiplier = multiplier ?? other.multiplier
        return options
    }
}
