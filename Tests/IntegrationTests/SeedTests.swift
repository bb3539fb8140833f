import Foundation
import Testing

/// `netlab test --seed`: a run that can be had again.
@Suite(.timeLimit(.minutes(60)))
struct SeedTests {
    /// Within this, two runs with one seed have the same events. Most are within a microsecond; BIRD sleeps whole
    /// milliseconds (poll(2)), so that a microsecond more or less may cost it one or two of them at times.
    private static let tolerance: Int64 = 5_000_000

    /// What BIRD does after a cut is all its timers' doing: each is shortened by up to a quarter of it, by chance.
    private static let scenario = """
        scenarios:
          short-cut:
            summary: the main tunnel's underlay goes silent
            traffic: {workload: 100ms, workload-back: 100ms}
            timeline:
              - {at: 5s, fail: blackhole aws-vpn-1}
              - {at: 44s, heal: all}
            lasts: 45s

        """

    @Test func `Same seed, same timeline; another seed, another one`() async throws {
        try await LabHome.with { home in
            let lab = try home.copy(of: "aws-oci", as: "seeded") {
                $0.replacing("scenarios:\n", with: Self.scenario)
            }
            let first = try await run(lab, seed: 7, home)
            let second = try await run(lab, seed: 7, home)
            let other = try await run(lab, seed: 8, home)

            #expect(first.timers.count >= 6, "\(first.timers)")
            #expect(first.timers.keys == second.timers.keys)
            #expect(first.distance(to: second) <= Self.tolerance, "\(first.timers) \(second.timers)")
            #expect(first.flows.map(\.name) == second.flows.map(\.name))
            for (one, two) in zip(first.flows, second.flows) {
                #expect(one.lost > 100 && abs(one.lost - two.lost) <= 1, "\(one) \(two)")
            }
            // The negative control: a tolerance that took these for the same would show nothing.
            #expect(first.distance(to: other) > 20 * Self.tolerance, "\(first.timers) \(other.timers)")
            try await home.expectNothingLeft()
        }
    }

    private func run(_ lab: String, seed: Int, _ home: LabHome) async throws -> Run {
        let result = try await home.netlab.run(
            "test", lab, "--scenario", "short-cut", "--seed", "\(seed)", "--format", "json")
        // Whether predictions hold is other tests' concern; a run cut short while a path is out may leave them open.
        try #require(result.code == 0 || result.code == 5, "\(result.account)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(Report.self, from: Data(result.output.utf8))
        return try #require(report.runs.first, "\(result.account)")
    }

    private struct Report: Decodable {
        let runs: [Run]
    }

    private struct Run: Decodable {
        struct Timeline: Decodable { let chapters: [Chapter] }
        struct Chapter: Decodable { let entries: [Entry] }
        struct Entry: Decodable {
            let kind, node, text: String
            let nanoseconds: Int64
        }

        let timeline: Timeline
        let flows: [TestView.Flow]

        /// When BIRD's sessions and the routes they brought went away, since the scenario's beginning.
        var timers: [String: [Int64]] {
            let entries = timeline.chapters.flatMap(\.entries)
                .filter { $0.kind == "session_down" || $0.kind == "route_withdrawn" }
            return Dictionary(grouping: entries) { "\($0.node) \($0.text)" }.mapValues { $0.map(\.nanoseconds) }
        }

        /// The largest difference between what happened in both; beyond all bounds if it is not the same that did.
        func distance(to other: Self) -> Int64 {
            guard timers.mapValues(\.count) == other.timers.mapValues(\.count) else { return .max }
            return timers.flatMap { key, times in zip(times, other.timers[key] ?? []).map { abs($0 - $1) } }.max() ?? 0
        }
    }
}
