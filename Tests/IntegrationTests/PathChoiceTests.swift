import Foundation
import Testing

/// Two routers of one AS between four of two others, with policies for each of some dozen prefixes, made by a rule: which route is the
/// best is predicted for each prefix at each router, and BIRD and FRR are asked.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct PathChoiceTests {
    private static let prefixes = 40

    /// Numbers that look like chance and are the same in each run: a linear congruential generator (Knuth's MMIX).
    private struct Series {
        private var state: UInt64 = 7

        mutating func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
    }

    private static func prefix(_ number: Int) -> String { "10.\(100 + number).0.0/16" }

    /// An entry for a prefix that sets some of the attributes, or rejects it.
    private static func entry(_ number: Int, _ isInbound: Bool, _ series: inout Series) -> String {
        if series.next(12) == 0 { return "        - {reject: {prefix: \(prefix(number))}}\n" }
        var changes: [String] = []
        if isInbound {
            if series.next(4) == 0 { changes.append("local-preference: \([90, 100, 110][series.next(3)])") }
        } else {
            if series.next(3) == 0 { changes.append("prepend: \(1 + series.next(2))") }
            if series.next(5) == 0 { changes.append("origin: \(["igp", "egp", "incomplete"][series.next(3)])") }
            if series.next(2) == 0 { changes.append("med: \(series.next(3) * 10)") }
            if series.next(6) == 0 {
                changes.append("communities: \(["no-export", "no-advertise", "65010:5"][series.next(3)])")
            }
        }
        guard !changes.isEmpty else { return "" }
        return
            "        - {accept: {prefix: \(prefix(number))}, set: {\(changes.joined(separator: ", "))}}\n"
    }

    private static func policy(_ isInbound: Bool, _ series: inout Series) -> String {
        let entries = (0..<prefixes).map { entry($0, isInbound, &series) }.joined()
        let marked = isInbound ? "        - {accept: {community: 65010:5}, set: {local-preference: 105}}\n" : ""
        return "\n" + entries + marked + "        - accept: all\n"
    }

    /// - Parameter daemon: What the two routers and one neighbour of each AS run; the others have BIRD.
    private static func lab(_ daemon: String) -> String {
        var series = Series()
        let outside = [("a1", 65010), ("a2", 65010), ("b1", 65020), ("b2", 65020)]
        let links = [("r1", "a1"), ("r1", "b1"), ("r1", "a2"), ("r2", "a2"), ("r2", "b2"), ("r1", "r2")]
        var text = """
            name: choices
            nodes:
              r1: {role: router, bgp: \(daemon)}
              r2: {role: router, bgp: \(daemon), best-path: {multipath: 1}}

            """
        text += outside.map { "  \($0.0): {role: router, bgp: \($0.0 < "a2" || $0.0 == "b1" ? daemon : "bird")}\n" }
            .joined()
        text += "links:\n"
        for (index, link) in links.enumerated() {
            text +=
                "  l\(index): {ends: {\(link.0):to-\(link.1): 192.0.2.\(4 * index + 1)/30, \(link.1):to-\(link.0): 192.0.2.\(4 * index + 2)/30}}\n"
        }
        text += "bgp:\n"
        let all = (0..<prefixes).map(prefix).joined(separator: ", ")
        for (index, link) in links.enumerated() {
            text += "  \(link.0)-\(link.1):\n    over: l\(index)\n    speakers:\n"
            text += "      \(link.0):\n        asn: 65000\n        transit: on\n        in:\(policy(true, &series))"
            if let peer = outside.first(where: { $0.0 == link.1 }) {
                text +=
                    "      \(peer.0):\n        asn: \(peer.1)\n        advertise: [\(all)]\n        out:\(policy(false, &series))"
            } else {
                text += "      \(link.1): {asn: 65000, transit: on}\n"
            }
        }
        return text
    }

    @Test(arguments: ["bird", "frr"])
    func `The best route is predicted as the daemon chooses it`(daemon: String) async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("choices")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            let expectations = ["r1", "r2"].flatMap { node in
                (0..<Self.prefixes).map {
                    (name: "\(node)-p\($0)", text: "{best: {at: \(node), to: \(Self.prefix($0))}}")
                }
            }
            func write(_ chosen: [(name: String, text: String)]) throws {
                let text = Self.lab(daemon) + "expect:\n" + chosen.map { "  \($0.name): \($0.text)\n" }.joined()
                try text.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
            }
            // What is not told to a node, or not computed, is an error of the file: it says so of these, and of nothing else.
            try write(expectations)
            let validation = try await home.netlab.run("validate", directory.string)
            let said = validation.output + validation.error
            let open = said.matches(of: /expect\.([a-z0-9-]+): (which route|no session tells)/).map { String($0.1) }
            let computed = expectations.filter { !open.contains($0.name) }
            #expect(computed.count >= 60, "\(said)")
            try write(computed)
            let up = try await home.netlab.run("up", directory.string)
            try #require(up.code == 0, up.account)
            let lab = RunningLab(home: home, name: "choices")
            let check = try await lab.check("--only", "best")
            let wrong = check.report.verdicts.filter { $0.outcome != "pass" }
            #expect(wrong.isEmpty && check.code == 0, "\(wrong.map { "\($0.expected): \($0.seen)" })")
            #expect(check.report.verdicts.count == computed.count)
            // The choice was made in more ways than one.
            let steps = Set(
                check.report.verdicts.compactMap { $0.expected.split(separator: " ").last.map(String.init) })
            #expect(steps.isSuperset(of: ["local-preference", "as-path", "origin", "med", "external"]), "\(steps)")
            let down = try await home.netlab.run("down", "choices")
            #expect(down.code == 0, down.account)
        }
    }

    /// By local preference and by MED, before a fault, in it and after it.
    @Test func `The lab path-choice shows what it says`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run("test", "path-choice")
            #expect(result.code == 0, result.account)
            try await home.expectNothingLeft()
        }
    }

    /// East is asked for the other way: what it chooses, and that the way back is another, is found.
    @Test func `A way back that is another is found`() async throws {
        try await LabHome.with { home in
            let lab = try home.copy(of: "path-choice", as: "crossed") { $0.replacing("med: 10", with: "med: 30") }
            let up = try await home.netlab.run("up", lab)
            try #require(up.code == 0, up.account)
            let check = try await RunningLab(home: home, name: "crossed").check()
            // Which step decided at each router, from its daemon's own attributes.
            let explained = try await home.netlab.run("explain", "crossed", "request")
            #expect(
                explained.output.contains(#/west +10\.2\.0\.0/24 +by-fast +best by local-preference /#),
                explained.account)
            #expect(explained.output.contains(#/east +10\.1\.0\.0/24 +by-cheap +best by med /#), explained.account)
            #expect(explained.output.contains(#/by-fast +loses by med .* MED 30,/#), explained.account)
            let status = try await home.netlab.run("status", "crossed")
            #expect(status.output.contains(#/by-cheap +loses by local-preference /#), status.account)
            #expect(check.report.names("pass") == ["west-chooses", "fast", "wire"], check.account)
            #expect(check.report.names("fail") == ["east-chooses", "one-way"], check.account)
            #expect(
                check.report["one-way"]?.seen == "west > vpn-fast > east, back by east > vpn-cheap > west",
                check.account)
            #expect(check.report["east-chooses"]?.seen.hasPrefix("by-cheap, by med") == true, check.account)
        }
    }
}
