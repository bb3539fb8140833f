import LabModel

/// What a shell may offer for a word about a lab.
public struct Candidates: Sendable {
    private let topology: Topology

    public init(_ topology: Topology) {
        self.topology = topology
    }

    public var nodes: [String] { topology.nodes.map(\.name) }
    public var variants: [String] { topology.variants.map(\.name) }
    public var scenarios: [String] { topology.scenarioNames.map(\.name) }
    public var probes: [String] { topology.probes.map(\.name) }
    public var daemons: [String] { topology.daemonNames }

    /// Expectations' names, and the kinds that they are of.
    public var expectations: [String] {
        var seen: Set<String> = []
        return (topology.expectations.map(\.name) + topology.expectations.map(\.claim.kind.rawValue)).filter {
            seen.insert($0).inserted
        }
    }

    /// Nodes, and their interfaces as NODE:INTERFACE once a node's name is whole.
    public func places(beginning: String) -> [String] {
        guard let sign = beginning.firstIndex(of: ":") else { return nodes }
        let node = String(beginning[..<sign])
        return topology.interfaces(of: node).map { "\(node):\($0)" }
    }

    // MARK: Faults and conditions

    /// For a word of a fault that is typed in words of their own, or for a whole one in quotes.
    ///
    /// - Parameters:
    ///   - words: Those typed before, of which one with a space in it is a fault of its own.
    ///   - beginning: Of the word to complete.
    public func faults(after words: [String], beginning: String) -> [String] {
        Self.sentences(topology.faults, after: words, beginning: beginning)
    }

    /// For a fault that is a single word of the command line, as an option's value is.
    public func wholeFaults(beginning: String) -> [String] {
        Self.wholeSentences(topology.faults, beginning: beginning)
    }

    /// For a word of a condition, or for a whole one in quotes.
    public func conditions(after words: [String], beginning: String) -> [String] {
        Self.sentences(topology.conditions, after: words, beginning: beginning)
    }

    private static func sentences(_ forms: SentenceForms, after words: [String], beginning: String) -> [String] {
        guard beginning.contains(where: \.isWhitespace) else {
            return forms.next(after: words.filter { !$0.contains(where: \.isWhitespace) })
        }
        return wholeSentences(forms, beginning: beginning)
    }

    /// So many are a list that somebody may read.
    private static let mostSentences = 200

    private static func wholeSentences(_ forms: SentenceForms, beginning: String) -> [String] {
        let isBetweenWords = beginning.last?.isWhitespace ?? true
        let typed = beginning.split(whereSeparator: \.isWhitespace).map(String.init)
        let words = isBetweenWords ? typed : typed.dropLast()
        let next = forms.next(after: words).filter { isBetweenWords || $0.hasPrefix(typed.last ?? "") }
        return Array(
            next.flatMap { forms.sentences(after: words, beginningWith: $0, limit: mostSentences) }.prefix(
                mostSentences))
    }

    // MARK: Lists and sentences

    /// Each candidate at the end of a list with commas between, those that are in it already left out.
    ///
    /// - Parameter candidates: Those for what is there of the last one.
    public static func list(beginning: String, _ candidates: (String) -> [String]) -> [String] {
        let head = beginning.lastIndex(of: ",").map { beginning[...$0] } ?? ""
        let taken = Set(head.split(separator: ","))
        return candidates(String(beginning.dropFirst(head.count))).filter { !taken.contains($0[...]) }.map { head + $0 }
    }

    /// The next word of each of these sentences that goes on after the words, or the whole ones where a space has been typed.
    public static func words(of sentences: [String], after words: [String], beginning: String) -> [String] {
        guard !beginning.contains(where: \.isWhitespace) else { return sentences }
        var seen: Set<Substring> = []
        return sentences.compactMap { sentence in
            let own = sentence.split(separator: " ")
            guard own.count > words.count, own.map(String.init).starts(with: words) else { return nil }
            return seen.insert(own[words.count]).inserted ? String(own[words.count]) : nil
        }
    }
}
