import Foundation
import Testing

/// `netlab explore`: a fault at many moments, on fresh labs.
@Suite(.timeLimit(.minutes(60)))
struct ExploreTests {
    private static let cut = "blackhole aws-vpn-1"

    @Test func `A cut at many moments keeps to its window, and a future can be had again`() async throws {
        try await LabHome.with(labs: 2) { home in
            let place = home.path.appending("futures")
            let first = try await home.netlab.run(
                "explore", "aws-oci", "--fault", Self.cut, "--futures", "6", "--jobs", "2", "--out", place.string,
                "--format", "json")
            #expect(first.code == 0, first.account)
            let report = try View(json: first.output)
            #expect(report.totals == .init(futures: 6, passed: 6, failed: 0, inconclusive: 0, broken: 0))
            #expect(report.futures.map(\.number) == Array(1...6) && report.futures.map(\.seed) == Array(1...6))
            let trip = try #require(report.distribution("workload", "round_trip"))
            #expect(trip.outages == 6 && trip.unended == 0 && trip.outcome == "pass")
            let (least, most) = (try #require(trip.leastNanoseconds), try #require(trip.mostNanoseconds))
            // Another moment and another chance make for another outage, each within the window.
            #expect(most - least > 1_000_000_000, first.account)
            let (earliest, latest) = (try #require(trip.earliestNanoseconds), try #require(trip.latestNanoseconds))
            #expect(most > earliest && least < latest)
            #expect(report.distribution("backup-inside", "round_trip")?.outages == 0)

            // What is kept is there, and nothing else of the futures.
            let names = try FileManager.default.contentsOfDirectory(atPath: place.string)
            #expect(Set(names.filter { $0.hasPrefix("future-") }) == Set(report.kept.map { "future-\($0.future)" }))
            let longest = try #require(trip.longestFuture)
            let kept = try #require(report.kept.first { $0.future == longest })
            #expect(kept.reasons.contains { $0.hasPrefix("longest of ") && $0.contains("workload (") })
            #expect(FileManager.default.fileExists(atPath: "\(kept.directory)/capture.pcapng"))

            let again = try await home.netlab.run(
                "explore", "aws-oci", "--fault", Self.cut, "--future", "\(longest)", "--format", "json")
            #expect(again.code == 0, again.account)
            let replay = try View(json: again.output)
            let (one, other) = (
                try #require(report.futures.first { $0.number == longest }), try #require(replay.futures.first)
            )
            #expect(
                replay.futures.count == 1 && other.seed == one.seed && other.delaysNanoseconds == one.delaysNanoseconds)
            #expect(one.outages.map(\.name) == other.outages.map(\.name))
            for (first, second) in zip(one.outages, other.outages) {
                // BIRD sleeps whole milliseconds, so that a packet more or less may be lost at either end (see SeedTests).
                #expect(abs(first.lost - second.lost) <= 2, "\(first) \(second)")
                #expect(abs(first.faultNanoseconds - second.faultNanoseconds) < 5_000_000, "\(first) \(second)")
            }
            try await home.expectNothingLeft()
        }
    }

    @Test func `Two faults do together what neither does alone`() async throws {
        try await LabHome.with(labs: 2) { home in
            let result = try await home.netlab.run(
                "explore", "aws-oci", "--pairs", "--fault", Self.cut, "--fault", "blackhole aws-internet", "--futures",
                "1", "--jobs", "2", "--format", "json")
            #expect(result.code == 0, result.account)
            let report = try View(json: result.output)
            #expect(
                report.courses == [
                    [[Self.cut], ["blackhole aws-internet"]], [["blackhole aws-internet"], [Self.cut]],
                ])
            for before in [Self.cut, "blackhole aws-internet"] {
                let both = report.distributions.filter { $0.before == [[before]] && $0.direction == "round_trip" }
                let workload = try #require(both.first { $0.flow == "workload" }, result.account)
                #expect(workload.isOnlyTogether == true && workload.predicted == "until it is mended")
                #expect(workload.outages == 1 && workload.unended == 1 && workload.outcome == "pass")
            }
            // The backup's own probe is out by the one fault alone, and then nothing can be asked of it.
            let inside = report.distributions.filter { $0.flow == "backup-inside" && $0.direction == "round_trip" }
            #expect(inside.allSatisfy { $0.isOnlyTogether != true })
            #expect(!inside.contains { $0.before == [["blackhole aws-internet"]] })
            try await home.expectNothingLeft()
        }
    }

    @Test(arguments: [
        (["explore", "aws-oci"], "Name a fault with --fault"),
        (["explore", "aws-oci", "--fault", "blackhole nowhere"], "There is no \"nowhere\""),
        (["explore", "aws-oci", "--pairs", "--fault", cut], "--pairs takes two faults"),
        (["explore", "aws-oci", "--fault", cut, "--fault", cut], "Name each fault once"),
        (["explore", "aws-oci", "--fault", "blackhole  aws-vpn-1", "--fault", cut], "Two of the faults are the same"),
        (["explore", "aws-oci", "--fault", cut, "--futures", "0"], "--futures is 1 to 100000"),
        (["explore", "aws-oci", "--fault", cut, "--future", "0"], "--future is 1 to 10000000"),
        (["explore", "aws-oci", "--fault", cut, "--over", "2d"], "--over is a time from 1ms to 24h"),
        (["explore", "aws-oci", "--fault", cut, "--interval", "soon"], "\"soon\" is not a time"),
    ])
    func `What cannot be explored is refused`(arguments: [String], message: String) async throws {
        let netlab = Netlab(environment: ["NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1"])
        let result = try await netlab.execute(Netlab.program, arguments)
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(message), result.account)
    }

    /// What `netlab explore --format json` says. Spelled out here, not imported: scripts rely on these names.
    private struct View: Decodable {
        struct Totals: Decodable, Equatable { let futures, passed, failed, inconclusive, broken: Int }
        struct Distribution: Decodable {
            let flow, direction: String
            let before: [[String]]
            let flows, outages, unended: Int
            let leastNanoseconds, mostNanoseconds, earliestNanoseconds, latestNanoseconds: Int64?
            let longestFuture: Int?
            let isOnlyTogether: Bool?
            let predicted, outcome: String?
        }
        struct Future: Decodable {
            let number, seed: Int
            let delaysNanoseconds: [Int64]
            let outages: [Outage]
        }
        struct Outage: Decodable {
            let flow, direction: String
            let group, lost: Int
            let faultNanoseconds: Int64
            var name: String { "\(flow) \(direction) \(group)" }
        }
        struct Kept: Decodable {
            let future: Int
            let directory: String
            let reasons: [String]
        }

        let courses: [[[String]]]
        let totals: Totals
        let distributions: [Distribution]
        let futures: [Future]
        let kept: [Kept]

        init(json: String) throws {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(Self.self, from: Data(json.utf8))
        }

        func distribution(_ flow: String, _ direction: String) -> Distribution? {
            distributions.first { $0.flow == flow && $0.direction == direction }
        }
    }
}
