import Foundation
import Testing

/// Labs with more of everything than one table, message or field of a header holds by itself.
@Suite(.timeLimit(.minutes(60)))
struct LargeLabTests {
    /// Routers in a row, of which each knows the way to the first one and to one that is 50 routers away; the last one filters, which is
    /// set when the agent has some 1600 descriptors.
    private static func row(of count: Int) -> String {
        let (far, last) = (50, count - 1)
        func address(_ link: Int, _ end: Int) -> String { "10.\(128 + link / 256).\(link % 256).\(end)" }
        let nodes = (0..<count).map { number in
            let forth = number < far - 1 ? ["\(address(far - 1, 2))/32: \(address(number, 2))"] : []
            let back = (2...far).contains(number) ? ["\(address(0, 1))/32: \(address(number - 1, 1))"] : []
            let filter = number == last ? ", filter: {e0: [{from: 10.0.0.0/8}]}" : ""
            return "  n\(number): {role: router, routes: {\((forth + back).joined(separator: ", "))}\(filter)}"
        }
        let links = (0..<last).map {
            "  l\($0): {ends: {n\($0):e1: \(address($0, 1))/30, n\($0 + 1):e0: \(address($0, 2))/30}}"
        }
        return """
            name: row
            nodes:
            \(nodes.joined(separator: "\n"))
            links:
            \(links.joined(separator: "\n"))
            probes: {away: {from: n0, to: n\(far)}}

            """
    }

    @Test func `Four hundred nodes come up and a way of fifty is no circle`() async throws {
        try await LabHome.with { home in
            let file = home.path.appending("row.yaml")
            try Self.row(of: 400).write(toFile: file.string, atomically: true, encoding: .utf8)
            _ = try await home.netlab.succeed("up", file.string, "--clock", "paused")
            let filter = try await home.netlab.succeed("exec", "row", "n399", "--", "nft", "list", "ruleset")
            #expect(filter.output.contains("netlab-filter"))
            let ping = try await home.netlab.succeed("exec", "row", "n0", "--", "ping", "-c", "1", "10.128.49.2")
            #expect(ping.output.contains("1 received"))
            let status = try await home.netlab.succeed("status", "row")
            #expect(!status.output.contains("circle") && !status.output.contains("broken"))
            _ = try await home.netlab.succeed("down", "row")
        }
    }

    private static let keeper = """
        name: keeper
        nodes:
          a: {routes: {10.0.2.0/24: 10.0.1.2, "fd00:2::/64": "fd00:1::2"}}
          m: {role: router, decrement-ttl: off}
          b: {role: router, routes: {10.0.1.0/24: 10.0.2.2, "fd00:1::/64": "fd00:2::2"}}
        links:
          am: {ends: {a:e0: [10.0.1.1/24, "fd00:1::1/64"], m:e0: [10.0.1.2/24, "fd00:1::2/64"]}}
          mb: {ends: {m:e1: [10.0.2.2/24, "fd00:2::2/64"], b:e0: [10.0.2.1/24, "fd00:2::1/64"]}}

        """

    /// What arrives has what was sent, with every number of ones at its end; only the greatest cannot be given its hop back.
    @Test func `A router keeps the TTL of both families`() async throws {
        try await LabHome.with { home in
            let file = home.path.appending("keeper.yaml")
            try Self.keeper.write(toFile: file.string, atomically: true, encoding: .utf8)
            _ = try await home.netlab.succeed("up", file.string, "--clock", "paused")
            for (sent, arrives) in [
                (2, 2), (64, 64), (63, 63), (101, 101), (127, 127), (239, 239), (254, 254), (255, 254),
            ] {
                _ = try await home.netlab.succeed(
                    "exec", "keeper", "b", "--", "sysctl", "-qw", "net.ipv4.ip_default_ttl=\(sent)",
                    "net.ipv6.conf.e0.hop_limit=\(sent)")
                for destination in ["10.0.2.1", "fd00:2::1"] {
                    let ping = try await home.netlab.succeed(
                        "exec", "keeper", "a", "--", "ping", "-c", "3", "-i", "0.3", destination)
                    #expect(ping.output.contains("ttl=\(arrives) "), "\(sent): \(ping.output)")
                }
            }
            _ = try await home.netlab.succeed("down", "keeper")
        }
    }
}
