import ConfigurationFormats
import LabModel
import NetworkTypes

// What a bird.conf says of BGP, BFD and the kernel's routes, with BIRD's own values for what it leaves out.
//
// Source: the BIRD 2.0 user's guide, "Protocols": BFD, BGP, Kernel; bird2 2.0.12, proto/bgp/config.Y, proto/bfd/config.Y.
extension BirdFile {
    var routing: OwnRouting {
        var routing = OwnRouting()
        var templates: [String: Template] = [:]
        for statement in statements {
            if statement.begins("template"), let template = Template(statement, among: templates) {
                template.name.map { templates[$0] = template }
            }
        }
        routing.bfd = bfd(&routing.open)
        for statement in statements {
            switch statement.words.first?.text {
            case "protocol": add(statement, templates, to: &routing)
            case "template", nil: break
            case let word? where Self.harmless.contains(word): break
            default: routing.open.append(Self.place(statement, 1))
            }
        }
        // A route that it has from nobody, or from another session, may lead to the next hop.
        for index in routing.sessions.indices where routing.sessions.count > 1 || hasRoutes(to: routing.sessions[index])
        {
            routing.sessions[index].nextHopObstacle = nil
        }
        routing.prepends = names.contains("prepend")
        routing.open += Self.preferences.intersection(names).sorted()
        return routing
    }

    /// Whether something beside a session may give BIRD a route to its neighbour.
    private func hasRoutes(to session: OwnSession) -> Bool {
        statements.contains { statement in
            guard statement.begins("protocol"), statement.words.count > 1, let body = statement.body else {
                return false
            }
            switch statement.words[1].text {
            case "device", "bfd", "bgp", "mrt", "bmp", "perf", "radv": return false
            case "kernel": return body.contains { $0.begins("learn") }
            case "static":
                return body.contains { route in
                    guard let prefix = route.word(after: "route").flatMap({ IPPrefix($0.text) }) else { return false }
                    return session.neighbor.map(prefix.contains) ?? true
                }
            default: return true
            }
        }
    }

    /// What stands outside of protocols and decides nothing here.
    private static let harmless: Set = [
        "log", "debug", "router", "timeformat", "mrtdump", "watchdog", "define", "function", "filter", "hostname",
        "ipv4",
        "ipv6", "graceful", "attribute", "threads", "thread", "cli", "test",
    ]

    /// What chooses among routes, or changes where they lead, wherever it stands.
    private static let preferences: Set = [
        "bgp_local_pref", "bgp_med", "bgp_origin", "bgp_next_hop", "preference", "krt_metric", "igp_metric", "gw",
        "ifname", "krt_prefsrc", "krt_source",
    ]

    fileprivate static func place(_ statement: Statement, _ words: Int = 2) -> String {
        "`\(statement.beginning(words))` in line \(statement.line)"
    }

    private struct Template {
        /// Nil for a protocol that has none.
        let name: String?
        let kind: String
        let body: [Statement]

        /// A template, or a protocol, with what it takes over from others before its own.
        init?(_ statement: Statement, among others: [String: Template]) {
            let words = statement.words
            guard words.count > 1, let body = statement.body else { return nil }
            kind = words[1].text
            let parent = statement.word(after: "from").flatMap { others[$0.text] }
            name = words.count > 2 && words[2].text != "from" ? words[2].text : nil
            self.body = (parent?.body ?? []) + body
        }
    }

    private func add(_ statement: Statement, _ templates: [String: Template], to routing: inout OwnRouting) {
        guard let own = Template(statement, among: templates) else { return }
        if statement.word(after: "from").map({ templates[$0.text] == nil }) ?? false {
            routing.open.append(Self.place(statement, 5))
        }
        if own.kind != "bgp", own.body.contains(where: { $0.begins("disabled") }) {
            routing.open.append(Self.place(statement))
            return
        }
        switch own.kind {
        case "device", "radv", "mrt", "bmp", "perf", "bfd": break
        case "direct":
            let patterns = own.body.filter { $0.begins("interface") }.flatMap { $0.words.dropFirst() }
                .filter(\.isQuoted).map(\.text)
            routing.directInterfaces += patterns.isEmpty ? ["*"] : patterns
        case "kernel": addKernel(own, to: &routing)
        case "static":
            let unreachable: Set = ["unreachable", "blackhole", "prohibit", "reject"]
            routing.open += own.body.filter { route in
                route.begins("route") && !route.words.contains { unreachable.contains($0.text) }
            }.map { Self.place($0) }
            routing.staticRoutes += own.body.compactMap { route in
                route.word(after: "route").flatMap { IPPrefix($0.text) }
            }
        case "bgp":
            let name = own.name ?? Self.usualName(beside: routing.sessions)
            routing.sessions.append(session(own, named: name, line: statement.line))
        default: routing.open.append(Self.place(statement))
        }
    }

