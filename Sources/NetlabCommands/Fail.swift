import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import NetworkTypes
import Reporting

struct Fail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail",
        abstract: "Break something in a running lab.",
        discussion: """
            netlab fail LAB link aws-vpn-1 down
            netlab fail LAB 'loss aws-vpn-1 30% from tgw' 'bgp main shut' --for 30s

            Words make one fault; an argument with a space in it is a fault of its own, and faults given together begin \
            at the same moment of the lab's clock. `heal` undoes a fault exactly, however many there are besides.

            Faults:

            \(Fault.forms.map { "  \($0)" }.joined(separator: "\n"))
            """)

    @OptionGroup var target: LabArgument

    @Argument(help: "What to break.")
    var fault: [String]

    @Option(
        name: .customLong("for"), help: "How long on the lab's clock, such as 30s; without it, until it is healed.",
        transform: Clock.duration)
    var duration: Duration?

    @OptionGroup var output: FormatOption

    func validate() throws {
        guard duration.map({ $0 > .zero }) ?? true else { throw ValidationError("A fault lasts longer than no time.") }
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        let faults = try FaultArguments.faults(fault, in: topology)
        let active = try await LabClient(lab).ask(CauseFaults(faults, for: duration))
        try output.show(active, of: lab.name)
    }
}

/// How faults are typed.
enum FaultArguments {
    /// An argument with white space in it is a fault; all others together are one.
    static func texts(_ arguments: [String]) -> [String] {
        let isWhole = { (argument: String) in argument.contains(where: \.isWhitespace) }
        let words = arguments.filter { !isWhole($0) }
        return (words.isEmpty ? [] : [words.joined(separator: " ")]) + arguments.filter(isWhole)
    }

    static func faults(_ arguments: [String], in topology: Topology) throws -> [Fault] {
        try texts(arguments).map { try Fault($0, in: topology) }
    }
}

extension FormatOption {
    func show(_ faults: [ActiveFault], of lab: String) throws {
        switch format {
        case .json: print(try JSONText.of(faults))
        case .table: print(FaultReport(faults, lab: lab).text(style: .standardOutput))
        }
    }
}
