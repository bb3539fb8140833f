import Foundation
import Testing

/// Two routers with their users' own bird.conf, with BFD of two paces, and two links between them; their protocols have names of their own,
/// or none.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct OwnRoutingTests {
    private static let lab = """
        name: birds
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          west: {role: router, bird: west.conf}
          east: {role: router, bird: east.conf}
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
            speakers: {west: {asn: 65001, advertise: 10.1.0.0/24}, east: {asn: 65002, advertise: 10.2.0.0/24}}
          two:
            over: spare
            speakers:
              west: {asn: 65001, advertise: 10.1.0.0/24, prepend: 1}
              east: {asn: 65002, advertise: 10.2.0.0/24, prepend: 1}
        scenarios:
          cut:
            traffic: {app: 20ms}
            timeline: [{at: 20s, fail: blackhole main}, {at: 60s, heal: blackhole main}]
            lasts: 120s
          half:
            traffic: {app: 20ms}
            timeline: [{at: 20s, fail: blackhole main from east}, {at: 60s, heal: all}]
            lasts: 120s
          anew:
            traffic: {app: 20ms}
            timeline: [{at: 20s, fail: daemon west/bird restarted}]
            lasts: 70s

        """

    private static func conf(
        _ own: Int, _ peer: Int, _ router: Int, _ peers: [Int], _ names: [String], _ bfd: String,
        _ session: String
    ) -> String {
        """
        log "/var/log/bird.log" all;
        router id 10.\(router).0.1;
        protocol device { }
        protocol direct { ipv4; interface "lan"; }
        protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; merge paths on; }
        protocol bfd { \(bfd) }
        template bgp edge {
          local as \(own);
          bfd on; \(session)
          ipv4 { import all; export where source = RTS_DEVICE; };
        }
        protocol bgp \(names[0]) from edge { neighbor 192.0.2.\(peers[0]) as \(peer); }
        protocol bgp \(names[1]) from edge {
          neighbor 192.0.2.\(peers[1]) as \(peer);
          ipv4 { import all; export filter { if source != RTS_DEVICE then reject; bgp_path.prepend(\(own)); accept; }; };
        }

        """
    }

    @Test
    func `BFD and the timers of users' own files are predicted, and what a daemon does at a fault's beginning is told`()
        async throws
    {
        try await LabHome.with { home in
            let directory = home.path.appending("birds")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            let west = Self.conf(
                65001, 65002, 1, [2, 6], ["uplink", "'2nd-way'"],
                "interface \"e*\" { min rx interval 200 ms; min tx interval 50 ms; multiplier 4; };",
                "hold time 90; error wait time 3, 20; connect retry time 15;")
            let east = Self.conf(
                65002, 65001, 2, [1, 5], ["", ""], "interface \"e1\", \"e2\" { interval 100 ms; multiplier 7; };",
                "hold time 60; error wait time 2, 9; connect retry time 12;")
            for (name, text) in [("lab.yaml", Self.lab), ("west.conf", west), ("east.conf", east)] {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
            let place = home.path.appending("runs")
            let result = try await home.netlab.run(
                "test", directory.string, "--repeat", "3", "--out", place.string, "--format", "json")
            #expect(result.code == 0, result.account)
            let report = try TestView(json: result.output)
            #expect(report.totals.passed == 9, result.account)
            for (scenario, window) in [("cut", 1_200...1_450), ("half", 1_200...1_465), ("anew", 500...28_010)] {
                for run in report.runs where run.scenario == scenario {
                    let judged = try #require(run.judgement("app", "outage"))
                    let outage = try #require(judged.measured.first)
                    #expect(outage.atMostNanoseconds.map { $0 >= Int64(window.lowerBound) * 1_000_000 } == true)
                    #expect(outage.atLeastNanoseconds <= Int64(window.upperBound) * 1_000_000, result.account)
                }
            }
            let story = Host.contents(place.appending("birds/anew-1/report.txt").string)
            #expect(story.contains("west/bird ended; west/bird started"), "\(story)")
            #expect(!story.contains("nothing was broken on purpose"), "\(story)")
            try await home.expectNothingLeft()
        }
    }
}
