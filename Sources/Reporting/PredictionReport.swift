import Daemons
import LabModel
import NetworkTypes
import Predictions

/// What faults will do to a lab's probes, with the reasons.
public struct PredictionReport: Encodable, Sendable {
    public let lab: String
    public let faults: [String]
    /// The daemons that the lab runs, by name.
    public let daemons: [String: String]
    /// Of those whose figures were measured with another version.
    public let caveats: [String]
    public let predictions: [Prediction]
    /// The probes whose windows are too wide to prove anything.
    public let sayNothing: [String]

    public init(of topology: Topology, faults: [Fault], versions: DaemonVersions, predictions: [Prediction]) {
        lab = topology.name
        self.faults = faults.map(\.description)
        daemons = Dictionary(
            uniqueKeysWithValues: versions.running(in: topology).map { ($0.name, $0.versionText) })
        caveats = versions.caveats(for: topology)
        self.predictions = predictions
        sayNothing = predictions.filter { prediction in
            prediction.all.contains { $0.effect.window?.saysNothing ?? false }
        }.map(\.probe)
    }

    /// What is said of a probe, in words.
    public struct Line: Sendable {
        public let probe: String
        public let effect: String
        /// `-` where nothing is known, or nothing is out.
        public let outage: String
        public let comeback: String
        public let before: String
        public let during: String
        /// How long it is out; nil where that is no time.
        public let window: Window?
    }

    /// A line for each probe. Of a flow that may take several ways, each has a line, and says which.
    public var lines: [Line] {
        predictions.flatMap(\.all).map { prediction in
            Line(
                probe: prediction.probe,
                effect: Self.words(for: prediction) + Self.words(for: prediction.transfers),
                outage: Self.text(of: prediction.effect.window), comeback: Self.text(of: prediction.comeback),
                before: Self.text(of: prediction.before), during: prediction.during.map(Self.text) ?? "-",
                window: prediction.effect.window)
        }
    }

    /// Why, for probes that have the same reasons together.
    public var reasons: [(probes: [String], reasons: [String])] {
        let reasonsOf = { (prediction: Prediction) in
            switch prediction.transfers {
            case .hang(let why): prediction.reasons + ["New transfers over TCP hang: \(why)."]
            case .unknown(let why): prediction.reasons + ["What becomes of transfers over TCP is not known: \(why)."]
            case .asPings, nil: prediction.reasons
            }
        }
        return predictions.flatMap(\.all).reduce(into: []) { groups, prediction in
            if let index = groups.firstIndex(where: { $0.reasons == reasonsOf(prediction) }) {
                if groups[index].probes.last != prediction.probe { groups[index].probes.append(prediction.probe) }
            } else {
                groups.append(([prediction.probe], reasonsOf(prediction)))
            }
        }
    }

    /// What has to be said of the whole.
    public var warnings: [String] {
        caveats + sayNothing.map { "The window of \($0) is too wide to prove anything." }
    }

    /// The daemons with their versions.
    public var programs: [String] {
        daemons.sorted { $0.key.lowercased() > $1.key.lowercased() }.map { "\($0.key) \($0.value)" }
    }

    public func text(style: Style) -> String {
        let rows = lines.map {
            [style.strong($0.probe), $0.effect, $0.outage, $0.comeback, $0.before, $0.during]
        }
        let table = Table(columns: ["PROBE", "EFFECT", "OUTAGE", "COMEBACK", "BEFORE", "DURING"], rows: rows)
        let reasons = reasons.map { group in
            ([style.strong(group.probes.joined(separator: ", "))]
                + group.reasons.map { "  - \($0)" }).joined(separator: "\n")
        }
        let programs = programs
        let heading =
            "\(lab): \(faults.joined(separator: " and "))"
            + (programs.isEmpty ? "" : style.faint("  (\(programs.joined(separator: ", ")))"))
        return ([heading, table.text(style: style)] + reasons + warnings.map(style.warning)).joined(separator: "\n\n")
    }

    private static func words(for prediction: Prediction) -> String {
        switch prediction.effect {
        case .none: "none"
        case .outage(let window):
            window.latest >= .seconds(1)
                ? "outage" : prediction.during == prediction.before ? "a moment" : "another way"
        case .untilHealed: "down until healed"
        case .degraded: "degraded"
        case .byFlow: "by flow"
        case .unpredictable(let why): "unpredictable: \(why)"
        }
    }

    private static func words(for transfers: Prediction.Transfers?) -> String {
        switch transfers {
        case .hang: ", TCP hangs"
        case .asPings, .unknown, nil: ""
        }
    }

    private static func text(of window: Window?) -> String { window?.text ?? "-" }

    private static func text(of way: Prediction.Way) -> String {
        let name = { (tunnels: [String]) in tunnels.isEmpty ? "no tunnel" : tunnels.joined(separator: "+") }
        return way.forth == way.back ? name(way.forth) : "\(name(way.forth)) / \(name(way.back))"
    }
}

extension Prediction.Effect {
    /// How long no answer comes, where that can be said.
    public var window: Window? {
        if case .outage(let window) = self { window } else { nil }
    }
}
