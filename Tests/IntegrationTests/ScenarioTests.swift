import Foundation
import SystemPackage
import Testing

/// `netlab test` and `netlab soak`: scenarios on fresh labs, judged by predictions, and what stays of them.
// Waiting for other labs counts, too.
@Suite(.timeLimit(.minutes(60)))
struct ScenarioTests {
    // MARK: What passes

    @Test func `The main tunnel is cut and everything happens as predicted`() async throws {
        try await LabHome.with { home in
            let place = home.path.appending("run-of-main-cut")
            let result = try await home.netlab.run(
                "test", "aws-oci", "--scenario", "main-cut", "--out", place.string, "--format", "json")
            #expect(result.code == 0, result.account)
            let report = try TestView(json: result.output)
            #expect(report.totals == .init(runs: 1, passed: 1, failed: 0, inconclusive: 0, broken: 0))
            let run = try #require(report.runs.first)
            for flow in ["workload", "workload-back"] {
                let judged = try #require(run.judgement(flow, "outage"))
                let (window, outage) = (try #require(judged.predicted?.window), try #require(judged.measured.first))
                // Measured finer than the window is wide, and within it.
                let atMost = try #require(outage.atMostNanoseconds)
                // Two intervals, give or take the microseconds by which requests are late.
                #expect((199_900_000...200_100_000).contains(atMost - outage.atLeastNanoseconds))
                #expect(outage.atLeastNanoseconds <= window.latestNanoseconds && atMost >= window.earliestNanoseconds)
                // Nobody can know within less than the keepalive's age, and hold time and loop are the most.
                #expect(window.earliestNanoseconds > 10_000_000_000 && window.latestNanoseconds < 34_000_000_000)
                #expect(run.judgement(flow, "comeback")?.outcome == "pass", result.account)
                #expect(run.flows.first { $0.name == flow }?.lost == outage.lost)
            }
            #expect(run.judgement("backup-inside", "outage")?.measured.isEmpty == true)
            #expect(run.checks.count >= 8 && run.checks.allSatisfy { $0.outcome == "pass" })
            #expect(run.claims.map(\.outcome) == ["pass"])
            try expectEvidence(of: "main-cut", in: place)
            try await home.expectNothingLeft()
        }
    }

    /// A run's directory has everything that tells what was tested and what came of it, and no secret.
    private func expectEvidence(of scenario: String, in place: FilePath) throws {
        let files = try FileManager.default.subpathsOfDirectory(atPath: place.string)
        let names = [
            "report.json", "junit.xml", "versions.json", "aws-oci/lab.yaml", "aws-oci/plan.txt",
            "aws-oci/oci-ipsec.conf", "aws-oci/\(scenario)/report.txt", "aws-oci/\(scenario)/capture.pcapng",
            "aws-oci/\(scenario)/check-1.pcapng", "aws-oci/\(scenario)/tgw.bird.log",
            "aws-oci/\(scenario)/drg.pluto.log",
        ]
        for name in names { #expect(files.contains(name), "\(name) is missing") }
        for name in files where !name.hasSuffix(".pcapng") {
            guard let text = try? String(contentsOfFile: place.appending(name).string, encoding: .utf8) else {
                continue
            }
            #expect(!text.contains(#/example-?preshared-?key/#), "\(name) has a pre-shared key in it")
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: place.string)
        #expect((attributes[.posixPermissions] as? Int) == 0o700)
        let story = try String(
            contentsOfFile: place.appending("aws-oci/\(scenario)/report.txt").string, encoding: .utf8)
        for words in ["Hold timer expired", "withdrawn", "first request through backup", "first answer"] {
            #expect(story.contains(words), "the timeline does not tell of: \(words)")
        }
    }

    @Test func `Checks that must fail do and outages without another way last until they are mended`() async throws {
        try await LabHome.with(labs: 2) { home in
            let result = try await home.netlab.run(
                "test", "aws-oci", "--scenario", "both-cut,source-destination-check", "--jobs", "2", "--format", "json")
            #expect(result.code == 0, result.account)
            let report = try TestView(json: result.output)
            let cut = try #require(report.runs.first { $0.scenario == "both-cut" })
            #expect(cut.judgement("workload", "outage")?.predicted?.effect == "until_healed")
            #expect(cut.judgement("workload", "outage")?.outcome == "pass", result.account)
            let checked = try #require(report.runs.first { $0.scenario == "source-destination-check" })
            let refused = try #require(
                checked.checks.first { $0.verdict.expectation == "libreswan-forwards" && !$0.mustHold })
            #expect(refused.outcome == "pass" && refused.verdict.outcome == "fail")
            let path = try #require(checked.checks.first { $0.verdict.expectation == "backup-path" && !$0.mustHold })
            #expect(path.verdict.seen.contains("chain source-destination-check"), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Commands

    private static let commands = """

        scenarios:
          good:
            timeline:
              - {at: 1s, exec: {at: left, run: [ping, -c, 1, -W, 1, 10.0.0.2]}}
              - {at: 2s, fail: link wire down, for: 10s}
              - {at: 3s, exec: {at: left, run: "ping -c 1 -W 1 10.0.0.2", exit: 2}}
              - {at: 4s, exec: {at: right, run: "sleep 3600 & echo started"}}
            lasts: 20s
          bad:
            timeline:
              - {at: 1s, exec: {at: left, run: "echo first; echo last words >&2; exit 3"}}
              - {at: 2s, exec: {at: right, run: "echo waits; sleep 3600", within: 5s}}
              - {at: 8s, exec: {at: left, run: [no-such-program]}}
              - {at: 9s, exec: {at: left, run: "true"}}
            lasts: 20s

        """

    /// Each ends as it must or fails the scenario with what it said last; what does not end is killed in the lab's time.
    @Test func `Commands are judged by their exit codes`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair(named: "commands")
            let pair = try String(contentsOfFile: lab, encoding: .utf8)
            try (pair + Self.commands).write(toFile: lab, atomically: true, encoding: .utf8)
            let good = try await home.netlab.run("test", lab, "--scenario", "good", "--format", "json")
            #expect(good.code == 0, good.account)
            #expect(try TestView(json: good.output).runs.first?.checks.map(\.outcome) == ["pass", "pass", "pass"])
            let bad = try await home.netlab.run("test", lab, "--scenario", "bad", "--format", "json")
            #expect(bad.code == 1, bad.account)
            let checks = try #require(try TestView(json: bad.output).runs.first).checks
            #expect(checks.map(\.outcome) == ["fail", "fail", "fail", "pass"], bad.account)
            let seen = checks.map(\.verdict.seen)
            try #require(seen.count == 4)
            #expect(seen[0] == "it ended with code 3; its last words: first | last words")
            #expect(seen[1] == "it had not ended after 5s, and was killed; its last words: waits")
            #expect(seen[2].hasPrefix("it ended with code 127; its last words: The program no-such-program"))
            try await home.expectNothingLeft()
        }
    }

    // MARK: What fails

    /// Both routers get a configuration of their own with a hold time that the lab file does not know of: the prediction goes by it,
    /// and what the scenario claims does not hold.
    @Test func `A hold time of one's own bird.conf is predicted and breaks what was claimed`() async throws {
        try await LabHome.with { home in
            let lab = try home.copy(of: "aws-oci", as: "slow-timers") { text in
                text.replacing(
                    "summary: Transit Gateway, AS 64512", with: "summary: Transit Gateway\n    bird: tgw.conf"
                )
                .replacing("summary: Dynamic Routing Gateway, AS 31898", with: "summary: DRG\n    bird: drg.conf")
                .replacing(
                    "    lasts: 200s\n    outage: {backup-inside: none}",
                    with: "    lasts: 200s\n    outage: {workload: 40s, backup-inside: none}", maxReplacements: 1)
            }
            let directory = FilePath(lab)
            try bird("tgw", 64512, "169.254.120.1", "10.2.0.0/16", peer: (31898, "169.254.120.2"), in: directory)
            try bird("drg", 31898, "169.254.120.2", "10.105.2.0/24", peer: (64512, "169.254.120.1"), in: directory)
            let result = try await home.netlab.run("test", lab, "--scenario", "main-cut", "--format", "json")
            #expect(result.code == 1, result.account)
            let run = try #require(try TestView(json: result.output).runs.first)
            let judged = try #require(run.judgement("workload", "outage"))
            #expect(judged.outcome == "pass", result.account)
            let window = try #require(judged.predicted?.window)
            // 75 s less a quarter, less a keepalive of 25 s; 75 s and a turn of BIRD's loop.
            #expect(
                window.earliestNanoseconds == 31_250_000_000
                    && (78_000_000_000...78_200_000_000).contains(window.latestNanoseconds))
            #expect(judged.measured.first.map { $0.atLeastNanoseconds > 40_000_000_000 } == true, result.account)
            #expect(run.claims.contains { $0.outcome == "fail" }, result.account)
            try await home.expectNothingLeft()
        }
    }

