import Foundation
import Testing

/// Scripts that nodes run when they start, and nodes that start again:
///
///     left <=== vpn ===> right, where left's script gives the tunnel its address
///
@Suite(.serialized, .timeLimit(.minutes(60)))
struct BootScriptTests {
    static let script = """
        #!/bin/bash
        echo "hello from $(hostname)"
        [[ -n $BASH_VERSION ]] && echo "by bash"
        sleep 20
        ip addr add 169.254.10.1/30 dev vpn0
        ip route add 10.9.0.0/16 dev vpn0
        sleep 100000 &
        echo "done" >&2

        """

    /// - Returns: The lab file's directory.
    private static func write(in home: LabHome, script: String = script, takes: String = "20s..20.1s") throws -> String
    {
        let directory = home.path.appending("boots")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let lab = """
            name: boots
            nodes:
              left: {role: router, boot: start.sh, boot-takes: \(takes), boot-time: 15s}
              right: {role: router}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, delay: 1ms}
            tunnels:
              vpn:
                psk: an-example-key-of-a-test
                ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 19}
                esp: {encryption: aes-256-gcm-16}
                mtu: 1400
                ends:
                  left: {address: 203.0.113.1, interface: vpn0, inside: 169.254.10.1/30, routes: 10.9.0.0/16, addressed-by: boot}
                  right: {address: 203.0.113.2, interface: vpn0, inside: 169.254.10.2/30, startup: listen}
            probes:
              across: {from: right, to: 169.254.10.1}
              wire: {from: right, to: 203.0.113.1}
            expect:
              keys: {sa: vpn}
              size: {mtu: across, is: 1400}
            scenarios:
              reboot:
                traffic: {across: 100ms, wire: 100ms}
                timeline:
                  - {at: 5s, fail: node left rebooted}
                  - {at: 45s, check: [keys, size]}
                lasts: 50s

            """
        for (name, text) in [("lab.yaml", lab), ("start.sh", script)] {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory.string
    }

    private static func log(of lab: RunningLab) async throws -> [String] {
        let result = try await lab.netlab.run("logs", lab.name, "left/boot")
        try #require(result.code == 0, result.account)
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test func `A script runs in its node whenever that starts, and sleeps on the lab's clock`() async throws {
        try await LabHome.with { home in
            let wall = ContinuousClock.now
            let up = try await home.netlab.run("up", try Self.write(in: home), "--clock", "paused")
            try #require(up.code == 0, up.account)
            let lab = RunningLab(home: home, name: "boots")
            // The sleep's 20 seconds have passed in the lab, and not here; a slow machine has its time.
            let booted = try await lab.clock().time
            #expect(booted > .seconds(20) && booted < .seconds(25))
            #expect(ContinuousClock.now - wall < .seconds(120))
            let first = try await Self.log(of: lab)
            #expect(first.count == 5)
            for (line, text) in zip(
                first,
                [
                    "netlab: start.sh begins", "hello from left", "by bash", "done",
                    "start.sh ended with code 0 after 20",
                ])
            {
                #expect(line.contains(text) && line.contains(#/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /#), "\(line)")
            }
            #expect(try await lab.exec("left", "ip", "route", "show", "10.9.0.0/16").output.contains("dev vpn0"))

            // What a machine forgets: what somebody has added, and what runs.
            try await lab.change("left", "ip", "route", "add", "10.77.0.0/16", "via", "203.0.113.2")
            try await lab.change("left", "ip", "link", "add", "extra", "type", "dummy")
            try await lab.change("left", "ip", "rule", "add", "from", "10.77.0.0/16", "table", "77")
            let sleepers = { try await lab.exec("left", "pgrep", "-f", "sleep 100000").output.split(separator: "\n") }
            let former = try await sleepers()
            #expect(former.count == 1)

            let active = try await lab.fail(["node left rebooted"])
            #expect(active.map(\.text) == ["node left rebooted"])
            #expect(try #require(active.first?.until) - #require(active.first?.since) == .seconds(15))
            let carrier = try await lab.exec("right", "cat", "/sys/class/net/eth0/carrier").output
            #expect(carrier == "0\n")
            let refused = try await lab.netlab.run("heal", "boots", "node left rebooted")
            #expect(refused.code == 2 && refused.error.contains("is over by itself"), refused.account)
            let down = try await lab.netlab.run("fail", "boots", "node left down")
            #expect(down.code == 2 && down.error.contains("cannot be rebooted while it is down"), down.account)
            #expect(try await lab.heal() == active)

            let start = try await lab.clock().time
            _ = try await lab.until("interface left eth0 up", within: .seconds(60))
            let away = try await lab.clock().time - start
            #expect(away > .seconds(14.9) && away < .seconds(15.2))
            #expect(try await lab.exec("left", "ip", "-4", "-o", "addr", "show", "dev", "vpn0").output == "")
            _ = try await lab.until("ping right 169.254.10.1 up", within: .seconds(60))
            let whole = try await lab.clock().time - start
            #expect(whole > .seconds(34.9) && whole < .seconds(37))
            #expect(try await lab.status().faults == [])
            for command in [
                ["route", "show", "10.77.0.0/16"], ["rule", "show", "table", "77"],
                ["-br", "link", "show", "type", "dummy"],
            ] {
                #expect(
                    try await lab.netlab.execute(Netlab.program, ["exec", "boots", "left", "--", "ip"] + command).output
                        == "")
            }
            let others = try await sleepers()
            #expect(others.count == 1 && others != former)
            let all = try await Self.log(of: lab)
            #expect(all.filter { $0.contains("hello from left") }.count == 2)

            // Power that comes back is a start, too.
            try await lab.fail(["node left down"])
            try await lab.heal()
            _ = try await lab.until("ping right 169.254.10.1 up", within: .seconds(60))
            #expect(try await Self.log(of: lab).filter { $0.contains("hello from left") }.count == 3)

            try await lab.netlab.succeed("down", "boots")
            try await home.expectNothingLeft()
        }
    }

    @Test func `A reboot takes as long as was predicted`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run("test", try Self.write(in: home), "-v")
            #expect(result.code == 0, result.account)
            #expect(result.output.contains("node left rebooted") && result.output.contains("34.9"), result.account)
            // The scenario's capture goes on with the interface that is made anew.
            #expect(result.output.contains(#/across +\+35\.0\d\d s to .* vpn +vpn +answered/#), result.account)
        }
    }

    @Test func `A script that fails is named with its last words`() async throws {
        try await LabHome.with { home in
            let script = "echo one\necho two >&2\nsleep 3\nexit 7\n"
            let directory = try Self.write(in: home, script: script)
            let up = try await home.netlab.run("up", directory)
            #expect(up.code == 4, up.account)
            #expect(up.error.contains("The boot script start.sh of left ended with code 7."), up.account)
            #expect(up.error.contains("one") && up.error.contains("two"), up.account)
            #expect(up.error.contains("netlab logs boots left/boot"), up.account)
            try await home.expectNothingLeft()
            // The logs stay, and with `--keep` the lab.
            #expect(
                try await home.netlab.run("logs", "boots", "left/boot").output.contains(
                    "start.sh ended with code 7 after 3"))
            let kept = try await home.netlab.run("up", directory, "--keep")
            #expect(kept.code == 4, kept.account)
            #expect(try await home.netlab.run("exec", "boots", "left", "--", "hostname").output == "left\n")
        }
    }

    @Test(arguments: [
        (
            "sleep 25\nip addr add 169.254.10.1/30 dev vpn0\nip route add 10.9.0.0/16 dev vpn0\n",
            "took 25s, and the lab file says 20s to 20.1s"
        ),
        ("sleep 20\nip addr add 169.254.10.1/30 dev vpn0\n", "left lacks the route to 10.9.0.0/16 at vpn0"),
        ("#!/no/such/shell\n", "cannot be run"),
        ("while sleep 60; do :; done\n", "has not ended after 1h of the lab's time"),
    ])
    func `What the lab file says of a script has to hold`(script: String, message: String) async throws {
        try await LabHome.with { home in
            let up = try await home.netlab.run("up", try Self.write(in: home, script: script))
            #expect(up.code == 4 || up.code == 3, up.account)
            #expect(up.error.contains("boot script start.sh of left") && up.error.contains(message), up.account)
            try await home.expectNothingLeft()
        }
    }
}
