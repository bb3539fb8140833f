import Foundation
import SystemPackage
import Testing

/// What is offered at a key, asked for as shells ask: bash by the script that the package installs, the others by what their scripts call.
@Suite(.timeLimit(.minutes(60)))
struct CompletionTests {
    private let netlab = Netlab(environment: ["NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1"])

    /// What bash's own completion of a line ends with: candidates that begin with its last word.
    private func bash(_ words: [String], by netlab: Netlab) async throws -> [String] {
        let text = """
            . <("$0" --generate-completion-script bash)
            COMP_WORDS=("$0" "$@") COMP_CWORD=$# COMP_LINE="$0 $*"
            COMP_POINT=${#COMP_LINE}
            _netlab "$0" "${@: -1}" "${COMP_WORDS[$# - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try await netlab.execute("/bin/bash", ["-c", text, Netlab.program.string] + words)
        #expect(result.code == 0 && result.error == "", result.account)
        return result.output.split(separator: "\n").map(String.init)
    }

    /// The answer to a shell's script, for the argument that stands at a place of a command.
    private func answer(
        _ shell: String, _ argument: String, _ words: [String], by netlab: Netlab
    ) async throws -> Netlab.Result {
        try await netlab.settingVariables(["SAP_SHELL": shell]).execute(
            Netlab.program,
            ["---completion", words[0], "--", argument, "\(words.count)", "\(words.last?.count ?? 0)", "netlab"] + words
        )
    }

    @Test(arguments: [
        (["up", "aws-o"], ["aws-oci"]), (["exec", "aws-oci", "tg"], ["tgw"]),
        (["test", "aws-oci", "--scenario", "main-cut,backup-c"], ["main-cut,backup-cut"]),
        (["check", "aws-oci", "--only", "main-on"], ["main-on-the-wire"]),
        (["graph", "aws-oci", "--variant", "unc"], ["unclamped"]),
        (["predict", "aws-oci", "--probe", "back"], ["backup-inside", "backup-routers"]),
        (["new", "--between", "aws,oc"], ["aws,oci"]), (["explain", "aws-oci", "workload-b"], ["workload-back"]),
        (["fail", "aws-oci", "link", "aws-v"], ["aws-vpn-1", "aws-vpn-2"]),
        (["fail", "aws-oci", "--for", "30s", "bgp", "main", "sh"], ["shut"]),
        (["clock", "aws-oci", "until", "tunnel", "main", "u"], ["up"]),
        (["predict", "aws-oci", "--fault", "blackhole aws-vpn-1 from t"], ["blackhole aws-vpn-1 from tgw"]),
        (["up", "nowher"], []), (["exec", "nowhere", "t"], []), (["status", "aws"], []),
    ]) func `bash is offered what a lab has`(words: [String], offered: [String]) async throws {
        try await LabHome.with(labs: 0) { home in
            let found = try await bash(words, by: home.netlab)
            #expect(found == offered)
        }
    }

    /// bash expands what it is offered as if it were typed (`compgen -W`).
    @Test func `A path is offered as it is, whatever is in it`() async throws {
        try await LabHome.with(labs: 0) { home in
            let directory = home.path.appending("a $(touch \(home.path)/made) 'b' \"c\" `x`")
            // Its name has slashes in it, so there are directories in it.
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
            _ = try home.writePair(named: "pair")
            let offered = try await bash(["validate", "\(home.path)/"], by: home.netlab)
            #expect(offered.contains("\(home.path)/pair.yaml"), "\(offered)")
            #expect(offered.contains("\(home.path)/a $(touch "), "\(offered)")
            #expect(access(home.path.appending("made").string, F_OK) != 0, "bash ran what a directory is called")
        }
    }

    /// What is replaced on the line is what is behind the last colon: bash has ended a word there.
    @Test(
        arguments: [
            ("capture aws-oci --on tgw:w", ["capture", "aws-oci", "--on", "tgw", ":", "w"], "w", ["wan1", "wan2"]),
            (
                "capture aws-oci --on drg,tgw:w", ["capture", "aws-oci", "--on", "drg,tgw", ":", "w"], "w",
                ["wan1", "wan2"]
            ),
            ("capture aws-oci --on vcn1-vm:", ["capture", "aws-oci", "--on", "vcn1-vm", ":"], "", ["ens3"]),
            (
                "capture aws-oci --on tgw:wan1,tg", ["capture", "aws-oci", "--on", "tgw", ":", "wan1,tg"], "wan1,tg",
                ["wan1,tgw"]
            ),
            ("capture aws-oci --on tg", ["capture", "aws-oci", "--on", "tg"], "tg", ["tgw"]),
            ("capture aws-oci --on nobody:w", ["capture", "aws-oci", "--on", "nobody", ":", "w"], "w", []),
            // A colon that stands alone joins nothing.
            ("exec aws-oci : tg", ["exec", "aws-oci", ":", "tg"], "tg", []),
        ] as [(String, [String], String, [String])]) func `bash is offered interfaces behind the colon`(
            line: String, words: [String], current: String, offered: [String]
        ) async throws
    {
        let text = """
            . <("$0" --generate-completion-script bash)
            complete -p netlab
            COMP_LINE="$0 $1" COMP_POINT=$((${#0} + 1 + ${#1})) current=$2
            shift 2
            COMP_WORDS=("$0" "$@") COMP_CWORD=$#
            _netlab_whole_words "$0" "$current" "${COMP_WORDS[$# - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try await netlab.execute(
            "/bin/bash", ["-c", text, Netlab.program.string, line, current] + words)
        #expect(result.code == 0 && result.error == "", result.account)
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.first == "complete -o filenames -F _netlab_whole_words netlab", result.account)
        #expect(Array(lines.dropFirst()) == offered, result.account)
    }

    @Test func `zsh and fish are told interfaces`() async throws {
        let words = ["capture", "aws-oci", "--on", "drg,tgw:w"]
        let fish = try await answer("fish", "--on", words, by: netlab)
        #expect(fish.output.split(separator: "\n").contains("drg,tgw:wan1"), fish.account)
        // A colon ends what zsh takes, and a last line keeps empty ones.
        let zsh = try await answer("zsh", "--on", words, by: netlab)
        #expect(
            zsh.output.split(separator: "\n").contains(#"drg,tgw\:wan1"#) && zsh.output.hasSuffix("\n \n"), zsh.account)
    }

    @Test func `A lab file that is wrong is no error here`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "broken") { $0 + "\nprobes: [\n" }
            let result = try await answer("fish", "--variant", ["graph", lab, "--variant", ""], by: home.netlab)
            #expect(result.code == 0 && result.output == "\n" && result.error == "", result.account)
        }
    }

    @Test func `heal is offered what is broken, of labs that are up`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            try await home.netlab.succeed("fail", "pair", "link", "wire", "down")
            try await home.netlab.succeed("fail", "pair", "delay", "wire", "20ms")
            #expect(try await bash(["heal", ""], by: home.netlab) == ["pair"])
            let first = try await answer("fish", "positional@1", ["heal", "pair", ""], by: home.netlab)
            #expect(first.output == "link\ndelay\n", first.account)
            #expect(try await bash(["heal", "pair", "delay", "wire", ""], by: home.netlab) == ["20ms"])
            #expect(
                try await bash(["fail", "pair", "blackhole", "wire", "from", ""], by: home.netlab) == ["left", "right"])
        }
    }
}
