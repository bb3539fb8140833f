import ArgumentParser
import LabKernel
import LabModel
import Reporting

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the labs that run and the labs that could.")

    @OptionGroup var output: FormatOption

    struct Entry: Encodable {
        let name: String
        let state: String
        let title: String
        let source: String
        let supervisorPid: Int32?
        let kernelPid: Int32?
        let startedAt: Double?
    }

    func run() async throws {
        var entries: [Entry] = []
        for lab in try LabDirectory.all(LabLocator.directories) {
            switch lab.state() {
            case .running(let record):
                entries.append(entry(lab.name, "up", record))
            case .dead(let record):
                lab.cleanUp(record)
                entries.append(entry(lab.name, "died, cleaned up: \(record?.causeOfDeath ?? "never started")", record))
            case .absent:
                break
            }
        }
        for name in LabLocator.known where !entries.contains(where: { $0.name == name }) {
            entries.append(entry(name, "-", nil))
        }
        switch output.format {
        case .json: print(try JSONText.of(entries))
        case .table:
            print(
                Table(columns: ["LAB", "STATE", "WHAT"], rows: entries.map { [$0.name, $0.state, $0.title] }).text(
                    style: .standardOutput))
        }
    }

    private func entry(_ name: String, _ state: String, _ record: LabDirectory.Record?) -> Entry {
        let title = (try? LabLocator.resolve(record?.source ?? name, variant: record?.variant))?.topology.title ?? ""
        return Entry(
            name: name, state: state, title: title, source: record?.source ?? (try? LabLocator.file(for: name)) ?? "",
            supervisorPid: state == "up" ? record?.supervisor : nil, kernelPid: state == "up" ? record?.kernel : nil,
            startedAt: record?.startedAt)
    }
}