    /// The name that BIRD gives a session without one: the next of `bgp1`, `bgp2`, … that no other has (bird2 2.0.12, conf/conf.c,
    /// `cf_default_name`).
    private static func usualName(beside sessions: [OwnSession]) -> String {
        let taken = Set(sessions.map(\.name))
        var number = 1
        while taken.contains("bgp\(number)") { number += 1 }
        return "bgp\(number)"
    }

    private func addKernel(_ kernel: Template, to routing: inout OwnRouting) {
        for setting in kernel.body {
            switch setting.words.first?.text {
            case "metric":
                if let metric = setting.words.last.flatMap({ Int($0.text) }) {
                    routing.metric = metric
                } else {
                    routing.open.append(Self.place(setting))
                }
            case "merge": routing.mergesPaths = setting.begins("merge", "paths") && Self.isOn(setting, beyond: 2)
            case "ipv4", "ipv6":
                let bits = setting.begins("ipv4") ? 32 : 128
                routing.kernelExports[bits] = filter("export", in: setting, usually: .nothing)
            case "scan", "device", "debug", "learn", "graceful", "description",
                "persist" where !Self.isOn(setting, beyond: 1):
                break
            default: routing.open.append(Self.place(setting))
            }
        }
    }

    /// Whether a switch is on: by its word, or for want of one.
    fileprivate static func isOn(_ setting: Statement, beyond count: Int) -> Bool {
        setting.words.count <= count || !["off", "no"].contains(setting.words[count].text)
    }

    /// What a channel lets out or in; nil where that is not read.
    ///
    /// - Parameters:
    ///   - word: `import` or `export`.
    ///   - usually: What it lets through where it says nothing.
    private func filter(_ word: String, in channel: Statement, usually: OwnFilter) -> OwnFilter? {
        guard let setting = Self.setting(word, in: channel) else { return usually }
        return switch setting.words.dropFirst().first?.text {
        case "all": .all
        case "none": .nothing
        default: filter(after: word, in: setting).map { .filter($0) }
        }
    }

    private static func setting(_ word: String, in channel: Statement) -> Statement? {
        channel.body?.last { setting in
            setting.begins(word) && !["limit", "keep", "table"].contains(setting.words.dropFirst().first?.text)
        }
    }

    // MARK: BGP

    private func session(_ own: Template, named name: String, line: Int) -> OwnSession {
        var session = OwnSession(
            name: name, line: line, hold: .seconds(240), connectRetry: .seconds(120), connectDelay: .seconds(5),
            errorWait: Window(.seconds(60), .seconds(300)))
        var isDirect = false
        for setting in own.body {
            let isTaken = read(setting, into: &session)
            isDirect = isDirect || setting.begins("direct")
            if isTaken,
                let name = Self.computed.first(where: { setting.beginning($0.count) == $0.joined(separator: " ") })
            {
                let name = name.joined(separator: " ")
                if !session.taken.contains(name) { session.taken.append(name) }
            }
        }
        // Within an AS a neighbour may be several hops away unless it is said to be direct; then no carrier is looked at.
        session.isMultihop = session.isMultihop || session.asn == session.peerASN && !isDirect
        // `gateway recursive`, which sessions over several hops have unless they say otherwise.
        if session.isMultihop,
            !own.body.contains(where: { $0.body?.contains { $0.begins("gateway", "direct") } ?? false })
        {
            session.nextHopObstacle = OwnObstacle(
                reason:
                    "the session may be several hops long, so BIRD looks up next hops among its own routes, and has none that leads to its neighbour",
                remedy:
                    "Add `protocol direct { ipv4; }`, have the kernel protocol `learn`, or write `gateway direct` in the channel"
            )
        }
        if session.isMultihop {
            session.open.append("the neighbour of \(name) in line \(line) may be several hops away")
        }
        return session
    }

