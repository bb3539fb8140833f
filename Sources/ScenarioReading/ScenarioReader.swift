import LabModel
import NetworkTypes
import YAMLReading

/// Reads one scenario against the topology it is played in.
public struct ScenarioReader {
    /// What its mapping may have.
    public static let keys = ["summary", "variant", "traffic", "timeline", "lasts", "outage"]

    let name: Located<String>
    let fields: YAMLFields
    let topology: Topology
    /// The names in each section of the file, also of parts that were left out for an error of their own.
    let written: [String: [String]]

    var collector: DiagnosticCollector { fields.owner.collector }
    var path: String { fields.owner.path }

    /// The longest that a scenario may last.
    private static let longest = Duration.seconds(7 * 86400)
    /// The most requests that a probe may send in one scenario: what a week has at sixteen in a second.
    private static let mostRequests = 10_000_000
    private static let mostFlows = 256

    /// - Parameter written: The names in each section of the file, also of parts that were left out for an error of their own.
    public init(name: Located<String>, fields: YAMLFields, topology: Topology, written: [String: [String]]) {
        self.name = name
        self.fields = fields
        self.topology = topology
        self.written = written
    }

    /// The scenario; nil where it makes no sense, which is reported.
    public func scenario() -> Scenario? {
        let length = length()
        let traffic = traffic(within: length)
        let entries = timeline(within: length)
        let outages = outages(within: length)
        let steps = entries.flatMap { ScenarioTimeline(entries: $0, reader: self).steps(within: length) }
        guard let length, let steps, let traffic, let outages else { return nil }
        if traffic.isEmpty, !steps.contains(where: { $0.action.looks }) {
            collector.warning(
                name.line, "\(path) looks at nothing", "Add `traffic:`, or a step with `check:`.")
        }
        return Scenario(
            name: name.value, line: name.line, summary: fields["summary"]?.text()?.value ?? "",
            variant: fields["variant"]?.text()?.value, traffic: traffic, steps: steps, length: length, outages: outages)
    }

    private func length() -> Duration? {
        guard let field = fields["lasts"] else {
            collector.error(
                name.line, "\(path) never ends", "Add `lasts: 200s`: when it is over, from its beginning.")
            return nil
        }
        guard let length = field.duration()?.value else { return nil }
        guard length > .zero, length <= Self.longest else {
            field.wrong("a time above zero and of at most 7d")
            return nil
        }
        return length
    }

    // MARK: Traffic

    private func traffic(within length: Duration?) -> [Scenario.Flow]? {
        guard let field = fields["traffic"] else { return [] }
        let entries = field.entries("a mapping of probes to the times between two requests")
        let flows = entries.compactMap { key, value -> Scenario.Flow? in
            guard let probe = known(key, "probes", topology.probes.map(\.name), path: field.path) else { return nil }
            var count: Int?
            var every = value
            if value.node.mapping != nil {
                guard let fields = value.fields(["every", "flows"]),
                    let time = fields.required("every", "the time between two requests, such as 100ms"),
                    let field = fields.required("flows", "how many there are, such as 24"),
                    let flows = field.value(Int.self, "a number of flows from 2 to \(Self.mostFlows)")?.value
                else { return nil }
                guard (2...Self.mostFlows).contains(flows) else {
                    field.wrong("a number of flows from 2 to \(Self.mostFlows)")
                    return nil
                }
                (every, count) = (time, flows)
            }
            guard let interval = every.duration("a time of at least 1ms, such as 100ms")?.value else { return nil }
            guard interval >= .milliseconds(1) else {
                every.wrong("a time of at least 1ms, such as 100ms")
                return nil
            }
            if let length, interval > length {
                collector.error(
                    value.line, "\(value.path): one request in \(interval.shortText) is none before the scenario ends",
                    "Write a time below its \(length.shortText).")
            } else if let length, length / interval * Double(count ?? 1) > Double(Self.mostRequests) {
                collector.error(
                    value.line, "\(value.path): that would be \(Int64(length / interval) * Int64(count ?? 1)) requests",
                    "Take a longer time between them: a probe has at most \(Self.mostRequests) in a scenario.")
            }
            return Scenario.Flow(probe: probe, interval: interval, count: count)
        }
        return flows.count == entries.count && field.node.mapping != nil ? flows : nil
    }

