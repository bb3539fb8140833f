import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import Reporting

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the labs that run and the labs that could.",
        discussion: """
            With labs named, those alone. As JSON each has the names of its scenarios and variants, from which a CI system \
            makes a matrix of jobs.
            """)

    @Argument(help: "Labs' names, or paths of lab files or their directories. (default: all that are known)")
    var labs: [String] = []

    @OptionGroup var output: FormatOption

    struct Entry: Encodable {
        let name: String
        let state: String
        let title: String
        let source: String
        let scenarios: [String]
        let variants: [String]
        let supervisorPid: Int32?
        let kernelPid: Int32?
        let startedAt: Double?

        init(_ name: String, _ state: State, _ topology: Topology?, source: String) {
            self.name = name
            self.state = state.text
            title = topology?.title ?? ""
            self.source = source
            scenarios = topology?.scenarioNames.map(\.name) ?? []
            variants = topology?.variants.map(\.name) ?? []
            supervisorPid = state.running?.supervisor
            kernelPid = state.running?.kernel
            startedAt = state.record?.startedAt
        }
    }

    func run() async throws {
        let entries = try labs.isEmpty ? known() : named()
        switch output.format {
        case .json: print(try JSONText.of(entries))
        case .table:
            let rows = entries.map { [$0.name, $0.state, "\($0.scenarios.count)", $0.title] }
            print(Table(columns: ["LAB", "STATE", "SCENARIOS", "WHAT"], rows: rows).text(style: .standardOutput))
        }
    }

    /// Labs that run or have died, and those that come with netlab.
    private func known() throws -> [Entry] {
        var entries: [Entry] = []
        for lab in try LabDirectory.all(LabLocator.directories) {
            let state = State(of: lab)
            if case .absent = state { continue }
            let known = state.record.flatMap { $0.source.isEmpty ? nil : $0.source }
            let source = known ?? (try? LabLocator.file(for: lab.name)) ?? ""
            let topology = try? LabLocator.resolve(known ?? lab.name, variant: state.record?.variant)
            entries.append(Entry(lab.name, state, topology?.topology, source: source))
        }
        for name in LabLocator.known where !entries.contains(where: { $0.name == name }) {
            let source = try LabLocator.file(for: name)
            entries.append(Entry(name, .absent, try? LabLocator.resolve(name).topology, source: source))
        }
        return entries
    }

    private func named() throws -> [Entry] {
        try labs.map { argument in
            let (topology, file) = try LabLocator.topology(for: argument)
            let lab = try LabDirectory(name: topology.name, directories: LabLocator.directories)
            return Entry(topology.name, State(of: lab), topology, source: file)
        }
    }

    /// What there is of a lab at this moment.
    enum State {
        case starting(LabDirectory.Record)
        case up(LabDirectory.Record)
        case died(LabDirectory.Record?)
        case absent

        /// Looks, and removes what a lab that died has left.
        init(of lab: LabDirectory) {
            switch lab.state() {
            case .starting(let record): self = .starting(record)
            case .running(let record): self = .up(record)
            case .dead(let record):
                lab.cleanUp(record)
                self = .died(record)
            case .absent: self = .absent
            }
        }

        var record: LabDirectory.Record? {
            switch self {
            case .starting(let record), .up(let record): record
            case .died(let record): record
            case .absent: nil
            }
        }

        var running: LabDirectory.Record? {
            if case .up(let record) = self { record } else { nil }
        }

        var text: String {
            switch self {
            case .starting: "starting"
            case .up: "up"
            case .died(let record): "died, cleaned up: \(record?.causeOfDeath ?? "never started")"
            case .absent: "-"
            }
        }
    }
}
