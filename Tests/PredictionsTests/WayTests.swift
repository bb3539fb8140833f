import Foundation
import Predictions
import Testing

/// Which way packets take, before a fault and after it.
@Suite struct WayTests {
    @Test func `Main then backup`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: lab)
        #expect(prediction.before == Prediction.Way(forth: ["main"], back: ["main"]))
        #expect(prediction.during == Prediction.Way(forth: ["backup"], back: ["backup"]))
        #expect(prediction.reasons.first?.contains("vpc1-ec2 vpc1 tgw drg vcn1 vcn1-vm (main)") ?? false)
        #expect(
            prediction.reasons.contains {
                $0.contains("tgw vpc2 vpc2-ec2 vcn2-vm vcn2 drg vcn1") && $0.contains("(backup)")
            })
    }

    /// A speaker whose BIRD stands still keeps its routes, so only the other direction changes its way.
    @Test(arguments: ["daemon tgw/bird stopped", "daemon tgw/bird killed"])
    func `One direction only`(fault: String) throws {
        let lab = try PredictedLab.awsOci()
        let there = try PredictedLab.predict(fault, for: "workload", in: lab)
        #expect(there.during == Prediction.Way(forth: ["main"], back: ["backup"]))
        let back = try PredictedLab.predict(fault, for: "workload-back", in: lab)
        #expect(back.during == Prediction.Way(forth: ["backup"], back: ["main"]))
    }

    @Test func `No tunnel at all`() throws {
        let lab = try PredictedLab.resolve(PredictedLab.pair)
        let prediction = try PredictedLab.predict("link first down", for: "across", in: lab)
        #expect(prediction.before == Prediction.Way(forth: [], back: []))
        #expect(prediction.reasons.contains { $0.hasPrefix("Then: there by left a b right") })
    }

    /// A static route goes before a learned one to the same prefix, so BGP's end changes nothing.
    @Test func `A static route to the same prefix`() throws {
        let lab = try PredictedLab.resolve(
            PredictedLab.pair.replacing(
                "a: {role: router, routes: {10.0.0.0/8: 192.0.2.6}}",
                with: """
                    a: {role: router, routes: {10.2.0.0/24: 192.0.2.6}}
                    """
            ).replacing(
                "b: {role: router, routes: {10.0.0.0/8: 192.0.2.5}}",
                with: """
                    b: {role: router, routes: {10.1.0.0/24: 192.0.2.5}}
                    """))
        #expect(try PredictedLab.predict("blackhole first", for: "across", in: lab).effect == .none)
        let second = try PredictedLab.predict("blackhole second", for: "across", in: lab)
        #expect(second.effect == .untilHealed)
        #expect(second.reasons.contains { $0.contains("static routes never fail over") })
        // When its interface is down, the kernel forgets the static route, and BGP's is left.
        let down = try PredictedLab.predict("link second down", for: "across", in: lab)
        #expect(down.effect.kind == "moment")
    }

    /// Next hops that share the traffic: which of them a flow takes cannot be said, and what follows for each can.
    @Test func `Shared traffic`() throws {
        let lab = try PredictedLab.resolve(
            PredictedLab.pair.replacing(
                "routes: {10.0.0.0/8: 192.0.2.6}", with: "routes: {10.2.0.0/16: [192.0.2.2, 192.0.2.6]}"
            )
            .replacing("advertise: 10.2.0.0/24", with: "advertise: 10.99.0.0/24"))
        let prediction = try PredictedLab.predict("blackhole second", for: "across", in: lab)
        #expect(prediction.effect == .byFlow)
        #expect(prediction.all.map(\.effect) == [.none, .untilHealed])
        #expect(prediction.all[0].reasons != prediction.all[1].reasons)
        #expect(try PredictedLab.predict("link second down", for: "across", in: lab).effect.kind == "byFlow")
        // What every way has in common is said once.
        let both = try PredictedLab.predict("blackhole west", for: "across", in: lab)
        #expect(both.effect == .untilHealed && both.alternatives.isEmpty)
    }

    /// A policy rule sends what comes from one prefix by another table's routes, past what BGP says.
    @Test func `Policy rules`() throws {
        let lab = try PredictedLab.resolve(
            PredictedLab.pair.replacing(
                "a: {role: router, routes: {10.0.0.0/8: 192.0.2.6}}",
                with: """
                    a: {role: router, routes: {10.2.0.0/16: {via: 192.0.2.6, table: 100}}, rules: [{from: 10.1.0.0/24, table: 100}]}
                    """))
        #expect(try PredictedLab.predict("blackhole second from a", for: "across", in: lab).effect == .untilHealed)
        #expect(try PredictedLab.predict("blackhole second from b", for: "across", in: lab).effect == .none)
    }
}

extension String {
    /// With one text changed, which must be there.
    func replacing(_ old: String, with new: String) -> String {
        precondition(contains(old), "\(old) is not in the lab")
        return replacingOccurrences(of: old, with: new.trimmingCharacters(in: .newlines))
    }
}
