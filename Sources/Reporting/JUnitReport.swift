import Expectations
import NetworkTypes

/// A test's report as Jenkins and its kin read it: a suite for each scenario, a case for each check and each outage.
///
/// A case's time is what was measured: how long the flow was out at most, in seconds of the lab's clock, and 0 for what took
/// no time. A doubt is an error of the type `inconclusive`. Source: the schema junit-10.xsd of Jenkins' xUnit plugin.
public struct JUnitReport: Sendable {
    private let report: TestReport

    public init(_ report: TestReport) {
        self.report = report
    }

    private enum Result {
        case pass
        case skipped(String)
        case failure(String, details: String)
        case error(String, type: String, details: String)
    }

    private struct Case {
        let name: String
        let seconds: Duration
        let result: Result
    }

    public var text: String {
        var order: [String] = []
        var suites: [String: [TestRun]] = [:]
        for run in report.runs {
            if suites[run.name] == nil { order.append(run.name) }
            suites[run.name, default: []].append(run)
        }
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites\(attributes([("name", "netlab")]))>"]
        for name in order { lines += suite(suites[name] ?? []) }
        return (lines + ["</testsuites>"]).joined(separator: "\n") + "\n"
    }

    private func suite(_ runs: [TestRun]) -> [String] {
        guard let first = runs.first else { return [] }
        let name = [first.lab, first.scenario, first.variant].compactMap { $0 }.joined(separator: ".")
        let cases = runs.flatMap { self.cases(of: $0) }
        let time = runs.reduce(Duration.zero) { $0 + $1.length }
        let count = { (fits: (Result) -> Bool) in "\(cases.count { fits($0.result) })" }
        var lines = [
            "  <testsuite"
                + attributes([
                    ("name", name), ("tests", "\(cases.count)"),
                    ("failures", count { if case .failure = $0 { true } else { false } }),
                    ("errors", count { if case .error = $0 { true } else { false } }),
                    ("skipped", count { if case .skipped = $0 { true } else { false } }), ("time", seconds(time)),
                ]) + ">"
        ]
        let properties = self.properties(of: runs)
        if !properties.isEmpty {
            lines.append("    <properties>")
            lines += properties.map { "      <property\(attributes([("name", $0.0), ("value", $0.1)]))/>" }
            lines.append("    </properties>")
        }
        for one in cases { lines += text(of: one, suite: name) }
        return lines + ["  </testsuite>"]
    }

    /// What was predicted of each flow and fault, once for all repetitions.
    private func properties(of runs: [TestRun]) -> [(String, String)] {
        var found: [(String, String)] = []
        if runs.contains(where: \.isDerived) { found.append(("derived", "true")) }
        if runs.contains(where: \.isPartial) || report.isPartial { found.append(("partial", "true")) }
        for judgement in runs.flatMap(\.judgements) {
            guard let predicted = judgement.predicted else { continue }
            let window: String
            switch (judgement.subject, predicted.effect, predicted.comeback) {
            case (.outage, .outage(let span), _), (.comeback, _, let span?): window = words(span)
            case (.outage, .none, _): window = "none"
            case (.outage, .untilHealed, _): window = "until healed"
            case (.outage, .degraded, _): window = "degraded"
            case (.outage, .unpredictable(let why), _): window = "unpredictable: \(why)"
            default: continue
            }
            let name = "predicted.\(judgement.subject.rawValue).\(judgement.flow).\(judgement.fault)"
            if !found.contains(where: { $0.0 == name }) { found.append((name, window)) }
        }
        return found
    }

    private func cases(of run: TestRun) -> [Case] {
        let number = run.repetition > 1 ? " #\(run.repetition)" : ""
        let checks = run.checks.map { check in
            Case(
                name: "\(check.verdict.expectation)\(check.mustHold ? "" : " fails") at \(check.at.shortText)\(number)",
                seconds: .zero, result: result(check.outcome, check.verdict))
        }
        let claims = run.claims.map {
            Case(name: "\($0.expectation)\(number)", seconds: .zero, result: result($0.outcome, $0))
        }
        let judgements = run.judgements.map { judgement in
            Case(
                name:
                    "\(judgement.subject.rawValue) of \(judgement.flow)\(judgement.fault.isEmpty ? "" : " after \(judgement.fault)")\(number)",
                seconds: judgement.measured.first.map { $0.atMost ?? $0.atLeast } ?? .zero,
                result: result(
                    judgement.outcome, expected: judgement.expected, seen: judgement.seen,
                    rule: judgement.predicted?.reasons ?? []))
        }
        let failures = run.failures.enumerated().map { index, failure in
            Case(
                name: "lab\(index == 0 ? "" : " \(index + 1)")\(number)", seconds: .zero,
                result: .error(failure, type: "broken", details: failure))
        }
        return failures + judgements + checks + claims
    }

    private func result(_ outcome: Verdict.Outcome, _ verdict: Verdict) -> Result {
        result(outcome, expected: verdict.expected, seen: verdict.seen, rule: [verdict.rule])
    }

    private func result(_ outcome: Verdict.Outcome, expected: String, seen: String, rule: [String]) -> Result {
        let details = (["expected: \(expected)"] + rule.map { "rule: \($0)" } + ["seen: \(seen)"]).joined(
            separator: "\n")
        return switch outcome {
        case .pass: .pass
        case .fail: .failure(seen, details: details)
        case .inconclusive: .error(seen, type: "inconclusive", details: details)
        case .notApplicable: .skipped(seen)
        }
    }

    // MARK: XML

    private func text(of one: Case, suite: String) -> [String] {
        let head =
            "    <testcase" + attributes([("name", one.name), ("classname", suite), ("time", seconds(one.seconds))])
        switch one.result {
        case .pass: return [head + "/>"]
        case .skipped(let why):
            return [head + ">", "      <skipped\(attributes([("message", why)]))/>", "    </testcase>"]
        case .failure(let message, let details):
            let values = attributes([("message", message), ("type", "fail")])
            return [head + ">", "      <failure\(values)>\(Self.escaped(details))</failure>", "    </testcase>"]
        case .error(let message, let type, let details):
            let values = attributes([("message", message), ("type", type)])
            return [head + ">", "      <error\(values)>\(Self.escaped(details))</error>", "    </testcase>"]
        }
    }

    private func attributes(_ values: [(String, String)]) -> String {
        values.map { name, value in " \(name)=\"\(Self.escaped(value, isAttribute: true))\"" }.joined()
    }

    private func seconds(_ duration: Duration) -> String { String(duration.inMilliseconds.dropLast(2)) }

    private func words(_ window: Window) -> String {
        "\(window.earliest.inMilliseconds) to \(window.latest.inMilliseconds)"
    }

    /// Text as XML 1.0 takes it: characters that it does not allow at all become U+FFFD.
    static func escaped(_ text: String, isAttribute: Bool = false) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"" where isAttribute: escaped += "&quot;"
            case "\n" where isAttribute, "\t" where isAttribute: escaped += "&#\(scalar.value);"
            case "\r": escaped += "&#13;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
