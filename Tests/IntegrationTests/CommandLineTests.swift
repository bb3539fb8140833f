import Foundation
import Testing

/// What can be typed without a lab being up.
@Suite(.timeLimit(.minutes(60)))
struct CommandLineTests {
    static let verbs = [
        "up", "down", "list", "status", "watch", "serve", "clock", "exec", "shell", "logs", "fail", "heal", "faults",
        "test",
        "merge", "explore", "soak",
        "predict", "check", "capture", "packets", "probe", "explain", "wireshark", "new", "import", "validate", "diff",
        "graph",
        "providers", "plan", "mtu", "doctor", "gc", "kernel",
    ]

    let netlab = Netlab(environment: ["NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1"])

    // MARK: Help

    @Test func `Help names every verb`() async throws {
        let help = try await netlab.succeed("--help").output
        let sections = try #require(help.firstRange(of: "SUBCOMMANDS:"))
        let named = help[sections.upperBound...].matches(of: #/(?m)^  ([a-z]+)  /#).map { String($0.1) }
        #expect(named == Self.verbs, "\(help)")
    }

    @Test(arguments: verbs) func `Every verb has help`(verb: String) async throws {
        let help = try await netlab.succeed(verb, "--help").output
        #expect(help.hasPrefix("OVERVIEW: "), "\(help)")
        #expect(help.contains("USAGE: netlab \(verb)"), "\(help)")
    }

    /// The table of the documents has the exit codes that the help names, and no others.
    @Test func `The documents have the exit codes`() async throws {
        let help = try await netlab.succeed("--help").output.replacing(#/\s+/#, with: " ")
        let sentence = try #require(help.firstMatch(of: #/Exit codes: (.*?) exec, shell/#)?.1)
        let told = sentence.matches(of: #/(?:^|; )(\d+) /#).map { String($0.1) }
        #expect(told == ["0", "1", "2", "3", "4", "5", "130"], "\(sentence)")
        let page = Host.contents("\(Netlab.checkout)/Sources/netlab/netlab.docc/ExitCodes.md")
        let table = try #require(page.firstMatch(of: #/\| Exit code \| Means \|\n\|---\|---\|\n((?:\|.*\n)+)/#)?.1)
        #expect(table.matches(of: #/(?m)^\| (\d+) \|/#).map { String($0.1) } == told, "\(table)")
    }

    @Test func `A mistyped verb gets a suggestion`() async throws {
        let result = try await netlab.run("statsu", "aws-oci")
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(#"Did you mean "status"?"#), result.account)
    }

    /// Each word leads to a command that there is.
    @Test(arguments: [("deploy", "up LAB"), ("advance", "clock LAB advance 1h"), ("version", "--version")])
    func `A word of another tool's, or of a part of a command, leads to what does it here`(
        word: String, command: String
    ) async throws {
        let result = try await netlab.run(word, "aws-oci")
        #expect(result.code == 2, result.account)
        #expect(result.error.contains("Try: netlab \(command). "), result.account)
    }

    @Test(arguments: [["up"], ["up", "aws-oci", "--clock", "backwards"], ["exec", "aws-oci", "tgw"], ["down"]])
    func `An incomplete command is refused`(arguments: [String]) async throws {
        let result = try await netlab.execute(Netlab.program, arguments)
        #expect(result.code == 2, result.account)
        #expect(!result.error.isEmpty)
    }

    // MARK: Labs

    @Test(arguments: ["up", "validate", "plan"]) func `An unknown lab gets a suggestion`(verb: String) async throws {
        let result = try await netlab.run(verb, "aws-oic")
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(#"There is no lab "aws-oic""#), result.account)
        #expect(result.error.contains(#"Did you mean "aws-oci"?"#), result.account)
    }

    @Test(arguments: ["status", "clock", "down", "check", "capture"])
    func `A lab that is not up says how to bring it up`(
        verb: String
    ) async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.netlab.run(verb, "aws-oci")
            #expect(result.code == 4, result.account)
            #expect(result.error.contains("not up"), result.account)
            #expect(result.error.contains("netlab up aws-oci"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `The lab that comes with it is valid`() async throws {
        let result = try await netlab.succeed("validate", "aws-oci")
        #expect(result.output.contains("aws-oci is valid"), result.account)
    }

    /// Every mistake at once, each with its line; nothing is started.
    @Test func `An invalid lab file is refused with line numbers`() async throws {
        try await LabHome.with(labs: 0) { home in
            let mistakes = [
                ("role: instance", "rolle: instance"), ("group: 20", "group: 99"),
                ("vpc2:igw: 10.3.0.1/30", "nobody:igw: 10.3.0.1/30"),
            ]
            let lab = try home.copy(of: "aws-oci", as: "wrong") { text in
                mistakes.reduce(text) { $0.replacing($1.0, with: $1.1, maxReplacements: 1) }
            }
            let lines = Host.contents("\(lab)/lab.yaml").split(separator: "\n", omittingEmptySubsequences: false)
            let numbers = try mistakes.map { mistake in
                try #require(lines.firstIndex { $0.contains(mistake.1) }) + 1
            }
            for verb in ["validate", "up"] {
                let result = try await home.netlab.run(verb, lab)
                #expect(result.code == 2, result.account)
                for number in numbers {
                    #expect(
                        (result.output + result.error).contains("lab.yaml:\(number): error: "),
                        "line \(number): \(result.account)")
                }
            }
            try await home.expectNothingLeft()
        }
    }

    @Test func `What is wrong is told to code scanning, with the same code`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "wrong") {
                $0.replacing("role: instance", with: "rolle: instance")
            }
            let result = try await home.netlab.run("validate", lab, "--format", "sarif")
            #expect(result.code == 2, result.account)
            #expect(result.error == "", result.account)
            #expect(result.output.contains("\"version\" : \"2.1.0\""), result.account)
            #expect(result.output.contains("\"uri\" : \"file://\(lab)/lab.yaml\""), result.account)
            #expect(result.output.contains("unknown key \\\"rolle\\\""), result.account)
        }
    }

    @Test func `Broken YAML is refused with its line`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "broken") { $0 + "\nprobes: [\n" }
            let result = try await home.netlab.run("up", lab)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains(#/lab\.yaml:\d+: error: /#), result.account)
            try await home.expectNothingLeft()
        }
    }
}
