import ConfigurationFormats
import NetworkTypes

/// What the lists and the route map of a neighbour let through, each of which has to let a route through.
///
/// Source: FRR 8.4.4, lib/plist.c (`prefix_list_apply_ext`), lib/routemap.c (`route_map_apply_ext`), bgpd/bgp_routemap.c
/// (`route_match_ip_address_prefix_list`).
public struct FrrFilter: Hashable, Sendable {
    /// An entry of a prefix list.
    private struct Rule: Hashable, Sendable {
        let permits: Bool
        let prefix: IPPrefix
        let lengths: ClosedRange<Int>

        func matches(_ other: IPPrefix) -> Bool { prefix.contains(other) && lengths.contains(other.length) }
    }

    /// An entry of a route map: the prefix lists that have to permit a route; nil among them for a condition that is not read.
    private struct Entry: Hashable, Sendable {
        let permits: Bool
        var conditions: [[Rule]?] = []
    }

    private enum Stage: Hashable, Sendable {
        case list([Rule])
        case map([Entry])
        /// What is not read.
        case open
    }

    private var stages: [Stage] = []

    var isEmpty: Bool { stages.isEmpty }

    /// Whether every condition in it is one that is read.
    var isRead: Bool {
        stages.allSatisfy { stage in
            switch stage {
            case .list: true
            case .map(let entries): entries.allSatisfy { !$0.conditions.contains(nil) }
            case .open: false
            }
        }
    }

    /// Adds a list or route map that a neighbour is given.
    ///
    /// - Parameters:
    ///   - kind: `prefix-list`, `route-map`, or another kind, which is not read.
    ///   - bits: Of the addresses that it is for.
    mutating func add(_ kind: String, _ name: String, _ bits: Int, in statements: [FrrFile.Statement]) {
        switch kind {
        case "prefix-list":
            stages.append(Self.prefixList(name, bits, in: statements).map { .list($0) } ?? .open)
        case "route-map":
            stages.append(.map(Self.routeMap(name, bits, in: statements)))
        default: stages.append(.open)
        }
    }

    /// Whether a route is let through; nil where that is not known.
    ///
    /// - Parameter prefix: Nil for any.
    func lets(_ prefix: IPPrefix?) -> Bool? {
        guard let prefix else { return isEmpty ? true : nil }
        let answers = stages.map { Self.lets(prefix, $0) }
        if answers.contains(false) { return false }
        return answers.contains(nil) ? nil : true
    }

    private static func lets(_ prefix: IPPrefix, _ stage: Stage) -> Bool? {
        switch stage {
        case .open: return nil
        case .list(let rules): return permits(rules, prefix)
        case .map(let entries):
            for entry in entries {
                let answers = entry.conditions.map { $0.map { permits($0, prefix) } }
                if answers.contains(false) { continue }
                return answers.contains(nil) ? nil : entry.permits
            }
            return false
        }
    }

    /// What no entry matches is refused.
    private static func permits(_ rules: [Rule], _ prefix: IPPrefix) -> Bool {
        rules.first { $0.matches(prefix) }?.permits ?? false
    }

    /// The entries of a prefix list in the order in which they are tried; none for one that is not there, nil for one that is not read.
    private static func prefixList(_ name: String, _ bits: Int, in statements: [FrrFile.Statement]) -> [Rule]? {
        var rules: [(sequence: Int, rule: Rule)] = []
        for statement in statements where statement.begins(bits == 32 ? "ip" : "ipv6", "prefix-list", name) {
            var words = statement.words.dropFirst(3)
            if words.first == "description" { continue }
            guard !statement.isNegated else { return nil }
            var sequence: Int?
            if words.first == "seq" {
                guard let number = words.dropFirst().first.flatMap({ Int($0) }) else { return nil }
                sequence = number
                words = words.dropFirst(2)
            }
            guard let action = words.popFirst(), ["permit", "deny"].contains(action), let place = words.popFirst(),
                let any = IPPrefix(bits == 32 ? "0.0.0.0/0" : "::/0"),
                let prefix = place == "any" ? any : IPPrefix(place)
            else { return nil }
            var (least, most) = (place == "any" ? 0 : prefix.length, place == "any" ? bits : prefix.length)
            var isMostSaid = false
            while let word = words.popFirst() {
                guard let number = words.popFirst().flatMap({ Int($0) }), (prefix.length...bits).contains(number) else {
                    return nil
                }
                switch word {
                case "ge":
                    least = number
                    if !isMostSaid { most = bits }
                case "le":
                    most = number
                    isMostSaid = true
                default: return nil
                }
            }
            guard least <= most else { return nil }
            let last = rules.map(\.sequence).max() ?? 0
            rules.append(
                (
                    sequence ?? (last / 5 + 1) * 5,
                    Rule(permits: action == "permit", prefix: prefix, lengths: least...most)
                ))
        }
        return rules.sorted { $0.sequence < $1.sequence }.map(\.rule)
    }

    private static func routeMap(_ name: String, _ bits: Int, in statements: [FrrFile.Statement]) -> [Entry] {
        var entries: [Int: Entry] = [:]
        for statement in statements where !statement.isNegated {
            let isHead = statement.begins("route-map", name)
            guard let head = isHead ? statement.words : statement.blocks.last, head.starts(with: ["route-map", name]),
                head.count > 3, let number = Int(head[3])
            else { continue }
            if isHead {
                entries[number] = entries[number] ?? Entry(permits: head[2] == "permit")
            } else if statement.begins("match", bits == 32 ? "ip" : "ipv6", "address", "prefix-list"),
                statement.words.count == 5
            {
                entries[number]?.conditions.append(prefixList(statement.words[4], bits, in: statements))
            } else if !statement.begins("set"), !statement.begins("description") {
                entries[number]?.conditions.append(nil)
            }
        }
        return entries.sorted { $0.key < $1.key }.map(\.value)
    }
}