    private func bird(
        _ node: String, _ asn: Int, _ own: String, _ prefix: String, peer: (asn: Int, address: String),
        in directory: FilePath
    ) throws {
        let text = """
            log "/var/log/netlab/\(node).bird.log" all;
            timeformat log iso long ms;
            timeformat protocol iso long ms;
            router id \(own);
            debug protocols { states };
            protocol device { }
            protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
            protocol static { ipv4; route \(prefix) unreachable; }
            protocol bgp main {
                local \(own) as \(asn);
                neighbor \(peer.address) as \(peer.asn);
                interface "vpn1";
                direct;
                keepalive time 25;
                hold time 75;
                connect delay time 1;
                connect retry time 5;
                error wait time 1, 10;
                ipv4 { import all; export where source = RTS_STATIC; next hop self; };
            }

            """
        try text.write(toFile: directory.appending("\(node).conf").string, atomically: true, encoding: .utf8)
    }

    // MARK: What is wrong, and what is broken off

    @Test(
        arguments: [
            ("--scenario", "main-cutt", "main-cut"), ("--variant", "unclampt", "unclamped"),
        ])
    func `A name that is not there is said`(option: String, value: String, meant: String) async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.netlab.run("test", "aws-oci", option, value)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("\"\(meant)\""), result.account)
        }
    }

    /// A claim that follows from nothing: said with its line, by both, before anything is built.
    @Test func `A claim that contradicts the prediction is refused`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "optimist") { text in
                text.replacing(
                    "    lasts: 200s\n    outage: {backup-inside: none}",
                    with: "    lasts: 200s\n    outage: {workload: 5s}", maxReplacements: 1)
            }
            for verb in ["validate", "test"] {
                let result = try await home.netlab.run(verb, lab)
                #expect(result.code == 2, result.account)
                let said = result.output + result.error
                #expect(said.contains("scenarios.main-cut.outage: workload is out for 12.5s at least"), result.account)
                #expect(said.contains("lab.yaml:"), result.account)
            }
            #expect(try await home.netlab.run("list", "--format", "json").output.contains("\"up\"") == false)
        }
    }

    @Test func `A place with something in it is left alone`() async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.netlab.run("test", "aws-oci", "--out", home.path.string)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("not empty"), result.account)
        }
    }

    @Test func `Interrupted it keeps what there is and leaves no lab`() async throws {
        try await LabHome.with { home in
            let place = home.path.appending("broken-off")
            let result = try await home.netlab.follow(
                "test", "aws-oci", "--scenario", "main-bgp-shut,both-cut", "--jobs", "1", "--out", place.string,
                stream: .error
            ) { line, process in
                // Both-cut is the longer one, so it is the first.
                if line.contains("both-cut: pass") { Glibc.kill(process, SIGINT) }
            }
            #expect(result.code == 130, result.account)
            let report = try TestView(in: place)
            #expect(report.isPartial)
            #expect(report.runs.contains { $0.scenario == "both-cut" && !$0.isPartial })
            #expect(!report.runs.contains { $0.scenario == "main-bgp-shut" && !$0.isPartial })
            try await home.expectNothingLeft()
        }
    }

    // MARK: Soaks

    @Test func `Three hours of pings renew keys and leak nothing`() async throws {
        struct Report: Decodable {
            struct Line: Decodable {
                struct Flow: Decodable {
                    let name: String
                    let sent: Int
                    let lost: Int
                }
                let flow: Flow
            }
            struct Endurance: Decodable {
                struct Tunnel: Decodable {
                    let tunnel: String
                    let children: Int
                }
                struct Session: Decodable {
                    let session: String
                    let count: Int
                }
                struct Holding: Decodable {
                    let name: String
                    let last: Int64
                    let limit: Int64
                }
                let tunnels: [Tunnel]
                let sessions: [Session]
                let holdings: [Holding]
                let hasLeak: Bool?
            }
            let outcome: String
            let flows: [Line]
            let endurance: Endurance
        }
        try await LabHome.with { home in
            let place = home.path.appending("soak")
            let result = try await home.netlab.run(
                "soak", "aws-oci", "--for", "3h", "--ping-interval", "10s", "--out", place.string, "--format", "json")
            #expect(result.code == 0, result.account)
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let report = try decoder.decode(Report.self, from: Data(result.output.utf8))
            #expect(report.outcome == "pass")
            #expect(report.flows.map(\.flow.name) == ["workload", "backup-inside"])
            for line in report.flows { #expect(line.flow.sent == 1080 && line.flow.lost == 0) }
            // An hour's lifetime, renewed some time before: three times at least, and hardly more than five.
            for tunnel in report.endurance.tunnels { #expect((3...6).contains(tunnel.children), "\(tunnel)") }
            #expect(report.endurance.sessions.map(\.count) == [0])
            #expect(report.endurance.hasLeak == false)
            #expect(report.endurance.holdings.contains { $0.name == "tgw/pluto" && $0.last > 1_000_000 })
            let pings = try String(contentsOfFile: place.appending("pings.csv").string, encoding: .utf8)
            let lines = pings.split(separator: "\r\n").count
            // A head, and three hours' pings in both directions.
            #expect(lines == 361)
            try await home.expectNothingLeft()
        }
    }
}
