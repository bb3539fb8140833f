import Testing

/// The lab wireguard: what it claims is found in its packets, also after a cut, and what does not go through the tunnel is found.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct WireGuardLabTests {
    @Test func `Claims hold, and packets beside the tunnel are found`() async throws {
        try await LabHome.with { home in
            let up = try await home.netlab.execute(Netlab.program, ["up", "wireguard", "--clock", "paused"])
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "wireguard")
            #expect(check.code == 0 && check.output.contains("as long as packets that entered"), check.account)
            #expect(check.output.contains("messages of WireGuard"), check.account)
            let status = try await home.netlab.run("status", "wireguard")
            let ends = status.output.matches(of: /port 5182[01] peer's 5182[01] handshake \d+s ago/)
            #expect(status.code == 0 && ends.count == 4, status.account)

            let lab = RunningLab(home: home, name: "wireguard")
            try await lab.change("a-gw", "ip", "route", "replace", "10.2.0.0/24", "via", "203.0.113.1")
            try await lab.change("internet", "ip", "route", "add", "10.2.0.0/24", "via", "198.51.100.2")
            let open = try await home.netlab.run("check", "wireguard", "--only", "wire,wire6,nothing-in-clear")
            #expect(open.code == 1 && open.output.contains("✗ wire\n"), open.account)
            #expect(open.output.contains("✗ nothing-in-clear") && open.output.contains("✓ wire6"), open.account)
        }
    }

    @Test func `A cut ends with what was cut`() async throws {
        try await LabHome.with { home in
            let test = try await home.netlab.run(
                "test", "wireguard", "--out", home.path.appending("out").string)
            #expect(test.code == 0 && test.output.contains("1 passed"), test.account)
            #expect(test.output.contains("(WireGuard's handshakes) is not computed"), test.account)
        }
    }
}
