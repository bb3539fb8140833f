import LabFiles
import LabModel
import NetworkTypes
import Testing

/// A site with two edges and a core, and a cloud; what OSPF makes of it.
enum OSPFSite {
    static func lab(
        ospf: String = usual, r1: String = "", r2: String = "", core: String = "bgp: frr", more: String = ""
    ) -> String {
        """
        name: site
        nodes:
          pc: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          core: {role: router, \(core)}
          r1: {role: router, bgp: frr}
          r2: {role: router, bgp: frr}
          cloud: {role: router, best-path: {multipath: 1}}
        links:
          lan: {ends: {pc:eth0: 10.1.0.10/24, core:lan: 10.1.0.1/24}}
          core-r1: {ends: {core:r1: 10.1.1.1/30, r1:core: 10.1.1.2/30}, delay: 1ms}
          core-r2: {ends: {core:r2: 10.1.1.5/30, r2:core: 10.1.1.6/30}, delay: 1ms}
          r1-r2: {ends: {r1:r2: 10.1.1.9/30, r2:r1: 10.1.1.10/30}, delay: 1ms}
          wan1: {ends: {r1:wan: 192.0.2.1/30, cloud:r1: 192.0.2.2/30}, delay: 5ms}
          wan2: {ends: {r2:wan: 192.0.2.5/30, cloud:r2: 192.0.2.6/30}, delay: 5ms}
        bgp:
          one:
            over: wan1
            speakers:
              r1: {asn: 65001, hold: 30s\(r1)}
              cloud: {asn: 65002, hold: 30s, advertise: 10.2.0.0/16}
          two:
            over: wan2
            speakers:
              r2: {asn: 65001, hold: 30s, prepend: 1\(r2)}
              cloud: {asn: 65002, hold: 30s, advertise: 10.2.0.0/16}
        ospf:
          site: {\(ospf)}
        probes: {up: {from: pc, to: 192.0.2.2}}
        \(more)
        """
    }

    static let links = "lan: {passive: on}, core-r1: {}, core-r2: {}, r1-r2: {cost: 5}"
    static let usual = "links: {\(links)}, edges: {r1: {metric: 10}, r2: {metric: 100}}"

