import AgentProtocol
import ArgumentParser
import LabKernel
import Reporting

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a running lab: tunnels, BGP sessions, the paths its traffic takes, interfaces.")

    @OptionGroup var target: LabArgument
    @OptionGroup var output: FormatOption

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        guard case .status(let status) = try await LabClient(lab).ask(.status) else { return }
        switch output.format {
        case .json: print(try JSONText.of(status))
        case .table: print(StatusReport(status).full(style: .standardOutput))
        }
    }
}
