import LabModel
import NetworkTypes

/// A policy as a route-map, with the lists that its entries look into.
///
/// Each entry is one of the map's, in their order, and what none fits is denied, as a route-map has it. An entry for both kinds of
/// communities is two, for each kind has lists of its own.
/// Source: the FRR 8.4 user's guide, "Route Maps", "Filtering", "BGP": AS path access lists, community lists.
struct FrrPolicy {
    /// A name that is no session's, which has no underscore.
    let name: String
    let entries: [RoutePolicy.Entry]
    /// Of the routes that it is asked for: 32 or 128.
    let bits: Int
    /// What paths are made longer with.
    let asn: ASN

    var text: String {
        var lists = ""
        var maps = ""
        for (index, entry) in alternatives.enumerated() {
            let number = (index + 1) * 10
            let list = "\(name)_\(number)"
            lists += self.lists(of: entry.match, named: list)
            maps += "route-map \(name) \(entry.isAccepting ? "permit" : "deny") \(number)\n"
            maps += (matches(entry.match, in: list) + (entry.isAccepting ? sets(entry.changes) : [])).map { " \($0)\n" }
                .joined()
            maps += "exit\n"
        }
        // A map that is not there denies nothing.
        return lists + (maps.isEmpty ? "route-map \(name) deny 10\nexit\n" : maps)
    }

    /// The entries that may fit a route of this address family, each for one kind of communities at most.
    private var alternatives: [RoutePolicy.Entry] {
        entries.flatMap { entry -> [RoutePolicy.Entry] in
            guard entry.match.prefixes.isEmpty || !ranges(of: entry.match).isEmpty else { return [] }
            let standard = entry.match.communities.filter(\.isStandard)
            let large = entry.match.communities.filter { !$0.isStandard }
            guard !standard.isEmpty, !large.isEmpty else { return [entry] }
            return [standard, large].map { communities in
                var match = entry.match
                match.communities = communities
                return RoutePolicy.Entry(isAccepting: entry.isAccepting, match: match, changes: entry.changes)
            }
        }
    }

    private var family: String { bits == 32 ? "ip" : "ipv6" }

    private func ranges(of match: RouteMatch) -> [PrefixRange] {
        match.prefixes.filter { $0.prefix.address.bitWidth == bits }
    }

    private func lists(of match: RouteMatch, named name: String) -> String {
        let prefixes = ranges(of: match).enumerated().map { index, range in
            "\(family) prefix-list \(name) seq \((index + 1) * 5) permit \(range)\n"
        }
        let paths = match.paths.enumerated().map { index, path in
            "bgp as-path access-list \(name) seq \((index + 1) * 5) permit \(path.frrExpression)\n"
        }
        let communities = match.communities.enumerated().map { index, community in
            "bgp \(community.frrKind) standard \(name) seq \((index + 1) * 5) permit \(community)\n"
        }
        return (prefixes + paths + communities).joined()
    }

    private func matches(_ match: RouteMatch, in list: String) -> [String] {
        (ranges(of: match).isEmpty ? [] : ["match \(family) address prefix-list \(list)"])
            + (match.paths.isEmpty ? [] : ["match as-path \(list)"])
            + (match.communities.first.map { ["match \($0.isStandard ? "community" : "large-community") \(list)"] }
                ?? [])
    }

    private func sets(_ changes: RouteChanges) -> [String] {
        let standard = changes.communities.filter(\.isStandard).map(\.description).joined(separator: " ")
        let large = changes.communities.filter { !$0.isStandard }.map(\.description).joined(separator: " ")
        let path = Array(repeating: "\(asn)", count: changes.prepended).joined(separator: " ")
        return [
            changes.localPreference.map { "set local-preference \($0)" }, changes.med.map { "set metric \($0)" },
            changes.origin.map { "set origin \($0.rawValue)" }, changes.weight.map { "set weight \($0)" },
            standard.isEmpty ? nil : "set community \(standard) additive",
            large.isEmpty ? nil : "set large-community \(large) additive",
            path.isEmpty ? nil : "set as-path prepend \(path)",
        ].compactMap(\.self)
    }
}

extension BGPCommunity {
    fileprivate var isStandard: Bool { if case .standard = self { true } else { false } }
    fileprivate var frrKind: String { isStandard ? "community-list" : "large-community-list" }
}

extension ASPathPattern {
    /// The same as a regular expression on a path's text, in which `_` is what stands between numbers, or the text's beginning or end.
    var frrExpression: String {
        // Groups of numbers that follow each other, with any number of others between two groups.
        let groups = parts.split(separator: .any, omittingEmptySubsequences: true).map { group in
            group.map { part in if case .number(let number) = part { "\(number)" } else { "[0-9]+" } }.joined(
                separator: "_")
        }
        guard !groups.isEmpty else { return ".*" }
        return "^" + (parts.first == .any ? "(.*_)?" : "") + groups.joined(separator: "_(.*_)?")
            + (parts.last == .any ? "(_.*)?" : "") + "$"
    }
}
