import NetworkTypes
import Testing

@testable import Predictions

/// What faults do to a site whose routers speak OSPF, and two of which speak BGP with a cloud.
@Suite struct OSPFPredictionTests {
    private static let lab = """
        name: site
        nodes:
          pc: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          core: {role: router, bgp: frr}
          r1: {role: router, bgp: frr}
          r2: {role: router, bgp: frr}
          cloud: {role: router, best-path: {multipath: 1}}
          vm: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          lan: {ends: {pc:eth0: 10.1.0.10/24, core:lan: 10.1.0.1/24}}
          core-r1: {ends: {core:r1: 10.1.1.1/30, r1:core: 10.1.1.2/30}, delay: 1ms}
          core-r2: {ends: {core:r2: 10.1.1.5/30, r2:core: 10.1.1.6/30}, delay: 1ms}
          r1-r2: {ends: {r1:r2: 10.1.1.9/30, r2:r1: 10.1.1.10/30}, delay: 1ms}
          wan1: {ends: {r1:wan: 192.0.2.1/30, cloud:r1: 192.0.2.2/30}, delay: 5ms}
          wan2: {ends: {r2:wan: 192.0.2.5/30, cloud:r2: 192.0.2.6/30}, delay: 5ms}
          vpc: {ends: {cloud:vpc: 10.2.0.1/24, vm:eth0: 10.2.0.10/24}}
        bgp:
          one:
            over: wan1
            speakers:
              r1: {asn: 65001, keepalive: 10s, hold: 30s}
              cloud: {asn: 65002, keepalive: 10s, hold: 30s, advertise: 10.2.0.0/24}
          two:
            over: wan2
            speakers:
              r2: {asn: 65001, keepalive: 10s, hold: 30s, prepend: 1}
              cloud: {asn: 65002, keepalive: 10s, hold: 30s, advertise: 10.2.0.0/24}
        ospf:
          site:
            links: {lan: {passive: on}, core-r1: {}, core-r2: {}, r1-r2: {}}
            edges: {r1: {metric: 10}, r2: {metric: 100}}
        probes: {app: {from: pc, to: vm}}
        """

    private static func outage(_ fault: String) throws -> Window? {
        let prediction = try PredictedLab.predict(fault, for: "app", in: try PredictedLab.resolve(lab))
        guard case .outage(let window) = prediction.effect else { return nil }
        return window
    }

    @Test func `A cable that is pulled costs the second after which external routes are computed`() throws {
        let window = try #require(try Self.outage("link core-r1 down"))
        #expect(window.earliest == .zero && window.latest > .seconds(1) && window.latest < .seconds(2), "\(window)")
    }

    @Test func `A link that is silent and stays up is given up by the dead interval`() throws {
        let window = try #require(try Self.outage("blackhole core-r1"))
        #expect(window.earliest < .seconds(30) && window.earliest > .milliseconds(29_900), "\(window)")
        #expect(window.latest > .seconds(41) && window.latest < .seconds(42), "\(window)")
        // Who is heard and hears nothing tells the other a hello later.
        let oneWay = try #require(try Self.outage("blackhole core-r1 from core"))
        #expect(oneWay.latest - window.latest == .seconds(10), "\(oneWay)")
    }

    /// The site knows at once, and the cloud when its hold timer is over: what r1 would have told it, it cannot.
    @Test func `A router that is down is missed by BGP after it is by OSPF`() throws {
        let far = try PredictedLab.predict("node r1 down", for: "pc-ec2", in: try PredictedLab.siteAws())
        let window = try #require(far.effect.window, "\(far)")
        #expect(window.earliest >= .seconds(12) && window.latest > .seconds(30), "\(window)")
        // A cloud at the other end of the cable notices as soon as the site does.
        let near = try #require(try Self.outage("node r1 down"))
        #expect(near.earliest == .zero && near.latest < .seconds(2), "\(near)")
    }

    @Test func `FRR that is killed leaves its kernel's routes, so that nothing is lost`() throws {
        let window = try #require(try Self.outage("daemon r1/frr killed"))
        #expect(window.earliest == .zero && window.latest < .seconds(1), "\(window)")
    }

    @Test func `What BGP takes back at an edge the core is told by OSPF`() throws {
        let window = try #require(try Self.outage("bgp one shut at r1"))
        #expect(window.latest < .seconds(1), "\(window)")
    }

    @Test(
        arguments: [
            "daemon core/frr restarted", "node r1 rebooted", "loss core-r1 5%", "mtu r1 core 1400",
            "bgp one hold 9s at r1",
        ])
    func `What is not computed is said`(_ fault: String) throws {
        let prediction = try PredictedLab.predict(fault, for: "app", in: try PredictedLab.resolve(Self.lab))
        guard case .unpredictable(let why) = prediction.effect else {
            Issue.record("\(fault) is predicted")
            return
        }
        #expect(why.contains("not computed"), "\(why)")
    }
}
