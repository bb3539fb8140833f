import Foundation
import SystemPackage
import Testing

/// What a CI machine does: several `netlab` at once, of one lab and of several, that do not touch each other.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct SideBySideTests {
    /// `left <-> right`, cut and mended.
    private static let scenarios = """

        scenarios:
          cut:
            traffic: {across: 100ms}
            timeline:
              - {at: 2s, fail: blackhole wire}
              - {at: 5s, heal: blackhole wire}
            lasts: 10s
          whole:
            traffic: {across: 100ms}
            lasts: 10s
            outage: {across: none}
        """

    private static func writePairWithScenarios(named name: String, in home: LabHome) throws -> String {
        let file = try home.writePair(named: name)
        try (Host.contents(file) + scenarios).write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    // MARK: The same lab

    /// One of them gets it, the others are told so, and nobody who looks meanwhile takes what is coming up for a dead lab's.
    @Test func `One of many brings a lab up`() async throws {
        try await LabHome.with(labs: 2) { home in
            let pair = try home.writePair()
            for _ in 0..<5 {
                let ups = try await withThrowingTaskGroup(of: Netlab.Result.self) { group in
                    for _ in 0..<4 { group.addTask { try await home.netlab.run("up", pair, "--clock", "paused") } }
                    for _ in 0..<8 { try await home.netlab.succeed("list") }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ups.count { $0.code == 0 } == 1, "\(ups.map(\.account))")
                for up in ups where up.code != 0 {
                    #expect(up.code == 4, up.account)
                    #expect(up.error.contains(/is up already|is bringing up pair/), up.account)
                }
                #expect(try await RunningLab(home: home, name: "pair").ping("10.0.0.2", from: "left").isLossless)
                try await home.netlab.succeed("down", "pair")
                try await home.expectNothingLeft()
            }
        }
    }

    /// `down` of a lab that comes up at this moment waits until it is there, and takes it down.
    @Test func `Down follows up`() async throws {
        try await LabHome.with { home in
            let pair = try home.writePair()
            async let up = home.netlab.run("up", pair, "--clock", "paused")
            try await eventually("a lab that is coming up") {
                try await home.netlab.succeed("list").output.contains(/pair +(starting|up)/)
            }
            let down = try await home.netlab.run("down", "pair")
            #expect(down.code == 0, down.account)
            let result = try await up
            #expect([0, 4].contains(result.code), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Scenarios

    /// Three runs of one lab file and one of another, two labs each at a time, beside the lab itself.
    @Test func `Runs of scenarios do not meet`() async throws {
        try await LabHome.with(labs: 2) { home in
            let (pair, other) = try (
                Self.writePairWithScenarios(named: "pair", in: home),
                Self.writePairWithScenarios(named: "other", in: home)
            )
            try await home.netlab.succeed("up", pair, "--clock", "paused")
            let running = RunningLab(home: home, name: "pair")
            let before = try await running.clock().time
            let results = try await withThrowingTaskGroup(of: Netlab.Result.self) { group in
                for file in [pair, pair, pair, other] {
                    group.addTask { try await home.netlab.run("test", file, "--jobs", "2", "--format", "json") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for result in results {
                #expect(result.code == 0, result.account)
                let report = try TestView(json: result.output)
                #expect(
                    report.totals == .init(runs: 2, passed: 2, failed: 0, inconclusive: 0, broken: 0), result.account)
                #expect(report.runs.map(\.scenario) == ["cut", "whole"])
                for run in report.runs {
                    let flow = try #require(run.flows.first)
                    // 10 s of pings every 100 ms, 3 s of them into a cut wire.
                    #expect(flow.sent == 100 && (29...31).contains(flow.lost) == (run.scenario == "cut"), "\(flow)")
                }
            }
            #expect(try await running.clock().time == before, "the lab that is up has been touched")
            #expect(try await running.ping("10.0.0.2", from: "left").isLossless)
            try await home.netlab.succeed("down", "pair")
            try await home.expectNothingLeft()
        }
    }

    // MARK: A matrix of jobs

    struct Entry: Decodable {
        let name: String
        let state: String
        let source: String
        let scenarios: [String]
        let variants: [String]
    }

    private static func list(_ arguments: String..., in home: LabHome) async throws -> [Entry] {
        let result = try await home.netlab.execute(Netlab.program, ["list", "--format", "json"] + arguments)
        #expect(result.code == 0, result.account)
        return try JSONDecoder().decode([Entry].self, from: Data(result.output.utf8))
    }

    /// Every lab that comes with netlab, with what `test` takes by name.
    @Test func `List tells labs and their scenarios`() async throws {
        try await LabHome.with(labs: 0) { home in
            let labs = try await Self.list(in: home)
            #expect(labs.map(\.name).contains("aws-oci") && labs.count >= 5)
            for lab in labs {
                #expect(!lab.scenarios.isEmpty && lab.source.hasSuffix("/\(lab.name)/lab.yaml"), "\(lab)")
            }
            let known = try #require(labs.first { $0.name == "aws-oci" })
            #expect(known.scenarios.contains("main-cut") && known.variants == ["unclamped"])
        }
    }

    /// One's own labs alone; and what a file says of scenarios can be played by that name.
    @Test func `List tells the labs that it is asked for`() async throws {
        try await LabHome.with(labs: 1) { home in
            let file = try Self.writePairWithScenarios(named: "pair", in: home)
            let labs = try await Self.list(file, "soracom-azure", in: home)
            #expect(labs.map(\.name) == ["pair", "soracom-azure"] && labs.allSatisfy { $0.state == "-" })
            let pair = try #require(labs.first)
            #expect(pair.source == file && pair.scenarios == ["cut", "whole"] && pair.variants == [])
            let played = try await home.netlab.run("test", pair.source, "--scenario", pair.scenarios[1])
            #expect(played.code == 0, played.account)
        }
    }

    @Test(arguments: [["nowhere.yaml"], ["aws-oci", "aws-oic"]]) func `List refuses what is no lab`(names: [String])
        async throws
    {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.netlab.execute(Netlab.program, ["list"] + names)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("There is no lab"), result.account)
        }
    }
}
