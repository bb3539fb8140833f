import Expectations
import NetworkTypes

/// What a check of a lab found, for people and for programs.
public struct VerdictReport: Sendable, Encodable {
    public let lab: String
    public let outcome: Verdict.Outcome
    /// The capture file that evidence speaks of; nil where none was needed.
    public let capture: String?
    public let verdicts: [Verdict]
    /// Where the lab departs from what it reproduces, each with its reason.
    public let deviations: [String]

    public init(lab: String, capture: String?, verdicts: [Verdict], deviations: [String] = []) {
        self.lab = lab
        self.deviations = deviations
        self.capture = capture
        self.verdicts = verdicts
        outcome = verdicts.outcome
    }

    /// One line for each expectation that holds, and all there is to know of each that does not.
    public func text(style: Style, isVerbose: Bool = false) -> String {
        let width = verdicts.map(\.expectation.count).max() ?? 0
        var lines: [String] = []
        for verdict in verdicts {
            let name = verdict.expectation + String(repeating: " ", count: width - verdict.expectation.count)
            switch verdict.outcome {
            case .pass where !isVerbose:
                lines.append(
                    "\(style.good("✓")) \(name)  \(verdict.seen)\(published(verdict, style))\(origin(verdict, style))")
            case .notApplicable:
                let why = verdict.isDerived ? "nothing derived" : "not now"
                lines.append(style.faint("· \(name)  \(why): \(verdict.seen)"))
            default:
                lines.append(
                    "\(verdict.outcome.mark(style)) \(style.strong(verdict.expectation))\(origin(verdict, style))")
                lines += details(of: verdict, style).map { "    \($0)" }
            }
        }
        if let capture, verdicts.contains(where: { !$0.evidence.isEmpty }) {
            lines += ["", "Packets are numbered as in \(capture)"]
        }
        if !deviations.isEmpty {
            lines +=
                ["", style.faint("\(lab) departs from what it reproduces:")] + deviations.map { style.faint("- \($0)") }
        }
        lines += (lines.isEmpty ? [] : [""]) + [summary(style)]
        return lines.joined(separator: "\n")
    }

    /// Where some stand in the lab file and some do not, each that does not says so; where none does, the summary.
    private func origin(_ verdict: Verdict, _ style: Style) -> String {
        verdict.isDerived && !isAllDerived ? style.faint(" (derived)") : ""
    }

    private var isAllDerived: Bool { !verdicts.isEmpty && verdicts.allSatisfy(\.isDerived) }

    private func published(_ verdict: Verdict, _ style: Style) -> String {
        verdict.published.map { style.faint(" (published: \($0))") } ?? ""
    }

    private func details(of verdict: Verdict, _ style: Style) -> [String] {
        var lines = [
            "\(style.faint("expected"))  \(verdict.expected)", "\(style.faint("rule    "))  \(verdict.rule)",
            "\(style.faint("seen    "))  \(verdict.seen)",
        ]
        if let published = verdict.published { lines.append("\(style.faint("published"))  \(published)") }
        lines += (verdict.headers ?? []).map { "\(style.faint("headers "))  \($0.text)" }
        for evidence in verdict.evidence {
            lines.append(
                "\(style.faint("packet  "))  #\(evidence.packet) at \(Self.seconds(evidence.nanoseconds)), sent by \(evidence.interface): \(evidence.remark)"
            )
            if !evidence.line.isEmpty { lines.append("          \(style.faint(evidence.line))") }
        }
        return lines
    }

    /// Seconds of the lab's clock with all digits.
    public static func seconds(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return "\(nanoseconds < 0 ? "-" : "")\(seconds).\(String(repeating: "0", count: 9 - digits.count))\(digits) s"
    }

    /// How many expectations came out which way, in words.
    public var counts: String {
        let counts: [(Verdict.Outcome, String)] = [
            (.pass, "passed"), (.fail, "failed"), (.inconclusive, "inconclusive"), (.notApplicable, "not applicable"),
        ]
        let parts = counts.compactMap { outcome, word -> String? in
            let count = verdicts.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(word)"
        }
        let origin = isAllDerived ? ", all of it derived from the lab file" : ""
        return "\(parts.isEmpty ? "nothing was expected" : parts.joined(separator: ", "))\(origin)"
    }

    private func summary(_ style: Style) -> String {
        let text = "\(lab): \(counts)"
        return outcome == .pass ? style.good(text) : outcome == .fail ? style.bad(text) : style.warning(text)
    }
}
