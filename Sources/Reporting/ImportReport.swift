import Imports
import LabModel

/// What came of an import: the files, what is to be known of them, and what the lab still lacks.
public struct ImportReport: Encodable, Sendable {
    private struct File: Encodable {
        let name: String
        let purpose: String
    }
    private struct Note: Encodable {
        let kind: ImportNote.Kind
        let text: String
    }

    private let lab: String
    private let directory: String
    private let tunnels: Int
    private let files: [File]
    private let notes: [Note]
    private let problems: [LabFileDiagnostic]

    /// - Parameter problems: What validation says of the lab file.
    public init(of made: LabImport, directory: String, lab: String, problems: [LabFileDiagnostic]) {
        self.lab = lab
        self.directory = directory
        tunnels = made.tunnels
        files = made.files.map { File(name: $0.name, purpose: $0.purpose) }
        notes = made.notes.map { Note(kind: $0.kind, text: $0.text) }
        self.problems = problems
    }

    /// For people: one list of everything, and what to do next.
    public var text: String {
        let others = files.count - 1
        var lines = [
            "\(directory)/lab.yaml has \(tunnels) tunnel\(tunnels == 1 ? "" : "s")"
                + (others == 0
                    ? "." : "; beside it \(others == 1 ? "is a file" : "are \(others) files") that only you can read.")
        ]
        for kind in ImportNote.Kind.allCases {
            let chosen = notes.filter { $0.kind == kind }
            if !chosen.isEmpty { lines += ["\(kind.heading):"] + chosen.map { "  - \($0.text)" } }
        }
        let isValid = !problems.contains { $0.severity == .error }
        if !problems.isEmpty {
            lines +=
                [isValid ? "Warnings of validation:" : "What keeps the lab from coming up:"]
                + problems.map(\.description)
        }
        let steps = isValid ? ["up \(directory)", "check \(lab)", "test \(lab)"] : ["validate \(directory)"]
        return (lines + ["Next:"] + steps.map { "  netlab \($0)" }).joined(separator: "\n")
    }
}
