import Foundation
import Testing

/// Two routers that speak BGP over two links, FRR with FRR and FRR with BIRD, and FRR of the user's own.
// Waiting for other labs counts, too.
@Suite("FRR", .serialized, .timeLimit(.minutes(60)))
struct FrrTests {
    private static func lab(_ west: String, _ east: String, bfd: String = "", scenarios: String) -> String {
        """
        name: routers
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          west: {role: router, \(west)}
          east: {role: router, \(east)}
          right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          here: {ends: {left:eth0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
          main: {ends: {west:e1: 192.0.2.1/30, east:e1: 192.0.2.2/30}, delay: 5ms}
          spare: {ends: {west:e2: 192.0.2.5/30, east:e2: 192.0.2.6/30}, delay: 20ms}
          there: {ends: {right:eth0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
        probes: {app: {from: left, to: right}}
        bgp:
          one:
            over: main
            speakers:
              west: {asn: 65001, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24\(bfd)}
              east: {asn: 65002, advertise: 10.2.0.0/24\(bfd)}
          two:
            over: spare
            speakers:
              west: {asn: 65001, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24, prepend: 1}
              east: {asn: 65002, advertise: 10.2.0.0/24, prepend: 1}
        scenarios:
        \(scenarios)
        """
    }

    private static func scenario(_ name: String, _ fault: String, healed: Int?, lasts: Int) -> String {
        let heal = healed.map { ", {at: \($0)s, heal: all}" } ?? ""
        return """
              \(name):
                traffic: {app: 20ms}
                timeline: [{at: 15s, fail: \(fault)}\(heal)]
                lasts: \(lasts)s

            """
    }

    private static func write(_ lab: String, _ files: [String: String] = [:], in home: LabHome) throws -> String {
        let directory = home.path.appending("routers").string
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, text) in files.merging(["lab.yaml": lab], uniquingKeysWith: { $1 }) {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory
    }

    @Test(arguments: [("bgp: frr", "bgp: frr"), ("bgp: frr", "bgp: bird")])
    func `What FRR does about faults is what was predicted`(_ west: String, _ east: String) async throws {
        try await LabHome.with { home in
            let scenarios =
                Self.scenario("cut", "blackhole main", healed: 60, lasts: 75)
                + Self.scenario("half", "blackhole main from east", healed: 65, lasts: 80)
                + Self.scenario("down", "link main down", healed: 30, lasts: 45)
                + Self.scenario("hold", "bgp one hold 9s at west", healed: 40, lasts: 60)
                + Self.scenario("key", "bgp one md5 wrong at west", healed: 40, lasts: 60)
                + Self.scenario("killed", "daemon west/frr killed", healed: 30, lasts: 50)
                + Self.scenario("anew", "daemon west/frr restarted", healed: nil, lasts: 40)
            let directory = try Self.write(Self.lab(west, east, scenarios: scenarios), in: home)
            let result = try await home.netlab.run("test", directory, "--format", "json")
            #expect(result.code == 0, result.account)
            #expect(try TestView(json: result.output).totals.passed == 7, result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `BFD that a lab file asks for notices a silence in its time`() async throws {
        try await LabHome.with { home in
            let lab = Self.lab(
                "bgp: frr", "bgp: bird", bfd: ", bfd: {interval: 300ms, multiplier: 3}",
                scenarios: """
                      cut:
                        traffic: {app: 20ms}
                        timeline: [{at: 10s, check: quick}, {at: 15s, fail: blackhole main}, {at: 17s, check: gone}, {at: 18s, heal: all}]
                        lasts: 28s
                    expect:
                      quick: {bfd: one, detection: 900ms}
                      gone: {bfd: one, is: down, on-request: true}

                    """)
            let directory = try Self.write(lab, in: home)
            let result = try await home.netlab.run("test", directory, "--format", "json")
            #expect(result.code == 0, result.account)
            let outage = try #require(
                try TestView(json: result.output).runs.first?.judgement("app", "outage")?.measured.first)
            #expect(outage.atLeastNanoseconds <= 1_100_000_000, result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A file of the user's own runs word for word, vtysh works, and its errors are FRR's words`() async throws
    {
        try await LabHome.with { home in
            let conf = """
                hostname mine
                router bgp 65001
                 no bgp ebgp-requires-policy
                 no bgp network import-check
                 bgp bestpath as-path multipath-relax
                 neighbor 192.0.2.2 remote-as 65002
                 neighbor 192.0.2.2 timers 10 30
                 neighbor 192.0.2.2 timers connect 5
                 neighbor 192.0.2.6 remote-as 65002
                 neighbor 192.0.2.6 timers 10 30
                 neighbor 192.0.2.6 timers connect 5
                 address-family ipv4 unicast
                  network 10.1.0.0/24
                 exit-address-family
                exit

                """
            let lab = Self.lab("frr: frr.conf", "bgp: bird", scenarios: "  {}\n").replacingOccurrences(
                of: "scenarios:\n  {}\n", with: "")
            let directory = try Self.write(lab, ["frr.conf": conf], in: home)
            let up = try await home.netlab.run("up", directory)
            #expect(up.code == 0, up.account)
            let shown = try await home.netlab.run("exec", "routers", "west", "--", "vtysh", "-c", "show running-config")
            #expect(
                shown.output.contains("neighbor 192.0.2.6 timers connect 5"))
            let status = try await home.netlab.run("status", "routers")
            #expect(status.output.contains("Established"), status.account)
            _ = try await home.netlab.run("down", "routers")
            let broken = conf.replacingOccurrences(of: "192.0.2.2 timers 10", with: "192.0.2.2 timrs 10")
            _ = try Self.write(lab, ["frr.conf": broken], in: home)
            let failed = try await home.netlab.run("up", directory)
            #expect(
                failed.code != 0 && failed.account.description.contains("line 7: % Unknown command"), failed.account)
            try await home.expectNothingLeft()
        }
    }
}
