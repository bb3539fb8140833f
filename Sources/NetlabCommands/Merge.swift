import ArgumentParser
import CommandSupport
import Daemons
import FoundationEssentials
import KernelBuilds
import LabHost
import LabModel
import Reporting
import Shards

struct Merge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Make one report of the parts of a test that were played by `netlab test --shard`.",
        discussion: """
            DIR is what --out named when a part was played. All parts have to be there, each once, and the labs have to be those \
            here that were tested. The report, the page and JUnit's file are what one `netlab test` would have left, in a directory with \
            all captures and logs.

            Exit codes: 0 all passed; 1 something failed; 2 the parts do not make up a test; 4 a lab broke; 5 something could not be decided.
            """)

    @Argument(help: "The parts' directories.")
    var directories: [String]

    @Option(help: "Leave all of it in this directory, which is new or empty.")
    var out: String?

    @Option(help: "How to print: table, json or junit. All of them are in the directory.")
    var format = TestDocuments.Format.table

    @Flag(name: [.short, .long], help: "Show the timelines, and what was expected, also of what passed.")
    var verbose = false

    func run() async throws {
        let merged: MergedTest
        do throws(ShardError) {
            merged = try MergedTest(
                try directories.map { path throws(ShardError) in (path, try Self.record(in: path)) })
        } catch {
            throw CommandError(
                message: error.description,
                remedy: "Name the directory of each part once: those that `netlab test --shard K/N --out DIR` has left."
            )
        }
        let versions = await DaemonVersions.ofThisMachine(for: [], asksAll: true)
        let runs = try merged.selection.runs(versions)
        guard runs.map(\.place) == merged.runs else { throw Self.otherLabs("they have other scenarios") }
        let directory = try RunDirectory(path: out)
        var results: [TestRun] = []
        for (index, shard, run) in merged.results {
            let place = try runs[index].prepare(in: directory)
            let source = directories[shard]
            try Self.compare(runs[index].lab, in: source, with: directory)
            results.append(try Self.take(run, from: "\(source)/\(runs[index].place)", to: place))
        }
        for (number, source) in directories.enumerated() {
            if let text = try? TextFile.read("\(source)/versions.json") {
                try directory.write(text, to: "versions-\(number + 1).json")
            }
        }
        let report = TestReport(runs: results, isPartial: merged.isPartial)
        let documents = TestDocuments(
            report: report, labs: merged.results.map { runs[$0.index].topology },
            places: merged.results.map { runs[$0.index].place }, testedWith: merged.testedWith.lines)
        try documents.write(to: directory)
        try documents.show(format, isVerbose: verbose, in: directory)
        try ExitStatus.check(report.outcome)
    }

    private static func record(in directory: String) throws(ShardError) -> ShardRecord {
        let path = "\(directory)/\(ShardRecord.file)"
        let text: String
        do {
            text = try TextFile.read(path, limit: ShardRecord.mostBytes)
        } catch {
            throw ShardError("\(path) cannot be read: \(error)")
        }
        do throws(ShardError) {
            return try ShardRecord(text: text)
        } catch {
            throw ShardError("\(path): \(error)")
        }
    }

    private static func otherLabs(_ why: String) -> CommandError {
        CommandError(
            message: "The labs here are not those that the parts were played with: \(why).",
            remedy: "Merge with the same netlab, in the directory with the same lab files.")
    }

    /// Compares what a part says that it has tested with the same here, secrets left out on both sides.
    private static func compare(_ lab: String, in source: String, with directory: RunDirectory) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/\(lab)")) ?? []
        for name in names {
            // What is no file is a run's directory.
            guard let here = try? TextFile.read("\(directory.path)/\(lab)/\(name)") else { continue }
            guard let there = try? TextFile.read("\(source)/\(lab)/\(name)"), there == here else {
                throw otherLabs("\(source)/\(lab)/\(name) differs")
            }
        }
    }

    /// A run with its captures and logs, as far as the part's directory still has them.
    private static func take(_ run: TestRun, from source: String, to place: RunDirectory) throws -> TestRun {
        var run = run
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: source) {
                try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: "\(place.path)/\(name)")
            }
        } catch {
            StandardStream.error.write("netlab: \(source) could not be copied whole: \(error.localizedDescription)\n")
        }
        run.capture = run.capture.flatMap { old in
            let new = "\(place.path)/\(old.split(separator: "/").last ?? "")"
            return FileManager.default.fileExists(atPath: new) ? new : nil
        }
        return run
    }
}
