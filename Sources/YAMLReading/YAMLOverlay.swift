import LabModel
import Yams

// A variant of a lab is a part of its file laid over the whole. Parts keep their own marks, so that what is wrong is
// reported for the line where it stands.
extension Yams.Node {
    /// This value with another laid over it: mappings entry by entry, where null takes an entry away; all else anew (as
    /// JSON Merge Patch has it, RFC 7396).
    public func overlaid(by patch: Yams.Node) -> Yams.Node {
        guard case .mapping(let changes) = patch else { return patch }
        var pairs = mapping?.mergedPairs ?? []
        for (key, change) in changes.mergedPairs {
            let index = pairs.firstIndex { $0.key.scalar?.string == key.scalar?.string }
            guard !change.isNull else {
                if let index { pairs.remove(at: index) }
                continue
            }
            let base = index.map { pairs[$0].value } ?? .mapping(.init([], .implicit, .any, change.mark))
            let value = base.overlaid(by: change)
            // What is changed inside keeps its name's line, what is replaced has the variant's.
            let isChange = base.mapping != nil && change.mapping != nil
            if let index {
                pairs[index] = (isChange ? pairs[index].key : key, value)
            } else {
                pairs.append((key, value))
            }
        }
        return .mapping(.init(pairs.map { ($0.key, $0.value) }, .implicit, .any, mapping?.mark ?? changes.mark))
    }

    /// `~`, `null`, or nothing at all, without quotes (YAML 1.2, section 10.3.2).
    private var isNull: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}

extension Yams.Node.Mapping {
    /// The entries, with those of `<<: *ANCHOR` behind them unless they are written here as well
    /// (https://yaml.org/type/merge.html).
    public var mergedPairs: [(key: Yams.Node, value: Yams.Node)] {
        let own = filter { !Self.isMerge($0.key, of: $0.value) }
        guard own.count < count else { return map { ($0.key, $0.value) } }
        var pairs = own.map { (key: $0.key, value: $0.value) }
        var keys = Set(pairs.map { $0.key.scalar?.string })
        for (key, value) in self where Self.isMerge(key, of: value) {
            let sources = value.sequence.map(Array.init) ?? [value]
            for pair in sources.compactMap(\.mapping).flatMap(\.mergedPairs)
            where keys.insert(pair.key.scalar?.string).inserted {
                pairs.append(pair)
            }
        }
        return pairs
    }

    private static func isMerge(_ key: Yams.Node, of value: Yams.Node) -> Bool {
        guard case .scalar(let scalar) = key, scalar.style == .plain, scalar.string == "<<" else { return false }
        return value.mapping != nil || value.sequence?.allSatisfy { $0.mapping != nil } == true
    }
}
