import LabModel
import LabRecords
import NetworkTypes
import Recordings

/// A scenario as a script for a running lab, and what has to be made of the script's record.
public struct ScenarioPlan: Sendable {
    public let topology: Topology
    public let scenario: Scenario
    public let script: Script
    /// By time.
    public let checks: [Check]
    /// By time.
    public let commands: [Command]

    /// A command of the scenario's, and what it must end with.
    public struct Command: Sendable {
        public let at: Duration
        fileprivate let line: Int
        fileprivate let command: Scenario.Command
        /// The script's step.
        fileprivate let step: Int
    }

    /// Expectations held against the lab at one moment of a scenario.
    public struct Check: Sendable {
        public let at: Duration
        public let plan: CheckPlan
        /// Those of the plan's expectations that must not hold.
        public let mustFail: Set<String>
        /// The capture that its packets are in, in the lab's directory of logs.
        public let file: String
        /// Steps of the script: the conditions of the expectations, what is measured with a capture, and without.
        fileprivate let conditions: Int?
        fileprivate let captured: Int?
        fileprivate let uncaptured: Int?
    }

    /// - Parameter payload: Of the requests; 56 bytes as ping(8) sends.
    public init(_ scenario: Scenario, of topology: Topology, payload: Int = 56) {
        self.scenario = scenario
        self.topology = topology
        var steps: [Script.Step] = []
        var checks: [Check] = []
        var commands: [Command] = []
        for step in scenario.steps {
            switch step.action {
            case .fail(let faults): steps.append(Script.Step(at: step.at, action: .fail(faults)))
            case .heal(let faults): steps.append(Script.Step(at: step.at, action: .heal(faults)))
            case .exec(let command):
                commands.append(Command(at: step.at, line: step.line, command: command, step: steps.count))
                steps.append(Script.Step(at: step.at, action: .exec(command)))
            case .check(let pass, let fail):
                let plan = CheckPlan(
                    topology: topology,
                    expectations: topology.expectations.filter { pass.contains($0.name) || fail.contains($0.name) })
                let file = "check-\(checks.count + 1).pcapng"
                /// Adds a step that measures something, and returns its number; nil where there is nothing to measure.
                func add(_ request: ObservationRequest) -> Int? {
                    guard !request.measurements.isEmpty else { return nil }
                    steps.append(Script.Step(at: step.at, action: .observe(request, file: file)))
                    return steps.count - 1
                }
                checks.append(
                    Check(
                        at: step.at, plan: plan, mustFail: Set(fail), file: file,
                        conditions: add(ObservationRequest(measurements: plan.conditions)),
                        captured: add(plan.captured), uncaptured: add(plan.uncaptured)))
            }
        }
        var ports = (Self.firstPort...UInt16.max).makeIterator()
        let flows = scenario.traffic.flatMap { flow in
            topology.probe(named: flow.probe).map { Self.requests(of: flow, by: $0, payload, from: &ports) } ?? []
        }
        self.checks = checks
        self.commands = commands
        script = Script(
            flows: flows, steps: steps, length: scenario.length,
            capture: CaptureRequest(
                points: Self.points(for: flows, in: topology), filter: "not tcp port \(CheckPlan.transferPort)",
                snapLength: Self.snapLength, gathering: Self.gathering(for: flows)),
            trafficInterval: Script.trafficInterval(for: scenario.length))
    }

    /// Flows over UDP have the ports from here on, which Linux gives to nobody who does not ask for them
    /// (ip(7), ip_local_port_range).
    private static let firstPort: UInt16 = 61_000

    private static func requests(
        of flow: Scenario.Flow, by probe: Probe, _ payload: Int, from ports: inout ClosedRange<UInt16>.Iterator
    ) -> [FlowRequest] {
        func request(_ name: String, over transport: FlowRequest.Transport) -> FlowRequest {
            FlowRequest(
                name: name, probe: probe.name, over: transport, source: probe.source,
                sourceAddress: probe.sourceAddress, destination: probe.destination, interval: flow.interval,
                payload: payload)
        }
        guard let count = flow.count else { return [request(probe.name, over: .icmp)] }
        return (1...count).compactMap { number in
            ports.next().map { request("\(probe.name)#\(number)", over: .udp(sourcePort: $0)) }
        }
    }

    /// Of each packet there are its headers and, in clear, a probe's marker. Checks have captures of their own, with whole
    /// packets; what they transfer is left out here.
    private static let snapLength = 160
    /// A second, or ten requests where they are few, up to a minute; less where there are so many that the buffers, which hold more
    /// than 7000 starts of packets, would not take all requests and replies. While checks move files, the agent gathers for less.
    private static func gathering(for flows: [FlowRequest]) -> Duration {
        let interval = flows.map(\.interval).min() ?? .zero
        let packets = flows.reduce(0) { $0 + 2 * (.seconds(1) / $1.interval) }
        let most = Duration.milliseconds(packets > 0 ? Int(6_000_000 / packets) : 60_000)
        return max(.milliseconds(10), min(max(.seconds(1), interval * 10), .seconds(60), most))
    }

