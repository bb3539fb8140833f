import Foundation
import SystemPackage
import Testing

/// A lab that `netlab new` has made, from its first line to its failures: nothing of it is written by hand.
@Suite(.timeLimit(.minutes(30)))
struct DerivedLabTests {
    /// - Returns: The new lab's directory.
    private func make(_ name: String, in home: LabHome, _ arguments: [String]) async throws -> String {
        let directory = home.path.appending(name).string
        let result = try await home.netlab.execute(Netlab.program, ["new", directory] + arguments)
        try #require(result.code == 0, result.account)
        return directory
    }

    private func check(_ lab: String, _ home: LabHome, _ arguments: String...) async throws -> Check {
        let result = try await home.netlab.execute(
            Netlab.program, ["check", lab] + arguments + ["--format", "json"])
        let report = try? StatusView.decoder.decode(CheckView.self, from: Data(result.output.utf8))
        return Check(result: result, report: try #require(report, result.account))
    }

    /// Valid, up, green by what follows from it; written down it means the same; and a way around the tunnels is found.
    @Test func `Two clouds, four tunnels, BGP`() async throws {
        try await LabHome.with { home in
            let netlab = home.netlab
            let lab = try await make("first", in: home, ["--between", "aws,azure", "--tunnels", "4", "--bgp"])
            let valid = try await netlab.succeed("validate", lab)
            #expect(valid.output.hasSuffix("first is valid: 5 nodes, 4 links, 4 tunnels, 4 BGP sessions, 2 probes.\n"))
            #expect(!valid.output.contains("warning"), valid.account)
            try await netlab.succeed("up", lab, "--clock", "paused")

            let derived = try await check("first", home)
            #expect(derived.code == 0, derived.account)
            let names = derived.report.names("pass")
            #expect(
                names.isSuperset(of: [
                    "workload-wire", "nothing-in-clear", "workload-ecmp", "workload-mtu", "workload-mss", "vpn-1-bgp",
                    "vpn-4-sa",
                ]), derived.account)
            #expect(derived.report.names("not_applicable") == ["workload-rate", "workload-back-rate"], derived.account)
            #expect(derived.report.verdicts.allSatisfy { $0.isDerived && !$0.rule.contains("lab.yaml") })

            // Any command takes the name of a lab that came from a path; only the path leads to it where it does not run.
            let table = try await netlab.succeed("predict", "first").output
            #expect(table.contains(/tunnel vpn-1 cut +workload, workload-back .* vpn-2, vpn-3, vpn-4\n/), "\(table)")
            #expect(table.split(separator: "\n").count <= 24, "\(table)")
            for verb in ["validate", "plan"] { try await netlab.succeed(verb, "first") }

            try await netlab.succeed("check", lab, "--write")
            try await netlab.succeed("validate", lab)
            let written = try await check("first", home)
            #expect(written.code == 0 && written.report.names("pass") == names, written.account)
            #expect(written.report.verdicts.allSatisfy { !$0.isDerived && $0.rule.contains("lab.yaml:") })
            let again = try await netlab.succeed("check", lab, "--write")
            #expect(again.output.contains("has all that follows from the lab"), again.account)

            // Around the tunnels in one direction: ping does not notice.
            let running = RunningLab(home: home, name: "first")
            try await running.change("aws-gw", "ip", "route", "add", "10.2.0.0/24", "via", "203.0.113.1")
            try await running.change("internet", "ip", "route", "add", "10.2.0.0/24", "via", "198.51.100.2")
            #expect(try await running.ping("10.2.0.10", from: "aws-host").isLossless)
            let broken = try await check("first", home, "--only", "encapsulation,confidentiality,ecmp,sa")
            #expect(broken.code == 1, broken.account)
            #expect(
                broken.report.names("fail").isSuperset(of: ["workload-wire", "nothing-in-clear", "workload-ecmp"]),
                broken.account)
            #expect(broken.report.names("pass") == ["vpn-1-sa", "vpn-2-sa", "vpn-3-sa", "vpn-4-sa"], broken.account)
        }
    }

    /// All that may break, predicted and measured, in one table.
    @Test func `A site, two tunnels, static routes`() async throws {
        try await LabHome.with(labs: 2) { home in
            let lab = try await make("branch", in: home, ["--between", "aws", "--site"])
            let result = try await home.netlab.run("test", lab)
            #expect(result.code == 0, result.account)
            #expect(
                result.output.contains(/✓ +tunnel vpn-1 cut +workload.* [0-9]+ of 24 flows +vpn-2\n/), result.account)
            #expect(result.output.contains(/✓ +gateway aws-gw down +workload.*until mended \+/), result.account)
            #expect(result.output.contains("\n6 passed\n"), result.account)

            try await home.netlab.succeed("test", lab, "--write")
            let valid = try await home.netlab.succeed("validate", lab)
            #expect(valid.output.contains("6 scenarios"), valid.account)
            let one = try await home.netlab.succeed("test", lab, "--scenario", "vpn-2-cut", "--format", "json").output
            let report = try StatusView.decoder.decode(DerivedTestView.self, from: Data(one.utf8))
            #expect(report.outcome == "pass" && report.runs.map(\.isDerived) == [false] && report.breakages.isEmpty)
        }
    }

    @Test func `By policies alone`() async throws {
        try await LabHome.with { home in
            let lab = try await make("old", in: home, ["--between", "oci", "--site", "--policy-based"])
            let checked = try await check(lab, home, "--kernel", "lab")
            #expect(checked.code == 0, checked.account)
            #expect(
                checked.report.names("pass").isSuperset(of: [
                    "vpn-1-wire", "workload-path", "workload-rate", "vpn-1-sa",
                ]),
                checked.account)
        }
    }

    /// What a lab lacks is said before anything is built, and not after 30 s.
    @Test func `What is missing`() async throws {
        try await LabHome.with { home in
            let lab = try home.copy(of: "interface-kinds", as: "lacking") {
                $0.replacing(
                    "hq-gw: {cloud: hq, role: router, routes: {0.0.0.0/0: 203.0.113.1}}",
                    with: "hq-gw: {cloud: hq, role: router}")
            }
            for command in [["validate", lab], ["up", lab], ["test", lab]] {
                let result = try await home.netlab.execute(Netlab.program, command)
                #expect(result.code == 2, result.account)
                let text = result.output + result.error
                #expect(
                    text.contains("tunnels.office: hq-gw does not reach the other end at 198.51.100.2"), result.account)
            }
            // Nothing to hold it against follows from two nodes and a wire but their probe.
            let pair = try home.writePair()
            let none = try await home.netlab.run("test", pair)
            #expect(none.code == 2 && none.error.contains("it has no tunnels or sessions"), none.account)
        }
    }

    @Test func `Nothing is written over, and nobody is asked without a terminal`() async throws {
        try await LabHome.with { home in
            let lab = try await make("twice", in: home, ["--between", "aws", "--site"])
            let before = Host.contents("\(lab)/lab.yaml")
            let again = try await home.netlab.run("new", lab, "--between", "oci", "--site")
            #expect(again.code == 2 && again.error.contains("is there already"), again.account)
            #expect(Host.contents("\(lab)/lab.yaml") == before)
            let silent = try await home.netlab.run("new", "\(home.path)/other")
            #expect(silent.code == 2 && silent.error.contains("--between aws,azure"), silent.account)
            let unknown = try await home.netlab.run("new", "\(home.path)/other", "--between", "aws,azur")
            #expect(unknown.code == 2 && unknown.error.contains(#"Did you mean "azure"?"#), unknown.account)
        }
    }
}

/// What `netlab test --format json` says of derived scenarios. Spelled out here: scripts rely on these names.
private struct DerivedTestView: Decodable {
    struct Run: Decodable {
        let isDerived: Bool
    }

    struct Breakage: Decodable {
        let breaks: String
        let probes: [String]
        let predicted: String
        let measured: String?
        let instead: [String]
    }

    let outcome: String
    let runs: [Run]
    let breakages: [Breakage]
}
