import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import Reporting

struct Faults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Show what is broken in a running lab, or all that can be.",
        discussion: "Only faults that `fail` brought about: what was changed by hand in a node is not known here.")

    @OptionGroup var target: LabArgument

    @Flag(help: "List the forms that a fault can have instead.")
    var known = false

    @OptionGroup var output: FormatOption

    func run() async throws {
        if known {
            switch output.format {
            case .json: print(try JSONText.of(Fault.forms))
            case .table: print(Fault.forms.joined(separator: "\n"))
            }
            return
        }
        let lab = try LabLocator.runningLab(target.lab)
        let active = try await LabClient(lab).ask(ListFaults())
        try output.show(active, of: lab.name)
    }
}
