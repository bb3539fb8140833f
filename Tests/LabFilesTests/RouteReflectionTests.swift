import LabFiles
import LabModel
import NetworkTypes
import Testing

/// A site of one AS: `edge -- reflector -- core`, and the edge's uplink to another AS; what the reflector tells whom (RFC 4456).
@Suite struct RouteReflectionTests {
    /// - Parameters:
    ///   - clients: Those of the reflector's neighbours that are its clients.
    ///   - passing: Those that it passes routes on to without that.
    private static func site(clients: [String], passing: [String] = []) throws -> Topology {
        let neighbors = ["edge", "core", "other"]
        var text = """
            name: site
            nodes: {up: {role: router}, edge: {role: router}, rr: {role: router}, core: {role: router}, other: {role: router}}
            links:
              wan: {ends: {up:e: 198.51.100.1/30, edge:e: 198.51.100.2/30}}

            """
        for (index, name) in neighbors.enumerated() {
            text +=
                "  \(name)-rr: {ends: {\(name):r: 192.0.2.\(4 * index + 1)/30, rr:\(name): 192.0.2.\(4 * index + 2)/30}}\n"
        }
        text += """
            bgp:
              uplink: {over: wan, speakers: {up: {asn: 65000, advertise: 10.9.0.0/16}, edge: {asn: 65001}}}

            """
        for name in neighbors {
            let word = clients.contains(name) ? ", reflect: on" : passing.contains(name) ? ", transit: on" : ""
            text +=
                "  i-\(name): {over: \(name)-rr, speakers: {\(name): {asn: 65001, transit: on}, rr: {asn: 65001\(word)}}}\n"
        }
        return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    private static func told(_ topology: Topology) throws -> [String] {
        let prefix = try #require(IPPrefix("10.9.0.0/16"))
        let propagation = RoutePropagation(in: topology) { _, _ in true }
        return ["edge", "rr", "core", "other"].filter { propagation.routes(at: $0)[prefix] != nil }
    }

    @Test func `What an internal peer has told is told no other without a client`() throws {
        #expect(try Self.told(Self.site(clients: [], passing: ["edge", "core", "other"])) == ["edge", "rr"])
    }

    @Test func `A client's routes are told everybody, and others' routes clients`() throws {
        #expect(try Self.told(Self.site(clients: ["edge"], passing: ["core"])) == ["edge", "rr", "core"])
        #expect(try Self.told(Self.site(clients: ["core"], passing: ["edge", "other"])) == ["edge", "rr", "core"])
        #expect(try Self.told(Self.site(clients: ["edge", "core", "other"])) == ["edge", "rr", "core", "other"])
    }

    @Test func `A reflected route says who told it first and by whom it came`() throws {
        let topology = try Self.site(clients: ["edge", "core"])
        let prefix = try #require(IPPrefix("10.9.0.0/16"))
        let route = try #require(RoutePropagation(in: topology) { _, _ in true }.routes(at: "core")[prefix]?.first)
        #expect(route.originator == topology.routerID(of: "edge"))
        #expect(route.clusters == [topology.routerID(of: "rr")])
        #expect(!route.isExternal && route.path.count == 1)
        #expect(route.gateway == IPAddress("192.0.2.6"))
    }

    /// Two reflectors that are each other's clients would tell a route round and round.
    @Test func `A reflector does not take what it has told itself`() throws {
        let text = """
            name: ring
            nodes: {up: {role: router}, a: {role: router}, b: {role: router}, c: {role: router}}
            links:
              wan: {ends: {up:e: 198.51.100.1/30, a:e: 198.51.100.2/30}}
              ab: {ends: {a:b: 192.0.2.1/30, b:a: 192.0.2.2/30}}
              bc: {ends: {b:c: 192.0.2.5/30, c:b: 192.0.2.6/30}}
              ca: {ends: {c:a: 192.0.2.9/30, a:c: 192.0.2.10/30}}
            bgp:
              uplink: {over: wan, speakers: {up: {asn: 65000, advertise: 10.9.0.0/16}, a: {asn: 65001}}}
              ab: {over: ab, speakers: {a: {asn: 65001, reflect: on}, b: {asn: 65001, reflect: on}}}
              bc: {over: bc, speakers: {b: {asn: 65001, reflect: on}, c: {asn: 65001, reflect: on}}}
              ca: {over: ca, speakers: {c: {asn: 65001, reflect: on}, a: {asn: 65001, reflect: on}}}
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let prefix = try #require(IPPrefix("10.9.0.0/16"))
        let all = RoutePropagation(in: topology) { _, _ in true }
        let choice = try #require(all.choices(at: "b")[prefix])
        // Straight from the edge: b takes it by the shorter list of clusters, as the originator is the same.
        #expect(choice.best.session == "ab" && choice.candidates.count == 2)
        #expect(choice.step == .routerID || choice.step == .clusterList, "\(String(describing: choice.step))")
        #expect(choice.openEnd == nil)
        // Without the edge's uplink nobody keeps it alive.
        let without = RoutePropagation(in: topology) { session, _ in session != "uplink" }
        #expect(["a", "b", "c"].allSatisfy { without.routes(at: $0)[prefix] == nil })
    }
}
