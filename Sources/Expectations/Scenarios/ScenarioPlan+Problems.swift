import LabModel
import LabRecords
import NetworkTypes
import Predictions

// What is wrong with a scenario that only a prediction shows, before any lab is built.
extension ScenarioPlan {
    /// Windows that cannot be computed where the lab file claims none either, and claims that contradict what is predicted; none for a scenario that can pass.
    ///
    /// - Parameter file: The lab file's name, for messages.
    public func problems(predictor: Predictor, file: String) -> [LabFileDiagnostic] {
        var problems: [LabFileDiagnostic] = []
        var active: [Fault] = []
        /// Nodes that reboot, and when they are whole again at the latest.
        var reboots: [(fault: Fault, until: Duration)] = []
        for (number, step) in scenario.steps.enumerated() {
            switch step.action {
            case .check, .exec: break
            case .heal(let faults): active.removeAll(where: faults.contains)
            case .fail(let faults):
                for flow in scenario.traffic {
                    guard let probe = topology.probe(named: flow.probe) else { continue }
                    let ongoing = active + reboots.filter { $0.until > step.at }.map(\.fault)
                    let traffic = flow.count == nil ? ProbeTraffic.echo : .datagrams
                    let prediction = predictor.predicting(traffic).predict(faults, with: ongoing, for: probe)
                    let end = mending(of: faults, after: number) ?? scenario.length
                    problems += self.problems(prediction, of: flow, step, lasting: end - step.at, file: file)
                }
                active += faults.filter { !$0.isMomentary }
                reboots += faults.compactMap { fault in
                    fault.rebooted.flatMap(topology.node(named:)).map { (fault, step.at + $0.rebootTime) }
                }
            }
        }
        return problems
    }

    /// When all of some faults have been healed, from the scenario's beginning; nil for never.
    private func mending(of faults: [Fault], after number: Int) -> Duration? {
        var missing = Set(faults.filter { !$0.isMomentary })
        return scenario.steps.dropFirst(number + 1).first { step in
            if case .heal(let healed) = step.action { missing.subtract(healed) }
            return missing.isEmpty
        }?.at
    }

    /// How long a flow is out at least.
    private static func least(of effect: Prediction.Effect, lasting: Duration) -> Duration {
        switch effect {
        case .outage(let window): min(window.earliest, lasting)
        case .untilHealed: lasting
        case .none, .degraded, .byFlow, .unpredictable: .zero
        }
    }

    private func problems(
        _ prediction: Prediction, of flow: Scenario.Flow, _ step: Scenario.Step, lasting: Duration, file: String
    ) -> [LabFileDiagnostic] {
        let place = "scenarios.\(scenario.name)"
        let claim = scenario.outages.first { $0.probe == flow.probe && $0.atMost != nil }
        if claim == nil,
            case .unpredictable(let why)? = prediction.all.lazy.map(\.effect).first(where: \.isUnpredictable)
        {
            return [
                LabFileDiagnostic(
                    file: file, line: step.line,
                    message: "\(place): what \"\(prediction.fault)\" does to \(flow.probe) cannot be computed: \(why)",
                    remedy:
                        "Claim how long it may be out, which is then judged alone (`outage: {\(flow.probe): 10s}`), or take \(flow.probe) out of `traffic`."
                )
            ]
        }
        guard let claim, let atMost = claim.atMost else { return [] }
        // Which way the flow takes is not known before, so that a claim is wrong only if it is wrong on each.
        let least = prediction.all.map { Self.least(of: $0.effect, lasting: lasting) }.min() ?? .zero
        // An outage between two packets is not seen, and one that has just begun is not one yet.
        guard least > atMost + flow.interval * 2 else { return [] }
        return [
            LabFileDiagnostic(
                file: file, line: claim.line,
                message: "\(place).outage: \(flow.probe) is out for \(least.shortText) at least after "
                    + "\"\(prediction.fault)\", and \(atMost == .zero ? "no outage" : atMost.shortText) is claimed",
                remedy: "Change the claim or the timeline; `netlab predict` has the reasons.")
        ]
    }
}

extension FlowRequest.Transport {
    /// What a prediction for a flow has to speak of.
    public var traffic: ProbeTraffic {
        switch self {
        case .icmp: .echo
        case .udp: .datagrams
        }
    }
}

extension Prediction.Effect {
    fileprivate var isUnpredictable: Bool { if case .unpredictable = self { true } else { false } }
}
