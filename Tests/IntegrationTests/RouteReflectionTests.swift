import Foundation
import Testing

/// A site of one AS with a route reflector between two edges and a core, each edge with an uplink: who is told what, and which is the best.
// Waiting for other labs counts, too.
@Suite("Route reflection", .serialized, .timeLimit(.minutes(60)))
struct RouteReflectionTests {
    private static func lab(_ reflector: String, _ core: String) -> String {
        """
        name: reflected
        nodes:
          far: {role: router}
          edge1: {role: router}
          edge2: {role: router, bgp: \(core)}
          rr: {role: router, bgp: \(reflector)}
          core: {role: router, bgp: \(core)}
          inside: {role: router}
        links:
          wan1: {ends: {far:e1: 198.51.100.1/30, edge1:e: 198.51.100.2/30}, delay: 2ms}
          wan2: {ends: {far:e2: 198.51.100.5/30, edge2:e: 198.51.100.6/30}, delay: 2ms}
          l1: {ends: {edge1:r: 192.0.2.1/30, rr:e1: 192.0.2.2/30}}
          l2: {ends: {edge2:r: 192.0.2.5/30, rr:e2: 192.0.2.6/30}}
          l3: {ends: {core:r: 192.0.2.9/30, rr:c: 192.0.2.10/30}}
          l4: {ends: {inside:r: 192.0.2.13/30, rr:i: 192.0.2.14/30}}
        bgp:
          up1: {over: wan1, speakers: {far: {asn: 65000, advertise: 10.9.0.0/16}, edge1: {asn: 65001, transit: on}}}
          up2: {over: wan2, speakers: {far: {asn: 65000, advertise: 10.9.0.0/16}, edge2: {asn: 65001, transit: on}}}
          i1: {over: l1, speakers: {edge1: {asn: 65001, transit: on}, rr: {asn: 65001, reflect: on}}}
          i2: {over: l2, speakers: {edge2: {asn: 65001, transit: on, med: 10}, rr: {asn: 65001, reflect: on}}}
          core: {over: l3, speakers: {core: {asn: 65001, advertise: 10.1.0.0/16}, rr: {asn: 65001, reflect: on}}}
          inside: {over: l4, speakers: {inside: {asn: 65001, advertise: 10.2.0.0/16}, rr: {asn: 65001, transit: on}}}
        expect:
          # Of both edges the reflector takes the one without a MED, and tells its clients and the others.
          at-rr: {best: {at: rr, to: 10.9.0.0/16, by: i1, because: med}}
          at-core: {best: {at: core, to: 10.9.0.0/16, by: core, because: only}}
          at-inside: {best: {at: inside, to: 10.9.0.0/16, by: inside, because: only}}
          # What is no client's is told clients, edges among them, which tell the other AS.
          far-knows: {best: {at: far, to: 10.2.0.0/16}}
        """
    }

    private static func write(_ lab: String, in home: LabHome) throws -> String {
        let directory = home.path.appending("reflected").string
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try lab.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
        return directory
    }

    @Test(arguments: [("bird", "frr"), ("frr", "bird")])
    func `A reflector tells its clients everything, and others what clients told it`(
        _ reflector: String, _ core: String
    ) async throws {
        try await LabHome.with { home in
            let directory = try Self.write(Self.lab(reflector, core), in: home)
            let up = try await home.netlab.run("up", directory)
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", directory)
            #expect(check.code == 0, check.account)
            if core == "bird" {
                let shown = try await home.netlab.run(
                    "exec", "reflected", "core", "--", "birdc", "show route all 10.9.0.0/16")
                // The edge that told it first, and the reflector, by their router identifiers.
                #expect(shown.output.contains("BGP.originator_id: 198.51.100.2"), shown.account)
                #expect(shown.output.contains("BGP.cluster_list: 192.0.2.2"), shown.account)
            } else {
                let shown = try await home.netlab.run(
                    "exec", "reflected", "core", "--", "vtysh", "-c", "show bgp ipv4 unicast 10.9.0.0/16")
                #expect(shown.output.contains("Originator: 198.51.100.2, Cluster list: 192.0.2.2"), shown.account)
            }
        }
    }
}
