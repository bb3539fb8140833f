import AgentProtocol
import ArgumentParser
import CommandSupport
import Glibc
import LabHost
import Reporting

struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command in a node, with its streams and exit code passed through.",
        discussion: "On a paused lab time runs as fast as it goes while the command does.")

    @OptionGroup var target: LabArgument

    @Argument(help: "The node's name.")
    var node: String

    @Argument(parsing: .postTerminator, help: "After --, the command and its arguments.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("Write the command after two hyphens: netlab exec LAB NODE -- ping 10.0.0.1")
        }
    }

    func run() async throws {
        try await RemoteProgram(lab: LabLocator.runningLab(target.lab), node: node, arguments: command).run()
    }
}

struct Shell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "Open a shell in a node.",
        discussion: "A paused clock follows the wall clock while the shell is open.")

    @OptionGroup var target: LabArgument

    @Argument(help: "The node's name.")
    var node: String

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        // A shell waits for its person: a clock that ran as fast as it goes would be years ahead at the second command.
        let clock = try await LabClient(lab).ask(ShowClock())
        if clock.mode == .paused {
            _ = try await LabClient(lab).ask(SetClock(.paced))
            StandardStream.error.write("netlab: the clock follows the wall clock until this shell is closed\n")
        }
        let ended: (any Error)?
        do {
            try await RemoteProgram(
                lab: lab, node: node, arguments: ["bash", "--norc", "-i"],
                environment: ["PS1": "\(node)# ", "HISTFILE": ""]
            ).run()
            ended = nil
        } catch {
            ended = error
        }
        if clock.mode == .paused { _ = try await LabClient(lab).ask(SetClock(.paused)) }
        if let ended { throw ended }
    }
}