    private func outages(within length: Duration?) -> [Scenario.OutageClaim]? {
        guard let field = fields["outage"] else { return [] }
        let entries = field.entries("a mapping of probes to `none` or the longest outage")
        let pinged = fields["traffic"]?.node.mapping?.mergedPairs.compactMap { $0.key.scalar?.string } ?? []
        let claims = entries.compactMap { key, value -> Scenario.OutageClaim? in
            guard let probe = known(key, "probes", topology.probes.map(\.name), path: field.path) else { return nil }
            guard pinged.contains(probe) else {
                collector.error(
                    key.line, "\(value.path): nothing in this scenario pings \(probe)",
                    "Add it to `traffic:`, such as `\(probe): 100ms`.")
                return nil
            }
            guard value.node.mapping != nil else {
                return longestOutage(value, within: length).map {
                    Scenario.OutageClaim(probe: probe, line: key.line, atMost: $0)
                }
            }
            guard let fields = value.fields(["at-most", "published"]) else { return nil }
            let most = fields["at-most"].map { longestOutage($0, within: length) }
            let published = fields["published"]?.text("what was published, in words")?.value
            if fields["at-most"] == nil, fields["published"] == nil {
                collector.error(key.line, "\(value.path) says nothing", "Add `at-most: 40s` or `published: TEXT`.")
            }
            if case .some(.none) = most { return nil }
            return Scenario.OutageClaim(probe: probe, line: key.line, atMost: most ?? nil, published: published)
        }
        return claims.count == entries.count && field.node.mapping != nil ? claims : nil
    }

    /// Zero for `none`.
    private func longestOutage(_ value: YAMLValue, within length: Duration?) -> Duration? {
        guard let text = value.text("none, or a time such as 40s")?.value else { return nil }
        if text == "none" { return .zero }
        guard let most = Duration(text: text), most > .zero else {
            value.wrong("none, or a time above zero such as 40s")
            return nil
        }
        if let length, most >= length {
            collector.error(
                value.line,
                "\(value.path): an outage of \(most.shortText) fits into a scenario of \(length.shortText)",
                "Write less than it lasts, or nothing would fail.")
        }
        return most
    }

    // MARK: Timeline

    /// Every step that could be read, in the file's order; nil where one could not, which has been reported.
    private func timeline(within length: Duration?) -> [ScenarioTimeline.Entry]? {
        guard let field = fields["timeline"] else { return [] }
        guard field.node.sequence != nil else {
            field.wrong("a list of steps such as {at: 10s, fail: link NAME down}")
            return nil
        }
        var last = Duration.zero
        let entries = field.members.map { value -> ScenarioTimeline.Entry? in
            guard let step = value.fields(["at", "fail", "for", "heal", "check", "check-fails", "exec"]),
                let at = step.required("at", "when it happens, from the scenario's beginning")?.duration()
            else { return nil }
            if at.value < last {
                collector.error(
                    at.line, "\(value.path): \(at.value.shortText) is before the \(last.shortText) of the step above",
                    "Write the steps in the order of their times.")
            }
            last = max(last, at.value)
            if let length, at.value >= length {
                collector.error(
                    at.line,
                    "\(value.path): at \(at.value.shortText) the scenario is over: it lasts \(length.shortText)",
                    "Make it last longer, or let the step happen earlier.")
            }
            return action(of: step).map { ScenarioTimeline.Entry(at: at.value, line: value.line, action: $0) }
        }
        let usable = entries.compactMap { $0 }
        return usable.count == entries.count ? usable : nil
    }

