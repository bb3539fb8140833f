import Foundation
import NetworkTypes
import RoutingDaemons
import Testing

/// Filters made by a rule: what netlab computes of each is what BIRD does with it, route by route.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct BirdFilterTests {
    private static let fixed = [
        "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "10.2.0.0/15", "172.16.0.0/12", "192.168.7.0/24",
        "0.0.0.0/0",
        "198.51.100.5/32",
    ]
    private static let connected = ["10.9.0.0/24", "192.0.2.0/30"]

    private static let configuration = """
        log "/var/log/bird.log" all;
        router id 192.0.2.1;
        define OURS = [ 10.0.0.0/8{16,24}, 172.16.0.0/12+, 0.0.0.0/0 ];
        function ours() { return net ~ OURS; }
        function within(int least; int most) { return net.len >= least && net.len <= most; }
        function longer(int than) { if net.len > than then return true; return false; }
        function refuse_defaults() { if net = 0.0.0.0/0 then reject; }
        protocol device { }
        protocol direct { ipv4; interface "*"; }
        protocol static { ipv4; \(fixed.map { "route \($0) blackhole; " }.joined()) }

        """

    private static let lab = """
        name: filters
        nodes:
          gw: {role: router, bird: gw.conf}
          peer: {role: router}
        links:
          main: {ends: {gw:eth0: 192.0.2.1/30, peer:eth0: 192.0.2.2/30}}
          lan: {ends: {gw:eth1: 10.9.0.1/24, peer:eth1: 10.9.0.2/24}}

        """

    /// Numbers that look like chance and are the same in each run: a linear congruential generator (Knuth's MMIX).
    private struct Series {
        private var state: UInt64 = 11

        mutating func next<Element>(_ choices: [Element]) -> Element {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return choices[Int((state >> 33) % UInt64(choices.count))]
        }

        mutating func condition(_ depth: Int) -> String {
            switch next(depth == 0 ? [0, 1, 2, 3, 4] : [0, 1, 2, 3, 4, 5, 6, 7]) {
            case 0: return "source \(next(["=", "!="])) \(next(["RTS_STATIC", "RTS_DEVICE", "RTS_BGP"]))"
            case 1: return "net.len \(next(["=", "!=", "<", ">", "<=", ">="])) \(next([8, 12, 15, 16, 24, 25]))"
            case 2:
                return
                    "net \(next(["~", "!~"])) [ \(next(["10.0.0.0/8+", "10.1.0.0/16-", "10.1.2.0/24{8,24}", "0.0.0.0/0{0,15}"])), "
                    + "\(next(["172.16.0.0/12", "192.168.0.0/16+", "198.51.100.0/24{32,32}"])) ]"
            case 3: return "net ~ \(next(["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"]))"
            case 4:
                return next([
                    "ours()", "longer(\(next([8, 15, 24])))", "within(\(next([0, 12])), \(next([15, 24, 32])))",
                    "source ~ [RTS_STATIC, RTS_INHERIT]", "net.ip ~ 10.1.0.0/16",
                ])
            case 5: return "(\(condition(depth - 1))) && \(condition(depth - 1))"
            case 6: return "\(condition(depth - 1)) || (\(condition(depth - 1)))"
            default: return "!(\(condition(depth - 1)))"
            }
        }

        mutating func command(_ depth: Int) -> String {
            guard depth > 0 else { return next(["accept;", "reject;", "bgp_med = 10;", "refuse_defaults();"]) }
            switch next([0, 1, 2, 3]) {
            case 0: return "if \(condition(2)) then \(command(0))"
            case 1:
                return
                    "if \(condition(1)) then { \(command(depth - 1)) \(command(depth - 1)) } else \(command(depth - 1))"
            case 2: return "if \(condition(1)) then if \(condition(0)) then \(command(0)) else \(command(depth - 1))"
            default: return command(depth - 1)
            }
        }

        mutating func filter() -> String { (0..<next([2, 3, 4])).map { _ in command(2) }.joined(separator: " ") }
    }

    @Test
    func `What is computed of a filter is what BIRD does with it`() async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("filters")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            for (name, text) in [("lab.yaml", Self.lab), ("gw.conf", Self.configuration)] {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
            let up = try await home.netlab.run("up", directory.string)
            try #require(up.code == 0, up.account)
            var series = Series()
            let all = Self.fixed.map { ($0, "RTS_STATIC") } + Self.connected.map { ($0, "RTS_DEVICE") }
            var verdicts = 0
            for _ in 0..<60 {
                let filter = series.filter()
                let answer = try await home.netlab.run(
                    "exec", "filters", "gw", "--", "birdc", "show", "route", "filter", "{", filter, "}")
                try #require(
                    answer.code == 0 && !answer.output.contains("syntax error"), "\(filter)\n\(answer.account)")
                let passed = Set(
                    answer.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
                let routing = Bird().read(
                    Self.configuration
                        + "protocol bgp one { local as 1; neighbor 192.0.2.2 as 2; ipv4 { export filter { \(filter) }; }; }"
                )
                let exports = try #require(routing.sessions.first?.exports[32])
                for (text, source) in all {
                    let prefix: IPPrefix = try #require(IPPrefix(text))
                    let verdict = exports.lets(prefix, from: source)
                    // Nothing here is beyond what is read.
                    try #require(verdict != nil, "\(text) \(source): \(filter)")
                    #expect(verdict == passed.contains(text), "\(text) \(source): \(filter)\n\(answer.output)")
                    verdicts += 1
                }
            }
            #expect(verdicts == 660)
            let down = try await home.netlab.run("down", "filters")
            #expect(down.code == 0, down.account)
            try await home.expectNothingLeft()
        }
    }
}
