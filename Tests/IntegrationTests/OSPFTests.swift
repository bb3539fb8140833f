import Foundation
import Testing

/// Routers that speak OSPF, with and without BGP at their edge.
@Suite("OSPF", .serialized, .timeLimit(.minutes(60)))
struct OSPFTests {
    /// Two routers with two links, the second of which is dear, and nothing but OSPF.
    private static let pair = """
        name: inside
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          west: {role: router, bgp: frr}
          east: {role: router, bgp: frr}
          right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          here: {ends: {left:eth0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
          near: {ends: {west:e1: 192.0.2.1/30, east:e1: 192.0.2.2/30}, delay: 2ms}
          far: {ends: {west:e2: 192.0.2.5/30, east:e2: 192.0.2.6/30}, delay: 5ms}
          there: {ends: {right:eth0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
        ospf:
          pair:
            hello: 1s
            dead: 4s
            links: {here: {passive: on}, there: {passive: on}, near: {cost: 5}, far: {cost: 50}}
        probes: {app: {from: left, to: right}}
        expect:
          adjacent: {ospf: pair}
          parted: {ospf: near, is: down, on-request: true}
        scenarios:
          pulled:
            traffic: {app: 20ms}
            timeline:
              - {at: 12s, fail: link near down}
              - {at: 16s, check: parted, check-fails: adjacent}
              - {at: 18s, heal: link near down}
              - {at: 40s, check: adjacent}
            lasts: 42s
          silent:
            traffic: {app: 20ms}
            timeline: [{at: 12s, fail: blackhole near}, {at: 20s, check: parted}, {at: 22s, heal: blackhole near}]
            lasts: 44s
          one-way:
            traffic: {app: 20ms}
            timeline: [{at: 12s, fail: blackhole near from west}, {at: 24s, heal: all}]
            lasts: 44s
          killed:
            traffic: {app: 20ms}
            timeline: [{at: 12s, fail: daemon east/frr killed}, {at: 20s, heal: all}]
            lasts: 48s
        """

    @Test func `What OSPF does about faults is what was predicted`() async throws {
        try await LabHome.with { home in
            let file = home.path.appending("inside.yaml").string
            try Self.pair.write(toFile: file, atomically: true, encoding: .utf8)
            let result = try await home.netlab.run("test", file)
            #expect(result.code == 0 && result.output.contains("4 passed"), result.account)
            try await home.expectNothingLeft()
        }
    }

    /// Both ends name each other, the packets are read, and what is not adjacent fails.
    @Test func `Neighbours, packets and an expectation that does not hold`() async throws {
        try await LabHome.with { home in
            let file = home.path.appending("inside.yaml").string
            try Self.pair.write(toFile: file, atomically: true, encoding: .utf8)
            let up = try await home.netlab.run("up", file, "--clock", "paused")
            #expect(up.code == 0 && up.output.contains(#/ospf +near +up +west - east/#), up.account)
            let status = try await home.netlab.run("status", "inside")
            #expect(status.output.contains(#/near +west +e1 +east +Full +5 /#), status.account)
            let packets = try await home.netlab.run("capture", "inside", "--on", "west:e1", "--for", "3s")
            #expect(
                packets.output.contains("OSPF Hello router 10.1.0.1 area 0.0.0.0 every 1s dead 4s neighbours 1"),
                packets.account)
            try await home.netlab.succeed("fail", "inside", "blackhole near")
            let parted = try await home.netlab.run("clock", "inside", "until", "ospf pair down", "--within", "10s")
            #expect(parted.code == 0, parted.account)
            let check = try await RunningLab(home: home, name: "inside").check("--only", "adjacent")
            #expect(check.report.names("fail") == ["adjacent"], check.account)
            #expect(check.report["adjacent"]?.seen.hasSuffix("on near is no neighbour") == true, check.account)
            let down = try await home.netlab.run("down", "inside")
            #expect(down.code == 0, down.account)
        }
    }

    /// A cable inside the site, and the line of one of its edges.
    @Test func `The lab site-aws shows what it says`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run(
                "test", "site-aws", "--scenario", "steady-state,inside-link-down,router-down")
            #expect(result.code == 0 && result.output.contains("3 passed"), result.account)
            try await home.expectNothingLeft()
        }
    }
}
