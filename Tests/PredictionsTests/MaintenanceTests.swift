import LabModel
import NetworkTypes
import Predictions
import Testing

/// What the replacement of a tunnel's endpoint does: traffic leaves first.
@Suite struct MaintenanceTests {
    @Test func `Traffic goes by the other way before the endpoint does`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("maintenance main", for: "workload", in: lab)
        #expect(prediction.before == .init(forth: ["main"], back: ["main"]))
        #expect(prediction.during == .init(forth: ["backup"], back: ["backup"]))
        #expect(prediction.reasons.contains { $0.hasPrefix("When no route leads into main any more, tgw deletes") })
        // Healed, the tunnel has to be negotiated before BGP can connect: later than after a session that was shut.
        let shut = try PredictedLab.predict("bgp main shut", for: "workload", in: lab)
        #expect(prediction.effect == shut.effect)
        #expect(try #require(prediction.comeback).latest > #require(shut.comeback).latest)
    }

    @Test func `Without another way it is out until it is over`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(
            "maintenance main", with: ["blackhole aws-internet"], for: "workload", in: lab)
        #expect(prediction.effect == .untilHealed && prediction.comeback != nil)
    }

    /// A tunnel without a session has nobody who moves its traffic.
    @Test func `Static routes stay where they are`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("maintenance backup", for: "backup-inside", in: lab)
        #expect(prediction.effect == .untilHealed)
        #expect(prediction.reasons.contains { $0.contains("static routes never fail over") })
    }

    @Test func `With another fault at once nothing is said`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("maintenance main", "blackhole aws-vpn-2", for: "workload", in: lab)
        #expect(prediction.effect.kind == "unpredictable")
        // One that began long before is another matter.
        let later = try PredictedLab.predict(
            "blackhole aws-vpn-2", with: ["maintenance main"], for: "workload", in: lab)
        #expect(later.effect == .none && later.before == .init(forth: ["backup"], back: ["backup"]))
    }
}