    static func resolve(_ text: String) throws -> Topology {
        try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    static func hops(_ topology: Topology, _ node: String, _ prefix: String) throws -> [String] {
        let routes = DynamicRoutes(in: topology) { _, _ in true }.routes(at: node)
        return (routes[try #require(IPPrefix(prefix))] ?? []).map { "\($0.gateway)" }
    }
}

@Suite struct OSPFFileTests {
    private static func problems(_ text: String) -> [String] {
        do {
            _ = try OSPFSite.resolve(text)
            return []
        } catch let error as LabFileError {
            return error.diagnostics.map { "\($0.message)" }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func `A domain has the timers of RFC 2328 unless told otherwise`() throws {
        let usual = try #require(try OSPFSite.resolve(OSPFSite.lab()).ospf.first)
        #expect(usual.hello == .seconds(10) && usual.dead == .seconds(40))
        #expect(usual.routers == ["core", "r1", "r2"])
        #expect(usual.adjacencies.map(\.link) == ["core-r1", "core-r2", "r1-r2"])
        let quick = try #require(try OSPFSite.resolve(OSPFSite.lab(ospf: "hello: 2s, \(OSPFSite.usual)")).ospf.first)
        #expect(quick.dead == .seconds(8))
        #expect(usual.edges.map(\.metricType) == [.two, .two])
    }

    @Test func `Edges redistribute either way, and the smaller metric counts`() throws {
        let topology = try OSPFSite.resolve(OSPFSite.lab())
        #expect(try OSPFSite.hops(topology, "core", "10.2.0.0/16") == ["10.1.1.2"])
        #expect(try OSPFSite.hops(topology, "core", "10.1.1.8/30") == ["10.1.1.2", "10.1.1.6"])
        #expect(try OSPFSite.hops(topology, "r1", "10.1.0.0/24") == ["10.1.1.1"])
        // Another AS's route goes before OSPF's.
        #expect(try OSPFSite.hops(topology, "r2", "10.2.0.0/16") == ["192.0.2.6"])
        // Of the same network by both the shorter path; what was told the site it is not told back.
        #expect(try OSPFSite.hops(topology, "cloud", "10.1.0.0/24") == ["192.0.2.1"])
        let told = RoutePropagation(in: topology) { _, _ in true }.prefixes(toldBy: "two", to: "cloud")
        #expect(told.sorted().map(\.description) == ["10.1.0.0/24", "10.1.1.0/30"])
    }

    @Test func `Costs and the type of metrics decide as RFC 2328 has it`() throws {
        let far = "core-r1: {cost: 50}, core-r2: {}, r1-r2: {}"
        func first(_ edges: String) throws -> [String] {
            let topology = try OSPFSite.resolve(OSPFSite.lab(ospf: "links: {\(far)}, edges: {\(edges)}"))
            return try OSPFSite.hops(topology, "core", "10.2.0.0/16")
        }
        // Type 2: the metric alone, by whatever way; type 1: with the way's cost, and before all of type 2.
        #expect(try first("r1: {metric: 10}, r2: {metric: 11}") == ["10.1.1.6"])
        #expect(try first("r1: {metric: 10}, r2: {metric: 10}") == ["10.1.1.6"])
        #expect(try first("r1: {metric: 10, metric-type: 1}, r2: {metric: 25, metric-type: 1}") == ["10.1.1.6"])
        #expect(try first("r1: {metric: 500, metric-type: 1}, r2: {metric: 1}") == ["10.1.1.6"])
        let near = "links: {core-r1: {}, core-r2: {}}, edges: {r1: {metric: 10}, r2: {metric: 10}}"
        #expect(
            try OSPFSite.hops(try OSPFSite.resolve(OSPFSite.lab(ospf: near)), "core", "10.2.0.0/16")
                == ["10.1.1.2", "10.1.1.6"])
    }

    @Test func `A link that is lost, and an edge that hears nothing of BGP`() throws {
        let topology = try OSPFSite.resolve(OSPFSite.lab())
        let ospf = OSPFPropagation(in: topology, isAdjacent: { $0 != "core-r1" })
        let routes = DynamicRoutes(in: topology, ospf: ospf) { _, _ in true }
        let (away, lan) = (try #require(IPPrefix("10.2.0.0/16")), try #require(IPPrefix("10.1.0.0/24")))
        #expect(routes.routes(at: "core")[away]?.map { "\($0.gateway)" } == ["10.1.1.6"])
        #expect(routes.routes(at: "r1")[lan]?.map { "\($0.gateway)" } == ["10.1.1.10"])
        let silent = DynamicRoutes(in: topology) { session, _ in session != "one" }
        #expect(silent.routes(at: "core")[away]?.map { "\($0.gateway)" } == ["10.1.1.6"])
        #expect(silent.routes(at: "r1")[away]?.map { "\($0.gateway)" } == ["10.1.1.10"])
        #expect(silent.routes(at: "cloud")[lan]?.map { "\($0.gateway)" } == ["192.0.2.5"])
    }

    @Test func `One way alone where that is all that is asked for`() throws {
        let edges = "r1: {redistribute: ospf}, r2: {redistribute: bgp}"
        let topology = try OSPFSite.resolve(
            OSPFSite.lab(ospf: "links: {\(OSPFSite.links)}, edges: {\(edges)}"))
        #expect(try OSPFSite.hops(topology, "core", "10.2.0.0/16") == ["10.1.1.6"])
        #expect(try OSPFSite.hops(topology, "cloud", "10.1.0.0/24") == ["192.0.2.1"])
        #expect(RoutePropagation(in: topology) { _, _ in true }.prefixes(toldBy: "two", to: "cloud").isEmpty)
    }

    @Test(
        arguments: [
            ("links: {core-r9: {}}", "there is no link \"core-r9\""),
            ("links: {core-r1: {}, wan1: {passive: on}}, edges: {r2: {}}", "r2 is no router of the domain"),
            ("links: {core-r1: {}, lan: {}}", "pc is an instance, which does not forward"),
            ("links: {core-r1: {passive: on}}", "no router has a neighbour"),
            ("links: {core-r1: {}}, edges: {core: {}}", "core has no BGP session"),
            ("links: {core-r1: {cost: 0}}", "ospf.site.links.core-r1.cost"),
            ("links: {core-r1: {}}, hello: 10s, dead: 10s", "dead 10s is not longer than hello 10s"),
            ("links: {core-r1: {}}, hello: 500ms", "whole seconds"),
            ("links: {core-r1: {}, wan2: {}}", "cloud runs BIRD"),
            ("links: {core-r1: {}}, edges: {r1: {metric-type: 3}}", "a number from 1 to 2"),
            ("hello: 10s", "links"),
        ])
    func `What does not fit is said`(_ ospf: String, _ words: String) {
        let problems = Self.problems(OSPFSite.lab(ospf: ospf))
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }

    @Test func `A filter that keeps OSPF out, and a configuration of the user's own`() {
        let closed = OSPFSite.lab(core: "bgp: frr, filter: {r1: [{from: 10.1.1.2/32, protocol: icmp}]}")
        #expect(Self.problems(closed).contains { $0.contains("lets in no OSPF") })
        let open = OSPFSite.lab(core: "bgp: frr, filter: {r1: [{from: 10.1.1.2/32, protocol: any}]}")
        #expect(Self.problems(open).isEmpty)
        let own = Self.problems(OSPFSite.lab(core: "frr: frr.conf"))
        #expect(own.contains { $0.contains("core has a configuration of its own") }, "\(own)")
    }

    @Test func `An expectation names a domain or one of its links`() throws {
        let lab = OSPFSite.lab(more: "expect: {all: {ospf: site}, none: {ospf: core-r1, is: down}}")
        let claims = try OSPFSite.resolve(lab).expectations.map(\.claim)
        #expect(
            claims == [
                .ospf(OSPFClaim(place: "site", isAdjacent: true)),
                .ospf(OSPFClaim(place: "core-r1", isAdjacent: false)),
            ])
        let wrong = Self.problems(OSPFSite.lab(more: "expect: {all: {ospf: lan}}"))
        #expect(wrong.contains { $0.contains("no OSPF is spoken at \"lan\"") }, "\(wrong)")
        let topology = try OSPFSite.resolve(OSPFSite.lab())
        #expect(try Condition("ospf site up", in: topology).description == "ospf site up")
        #expect(throws: ConditionError.self) { try Condition("ospf lan up", in: topology) }
    }
}
