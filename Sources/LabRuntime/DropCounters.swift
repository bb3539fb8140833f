import LabRecords
import NodeRuntime
import Probing

/// What a node has counted of dropped packets: its kernel's counters, and those of rules that drop.
struct DropCounters {
    private let node: String
    private let kernel: ProtocolCounters
    private let rules: [DropRule: Int]

    /// - Parameter withRules: Whether the packet filter is asked, which takes some milliseconds.
    /// - Throws: `NetlinkError`.
    init(_ sandbox: NodeSandbox, withRules: Bool = true) throws {
        node = sandbox.name
        kernel = try ProtocolCounters(of: sandbox)
        rules = withRules ? DropRule.counts(in: try sandbox.nftables.listRuleset()) : [:]
    }

    func drops(since earlier: DropCounters) -> [DroppedPackets] {
        let counted = kernel.drops(since: earlier.kernel).map {
            DroppedPackets(node: node, counter: $0.counter, packets: $0.packets, meaning: $0.meaning)
        }
        let filtered = rules.compactMap { rule, count -> DroppedPackets? in
            let rise = count - (earlier.rules[rule] ?? 0)
            guard rise > 0 else { return nil }
            return DroppedPackets(
                node: node, counter: rule.text, packets: rise,
                meaning: "the packet filter, table \(rule.table), chain \(rule.chain)")
        }
        return counted + filtered.sorted { $0.counter < $1.counter }
    }
}

/// A rule of a node's packet filter that drops or rejects, and counts what it does.
struct DropRule: Hashable {
    let table: String
    let chain: String
    /// Without its counter.
    let text: String
    /// Its place among rules of the same text in its chain.
    let number: Int

    /// How many packets each has dropped, from what `nft list ruleset` prints (nft(8)).
    static func counts(in ruleset: String) -> [DropRule: Int] {
        var counts: [DropRule: Int] = [:]
        var (table, chain) = ("", "")
        for line in ruleset.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case "table": table = words.dropFirst().prefix(2).joined(separator: " ")
            case "chain": chain = words.dropFirst().first ?? ""
            default:
                guard let at = words.firstIndex(of: "counter"), at + 4 < words.count, words[at + 1] == "packets",
                    let packets = Int(words[at + 2]),
                    words[(at + 5)...].contains(where: { $0 == "drop" || $0 == "reject" })
                else { continue }
                let text = (words[..<at] + words[(at + 5)...]).joined(separator: " ")
                var number = 0
                while counts[DropRule(table: table, chain: chain, text: text, number: number)] != nil { number += 1 }
                counts[DropRule(table: table, chain: chain, text: text, number: number)] = packets
            }
        }
        return counts
    }
}
