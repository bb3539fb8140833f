import Daemons
import Foundation
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Testing

/// Labs to predict, and what is predicted of them.
enum PredictedLab {
    private static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/aws-oci")

    /// The repository's `Labs/site-aws`, without its providers' rules.
    static func siteAws() throws -> Topology {
        let file = directory.deletingLastPathComponent().appending(path: "site-aws/lab.yaml")
        return try resolve(String(contentsOf: file, encoding: .utf8))
    }

    /// The repository's `Labs/aws-oci` as it stands.
    static func awsOci() throws -> Topology { try unchanged.get() }

    private static let unchanged = Result { try awsOci { $0 } }

    /// The same with a change.
    ///
    /// - Parameter change: An edit of the lab file's text.
    static func awsOci(_ change: (String) -> String) throws -> Topology {
        let text = { @Sendable (name: String) in
            try String(contentsOf: directory.appending(path: name), encoding: .utf8)
        }
        return try LabFile(text: change(text("lab.yaml")), file: "lab.yaml", companion: text).resolve().topology
    }

    /// Two routers with two links between them, BGP over the first, and a host behind each:
    /// `left <-> a == first, second == b <-> right`.
    static let pair = """
        name: pair
        nodes:
          left: {role: router, routes: {0.0.0.0/0: 10.1.0.1}}
          a: {role: router, routes: {10.0.0.0/8: 192.0.2.6}}
          b: {role: router, routes: {10.0.0.0/8: 192.0.2.5}}
          right: {role: router, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west: {ends: {left:eth0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
          east: {ends: {right:eth0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
          first: {ends: {a:one: 192.0.2.1/30, b:one: 192.0.2.2/30}, delay: 2ms}
          second: {ends: {a:two: 192.0.2.5/30, b:two: 192.0.2.6/30}, delay: 5ms}
        bgp:
          direct-line:
            over: first
            speakers:
              a: {asn: 64512, keepalive: 3s, hold: 9s, advertise: 10.1.0.0/24}
              b: {asn: 64513, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/24}
        probes:
          across: {from: left, to: right}

        """

    static func resolve(_ text: String) throws -> Topology {
        struct NoFile: Error {}
        return try LabFile(text: text, file: "lab.yaml", companion: { _ in throw NoFile() }).resolve().topology
    }

    /// - Parameter faults: As `netlab predict` takes them.
    static func predict(
        _ faults: String..., with earlier: [String] = [], for probe: String, in topology: Topology,
        versions: DaemonVersions = .measured
    ) throws -> Prediction {
        try Predictor(topology: topology, versions: versions).predict(
            faults.map { try Fault($0, in: topology) }, with: earlier.map { try Fault($0, in: topology) },
            for: #require(topology.probe(named: probe)))
    }
}

extension Prediction {
    /// The outage's window in milliseconds; nil where there is none.
    var outage: [Int64]? { effect.window?.milliseconds }
}

extension Prediction.Effect {
    var window: Window? {
        if case .outage(let window) = self { window } else { nil }
    }

    /// The case's name.
    var kind: String {
        switch self {
        case .none: "none"
        case .outage(let window): window.latest < .seconds(1) ? "moment" : "outage"
        case .untilHealed: "untilHealed"
        case .degraded: "degraded"
        case .byFlow: "byFlow"
        case .unpredictable: "unpredictable"
        }
    }
}

extension Window {
    var milliseconds: [Int64] { [earliest, latest].map { $0.wholeNanoseconds / 1_000_000 } }
}
