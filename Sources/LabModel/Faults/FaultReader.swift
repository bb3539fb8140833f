import NetworkTypes

/// Reads one fault's text against the topology in which it is to happen.
struct FaultReader {
    let text: String
    let topology: Topology

    /// What a form's capital words stand for, in their order; nil for an optional one that was not written.
    typealias Arguments = [String?]

    /// Every form with what it means: capital words stand for something, `|` is a choice, and a part in brackets at the end
    /// may be missing.
    static let grammar: [(form: String, read: @Sendable (FaultReader, Arguments) throws(FaultError) -> Fault)] = [
        ("link LINK down", { (r, a) throws(FaultError) in .linkDown(try r.link(a[0])) }),
        (
            "vlan LINK down [at NODE]",
            { (r, a) throws(FaultError) in
                let link = try r.taggedLink(a[0])
                return .vlanDown(link.name, node: try a[1].map { n throws(FaultError) in try r.end(n, of: link) })
            }
        ),
        ("loss LINK SHARE [from NODE]", { (r, a) throws(FaultError) in try r.impairment(.loss(r.share(a[1])), a) }),
        ("delay LINK TIME [from NODE]", { (r, a) throws(FaultError) in try r.impairment(.delay(r.time(a[1])), a) }),
        ("jitter LINK TIME [from NODE]", { (r, a) throws(FaultError) in try r.impairment(.jitter(r.time(a[1])), a) }),
        ("rate LINK RATE [from NODE]", { (r, a) throws(FaultError) in try r.impairment(.rate(r.rate(a[1])), a) }),
        (
            "corruption LINK SHARE [from NODE]",
            { (r, a) throws(FaultError) in try r.impairment(.corruption(r.share(a[1])), a) }
        ),
        (
            "duplication LINK SHARE [from NODE]",
            { (r, a) throws(FaultError) in try r.impairment(.duplication(r.share(a[1])), a) }
        ),
        (
            "reordering LINK SHARE [from NODE]",
            { (r, a) throws(FaultError) in try r.impairment(.reordering(r.share(a[1])), a) }
        ),
        (
            "blackhole LINK [from NODE]",
            { (r, a) throws(FaultError) in .blackHole(link: try r.link(a[0]), sender: try r.sender(a[1], on: a[0])) }
        ),
        (
            "drop TRAFFIC on LINK|TUNNEL [from NODE]",
            { (r, a) throws(FaultError) in
                let traffic: Fault.Traffic = try r.choice(a[0], noun: "kinds of traffic")
                return .drop(traffic, on: try r.linkOrTunnel(a[1]), sender: try r.sender(a[2], on: a[1]))
            }
        ),
        ("mtu NODE INTERFACE BYTES", { (r, a) throws(FaultError) in try r.mtu(a) }),
        ("nat NODE flushed", { (r, a) throws(FaultError) in .natFlushed(node: try r.translator(a[0]).node.name) }),
        ("nat NODE OUTSIDE to INSIDE", { (r, a) throws(FaultError) in try r.changedMapping(a) }),
        ("security NODE without PREFIX [PROTOCOL]", { (r, a) throws(FaultError) in try r.removedRule(a) }),
        ("source-destination-check NODE on", { (r, a) throws(FaultError) in try r.sourceDestinationCheck(a[0]) }),
        (
            "daemon NODE/KIND killed|stopped|restarted",
            { (r, a) throws(FaultError) in
                let (node, kind) = try r.daemon(a[0])
                return .daemon(node: node, kind, try r.choice(a[1], noun: "fates of a daemon"))
            }
        ),
        (
            "mismatch TUNNEL psk|certificate|ike|esp [at NODE]",
            { (r, a) throws(FaultError) in
                let tunnel = try r.usedTunnel(a[0])
                let parameter: Fault.Parameter = try r.choice(a[1], noun: "parameters")
                return try r.mismatch(of: tunnel, parameter, at: try r.end(a[2], of: tunnel))
            }
        ),
        (
            "certificate TUNNEL revoked [at NODE]",
            { (r, a) throws(FaultError) in
                let tunnel = try r.usedTunnel(a[0])
                return try r.revocation(of: tunnel, at: try r.end(a[1], of: tunnel))
            }
        ),
        (
            "sa TUNNEL deleted [at NODE]",
            { (r, a) throws(FaultError) in
                let tunnel = try r.usedTunnel(a[0])
                return .associationsDeleted(tunnel: tunnel.name, node: try r.end(a[1], of: tunnel))
            }
        ),
        (
            "maintenance TUNNEL [at NODE]",
            { (r, a) throws(FaultError) in try r.maintenance(of: r.usedTunnel(a[0]), at: a[1]) }
        ),
        (
            "bgp SESSION shut [at NODE]",
            { (r, a) throws(FaultError) in
                let session = try r.session(a[0])
                return .sessionShut(session.name, node: try r.speaker(a[1], of: session))
            }
        ),
        (
            "bgp SESSION hold TIME [at NODE]",
            { (r, a) throws(FaultError) in
                let session = try r.session(a[0])
                let hold = try r.hold(a[1])
                return .holdTime(session: session.name, hold, node: try r.configuredSpeaker(a[2], of: session))
            }
        ),
        (
            "bgp SESSION md5 wrong [at NODE]",
            { (r, a) throws(FaultError) in
                let session = try r.session(a[0])
                return .wrongKey(session: session.name, node: try r.configuredSpeaker(a[1], of: session))
            }
        ),
        (
            "bfd SESSION stopped [at NODE]",
            { (r, a) throws(FaultError) in
                let session = try r.sessionWithBFD(a[0])
                return .bfdStopped(session: session.name, node: try r.speaker(a[1], of: session))
            }
        ),
        ("node NODE down", { (r, a) throws(FaultError) in .nodeDown(try r.node(a[0]).name) }),
        ("node NODE rebooted", { (r, a) throws(FaultError) in .nodeRebooted(try r.node(a[0]).name) }),
        ("zone ZONE down", { (r, a) throws(FaultError) in .zoneDown(try r.zone(a[0])) }),
    ]

