import Foundation
import Testing

/// Labs whose tunnels policies alone lead into, those on either kind of interface, GRE and VXLAN within IPsec, and IPv6 outside: each comes up, and
/// everything that it claims is found in its packets.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct SteeringTests {
    @Test(arguments: [
        ("policy-based", nil), ("transport-mode", nil), ("interface-kinds", nil), ("interface-kinds", "usual"),
        ("ipv6-outside", nil), ("ipv6-outside", "interfaces"), ("gre-over-ipsec", nil),
        ("gre-over-ipsec", "tunnel-mode"), ("ikev1", nil), ("ikev1", "aggressive"),
        ("vxlan-ipsec", nil), ("port-translation", nil), ("shared-address", nil),
    ])
    func `Every claim holds`(lab: String, variant: String?) async throws {
        try await LabHome.with { home in
            let words = variant.map { ["--variant", $0] } ?? []
            let up = try await home.netlab.execute(Netlab.program, ["up", lab, "--clock", "paused"] + words)
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", lab)
            #expect(check.code == 0 && check.output.contains("opened and authentic"), check.account)
            let status = try await home.netlab.run("status", lab)
            #expect(status.code == 0 && !status.output.contains("no tunnel"), status.account)
        }
    }

    /// A change to a lab of policies, and what `check` then finds.
    @Test func `What does not go through the tunnel is found`() async throws {
        try await LabHome.with { home in
            let up = try await home.netlab.run("up", "policy-based", "--clock", "paused")
            #expect(up.code == 0, up.account)
            let lab = RunningLab(home: home, name: "policy-based")
            // A policy without templates lets packets pass as they are (ip-xfrm(8)).
            for (node, source, destination) in [
                ("hq-gw", "10.1.0.0/24", "192.168.7.0/24"), ("branch-gw", "192.168.7.0/24", "10.1.0.0/24"),
            ] {
                for direction in ["out", "fwd", "in"] {
                    let pair = direction == "out" ? [source, destination] : [destination, source]
                    try await lab.change(
                        node, "ip", "xfrm", "policy", "update", "src", pair[0], "dst", pair[1], "dir", direction,
                        "priority", "1")
                }
            }
            try await lab.change("internet", "ip", "route", "add", "10.1.0.0/24", "via", "203.0.113.2")
            try await lab.change("internet", "ip", "route", "add", "192.168.7.0/24", "via", "198.51.100.2")
            let check = try await home.netlab.run(
                "check", "policy-based", "--only", "wire,nothing-in-clear,way,way-of-lab")
            #expect(check.code == 1, check.account)
            #expect(check.output.contains("✗ wire") && check.output.contains("in clear"), check.account)
            #expect(check.output.contains("✗ nothing-in-clear") && check.output.contains("✗ way\n"), check.account)
            #expect(check.output.contains("✓ way-of-lab"), check.account)
        }
    }

    /// Two gateways with their user's own files of libreswan, a host behind each.
    private static func write(in home: LabHome, _ way: String, interface: String, routes: Bool) throws -> String {
        let directory = home.path.appending("own")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let end = { (name: String, far: String) in
            "{config: \(name).conf, secrets: keys, connection: t\(interface)\(routes ? ", routes: \(far)" : "")}"
        }
        let lab = """
            name: own
            clouds: {west: {title: West}, east: {title: East}}
            nodes:
              left: {cloud: west, role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
              west: {cloud: west, role: router, routes: {0.0.0.0/0: 203.0.113.2}}
              east: {cloud: east, role: router, routes: {0.0.0.0/0: 203.0.113.1}}
              right: {cloud: east, role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
            links:
              here: {ends: {left:e0: 10.1.0.10/24, west:lan: 10.1.0.1/24}}
              wire: {ends: {west:e0: 203.0.113.1/30, east:e0: 203.0.113.2/30}, delay: 5ms}
              there: {ends: {right:e0: 10.2.0.10/24, east:lan: 10.2.0.1/24}}
            tunnels:
              vpn:
                ends:
                  west: \(end("west", "10.2.0.0/24"))
                  east: \(end("east", "10.1.0.0/24"))
            probes:
              across: {from: left, to: right}
            expect:
              keys: {sa: vpn}
              wire: {encapsulation: across, in: vpn}
              way: {path: across, via: [west, vpn, east]}
            """
        let ends = [("west", 1, 2), ("east", 2, 1)].map { name, own, peer in
            let conf = """
                conn t
                    auto=\(own == 1 ? "start" : "add")
                    ikev2=insist
                    authby=secret
                    left=203.0.113.\(own)
                    leftnexthop=203.0.113.\(peer)
                    right=203.0.113.\(peer)
                    leftsubnet=\(routes ? "0.0.0.0/0" : "10.\(own).0.0/24")
                    rightsubnet=\(routes ? "0.0.0.0/0" : "10.\(peer).0.0/24")
                    ike=aes256-sha2_256-dh14
                    esp=aes256-sha2_256-dh14
                \(way)

                """
            return ("\(name).conf", conf)
        }
        for (name, text) in ends + [("lab.yaml", lab), ("keys", ": PSK \"an-example-key-of-a-test\"\n")] {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory.string
    }

    @Test(arguments: [("", "", false), ("    ipsec-interface=1", ", interface: ipsec1", true)])
    func `Users' own files run by policies and through XFRM interfaces`(
        way: String, interface: String, routes: Bool
    ) async throws {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, way, interface: interface, routes: routes)
            let up = try await home.netlab.run("up", directory, "--clock", "paused")
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "own")
            #expect(check.code == 0 && check.output.contains("equal to what entered"), check.account)
        }
    }
}
