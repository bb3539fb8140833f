import Foundation
import Testing

/// `netlab explain`: the way of a probe, and who ended it.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct ExplainTests {
    /// left - gw ===vpn=== far - right, and a way back by another tunnel where `back` is 2.
    static func lab(back: Int = 1, sysctls: String = "{}") -> String {
        """
        name: explained
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.50.0.1}}
          gw: {role: router, sysctls: \(sysctls), routes: {198.51.100.0/24: 203.0.113.1, 172.21.0.0/24: {dev: one}}}
          net: {role: router}
          far: {role: router, routes: {203.0.113.2/32: 198.51.100.1}}
          right: {role: instance, routes: {0.0.0.0/0: 172.21.0.1}}
        links:
          lan: {ends: {left:eth0: 10.50.0.10/24, gw:lan: 10.50.0.1/24}}
          wan: {ends: {gw:wan: 203.0.113.2/30, net:gw: 203.0.113.1/30}, delay: 5ms}
          far-wan: {ends: {far:wan: 198.51.100.2/29, net:far: 198.51.100.1/29}, delay: 5ms}
          far-wan2: {ends: {far:wan2: 198.51.100.10/29, net:far2: 198.51.100.9/29}, delay: 5ms}
          far-lan: {ends: {right:eth0: 172.21.0.2/24, far:lan: 172.21.0.1/24}}
        tunnels:
          one: &t
            psk: a.key.for.this.test
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14, lifetime: 28800s}
            esp: {encryption: aes-256-gcm-16, pfs-group: 14, lifetime: 3600s}
            mtu: 1400
            mss: 1350
            ends:
              gw: {address: 203.0.113.2, interface: one, inside: 169.254.9.2/30}
              far: {address: 198.51.100.2, interface: one, inside: 169.254.9.1/30, startup: listen\(back == 1 ? ", routes: 10.50.0.0/24" : "")}
          two:
            <<: *t
            ends:
              gw: {address: 203.0.113.2, interface: two, inside: 169.254.10.2/30}
              far: {address: 198.51.100.10, interface: two, inside: 169.254.10.1/30, startup: listen\(back == 2 ? ", routes: 10.50.0.0/24" : "")}
        probes: {app: {from: left, to: right, awaited: false}}

        """
    }

    private static func with(_ text: String, _ body: (LabHome) async throws -> Void) async throws {
        try await LabHome.with { home in
            let file = home.path.appending("lab.yaml")
            try text.write(toFile: file.string, atomically: true, encoding: .utf8)
            let up = try await home.netlab.succeed("up", file.string, "--clock", "paused")
            // Nobody answers where the way is broken, and `up` does not say "ok" then.
            let explained = try await home.netlab.run("explain", "explained", "app")
            #expect(up.output.contains(#/path +app +ok/#) == (explained.code == 0), up.account)
            try await body(home)
        }
    }

    /// `up` waits for the tunnel and for the session, which come about or not by what the net lets through.
    @Test func `What does not come up says where its packets end, and who drops them`() async throws {
        try await LabHome.with { home in
            func up(_ changes: [(old: String, new: String)], _ more: String = "") async throws -> Netlab.Result {
                let file = home.path.appending("lab.yaml")
                let text = changes.reduce(Self.lab()) { $0.replacing($1.old, with: $1.new) } + more
                #expect(text != Self.lab())
                try text.write(toFile: file.string, atomically: true, encoding: .utf8)
                return try await home.netlab.run("up", file.string, "--clock", "paused")
            }
            let ping = "{role: router, filter: {gw: [{from: 0.0.0.0/0, protocol: icmp}]}}"
            let blocked = try await up([("net: {role: router}", "net: \(ping)")])
            #expect(blocked.code != 0 && blocked.error.contains("\"tunnel one up\""), blocked.account)
            #expect(blocked.error.contains("gw/pluto: \"one\" #1: "), blocked.account)
            let asked =
                "A datagram to UDP port 500, IKE's, from gw (203.0.113.2) to 198.51.100.2 does not arrive, last seen coming in to net at gw."
            #expect(blocked.error.contains(asked), blocked.account)
            #expect(
                blocked.error.contains(
                    "net counted 1 dropped meanwhile: the packet filter, table inet netlab-filter, chain in-gw (drop)."),
                blocked.account)
            // What far sends gets there.
            #expect(!blocked.error.contains("from far (198.51.100.2)"), blocked.account)

            let session = """
                bgp:
                  plain: {over: wan, speakers: {gw: {asn: 64512}, net: {asn: 64513}}}

                """
            let rules = "[{from: 0.0.0.0/0, protocol: udp}, {from: 0.0.0.0/0, protocol: esp}]"
            let mute = try await up(
                [
                    ("net: {role: router}", "net: {role: router, filter: {gw: \(rules)}}"),
                    ("gw: {role: router,", "gw: {role: router, filter: {wan: \(rules)},"),
                ], session)
            #expect(mute.code != 0 && mute.error.contains("\"bgp plain up\""), mute.account)
            #expect(
                mute.error.contains(
                    "A SYN to TCP port 179, BGP's, from gw (203.0.113.2) to 203.0.113.1 comes in and is not answered."),
                mute.account)
            #expect(!mute.error.contains("datagram"), mute.account)
        }
    }

    @Test func `A way that works is told step by step, and each later hindrance is named`() async throws {
        try await Self.with(Self.lab()) { home in
            func explain() async throws -> Netlab.Result { try await home.netlab.run("explain", "explained", "app") }
            let well = try await explain()
            #expect(well.code == 0, well.account)
            #expect(
                well.output.hasPrefix("app: left (10.50.0.10) > right (172.21.0.2), answered after 2"), well.account)
            let ways = well.output.components(separatedBy: "\n\nBack\n")
            try #require(ways.count == 2, well.account)
            #expect(
                ways[0].matches(of: #/(?m)^  (\w+) +(in|out) /#).map { String($0.1) } == [
                    "left", "gw", "far", "right",
                ], well.account)
            #expect(
                ways[0].contains(
                    #/gw +in lan, out one +route 172\.21\.0\.0\/24 dev one\n +one takes 1400 bytes\n +tunnel one: SPI 0x[0-9a-f]{8} to 198\.51\.100\.2\n/#
                ), well.account)
            #expect(ways[1].contains("far   "), well.account)

            let json = try await home.netlab.succeed("explain", "explained", "app", "--format", "json")
            #expect(
                json.output.contains("\"is_answer\" : true") && json.output.contains("\"drops\" : [\n\n  ]"),
                json.account)

            // The kernel's own word: forwarding is off.
            try await home.netlab.succeed(
                "exec", "explained", "far", "--", "sysctl", "-qw", "net.ipv4.conf.one.forwarding=0")
            let deaf = try await explain()
            #expect(deaf.code == 1 && deaf.output.contains("not answered within 700ms"), deaf.account)
            #expect(deaf.output.contains("\n  far does not forward: net.ipv4.conf.one.forwarding is 0\n"), deaf.account)
            #expect(deaf.output.contains("The request was last seen in clear coming in to far at one.\n"), deaf.account)
            #expect(
                deaf.output.contains(#/far counted 2 dropped meanwhile: not forwarded: .* \(IpInAddrErrors\)\./#),
                deaf.account)
            try await home.netlab.succeed(
                "exec", "explained", "far", "--", "sysctl", "-qw", "net.ipv4.conf.one.forwarding=1")

            // A rule of the packet filter's.
            try await home.netlab.succeed(
                "exec", "explained", "gw", "--", "nft",
                "add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c icmp type echo-reply counter drop"
            )
            let filtered = try await explain()
            #expect(
                filtered.output.contains(
                    "gw counted 2 dropped meanwhile: the packet filter, table ip t, chain c (icmp type echo-reply drop)."
                ), filtered.account)
            #expect(
                filtered.output.contains("The answer was last seen in clear coming in to gw at one.\n"),
                filtered.account)
            try await home.netlab.succeed("exec", "explained", "gw", "--", "nft", "delete table ip t")

            // A fault: the packet is followed inside the tunnel.
            try await home.netlab.succeed("fail", "explained", "blackhole far-wan")
            let cut = try await explain()
            #expect(
                cut.output.contains(
                    "The request was last seen in clear going out of gw at one, into one; ESP of one from there was last seen coming in to net at gw.\n"
                ),
                cut.account)
            #expect(cut.output.contains("The fault `blackhole far-wan` is active."), cut.account)
            #expect(!cut.output.contains("counted"), cut.account)
            try await home.netlab.succeed("heal", "explained", "--all")
            try await home.netlab.succeed("fail", "explained", "sa one deleted at far")
            let forgotten = try await explain()
            #expect(forgotten.output.contains("(XfrmInNoStates)."), forgotten.account)

            let unknown = try await home.netlab.run("explain", "explained", "ap")
            #expect(unknown.code == 2 && unknown.error.contains("Did you mean \"app\"?"), unknown.account)
        }
    }

    @Test func `Reverse path filtering that drops the answer is named with its setting`() async throws {
        let strict = "{net.ipv4.conf.all.rp_filter: 1, net.ipv4.conf.default.rp_filter: 1}"
        try await Self.with(Self.lab(back: 2, sysctls: strict)) { home in
            let result = try await home.netlab.run("explain", "explained", "app")
            #expect(result.code == 1, result.account)
            #expect(
                result.output.contains(
                    "gw drops what comes from 172.21.0.2 in at two: the way back is by one (reverse path filtering, net.ipv4.conf.all.rp_filter is 1)"
                ), result.account)
            #expect(result.output.contains("(TcpExtIPReversePathFilter)."), result.account)
            #expect(result.output.contains("The answer was last seen in clear coming in to gw at two."), result.account)
        }
    }

    @Test func `An up that waits in vain says who ended the ping, and leaves the lab standing if asked to`()
        async throws
    {
        try await LabHome.with { home in
            let file = home.path.appending("lab.yaml")
            let text = Self.lab(sysctls: "{net.ipv4.conf.lan.forwarding: 0}").replacing(", awaited: false", with: "")
            try text.write(toFile: file.string, atomically: true, encoding: .utf8)
            let gone = try await home.netlab.run("up", file.string)
            #expect(gone.code == 4, gone.account)
            #expect(gone.error.contains("gw does not forward: net.ipv4.conf.lan.forwarding is 0"), gone.account)
            #expect(gone.error.contains("(IpInAddrErrors)"), gone.account)
            try await home.expectNothingLeft()

            let kept = try await home.netlab.run("up", file.string, "--keep")
            #expect(kept.code == 4 && kept.error.contains("stands as far as it came (--keep)"), kept.account)
            let status = try await home.netlab.succeed("status", "explained")
            #expect(status.output.contains("gw does not forward: net.ipv4.conf.lan.forwarding is 0"), status.account)
            try await home.netlab.succeed("down", "explained")
        }
    }
}
