import Daemons
import LabModel
import NetworkTypes
import Predictions

/// Derives a scenario for each breakage of a lab: it breaks, stays so until all have noticed, and is mended again.
public struct ScenarioDeriver: Sendable {
    private let topology: Topology
    private let predictor: Predictor
    private let traffic: [Scenario.Flow]

    /// - Parameter topology: With probes; those of ``Derivation`` where it has none of its own.
    public init(topology: Topology, versions: DaemonVersions) {
        self.topology = topology
        predictor = Predictor(topology: topology, versions: versions)
        let predictor = predictor
        // One probe of those between the same ends by the same tunnels has many flows, for all of them.
        var shared: Set<[[String]]> = []
        traffic = topology.probes.compactMap { probe in
            let courses = predictor.courses(of: probe)
            let ends = [probe.source, courses.forth.first?.end ?? ""].sorted()
            let isNew = shared.insert([ends, Set(courses.all.flatMap(\.tunnels)).sorted()]).inserted
            return Self.flow(of: probe, courses, isMany: isNew, predictor)
        }
    }

    /// What is predicted for each flow, after each breakage.
    public func predictions(of breakage: Breakage) -> [Prediction] {
        traffic.compactMap { flow in
            topology.probe(named: flow.probe).map { probe in
                predictor.predicting(flow.count == nil ? .echo : .datagrams).predict(breakage.faults, for: probe)
            }
        }
    }

    /// The scenario that shows a breakage.
    ///
    /// It lasts as long as predictions have it: until every outage is over and everybody has given up what is silent, and
    /// after the mending until every flow is back.
    public func scenario(of breakage: Breakage, named name: String? = nil) -> Scenario {
        let predictions = predictions(of: breakage).flatMap(\.all)
        let outages = predictions.compactMap { prediction -> Duration? in
            if case .outage(let window) = prediction.effect { window.latest } else { nil }
        }
        let noticed = max(outages.max() ?? .zero, predictor.settling(of: breakage.faults))
        let mending = Self.beginning + max(Self.shortest, Self.rounded(noticed + Self.margin))
        let comeback = max(Self.shortest, predictions.compactMap(\.comeback?.latest).max() ?? .zero)
        return Scenario(
            name: name ?? breakage.name, line: 0, summary: breakage.words, variant: nil,
            traffic: traffic.map { Self.paced($0, for: noticed) },
            steps: [
                .init(at: Self.beginning, line: 0, action: .fail(breakage.faults)),
                .init(at: mending, line: 0, action: .heal(breakage.faults)),
            ], length: mending + Self.rounded(comeback + Self.margin), outages: [], isDerived: true)
    }

    /// The scenario in which faults begin, one group after the other, and nothing is mended.
    ///
    /// Each group waits until what came before it is over, as predictions have it, for they speak of labs that have come to rest. The scenario
    /// ends when that is so of the last one.
    ///
    /// - Parameters:
    ///   - groups: Faults that begin at once, and how long they are held back beyond that.
    ///   - interval: Between two requests of a flow; nil for as often as the outages need.
    public func scenario(
        of groups: [(faults: [Fault], heldBack: Duration)], named name: String, summary: String,
        interval: Duration? = nil
    ) -> Scenario {
        var steps: [Scenario.Step] = []
        var active: [Fault] = []
        var (at, longest) = (Self.beginning, Duration.zero)
        for (faults, heldBack) in groups {
            steps.append(.init(at: at + heldBack, line: 0, action: .fail(faults)))
            let noticed = noticing(of: faults, with: active)
            longest = max(longest, noticed)
            active += faults
            at += heldBack + max(Self.shortest, Self.rounded(noticed + Self.margin))
        }
        return Scenario(
            name: name, line: 0, summary: summary, variant: nil,
            traffic: traffic.map { flow in
                interval.map { Scenario.Flow(probe: flow.probe, interval: $0, count: flow.count) }
                    ?? Self.paced(flow, for: longest)
            }, steps: steps, length: Self.rounded(at), outages: [], isDerived: true)
    }

    /// How long it takes until every outage is over, and everybody has given up what is silent.
    private func noticing(of faults: [Fault], with active: [Fault]) -> Duration {
        let outages = traffic.compactMap { flow in
            topology.probe(named: flow.probe).map {
                predictor.predicting(flow.count == nil ? .echo : .datagrams).predict(faults, with: active, for: $0)
            }
        }.flatMap(\.all).compactMap { prediction -> Duration? in
            if case .outage(let window) = prediction.effect { window.latest } else { nil }
        }
        return max(outages.max() ?? .zero, predictor.settling(of: active + faults))
    }

    private static let beginning = Duration.seconds(5)
    private static let shortest = Duration.seconds(20)
    private static let margin = Duration.seconds(5)

    private static func rounded(_ duration: Duration) -> Duration {
        .seconds(duration.components.seconds + (duration.components.attoseconds > 0 ? 1 : 0))
    }

    // MARK: Traffic

    private static let interval = Duration.milliseconds(100)

    /// The same, no more often than it takes to measure an outage of so long to a hundredth; of many flows each to a fortieth.
    private static func paced(_ flow: Scenario.Flow, for outage: Duration) -> Scenario.Flow {
        let wanted = outage / (flow.count == nil ? 100 : 40)
        let least = flow.count == nil ? interval : interval * 5
        let most = Duration.seconds(flow.count == nil ? 1 : 4)
        let tenths = min(max(wanted, least), most).wholeNanoseconds / 100_000_000
        return Scenario.Flow(probe: flow.probe, interval: interval * Int(tenths), count: flow.count)
    }

    /// Of a probe whose answer comes; as many flows as leave no way without one where routes share traffic.
    private static func flow(
        of probe: Probe, _ courses: Courses, isMany: Bool, _ predictor: Predictor
    ) -> Scenario.Flow? {
        guard courses.loss == nil else { return nil }
        let ways = max(courses.forth.count, courses.back.count)
        let takesDatagrams = predictor.predicting(.datagrams).courses(of: probe).isAnswered
        guard ways > 1, isMany, takesDatagrams else { return Scenario.Flow(probe: probe.name, interval: interval) }
        return Scenario.Flow(
            probe: probe.name, interval: interval, count: ExpectationDeriver.flows(over: ways))
    }
}