    private func action(of step: YAMLFields) -> ScenarioTimeline.Action? {
        let kinds = ["fail", "heal", "check", "exec"].filter {
            step[$0] != nil || $0 == "check" && step["check-fails"] != nil
        }
        guard kinds.count == 1 else {
            collector.error(
                step.owner.line, "\(step.owner.path) \(kinds.isEmpty ? "does nothing" : "does several things at once")",
                "Write one of `fail:`, `heal:`, `exec:`, and `check:` with or without `check-fails:`; two steps may have the same time."
            )
            return nil
        }
        if let duration = step["for"], kinds != ["fail"] {
            collector.error(duration.line, "\(duration.path): only a fault lasts", "Remove it, or write `fail:`.")
            return nil
        }
        switch kinds[0] {
        case "fail":
            var length: Duration?
            if let field = step["for"] {
                guard let time = field.duration()?.value else { return nil }
                guard time > .zero else {
                    field.wrong("a time above zero, such as 60s")
                    return nil
                }
                length = time
            }
            return step["fail"].flatMap(faults).map { .fail($0, for: length) }
        case "heal":
            if step["heal"]?.node.scalar?.string == "all" { return .healAll }
            return step["heal"].flatMap(faults).map { .heal($0) }
        case "exec":
            return step["exec"].flatMap { CommandReader(value: $0, reader: self).command() }.map { .exec($0) }
        default:
            return check(step)
        }
    }

    private func faults(_ value: YAMLValue) -> [Fault]? {
        let members = value.members
        guard !members.isEmpty else {
            value.wrong("a fault such as link NAME down, or a list of them")
            return nil
        }
        let faults = members.compactMap { member -> Fault? in
            guard let text = member.text("a fault such as link NAME down") else { return nil }
            do throws(FaultError) {
                return try Fault(text.value, in: topology)
            } catch {
                // What is written and was left out for an error of its own has been reported already.
                let isWritten = written.values.contains { $0.contains(error.unknownName ?? "") }
                if !(isWritten && collector.hasErrors) {
                    collector.error(text.line, "\(member.path): there can be no such fault", error.description)
                }
                return nil
            }
        }
        return faults.count == members.count ? faults : nil
    }

    private func check(_ step: YAMLFields) -> ScenarioTimeline.Action? {
        guard let pass = expectations(step["check"]), let fail = expectations(step["check-fails"]) else { return nil }
        let all = pass + fail
        for (index, expectation) in all.enumerated() {
            let others = all[..<index]
            if others.contains(where: { $0.name == expectation.name }) {
                let isBoth =
                    pass.contains { $0.name == expectation.name } && fail.contains { $0.name == expectation.name }
                collector.error(
                    step.owner.line,
                    "\(step.owner.path): \(expectation.name) \(isBoth ? "cannot hold and fail at once" : "stands there twice")",
                    "Write it once.")
                return nil
            }
            for other in others {
                let opposite = expectation.when.first { condition in
                    other.when.contains(Condition(condition.subject, holds: !condition.holds))
                }
                guard let opposite else { continue }
                collector.error(
                    step.owner.line, "\(step.owner.path): \(other.name) and \(expectation.name) never apply together",
                    "\(expectation.name) is for when \(opposite), \(other.name) for when not: check them at different times."
                )
                return nil
            }
        }
        return .check(pass: pass.map(\.name), fail: fail.map(\.name))
    }

    /// The expectations that a field names; none where it is missing.
    private func expectations(_ value: YAMLValue?) -> [Expectation]? {
        guard let value else { return [] }
        guard !value.members.isEmpty else {
            value.wrong("an expectation's name, or a list of them")
            return nil
        }
        let names = value.members.map { member in
            member.text("an expectation's name").flatMap {
                known($0, "expect", topology.expectations.map(\.name), noun: "expectations", path: member.path)
            }
        }
        let found = names.compactMap { name in topology.expectations.first { $0.name == name } }
        return found.count == names.count ? found : nil
    }

    // MARK: Names

    /// The name, if it is one of the usable; reported here, or where what it names is defined.
    func known(
        _ name: Located<String>, _ section: String, _ usable: [String], noun: String? = nil, path: String
    ) -> String? {
        if usable.contains(name.value) { return name.value }
        let written = written[section, default: []]
        if !written.contains(name.value) {
            collector.error(
                name.line, "\(path): there is no \"\(name.value)\"",
                Suggestion.remedy(for: name.value, among: written, noun: noun ?? section))
        }
        return nil
    }
}

extension Scenario.Action {
    /// Whether it can find something to be wrong.
    fileprivate var looks: Bool {
        switch self {
        case .check, .exec: true
        case .fail, .heal: false
        }
    }
}
