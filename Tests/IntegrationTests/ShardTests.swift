import Foundation
import Testing

/// `netlab test --shard` and `netlab merge`: a test in parts.
@Suite(.timeLimit(.minutes(60)))
struct ShardTests {
    private static let labs = ["transport-mode", "gre-over-ipsec"]

    @Test func `Parts are merged into what one run would have been`() async throws {
        try await LabHome.with(labs: 2) { home in
            let whole = try await home.netlab.execute(
                Netlab.program,
                ["test"] + Self.labs + [
                    "--seed", "5", "--jobs", "2", "--out", "\(home.path)/whole", "--format", "json",
                ])
            #expect(whole.code == 0, whole.account)
            for number in 1...2 {
                let part = try await home.netlab.execute(
                    Netlab.program,
                    ["test"] + Self.labs + [
                        "--seed", "5", "--jobs", "2", "--shard", "\(number)/2", "--durations",
                        "\(home.path)/whole/report.json", "--out", "\(home.path)/part-\(number)",
                    ])
                #expect(part.code == 0, part.account)
            }
            let merged = try await home.netlab.run(
                "merge", "\(home.path)/part-2", "\(home.path)/part-1", "--out", "\(home.path)/merged", "--format",
                "json")
            #expect(merged.code == 0, merged.account)
            let (one, other) = (try TestView(json: whole.output), try TestView(json: merged.output))
            #expect(one.totals == other.totals && one.totals.runs == 3)
            #expect(one.runs.map(\.scenario) == other.runs.map(\.scenario))
            for (run, same) in zip(one.runs, other.runs) {
                #expect(run.judgements.map(\.outcome) == same.judgements.map(\.outcome), "\(run.scenario)")
                #expect(run.checks.map(\.outcome) == same.checks.map(\.outcome), "\(run.scenario)")
            }
            // The same files, but for the versions, of which each part has its own, and a run's captures and logs among them.
            let paths = { (name: String) in
                try FileManager.default.subpathsOfDirectory(atPath: "\(home.path)/\(name)").filter {
                    !$0.hasPrefix("versions")
                }.sorted()
            }
            #expect(try paths("whole") == paths("merged"))
            let names = { (name: String) in
                Host.contents("\(home.path)/\(name)/junit.xml").matches(of: #/<test(?:suite|case) name="([^"]*)"/#).map
                { String($0.1) }
            }
            #expect(names("whole").count > 10 && names("whole") == names("merged"))
            let page = Host.contents("\(home.path)/merged/report.html")
            #expect(
                page.contains("gre-over-ipsec/cut/capture.pcapng") && page.contains("strongSwan"),
                "\(page.prefix(2000))")

            // What does not make up the test.
            let missing = try await home.netlab.run("merge", "\(home.path)/part-1")
            #expect(missing.code == 2 && missing.error.contains("Shards are missing: 2/2."), missing.account)
            let twice = try await home.netlab.run(
                "merge", "\(home.path)/part-1", "\(home.path)/part-1", "\(home.path)/part-2")
            #expect(twice.code == 2 && twice.error.contains("Shard 1/2 is there twice"), twice.account)
            // Somebody has changed the lab since.
            let files = Self.labs.map { "\(home.path)/part-1/\($0)/lab.yaml" }
            let file = try #require(files.first { FileManager.default.fileExists(atPath: $0) })
            try (Host.contents(file) + "# changed\n").write(toFile: file, atomically: true, encoding: .utf8)
            let changed = try await home.netlab.run("merge", "\(home.path)/part-1", "\(home.path)/part-2")
            #expect(
                changed.code == 2 && changed.error.contains("not those that the parts were played with"),
                changed.account)
            try await home.expectNothingLeft()
        }
    }

    /// Nothing is played: there are more parts than runs.
    @Test func `A part with nothing to do has done it`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run(
                "test", "transport-mode", "--scenario", "cut", "--shard", "2/2", "--out", "\(home.path)/part")
            #expect(result.code == 0, result.account)
            #expect(FileManager.default.fileExists(atPath: "\(home.path)/part/shard.json"))
        }
    }

    @Test(arguments: [
        (["--shard", "0/2"], "\"0/2\" is no part"), (["--shard", "3"], "\"3\" is no part"),
        (["--durations", "report.json"], "--durations is for --shard"),
        (["--shard", "1/2", "--durations", "/nowhere/report.json"], "/nowhere/report.json cannot be read"),
        (["--shard", "1/2", "--write"], "--write plays nothing"),
    ])
    func `What is no part is refused`(arguments: [String], message: String) async throws {
        let netlab = Netlab(environment: ["NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1"])
        let result = try await netlab.execute(Netlab.program, ["test", "transport-mode"] + arguments)
        #expect(result.code == 2 && result.error.contains(message), result.account)
    }
}
