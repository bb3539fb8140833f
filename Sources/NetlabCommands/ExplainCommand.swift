import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import NetworkTypes
import Reporting

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say how one probe goes through a running lab, and what decides at each step.",
        discussion: """
            Sends two echo requests, watches them at every interface, and asks each kernel on the way what it does with them: \
            reverse path filtering, forwarding, route, policy and association, MTU. Where no answer comes, it says where the packet \
            was last seen, and which kernel counted a dropped packet for which reason.

            Exit code 1 when no answer came. On a paused lab time runs as fast as it goes meanwhile.
            """)

    @OptionGroup var target: LabArgument

    @Argument(help: "A probe of the lab file.")
    var probe: String

    @Option(help: "How long to wait for an answer. (default: 700ms)", transform: Clock.duration)
    var timeout = Duration.milliseconds(700)

    @OptionGroup var output: FormatOption

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        guard let known = topology.probe(named: probe) else {
            throw CommandError(
                message: "The lab \"\(topology.name)\" has no probe \"\(probe)\".",
                remedy: Suggestion.remedy(for: probe, among: topology.probes.map(\.name), noun: "probes"))
        }
        let (result, wasInterrupted) = await Interruption.guarding {
            try await LabClient(lab).ask(Explain(known, patience: timeout))
        }
        if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
        let explanation = try result.get()
        switch output.format {
        case .json: print(try JSONText.of(explanation))
        case .table: print(ExplanationReport(explanation).text(style: .standardOutput))
        }
        if !explanation.isAnswered { throw ExitCode(ExitStatus.expectationFailed.rawValue) }
    }
}