    /// Where a flow's packets begin and end, where they cross from cloud to cloud, and where they enter tunnels: as their
    /// senders put them there.
    private static func points(for flows: [FlowRequest], in topology: Topology) -> [CaptureRequest.Point] {
        let ends = Set(flows.flatMap { [$0.source, topology.node(behind: $0.destination)] }.compactMap { $0 })
        let outside = Set(topology.underlayLinks.map(\.name))
        let tunnels = topology.tunnels.filter { !$0.isUnused }.flatMap(\.ends)
        // Where policies alone lead in, packets are seen entering as they come to the node.
        let entered = ends.union(tunnels.filter { $0.steering == .policy }.map(\.node))
        let links = topology.links.filter { link in
            outside.contains(link.name) || link.ends.contains { entered.contains($0.node) }
        }
        // Commands alone, within one cloud: then there is no place of more interest than another.
        return (links.isEmpty ? topology.links : links).flatMap(\.ends).map {
            CaptureRequest.Point(node: $0.node, interface: $0.interface, direction: .outbound)
        }
            + tunnels.compactMap { end in
                end.interface.map { CaptureRequest.Point(node: end.node, interface: $0, direction: .outbound) }
            }
            + topology.plainTunnels.flatMap(\.ends).map {
                CaptureRequest.Point(node: $0.node, interface: $0.interface, direction: .outbound)
            }
    }
}

// What became of a check.
extension ScenarioPlan.Check {
    /// What was measured with a capture beside it; nil where nothing had to be, or the script did not come so far.
    public func observation(in record: ScriptRecord) -> Observation? { observation(captured, record) }

    private func observation(_ step: Int?, _ record: ScriptRecord) -> Observation? {
        step.flatMap { record.steps.indices.contains($0) ? record.steps[$0].observation : nil }
    }

    /// The judge of this check's expectations.
    public func judge(
        _ record: ScriptRecord, examination: CaptureExamination, labFile: String, time: TimeKind = .virtual
    ) -> Judge {
        Judge(
            plan: plan, observation: observation(captured, record) ?? Observation(steps: [], capture: nil),
            transfers: observation(uncaptured, record), examination: examination, labFile: labFile, time: time)
    }

    /// Verdicts as they count in this place: an expectation whose conditions do not hold now does not apply.
    public func settled(_ verdicts: [Verdict], _ record: ScriptRecord) -> [Verdict] {
        let conditions = observation(self.conditions, record)
        return zip(plan.expectations, verdicts).map { expectation, verdict in
            guard let missing = unmet(expectation, conditions) else { return verdict }
            return Verdict(
                expectation: verdict.expectation, kind: verdict.kind, outcome: .notApplicable,
                expected: verdict.expected,
                rule: verdict.rule, seen: "it does not apply now: \(missing)", isDerived: verdict.isDerived)
        }
    }

    private func unmet(_ expectation: Expectation, _ conditions: Observation?) -> String? {
        expectation.when.lazy.compactMap { condition -> String? in
            switch conditions?.finding(of: .condition(condition)) {
            case .condition(let holds, let seen)?: holds ? nil : "\"\(condition)\" does not hold (\(seen))"
            case .failed(let reason)?: "\"\(condition)\" could not be found out: \(reason)"
            default: "\"\(condition)\" was not looked at"
            }
        }.first
    }
}

// What became of a command.
extension ScenarioPlan.Command {
    /// Nil where the script did not come so far, or the command could not be started, which the record says.
    public func verdict(_ record: ScriptRecord, labFile: String) -> Verdict? {
        guard record.steps.indices.contains(step), let result = record.steps[step].command else { return nil }
        let end =
            result.code.map { "it ended with code \($0)" }
            ?? "it had not ended after \(command.limit.shortText), and was killed"
        let words =
            result.lastLines.isEmpty
            ? "it printed nothing" : "its last words: \(result.lastLines.joined(separator: " | "))"
        return Verdict(
            expectation: "exec at \(command.node)", kind: "exec", outcome: result.code == command.exit ? .pass : .fail,
            expected: "`\(command.text)` ends with code \(command.exit)", rule: "\(labFile):\(line)",
            seen: "\(end); \(words)")
    }
}

// What a scenario itself claims.
extension ScenarioPlan {
    /// What somebody measured on the real thing, in words, by flow.
    public var publishedOutages: [String: String] {
        scenario.outages.reduce(into: [:]) { $0[$1.probe] = $1.published }
    }

    /// Whether outages kept to what the scenario says of them, whatever caused them.
    public func claims(_ flows: [FlowResult], labFile: String) -> [Verdict] {
        scenario.outages.compactMap { claim in
            guard let atMost = claim.atMost else { return nil }
            let outages = flows.filter { $0.probe == claim.probe }.flatMap { $0.outages(.roundTrip) }
            let expected =
                atMost == .zero
                ? "\(claim.probe): no packet lost" : "\(claim.probe): out for \(atMost.shortText) at most"
            // The lost packets alone say how long it was at least; a single one is an outage, too.
            let longest = outages.max { $0.atLeast < $1.atLeast }
            let isKept = atMost == .zero ? outages.isEmpty : (longest?.atLeast ?? .zero) <= atMost
            let lost = outages.reduce(0) { $0 + $1.lost }
            let seen = longest.map { outage in
                let end = outage.atMost.map { " to \($0.inMilliseconds)" } ?? " or more"
                return "out for \(outage.atLeast.inMilliseconds)\(end), \(lost) packet\(lost == 1 ? "" : "s") lost"
            }
            return Verdict(
                expectation: "outage of \(claim.probe)", kind: "outage", outcome: isKept ? .pass : .fail,
                expected: expected, rule: "\(labFile):\(claim.line)", seen: seen ?? "no packet lost")
        }
    }
}
