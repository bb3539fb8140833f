import Derivations
import Expectations
import LabModel

/// What a check holds a lab against: what its file expects, or what follows from the lab itself.
package struct CheckSubject {
    /// The lab with what was derived.
    package let topology: Topology
    package let expectations: [Expectation]
    /// Verdicts on what could not be derived.
    package let gaps: [Verdict]

    /// - Parameters:
    ///   - isDerived: Whether to derive also where the file expects something.
    ///   - only: Names and kinds, separated by commas; nil for all that need not be asked for.
    /// - Throws: `CommandError` where there is nothing, and for a name that nothing has.
    package init(_ written: Topology, file: String, isDerived: Bool, only: String?) throws {
        let derives = isDerived || written.expectations.isEmpty
        let derivation = derives ? Derivation(of: written) : nil
        topology = derivation?.topology ?? written
        let all = topology.expectations
        let gaps = derivation?.gaps ?? []
        guard !all.isEmpty || !gaps.isEmpty else {
            throw CommandError(
                message:
                    "\(file) expects nothing, and nothing follows from the lab: it has no tunnels, sessions or probes.",
                remedy: "Add `expect:` to it; see the page Expectations.md.")
        }
        guard let only else {
            expectations = all.filter { !$0.isOnRequest }
            self.gaps = gaps.map(Verdict.init)
            return
        }
        let words = only.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
        let names = Set(
            all.flatMap { [$0.name, $0.claim.kind.rawValue] } + gaps.flatMap { [$0.name, $0.kind.rawValue] })
        for word in words where !names.contains(word) {
            throw CommandError(
                message: "\(file) has no expectation \"\(word)\".",
                remedy: Suggestion.remedy(for: word, among: names, noun: "expectations and kinds"))
        }
        expectations = all.filter { words.contains($0.name) || words.contains($0.claim.kind.rawValue) }
        self.gaps = gaps.filter { words.contains($0.name) || words.contains($0.kind.rawValue) }.map(Verdict.init)
    }
}

extension Verdict {
    /// Of something that could be expected, and is not.
    fileprivate init(_ gap: Derivation.Gap) {
        self.init(
            expectation: gap.name, kind: gap.kind.rawValue, outcome: gap.isDoubt ? .inconclusive : .notApplicable,
            expected: "what cannot be derived", rule: "derived from the lab", seen: gap.reason, isDerived: true)
    }
}
