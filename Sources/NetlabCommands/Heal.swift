import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import Reporting

struct Heal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heal",
        abstract: "Undo what `fail` broke.",
        discussion: """
            netlab heal LAB                          the only fault there is
            netlab heal LAB link aws-vpn-1 down      this one
            netlab heal LAB --all                    all of them

            Faults are written as for `fail`; `netlab faults LAB` lists those that are active.
            """)

    @OptionGroup var target: LabArgument

    @Argument(help: "Which fault; an argument with a space in it is one of its own.")
    var fault: [String] = []

    @Flag(help: "Every fault that is active.")
    var all = false

    @OptionGroup var output: FormatOption

    func validate() throws {
        guard fault.isEmpty || !all else { throw ValidationError("Name faults, or say --all, not both.") }
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        var faults: [Fault]?
        // `all` alone is a scenario's word for it, and no fault's.
        let isAll = all || fault == ["all"]
        if !fault.isEmpty, !isAll {
            faults = try FaultArguments.faults(fault, in: LabLocator.topology(of: lab).topology)
        } else if !isAll {
            let active = try await LabClient(lab).ask(ListFaults())
            faults = [try Self.only(of: active, lab: lab.name)]
        }
        let active = try await LabClient(lab).ask(HealFaults(faults))
        try output.show(active, of: lab.name)
    }

    private static func only(of active: [ActiveFault], lab: String) throws -> Fault {
        guard let first = active.first else {
            throw CommandError(
                message: "No fault is active in \(lab).", remedy: "netlab fail \(lab) FAULT brings one about.")
        }
        guard active.count == 1 else {
            let names = active.map { "\($0.fault)" }.joined(separator: "; ")
            throw CommandError(
                message: "\(active.count) faults are active in \(lab): \(names).",
                remedy: "Name the one to heal, or say --all.")
        }
        return first.fault
    }
}