    /// What is computed with.
    private static let computed = [
        ["local"], ["neighbor"], ["hold", "time"], ["keepalive", "time"], ["connect", "retry", "time"],
        ["connect", "delay", "time"], ["error", "wait", "time"], ["bfd"], ["password"], ["multihop"],
    ]

    /// - Returns: Whether it was understood; what was not is noted if it may decide.
    private func read(_ setting: Statement, into session: inout OwnSession) -> Bool {
        func time(_ words: Int, _ take: (Duration) -> Void) -> Bool {
            guard let time = Self.time(setting.words.dropFirst(words), unit: .seconds(1)) else { return open() }
            take(time)
            return true
        }
        func open(_ words: Int = 2) -> Bool {
            session.open.append(Self.place(setting, words))
            return false
        }
        switch (setting.words.first?.text, setting.words.dropFirst().first?.text) {
        case ("local", _):
            guard let number = setting.word(after: "as") else { return true }
            guard let asn = ASN(number.text) else { return open() }
            session.asn = asn
        case ("neighbor", _):
            return readNeighbor(setting, into: &session) ? true : open()
        case ("hold", "time"): return time(2) { session.hold = $0 }
        case ("keepalive", "time"): return time(2) { session.keepalive = $0 }
        case ("connect", "retry"): return time(3) { session.connectRetry = $0 }
        case ("connect", "delay"): return time(3) { session.connectDelay = $0 }
        case ("error", "wait"):
            let parts = setting.words.dropFirst(3).split { $0.text == "," }
            guard parts.count == 2, let first = Self.time(parts[0], unit: .seconds(1)),
                let longest = Self.time(parts[1], unit: .seconds(1))
            else { return open() }
            session.errorWait = Window(first, max(first, longest))
        case ("bfd", _): return readBFD(setting, into: &session) ? true : open()
        case ("password", _): session.password = setting.words.dropFirst().first.map { Secret($0.text) }
        case ("multihop", _): session.isMultihop = true
        case ("direct", _): session.isMultihop = false
        case ("source", "address"):
            session.source = setting.words.dropFirst(2).first.flatMap { IPAddress($0.text) }
            return session.source == nil ? open() : true
        case ("interface", _):
            session.interface = setting.words.dropFirst().first?.text
        case ("ttl", "security"): session.checksTTL = Self.isOn(setting, beyond: 2)
        case ("ipv4", _), ("ipv6", _):
            let bits = setting.begins("ipv4") ? 32 : 128
            let export = filter("export", in: setting, usually: .nothing)
            session.exports[bits] = export
            session.hasKnownExports = session.hasKnownExports && export != nil
            if let line = Self.setting("import", in: setting)?.line,
                let filter = filter("import", in: setting, usually: .all)
            {
                session.imports[bits] = OwnImport(filter: filter, line: line)
            }
            for part in setting.body ?? [] where !Self.isHarmless(channel: part) {
                session.open.append(Self.place(part))
            }
        case ("graceful", "restart"):
            let value = setting.words.dropFirst(2).first?.text
            if value != "time" { session.helpsRestart = value != "off" && value != "no" }
            return ["off", "no", "aware", "time"].contains(value) ? true : open()
        case ("check", "link"): return Self.isOn(setting, beyond: 2) ? true : open()
        case ("disabled", _) where Self.isOn(setting, beyond: 1):
            session.disabledLine = setting.line
            return open()
        case ("passive", _) where Self.isOn(setting, beyond: 1):
            session.passiveLine = setting.line
            return open()
        case ("disabled", _), ("passive", _), ("strict", "bind"):
            return setting.begins("strict") || !Self.isOn(setting, beyond: 1) ? true : open()
        case ("disable", "after"): return Self.isOn(setting, beyond: 3) ? open(3) : true
        case (let first?, let second) where Self.isHarmless(first, second): return true
        default: return open()
        }
        return true
    }

    private func readNeighbor(_ setting: Statement, into session: inout OwnSession) -> Bool {
        let words = setting.words.dropFirst().map(\.text)
        if let address = words.first(where: { IPAddress(String($0.prefix { $0 != "%" })) != nil }) {
            session.neighbor = IPAddress(String(address.prefix { $0 != "%" }))
        } else if words.first != "as", words.first != "internal", words.first != "external", words.first != "port" {
            return false
        }
        if let number = setting.word(after: "as") {
            guard let asn = ASN(number.text) else { return false }
            session.peerASN = asn
        }
        if words.contains("internal") { session.peerASN = session.asn }
        return true
    }

