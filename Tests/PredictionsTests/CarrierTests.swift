import Foundation
import LabModel
import NetworkTypes
import Predictions
import Testing

/// What faults of `Labs/aws-china-tokyo` do, where BGP is passed on from router to router.
@Suite struct CarrierTests {
    private static let lab = Result {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Labs/aws-china-tokyo/lab.yaml")
        return try PredictedLab.resolve(String(contentsOf: file, encoding: .utf8))
    }

    /// Of each way that a flow's hash may choose.
    private static func predictions(_ faults: [String], for probe: String = "beijing-tokyo") throws -> [Prediction] {
        let topology = try lab.get()
        let prediction = try Predictor(topology: topology, versions: .measured).predict(
            faults.map { try Fault($0, in: topology) }, for: #require(topology.probe(named: probe)))
        return prediction.alternatives.isEmpty ? [prediction] : prediction.alternatives
    }

    /// The sum of all sessions' delays, and the round trip by the secondary, both as the lab file has them: 153.58 and
    /// 89.07 ms.
    private static let moment: [Int64] = [0, 242]

    @Test(arguments: ["beijing-tokyo", "tokyo-beijing"])
    func `Who sees its interface go down changes at once`(_ probe: String) throws {
        for fault in [
            "vlan bj-vif-340 down", "link bj-vif-340 down", "node bj-pe-1 down", "bgp bj-primary md5 wrong at bj-dx-1",
        ] {
            #expect(
                try Self.predictions([fault], for: probe).map(\.outage) == Array(repeating: Self.moment, count: 4),
                "\(fault)")
        }
    }

    /// Hold 90 s, shortened by up to a quarter, less 30 s since the last keepalive; 3 s of BIRD's loop; the way on.
    @Test(arguments: ["beijing-tokyo", "tokyo-beijing"])
    func `Who sees nothing waits for its hold timer`(_ probe: String) throws {
        for fault in ["vlan bj-vif-340 down at bj-dx-1", "blackhole bj-vif-340"] {
            for prediction in try Self.predictions([fault], for: probe) {
                let window = try #require(prediction.outage)
                #expect(window[0] == 37500 && (93200...93300).contains(window[1]), "\(fault) \(window)")
            }
        }
    }

    @Test func `Reasons name the VLAN and the way on`() throws {
        let prediction = try #require(try Self.predictions(["vlan bj-vif-340 down at bj-dx-1"]).first)
        let reasons = prediction.reasons.joined(separator: "\n")
        #expect(
            reasons.contains("The interface of bj-vif-340's VLAN is down at bj-dx-1")
                && reasons.contains("The cable is well"))
        #expect(reasons.contains("bj-dx-1: its interface vif.340 is down"))
        #expect(reasons.contains("bj-pe-1 hears nothing more of bj-dx-1, and only its hold timer notices: 1m30s"))
        #expect(reasons.contains("the last one knows after 153.58ms of links at most"))
        #expect(reasons.contains("bj-dx-2 bj-pe-2 cmi-1 cmi-2 tk-pe-2"))
    }

    @Test(arguments: [
        ["zone tk-pop-2 down"], ["zone tk-pop-1 down"], ["zone bj-pop-1 down"], ["node cmi-1 down"],
        ["node cmi-3 down"],
    ])
    func `One of the carrier's places is not missed`(_ faults: [String]) throws {
        for probe in ["beijing-tokyo", "tokyo-beijing"] {
            for prediction in try Self.predictions(faults, for: probe) {
                #expect(["moment", "none"].contains(prediction.effect.kind), "\(faults) \(prediction.effect)")
            }
        }
    }

    @Test func `Without propagation there is no way back`() throws {
        let both = ["bgp tk-propagation-1 shut at tk-vpc", "bgp tk-propagation-2 shut at tk-vpc"]
        for probe in ["beijing-tokyo", "tokyo-beijing"] {
            #expect(try Self.predictions(both, for: probe).allSatisfy { $0.effect == .untilHealed })
        }
        // The other gateway's propagation is enough.
        #expect(try Self.predictions([both[0]]).allSatisfy { ["moment", "none"].contains($0.effect.kind) })
    }

    @Test func `Both VIFs of a city are all there is`() throws {
        let predictions = try Self.predictions(["vlan bj-vif-340 down", "vlan bj-vif-440 down"])
        #expect(predictions.allSatisfy { $0.effect == .untilHealed })
    }
}
