import NetworkTypes
import Testing

@Suite("Speakers that keep their timers")
struct HoldConflictTests {
    private static func lab(_ peer: String, router: String = "keepalive: 10s, hold: 30s") -> String {
        BrokenLab.text.replacing("peer: {asn: 65001}", with: "peer: {asn: 65001, \(peer)}")
            .replacing("asn: 64512, keepalive: 10s, hold: 30s", with: "asn: 64512, \(router)")
    }

    @Test func `Azure beside thirty seconds`() throws {
        let (topology, warnings) = try BrokenLab.resolve(Self.lab("keepalive: 60s, hold: 180s, negotiate: off"))
        let conflict = try #require(topology.session(named: "main").flatMap(topology.holdConflict))
        #expect(conflict.listener == "router" && conflict.speaker == "peer")
        #expect(conflict.hold == .seconds(30) && conflict.keepalive == .seconds(60))
        #expect(conflict.shortestLife == .milliseconds(22_500) && conflict.longestLife == .seconds(33))
        // Each life and pause is 53 s at most, and 22.5 s at least.
        #expect(conflict.ends(in: .seconds(120)) == 2...6)
        let warning = try #require(warnings.first { $0.message.contains("again and again") })
        #expect(warning.severity == .warning && warning.remedy.contains("third of 30s"))
    }

    @Test(
        arguments: [
            "keepalive: 60s, hold: 180s", "keepalive: 10s, hold: 180s, negotiate: off",
            "keepalive: 44s, hold: 180s, negotiate: off",
        ])
    func `Timers that fit`(peer: String) throws {
        let (topology, warnings) = try BrokenLab.resolve(Self.lab(peer))
        #expect(topology.session(named: "main").flatMap(topology.holdConflict) == nil)
        #expect(!warnings.contains { $0.message.contains("again and again") })
    }

    @Test func `Both keep theirs`() throws {
        let text = Self.lab(
            "keepalive: 60s, hold: 180s, negotiate: off", router: "keepalive: 10s, hold: 200s, negotiate: off")
        let topology = try BrokenLab.resolve(text).topology
        #expect(topology.session(named: "main").flatMap(topology.holdConflict) == nil)
    }

    @Test(
        arguments: [
            BrokenLab(
                expect: "§x: {bgp: main, is: flapping}", "nothing in main's timers makes it flap", "negotiate: off"),
            BrokenLab(
                "peer: {asn: 65001}", "peer: {asn: 65001, negotiate: maybe§}", "negotiate: \"maybe\" is not",
                "on or off"),
        ])
    func `Expectations`(lab: BrokenLab) throws { try lab.expectOnlyDiagnostic() }
}
