import ConfigurationFormats
import NetworkTypes

// Prefix lists and route maps of a frr.conf.
//
// Source: FRR 8.4.4, lib/plist.c (`prefix_list_apply_ext`), lib/routemap.c (`route_map_apply_ext`), bgpd/bgp_routemap.c
// (`route_match_ip_address_prefix_list`).
extension RouteLists {
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
                let list = prefixList(statement.words[4], bits, in: statements)
                entries[number]?.conditions.append(list.map { .prefixes($0) } ?? .open)
            } else if statement.begins("match", "as-path"), statement.words.count == 3,
                isForOwnRoutes(statement.words[2], in: statements)
            {
                entries[number]?.conditions.append(.own)
            } else if !statement.begins("set"), !statement.begins("description") {
                entries[number]?.conditions.append(.open)
            }
        }
        return entries.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Whether a list of paths permits empty ones and no others.
    private static func isForOwnRoutes(_ name: String, in statements: [FrrFile.Statement]) -> Bool {
        let entries = statements.filter { $0.begins("bgp", "as-path", "access-list", name) }
        return entries.count == 1 && entries[0].words.suffix(2) == ["permit", "^$"] && !entries[0].isNegated
    }
}
