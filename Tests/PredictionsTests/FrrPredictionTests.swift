import Daemons
import LabModel
import Testing

@testable import Predictions

/// A link with BGP by FRR, and by FRR on one side, with BFD and without.
@Suite("Predictions for FRR")
struct FrrPredictionTests {
    private static func lab(_ a: String, _ b: String, _ bfd: String = "") throws -> Topology {
        try PredictedLab.resolve(
            PredictedLab.pair.replacing("a: {role: router,", with: "a: {role: router, bgp: \(a),")
                .replacing("b: {role: router,", with: "b: {role: router, bgp: \(b),")
                .replacing("    over: first", with: "\(bfd)    over: first"))
    }

    /// 9 s, the smaller proposal, less a keepalive's age of 3 s: FRR shortens nothing, and needs 100 ms.
    @Test func `Hold timers are as long as they say`() throws {
        let both = try PredictedLab.predict("blackhole first", for: "across", in: Self.lab("frr", "frr"))
        #expect(both.outage == [6_000, 9_117], "\(both.reasons)")
        #expect(both.reasons.contains { $0.contains("FRR does not shorten its timers") })
        // The later of both ends counts.
        let mixed = try PredictedLab.predict("blackhole first", for: "across", in: Self.lab("frr", "bird"))
        #expect(mixed.outage == [6_000, 12_017], "\(mixed.reasons)")
    }

    @Test func `BFD notices in three intervals, less up to one`() throws {
        let bfd = "    bfd: {interval: 300ms, multiplier: 3}\n"
        let birds = try PredictedLab.predict("blackhole first", for: "across", in: Self.lab("bird", "bird", bfd))
        #expect(birds.outage == [600, 917], "\(birds.reasons)")
        let frrs = try PredictedLab.predict("blackhole first", for: "across", in: Self.lab("frr", "frr", bfd))
        #expect(frrs.outage == [600, 1_017], "\(frrs.reasons)")
    }
}
