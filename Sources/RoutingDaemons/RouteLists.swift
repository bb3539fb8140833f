import NetworkTypes

/// What the lists and the route map of a neighbour let through, each of which has to let a route through.
public struct RouteLists: Hashable, Sendable {
    /// An entry of a prefix list.
    struct Rule: Hashable, Sendable {
        let permits: Bool
        let prefix: IPPrefix
        let lengths: ClosedRange<Int>

        func matches(_ other: IPPrefix) -> Bool { prefix.contains(other) && lengths.contains(other.length) }
    }

    /// What an entry of a route map asks of a route.
    enum Condition: Hashable, Sendable {
        case prefixes([Rule])
        /// That its path is empty: it is the node's own.
        case own
        /// What is not read.
        case open
    }

    /// An entry of a route map.
    struct Entry: Hashable, Sendable {
        let permits: Bool
        var conditions: [Condition] = []
    }

    enum Stage: Hashable, Sendable {
        case list([Rule])
        case map([Entry])
        /// What is not read.
        case open
    }

    var stages: [Stage] = []

    var isEmpty: Bool { stages.isEmpty }

    /// Whether every condition in it is one that is read.
    var isRead: Bool {
        stages.allSatisfy { stage in
            switch stage {
            case .list: true
            case .map(let entries): entries.allSatisfy { !$0.conditions.contains(.open) }
            case .open: false
            }
        }
    }

    /// Whether a route is let through; nil where that is not known.
    ///
    /// - Parameters:
    ///   - prefix: Nil for any.
    ///   - isOwn: Whether the node has it from nobody.
    func lets(_ prefix: IPPrefix?, isOwn: Bool) -> Bool? {
        let answers = stages.map { stage -> Bool? in
            switch stage {
            case .open: nil
            case .list(let rules): prefix.map { Self.permits(rules, $0) }
            case .map(let entries): Self.lets(prefix, isOwn, entries)
            }
        }
        if answers.contains(false) { return false }
        return answers.contains(nil) ? nil : true
    }

    /// The first entry that fits decides; what none fits is refused.
    private static func lets(_ prefix: IPPrefix?, _ isOwn: Bool, _ entries: [Entry]) -> Bool? {
        for entry in entries {
            let answers = entry.conditions.map { condition -> Bool? in
                switch condition {
                case .prefixes(let rules): prefix.map { permits(rules, $0) }
                case .own: isOwn
                case .open: nil
                }
            }
            if answers.contains(false) { continue }
            return answers.contains(nil) ? nil : entry.permits
        }
        return false
    }

    /// What no entry matches is refused.
    private static func permits(_ rules: [Rule], _ prefix: IPPrefix) -> Bool {
        rules.first { $0.matches(prefix) }?.permits ?? false
    }
}
