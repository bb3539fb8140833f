import Foundation
import LabModel
import NetworkTypes
import Predictions
import Testing

/// Predictions for static routes that follow their tunnels.
@Suite struct TunnelRouteTests {
    /// Two tunnels between two gateways; `a` prefers the first, `b` shares its traffic among both.
    ///
    ///     left ── a ══ one, two ══ b ── right
    static let text = """
        name: pair
        nodes:
          left: {role: router, routes: {0.0.0.0/0: 10.1.0.1}}
          a: {role: router}
          b: {role: router}
          right: {role: router, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west: {ends: {left:eth0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
          east: {ends: {right:eth0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
          first: {ends: {a:one: 192.0.2.1/30, b:one: 192.0.2.2/30}, delay: 2ms}
          second: {ends: {a:two: 192.0.2.5/30, b:two: 192.0.2.6/30}, delay: 2ms}
        tunnels:
          one: &tunnel
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            dpd: {delay: 10s, timeout: 30s}
            ends:
              a: {address: 192.0.2.1, interface: vpn1, routes: 10.2.0.0/16, withdraw: when-down, startup: listen, dpd-action: clear}
              b: {address: 192.0.2.2, interface: vpn1, routes: 10.1.0.0/16, withdraw: when-down, dpd: {delay: 15s, timeout: 45s}}
          two:
            <<: *tunnel
            ends:
              a: {address: 192.0.2.5, interface: vpn2, routes: 10.2.0.0/16, withdraw: when-down, metric: 10, startup: listen, dpd-action: clear}
              b: {address: 192.0.2.6, interface: vpn2, routes: 10.1.0.0/16, withdraw: when-down, dpd: {delay: 15s, timeout: 45s}}
        probes:
          across: {from: left, to: right}

        """

    private func predict(_ faults: String..., with earlier: [String] = []) throws -> Prediction {
        let lab = try PredictedLab.resolve(Self.text)
        return try Predictor(topology: lab, versions: .measured).predict(
            faults.map { try Fault($0, in: lab) }, with: earlier.map { try Fault($0, in: lab) },
            for: #require(lab.probe(named: "across")))
    }

    private static func way(_ forth: String, _ back: String) -> Prediction.Way {
        Prediction.Way(forth: [forth], back: [back])
    }

    /// dpddelay 10 s at `a`, then 20 s of repetitions; 15 s at `b`, then 30 s: the end that sends the flow into the tunnel
    /// has to notice, and with both it is the later one.
    @Test func `Where the flow's way is cut`() throws {
        let prediction = try predict("blackhole first")
        #expect(prediction.effect == .byFlow)
        #expect(prediction.all.map(\.before) == [Self.way("one", "one"), Self.way("one", "two")])
        #expect(prediction.all.map(\.outage) == [[30_016, 60_020], [20_000, 40_004]])
        #expect(prediction.all.map(\.during) == [Self.way("two", "two"), Self.way("two", "two")])
        #expect(prediction.all[1].reasons.contains { $0.contains("`withdraw: when-down`") && $0.contains("of one") })
        #expect(prediction.all.allSatisfy { $0.comeback?.earliest == .zero && $0.comeback?.latest ?? .zero > .zero })
    }

    /// An end that gives its peer up sends nothing more, so that the peer, whose own questions do not arrive, gives up after it: 20 to
    /// 40 s, and then 30 to 60 s, unless the link's addresses are not resolved any more before.
    @Test func `Where one direction is cut`() throws {
        let prediction = try predict("blackhole first from b")
        #expect(prediction.all.map(\.outage) == [[30_016, 100_020], [0, 80_020]], "\(prediction)")
        #expect(prediction.all[0].reasons.contains { $0.contains("when a has given it up") })
    }

    @Test func `Where another way is cut`() throws {
        let prediction = try predict("blackhole second")
        #expect(prediction.all.map(\.effect.kind) == ["none", "outage"])
        #expect(prediction.all[1].outage == [30_016, 60_020])
        #expect(prediction.all[1].during == Self.way("one", "one"))
    }

    @Test func `Both cut`() throws {
        let prediction = try predict("blackhole first", "blackhole second")
        #expect(prediction.effect == .untilHealed && prediction.alternatives.isEmpty)
        // The first tunnel that is back carries all: the second adds nothing to the time.
        let single = try predict("blackhole first", with: ["blackhole second"])
        #expect(single.effect == .untilHealed && single.before == Self.way("one", "one"))
        #expect(prediction.comeback == single.comeback)
    }

    /// A daemon that deletes its associations tells its peer, and both take their routes back at once.
    @Test func `A mismatch is no outage`() throws {
        let prediction = try predict("mismatch one psk at a")
        for one in prediction.all { #expect(["none", "moment"].contains(one.effect.kind), "\(one.effect)") }
    }

    /// Only one end has lost them: the other goes on sending into a tunnel that leads nowhere.
    @Test func `Associations lost at one end`() throws {
        let there = try predict("sa one deleted at a")
        #expect(there.all.map(\.effect.kind) == ["untilHealed", "moment"])
    }

    /// pluto is told of a packet and not of its interface: which of two connections for all addresses it begins, nobody knows.
    @Test func `Associations lost beside another tunnel for the same packets`() throws {
        let fixed = Self.text.replacing(", withdraw: when-down", with: "").replacing(", metric: 10", with: "")
            .replacing("vpn2, routes: 10.2.0.0/16", with: "vpn2, routes: 10.3.0.0/16")
            .replacing("vpn2, routes: 10.1.0.0/16", with: "vpn2, routes: 10.4.0.0/16")
        let lab = try PredictedLab.resolve(fixed)
        guard
            case .unpredictable(let why) = try PredictedLab.predict("sa one deleted at a", for: "across", in: lab)
                .effect
        else {
            Issue.record("predicted")
            return
        }
        #expect(why.contains("libreswan at a has two for the same packets as one"), "\(why)")
        let start = try #require(fixed.range(of: "  two:"))
        let end = try #require(fixed.range(of: "probes:"))
        let alone = try PredictedLab.resolve(fixed.replacingCharacters(in: start.lowerBound..<end.lowerBound, with: ""))
        let single = try PredictedLab.predict("sa one deleted at a", for: "across", in: alone)
        #expect(single.outage != nil, "\(single)")
    }

    @Test func `Routes that stay never fail over`() throws {
        let lab = try PredictedLab.resolve(
            Self.text.replacing(
                "a: {address: 192.0.2.1, interface: vpn1, routes: 10.2.0.0/16, withdraw: when-down,",
                with: "a: {address: 192.0.2.1, interface: vpn1, routes: 10.2.0.0/16,"
            )
            .replacing(
                "interface: vpn2, routes: 10.2.0.0/16, withdraw: when-down, metric: 10,", with: "interface: vpn2,"))
        let prediction = try PredictedLab.predict("blackhole first", for: "across", in: lab)
        #expect(prediction.effect == .untilHealed)
    }
}
