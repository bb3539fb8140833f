import Foundation
import Testing

/// Two routers that speak BGP over one link, and a second one in some: what a daemon's end costs where it is waited for, and what BFD costs
/// that ends while its BGP goes on.
// Waiting for other labs counts, too.
@Suite("Graceful restart", .serialized, .timeLimit(.minutes(60)))
struct GracefulRestartTests {
    private static func lab(_ west: String, _ east: String, session: String, spare: Bool, scenarios: String) -> String {
        let links = spare ? "\n  spare: {ends: {west:e2: 192.0.2.5/30, east:e2: 192.0.2.6/30}, delay: 20ms}" : ""
        let second =
            """

              two:
                over: spare
                speakers:
                  west: {asn: 65001, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24, prepend: 1}
                  east: {asn: 65002, advertise: 10.2.0.0/24, prepend: 1}
            """
        return """
            name: restarts
            nodes:
              left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
              west: {role: router, bgp: \(west)}
              east: {role: router, bgp: \(east)}
              right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
            links:
              here: {ends: {left:eth0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
              main: {ends: {west:e1: 192.0.2.1/30, east:e1: 192.0.2.2/30}, delay: 5ms}\(links)
              there: {ends: {right:eth0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
            probes: {app: {from: left, to: right}}
            bgp:
              one:
                over: main
                \(session)
                speakers:
                  west: {asn: 65001, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24}
                  east: {asn: 65002, advertise: 10.2.0.0/24}\(spare ? second : "")
            scenarios:
            \(scenarios)
            """
    }

    private static func write(_ lab: String, in home: LabHome) throws -> String {
        let directory = home.path.appending("restarts").string
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try lab.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
        return directory
    }

    /// 20 ms between packets, so that a moment without routes would be seen.
    @Test(arguments: [("bird", "bird"), ("frr", "bird"), ("bird", "frr"), ("frr", "frr")])
    func `A daemon that is waited for restarts without a lost packet, and is given up in its time`(
        _ west: String, _ east: String
    ) async throws {
        try await LabHome.with { home in
            let scenarios = """
                  anew:
                    traffic: {app: 20ms}
                    timeline: [{at: 15s, fail: daemon west/\(west) restarted}]
                    lasts: 60s
                  crash:
                    traffic: {app: 20ms}
                    timeline: [{at: 15s, fail: daemon west/\(west) killed}, {at: 25s, heal: all}]
                    lasts: 60s
                  gone:
                    traffic: {app: 20ms}
                    timeline: [{at: 15s, fail: daemon west/\(west) killed}, {at: 65s, heal: all}]
                    lasts: 90s

                """
            let lab = Self.lab(west, east, session: "graceful-restart: 30s", spare: false, scenarios: scenarios)
            let result = try await home.netlab.run("test", try Self.write(lab, in: home), "--format", "json")
            #expect(result.code == 0, result.account)
            let runs = try TestView(json: result.output).runs
            #expect(runs.count == 3, result.account)
            // FRR may not have kept them.
            for name in ["anew", "crash"] where east == "bird" {
                let run = try #require(runs.first { $0.scenario == name })
                #expect(run.judgement("app", "outage")?.measured.isEmpty == true, result.account)
            }
            try await home.expectNothingLeft()
        }
    }

    @Test(arguments: [("bird", "bird"), ("frr", "frr")])
    func `BFD that stops ends its session once, and BGP brings it up without`(
        _ west: String, _ east: String
    ) async throws {
        try await LabHome.with { home in
            let scenarios = """
                  stopped:
                    traffic: {app: 20ms}
                    timeline:
                      - {at: 10s, check: quick}
                      - {at: 15s, fail: bfd one stopped at west}
                      - {at: 17s, check: gone}
                      - {at: 45s, check: up}
                      - {at: 50s, heal: all}
                      - {at: 60s, check: quick}
                    lasts: 65s
                expect:
                  quick: {bfd: one, detection: 900ms}
                  gone: {bfd: one, is: down, on-request: true}
                  up: {bgp: one, on-request: true}

                """
            for spare in [false, true] {
                let lab = Self.lab(
                    west, east, session: "bfd: {interval: 300ms, multiplier: 3}", spare: spare, scenarios: scenarios)
                let result = try await home.netlab.run("test", try Self.write(lab, in: home), "--format", "json")
                #expect(result.code == 0, result.account)
                let outages = try #require(
                    try TestView(json: result.output).runs.first?.judgement("app", "outage")?.measured)
                // With another way nobody is cut off; without one, from the session's end until it is up again.
                #expect(outages.isEmpty == spare, result.account)
            }
            try await home.expectNothingLeft()
        }
    }
}
