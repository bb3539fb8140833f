import AgentProtocol
import ArgumentParser
import CommandSupport
import Glibc
import KernelBuilds
import LabModel
import Reporting

/// `netlab`: the command line.
struct NetlabCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "netlab",
        abstract: "A packet-level lab for multi-cloud VPNs: real tunnels, real daemons, virtual time, no root.",
        discussion: """
            Exit codes: 0 all well; 1 an expectation failed; 2 the lab file or the command line is wrong; 3 this machine \
            lacks something; 4 the lab broke or is not up; 5 inconclusive; 130 interrupted. exec, \
            shell and kernel run pass on the code of what they run.
            """,
        version: ProtocolVersion.current.release,
        // Each has its name written down: to find out a type's name takes longer than all else that reads a command line.
        groupedSubcommands: [
            CommandGroup(
                name: "Labs",
                subcommands: [Up.self, Down.self, List.self, Status.self, Watch.self, Serve.self, Clock.self]),
            CommandGroup(name: "Inside a lab", subcommands: [Exec.self, Shell.self, Logs.self]),
            CommandGroup(name: "Breaking things", subcommands: [Fail.self, Heal.self, Faults.self]),
            CommandGroup(
                name: "Scenarios", subcommands: [TestCommand.self, Merge.self, Explore.self, Soak.self, Predict.self]),
            CommandGroup(
                name: "Evidence",
                subcommands: [
                    Check.self, Capture.self, Packets.self, ProbeCommand.self, ExplainCommand.self,
                    WiresharkCommand.self,
                ]),
            CommandGroup(
                name: "Before a lab",
                subcommands: [
                    New.self, Import.self, Validate.self, Diff.self, Graph.self, Providers.self, PlanCommand.self,
                    MTUCommand.self,
                ]),
            CommandGroup(name: "This machine", subcommands: [DoctorCommand.self, Gc.self, Kernel.self]),
        ])

    /// Parses the command line, runs what it says, and ends the process with the documented exit code.
    static func runAndExit() async -> Never {
        do {
            Completion.commands.withLock { $0 = verbs }
            if let script = CompletionScript.forBash(arguments: CommandLine.arguments) {
                print(script)
                Glibc.exit(0)
            }
            try rejectUnknownVerb()
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Glibc.exit(0)
        } catch {
            Glibc.exit(report(error))
        }
    }

    private static var verbs: [any ParsableCommand.Type] { configuration.groupedSubcommands.flatMap(\.subcommands) }

    /// A mistyped verb deserves a better answer than "unexpected argument".
    private static func rejectUnknownVerb() throws {
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), word != "help" else { return }
        let verbs = verbs.map { $0._commandName }
        guard !verbs.contains(word) else { return }
        let habit = habits[word].map { "Try: netlab \($0). " } ?? ""
        throw CommandError(
            message: "There is no command \"\(word)\".",
            remedy: habit + Suggestion.remedy(for: word, among: verbs, noun: "commands"))
    }

    /// What other lab tools, and the parts of netlab's own commands, have people type, and what does it here.
    private static let habits: [String: String] = [
        "deploy": "up LAB", "start": "up LAB", "create": "up LAB", "run": "up LAB",
        "destroy": "down LAB", "stop": "down LAB", "delete": "down LAB", "cleanup": "gc",
        "inspect": "status LAB", "ls": "list", "ps": "list", "init": "new",
        "ssh": "shell LAB NODE", "connect": "shell LAB NODE", "ping": "probe LAB ping FROM TO",
        "tcpdump": "capture LAB",
        "advance": "clock LAB advance 1h", "pause": "clock LAB pause", "resume": "clock LAB resume",
        "until": "clock LAB until CONDITION", "break": "fail LAB FAULT", "mend": "heal LAB", "version": "--version",
    ]

    /// Says what went wrong, on standard error, and which exit code that is.
    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let code as ExitCode:
            return code.rawValue
        case let error as LabFileError:
            complain(error.description)
            return ExitStatus.wrongInput.rawValue
        case let error as CommandError:
            complain("netlab: \(error.description)")
            return error.status.rawValue
        case let error as ConditionError:
            complain("netlab: \(error.description)")
            return ExitStatus.wrongInput.rawValue
        case let error as FaultError:
            complain("netlab: \(error.description)")
            return ExitStatus.wrongInput.rawValue
        case let error as SetupError:
            complain("netlab: \(error.description)")
            return ExitStatus.machineLacks.rawValue
        case let error as LabFailure:
            complain("netlab: \(error.description)")
            return ExitStatus.code(of: error)
        default:
            let code = exitCode(for: error)
            if code == .success {
                print(fullMessage(for: error))
                return 0
            }
            complain(fullMessage(for: error))
            return code == .validationFailure ? ExitStatus.wrongInput.rawValue : ExitStatus.labBroke.rawValue
        }
    }

    private static func complain(_ text: String) {
        StandardStream.error.write(text + "\n")
    }
}
