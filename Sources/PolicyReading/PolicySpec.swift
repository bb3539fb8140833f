import LabModel
import NetworkTypes
import YAMLReading

/// A policy as it is written: entries of `accept` or `reject`, each with its line.
public struct PolicySpec {
    public struct Entry {
        let entry: RoutePolicy.Entry
        let line: Int
        let place: String
    }

    /// Nil where it stands at a speaker.
    public let name: Located<String>?
    let entries: [Entry]
    /// Whether all of it could be read; if not, that has been reported.
    let isComplete: Bool

    private static let grammar =
        "a list of entries such as `accept: {prefix: 10.0.0.0/8 le 24}` with `set: {local-preference: 200}`, or `reject: all`"

    public init?(name: Located<String>? = nil, value: YAMLValue) {
        guard let list = value.node.sequence, !list.isEmpty else {
            value.wrong(Self.grammar)
            return nil
        }
        let entries = value.members.map(Self.entry)
        self.name = name
        self.entries = entries.compactMap(\.self)
        isComplete = self.entries.count == entries.count
        if let last = self.entries.dropLast().first(where: { $0.entry.match.isEmpty }) {
            value.collector.error(
                last.line, "\(last.place) takes every route, so the entries after it decide nothing",
                "Put it last, or say which routes it is for.")
        }
    }

    var policy: RoutePolicy { RoutePolicy(name: name?.value, entries: entries.map(\.entry)) }

    private static func entry(_ value: YAMLValue) -> Entry? {
        guard let fields = value.fields(["accept", "reject", "set"]) else { return nil }
        guard (fields["accept"] == nil) != (fields["reject"] == nil),
            let written = fields["accept"] ?? fields["reject"]
        else {
            value.collector.error(
                value.line, "\(value.path) has to say either `accept:` or `reject:`",
                "Write one of them, with `all` or what a route must have, as in `accept: {community: 64512:100}`.")
            return nil
        }
        let isAccepting = fields["accept"] != nil
        if let set = fields["set"], !isAccepting {
            value.collector.error(
                set.line, "\(value.path) rejects routes, of which nothing can be set",
                "Remove `set:`, or write `accept:`.")
            return nil
        }
        guard let match = match(written) else { return nil }
        var changes = RouteChanges()
        if let set = fields["set"] {
            guard let read = self.changes(set) else { return nil }
            changes = read
        }
        return Entry(
            entry: RoutePolicy.Entry(isAccepting: isAccepting, match: match, changes: changes), line: value.line,
            place: value.path)
    }

    private static func match(_ value: YAMLValue) -> RouteMatch? {
        var match = RouteMatch()
        if value.node.scalar?.string == "all" { return match }
        guard value.node.mapping != nil else {
            value.wrong("`all`, or a mapping of what a route must have, such as {prefix: 10.0.0.0/8}")
            return nil
        }
        guard let fields = value.fields(["prefix", "as-path", "community"]) else { return nil }
        let isWhole = [
            fields["prefix"].map {
                Self.read(
                    $0, &match.prefixes, "a prefix such as 10.0.0.0/8, 10.0.0.0/8 le 24 or 10.0.0.0/8 ge 16 le 24")
            },
            fields["as-path"].map {
                Self.read($0, &match.paths, "AS numbers with ? for any one and * for any of them, such as \"64512 *\"")
            },
            fields["community"].map { Self.read($0, &match.communities, Self.communities) },
        ].compactMap(\.self)
        guard !isWhole.contains(false) else { return nil }
        guard !match.isEmpty else {
            value.wrong("`all`, or a mapping of what a route must have, such as {prefix: 10.0.0.0/8}")
            return nil
        }
        return match
    }

    static let communities = "a community such as 64512:100, 64512:1:2, no-export or no-advertise"

    /// - Returns: Whether every member could be read.
    static func read<Value: LosslessStringConvertible>(
        _ value: YAMLValue, _ all: inout [Value], _ expected: String
    ) -> Bool {
        let members = value.members
        all = members.compactMap { $0.value(Value.self, expected)?.value }
        return all.count == members.count
    }

    private static func changes(_ value: YAMLValue) -> RouteChanges? {
        guard
            let fields = value.fields(["local-preference", "med", "origin", "weight", "communities", "prepend"])
        else { return nil }
        var changes = RouteChanges()
        changes.localPreference = fields.number("local-preference")
        changes.med = fields.number("med")
        changes.weight = fields.weight
        changes.origin = fields["origin"]?.choice(RouteOrigin.self, noun: "origins")?.value
        var isWhole = fields["communities"].map { read($0, &changes.communities, communities) } ?? true
        if let times = fields["prepend"] {
            let number = times.value(Int.self, "a number from 1 to 10")?.value
            if let number, !(1...10).contains(number) { times.wrong("a number from 1 to 10") }
            changes.prepended = number ?? 0
            isWhole = isWhole && (1...10).contains(changes.prepended)
        }
        isWhole = isWhole && (fields["local-preference"] == nil) == (changes.localPreference == nil)
        isWhole = isWhole && (fields["med"] == nil) == (changes.med == nil)
        isWhole = isWhole && (fields["weight"] == nil) == (changes.weight == nil)
        isWhole = isWhole && (fields["origin"] == nil) == (changes.origin == nil)
        guard isWhole else { return nil }
        guard !changes.isEmpty else {
            value.wrong("what is set, such as {local-preference: 200}")
            return nil
        }
        return changes
    }
}

extension YAMLFields {
    func number(_ key: String) -> UInt32? {
        self[key]?.value(UInt32.self, "a number from 0 to 4294967295")?.value
    }

    var weight: UInt16? { self["weight"]?.value(UInt16.self, "a number from 0 to 65535")?.value }
}

extension BestPathOptions {
    /// Reads a node's `best-path:`.
    public init(_ value: YAMLValue) {
        self.init()
        guard let fields = value.fields(["multipath", "always-compare-med"]) else { return }
        if let field = fields["multipath"], let limit = field.value(Int.self, "a number from 1 to 64")?.value {
            if (1...64).contains(limit) { multipath = limit } else { field.wrong("a number from 1 to 64") }
        }
        alwaysComparesMED = fields["always-compare-med"]?.flag()?.value ?? false
    }
}
