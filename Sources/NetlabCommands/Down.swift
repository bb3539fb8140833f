import ArgumentParser
import CommandSupport
import LabHost

struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Take a lab down; only its logs stay.")

    @Argument(help: "A running lab's name, or the path of its lab file.")
    var lab: String?

    @Flag(help: "Take all labs down.")
    var all = false

    func validate() throws {
        guard (lab != nil) != all else { throw ValidationError("Name one lab, or say --all.") }
    }

    func run() async throws {
        if all {
            for lab in try LabDirectory.all(LabLocator.directories) { try await end(lab) }
        } else if let name = lab {
            let directory = try LabDirectory(name: LabLocator.name(of: name), directories: LabLocator.directories)
            switch directory.state() {
            case .dead, .starting: try await end(directory)
            case .running, .absent: try await end(LabLocator.runningLab(name))
            }
        }
    }

    private func end(_ lab: LabDirectory) async throws {
        var death = ""
        if case .dead(let record) = lab.state() {
            death = "; it had died before: \(record?.causeOfDeath ?? "it was never started")"
        }
        try await LabLauncher.end(lab)
        print("\(lab.name) is down\(death).")
    }
}