    func fault() throws(FaultError) -> Fault {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        for (form, read) in Self.grammar {
            if let arguments = Self.match(words, form) { return try read(self, arguments) }
        }
        let kinds = Self.grammar.map { Self.kind(of: $0.form) }
        guard let kind = words.first, kinds.contains(kind) else {
            throw FaultError(
                "\"\(text)\" is not a fault. "
                    + Suggestion.remedy(for: words.first ?? "", among: Set(kinds), noun: "faults"))
        }
        let forms = Self.grammar.map(\.form).filter { Self.kind(of: $0) == kind }
        throw FaultError(
            "\"\(text)\" is not a fault. Write \(forms.count > 1 ? "one of: " : "")\(forms.joined(separator: "; ")).")
    }

    private static func kind(of form: String) -> String {
        String(form.prefix { $0 != " " })
    }

    /// What stands in the places of a form's capital words and choices; nil where the text is not of that form.
    private static func match(_ words: [String], _ form: String) -> Arguments? {
        let parts = form.split(separator: " [")
        guard let required = match(words, parts[0].split(separator: " ")) else { return nil }
        let rest = Array(words.dropFirst(parts[0].split(separator: " ").count))
        guard parts.count > 1 else { return rest.isEmpty ? required : nil }
        guard !rest.isEmpty else { return required + [nil] }
        let pattern = parts[1].dropLast().split(separator: " ")
        guard rest.count == pattern.count, let optional = match(rest, pattern) else { return nil }
        return required + optional
    }

    /// The same of the first words, one for each in the pattern.
    private static func match(_ words: [String], _ pattern: [Substring]) -> Arguments? {
        guard words.count >= pattern.count else { return nil }
        var arguments: Arguments = []
        for (word, place) in zip(words, pattern) {
            if place.contains(where: \.isUppercase) {
                arguments.append(word)
            } else if place.contains("|") {
                guard place.split(separator: "|").contains(word[...]) else { return nil }
                arguments.append(word)
            } else if word != place {
                return nil
            }
        }
        return arguments
    }
}
