import ArgumentParser
import CommandSupport
import LabPlan
import Reporting

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show the steps that would build a lab, without building it.")

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption
    @OptionGroup var output: FormatOption

    @Flag(help: "Show the contents of the files and rules too; secrets stay hidden.")
    var contents = false

    private struct Line: Encodable {
        let stage: String
        let step: String
        let reversal: String?
    }

    func run() async throws {
        let (topology, _) = try LabLocator.topology(for: target.lab, variant: variant.variant)
        let plan = Plan(for: topology)
        switch output.format {
        case .json:
            print(
                try JSONText.of(
                    plan.steps.map {
                        Line(stage: $0.stage.rawValue, step: $0.description, reversal: $0.action.reversal?.description)
                    }))
        case .table: print(PlanReport(plan).text(withContents: contents))
        }
    }
}
