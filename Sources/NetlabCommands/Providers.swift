import ArgumentParser
import CommandSupport
import LabModel
import Reporting

struct Providers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "providers",
        abstract: "Show what is known of clouds' providers: defaults and rules, with their sources.",
        discussion: """
            A lab names them as `clouds: {NAME: {provider: aws}}`, and `validate` holds its design against the rules of each. \
            A file of your own, providers/NAME.yaml beside a lab file, is used like those that come with netlab.
            """)

    @Argument(help: "A provider's name; all providers if left out.")
    var name: String?

    @Option(help: ArgumentHelp("Also look at the providers beside this lab's file.", valueName: "lab"))
    var lab: String?

    @OptionGroup var output: FormatOption

    func run() throws {
        let directory = try lab.map { try LabLocator.directory(of: LabLocator.file(for: $0)) }
        let locator = ProviderLocator(labDirectory: directory)
        let library = locator.library
        if let name {
            guard locator.names.contains(name) else {
                throw CommandError(
                    message: "There is no provider \"\(name)\".",
                    remedy: Suggestion.remedy(for: name, among: locator.names, noun: "providers"))
            }
            let report = ProviderReport(try library.provider(name))
            switch output.format {
            case .json: print(try JSONText.of(report))
            case .table: print(report.text(style: .standardOutput))
            }
        } else {
            let list = ProviderList(try locator.names.map { try library.provider($0) })
            switch output.format {
            case .json: print(try JSONText.of(list))
            case .table: print(list.text(style: .standardOutput))
            }
        }
    }
}
