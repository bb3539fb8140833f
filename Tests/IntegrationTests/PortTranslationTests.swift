import Foundation
import Testing

/// Tunnels behind gateways that translate ports, and that forget.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct PortTranslationTests {
    /// A lab of the checkout's with another name and other changes, in a directory of its own.
    private static func write(_ lab: String, as name: String, in home: LabHome, _ changes: (String, String)...) throws
        -> String
    {
        var text = Host.contents("\(Netlab.checkout)/Labs/\(lab)/lab.yaml")
        for (old, new) in [("name: \(lab)\n", "name: \(name)\n")] + changes {
            try #require(text.contains(old))
            text = text.replacingOccurrences(of: old, with: new)
        }
        let directory = home.path.appending(name)
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        try text.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
        return directory.string
    }

    /// By real timeouts of the kernel's: nobody outside gets in, until who is inside sends something.
    @Test func `A translation expires in a silence`() async throws {
        try await LabHome.with { home in
            let directory = try Self.write(
                "port-translation", as: "silence", in: home,
                ("masquerade: 192.168.0.0/16}", "masquerade: 192.168.0.0/16, timeouts: {udp: 5s, udp-stream: 10s}}"),
                ("    dpd: {delay: 10s, timeout: 30s}\n", ""))
            let validate = try await home.netlab.run("validate", "\(directory)/lab.yaml")
            #expect(
                (validate.output + validate.error).contains(
                    "router forgets who is behind a port after a silence of 10s"))
            let up = try await home.netlab.execute(Netlab.program, ["up", directory, "--clock", "paused"])
            #expect(up.code == 0, up.account)
            let lab = RunningLab(home: home, name: "silence")
            func pings(_ node: String, _ address: String) async throws -> String {
                let words = ["exec", "silence", node, "--", "ping", "-c", "3", "-i", "1", "-W", "1", address]
                return try await home.netlab.execute(Netlab.program, words).output
            }
            let (inside, outside) = (("a-host", "10.9.0.10"), ("cloud-host", "10.1.0.10"))
            #expect(try await pings(outside.0, outside.1).contains(" 3 received"))
            _ = try await lab.clock("advance", "11s")
            #expect(try await pings(outside.0, outside.1).contains(" 0 received"))
            #expect(try await pings(inside.0, inside.1).contains(" 3 received"))
            #expect(try await pings(outside.0, outside.1).contains(" 3 received"))
        }
    }

    /// What `predict` says of both translations, whoever sends.
    @Test func `Forgotten translations are made anew as predicted`() async throws {
        try await LabHome.with { home in
            let test = try await home.netlab.run("test", "shared-address")
            #expect(test.code == 0 && test.output.contains("2 passed"), test.account)
        }
    }

    /// libreswan as the hub of two gateways behind one address: it finds each by its name, and sends to the port that it knew.
    @Test func `Libreswan keeps to the port that it knew`() async throws {
        try await LabHome.with { home in
            let directory = try Self.write(
                "shared-address", as: "older", in: home,
                ("cloud: cloud, role: router, ike: strongswan,", "cloud: cloud, role: router,"))
            let up = try await home.netlab.execute(Netlab.program, ["up", directory, "--clock", "paused"])
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "older")
            #expect(check.code == 0 && check.output.contains("8 passed"), check.account)
            let lab = RunningLab(home: home, name: "older")
            try await home.netlab.succeed("fail", "older", "nat carrier flushed")
            // The hub's packets come first.
            try await lab.change("hub-host", "sh", "-c", "! ping -c 3 -i 1 -W 1 10.1.0.10")
            try await lab.change("a-host", "sh", "-c", "! ping -c 3 -i 1 -W 1 10.9.0.10")
        }
    }
}