    private func readBFD(_ setting: Statement, into session: inout OwnSession) -> Bool {
        if let body = setting.body {
            var options = BFDOptions()
            let isKnown = body.allSatisfy { Self.read($0, into: &options) }
            session.bfd = options
            return isKnown
        }
        switch setting.words.dropFirst().first?.text {
        case nil, "on", "yes": session.bfd = BFDOptions()
        case "off", "no": session.bfd = nil
        default: return false
        }
        return true
    }

    /// What a BGP protocol may say that decides nothing here.
    private static func isHarmless(_ first: String, _ second: String?) -> Bool {
        if ["description", "debug", "mrtdump", "interpret", "capabilities", "onlink"].contains(
            first)
        {
            return true
        }
        let pairs = [
            "router id", "startup hold", "error forget", "enable route", "enable as4", "enable extended",
            "advertise hostname", "tx size", "local role",
        ]
        return pairs.contains("\(first) \(second ?? "")")
    }

    /// What a channel of a BGP protocol may say that decides nothing here, or is read for itself: which routes it lets in is what the lab
    /// file says of them unless it is none, and `up` waits until they are there.
    private static func isHarmless(channel setting: Statement) -> Bool {
        if setting.begins("next", "hop", "address") { return false }
        return switch (setting.words.first?.text, setting.words.dropFirst().first?.text) {
        case ("import", "limit"), ("export", "limit"), ("import", "keep"), ("import", "none"): false
        case ("import", _), ("export", _), ("next", "hop"), ("mandatory", _), ("debug", _), ("extended", _),
            ("missing", _),
            ("gateway", "direct"):
            true
        default: false
        }
    }

    // MARK: BFD

    private func bfd(_ open: inout [String]) -> OwnBFD? {
        let usual = BFDTimers(transmit: .milliseconds(100), receive: .milliseconds(10), multiplier: 5)
        var bfd: OwnBFD?
        for statement in statements where statement.begins("protocol", "bfd") {
            var found = bfd ?? OwnBFD(interfaces: [], usual: usual, multihop: usual)
            for part in statement.body ?? [] {
                var options = BFDOptions()
                let isKnown = part.body?.allSatisfy { Self.read($0, into: &options) } ?? true
                switch part.words.first?.text {
                case "interface" where isKnown && part.words.dropFirst().allSatisfy({ $0.isQuoted || $0.text == "," }):
                    let patterns = part.words.dropFirst().filter(\.isQuoted).map(\.text)
                    found.interfaces.append(OwnBFD.Interfaces(patterns: patterns, timers: usual.with(options)))
                case "multihop" where isKnown: found.multihop = usual.with(options)
                case "debug", "description", "accept", "neighbor": break
                default: open.append(Self.place(part))
                }
            }
            bfd = found
        }
        return bfd
    }

    /// - Returns: Whether it was understood, or decides nothing.
    private static func read(_ setting: Statement, into options: inout BFDOptions) -> Bool {
        func time(_ count: Int) -> Duration? { Self.time(setting.words.dropFirst(count), unit: .microseconds(1)) }
        switch setting.words.first?.text {
        case "interval":
            guard let interval = time(1) else { return false }
            options.transmit = interval
            options.receive = interval
        case "min":
            guard let interval = time(3) else { return false }
            if setting.begins("min", "rx", "interval") {
                options.receive = interval
            } else if setting.begins("min", "tx", "interval") {
                options.transmit = interval
            } else {
                return false
            }
        case "multiplier":
            guard let multiplier = setting.words.last.flatMap({ Int($0.text) }), (1...255).contains(multiplier) else {
                return false
            }
            options.multiplier = multiplier
        // How often it sends while there is no session.
        case "idle": break
        default: return false
        }
        return true
    }

    /// A time such as `300 ms`, `3 s`, or a bare number.
    private static func time(_ words: ArraySlice<Word>, unit: Duration) -> Duration? {
        let text = words.map(\.text).joined()
        let digits = text.prefix(while: \.isNumber)
        guard let number = Int64(digits), number <= 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "": return unit * Int(number)
        case "s": return .seconds(number)
        case "ms": return .milliseconds(number)
        case "us": return .microseconds(number)
        default: return nil
        }
    }
}
