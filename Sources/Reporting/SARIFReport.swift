import FoundationEssentials
import LabModel

/// What is wrong with a lab file as code scanning reads it (SARIF 2.1.0, OASIS): a result for each diagnostic, at its line.
///
/// A rule of a provider is a rule here, with the page that it is from; what is wrong by itself is of the rule `lab-file`. What a lab accepts on
/// purpose is a result that is suppressed in the source, with its reason.
public struct SARIFReport: Sendable {
    private let diagnostics: [LabFileDiagnostic]
    private let release: String
    private let directory: String

    /// - Parameters:
    ///   - release: The program's own.
    ///   - directory: Where the command was called: files below it are named from there, as code scanning wants them.
    public init(_ diagnostics: [LabFileDiagnostic], release: String, directory: String) {
        self.diagnostics = diagnostics
        self.release = release
        self.directory = directory
    }

    private static let ownRule = "lab-file"

    // MARK: The format's own names (SARIF 2.1.0, section 3)

    private struct Log: Encodable {
        let version = "2.1.0"
        let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
        let runs: [Run]

        enum CodingKeys: String, CodingKey {
            case version, runs
            case schema = "$schema"
        }
    }
    private struct Run: Encodable {
        struct Tool: Encodable { let driver: Driver }
        struct Driver: Encodable {
            let name = "netlab"
            let version: String
            let rules: [Rule]
        }
        let tool: Tool
        let results: [Result]
    }
    private struct Message: Encodable { let text: String }
    private struct Rule: Encodable {
        let id: String
        let shortDescription: Message
        let helpUri: String?
    }
    private struct Result: Encodable {
        struct Location: Encodable { let physicalLocation: Place }
        struct Place: Encodable {
            let artifactLocation: File
            let region: Region?
        }
        struct File: Encodable { let uri: String }
        struct Region: Encodable { let startLine: Int }
        struct Suppression: Encodable {
            let kind = "inSource"
            let justification: String
        }
        let ruleId: String
        let level: String
        let message: Message
        let locations: [Location]
        let suppressions: [Suppression]?
    }

    /// The whole log, a value of JSON.
    public func text() throws -> String {
        var rules: [Rule] = []
        for rule in diagnostics.compactMap(\.rules.first) where !rules.contains(where: { $0.id == rule.id }) {
            rules.append(
                Rule(id: rule.id, shortDescription: Message(text: rule.source.title), helpUri: rule.source.url))
        }
        if diagnostics.contains(where: \.rules.isEmpty) {
            rules.append(
                Rule(id: Self.ownRule, shortDescription: Message(text: "A lab file that cannot work"), helpUri: nil))
        }
        let driver = Run.Driver(version: release, rules: rules.sorted { $0.id < $1.id })
        let log = Log(runs: [Run(tool: Run.Tool(driver: driver), results: diagnostics.map(result))])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(log), as: UTF8.self)
    }

    private func result(_ diagnostic: LabFileDiagnostic) -> Result {
        let place = Result.Place(
            artifactLocation: Result.File(uri: uri(of: diagnostic.file)),
            region: diagnostic.line.map { Result.Region(startLine: max(1, $0)) })
        return Result(
            ruleId: diagnostic.rules.first?.id ?? Self.ownRule, level: diagnostic.severity.rawValue,
            message: Message(text: "\(diagnostic.message)\n\(diagnostic.remedy)"),
            locations: [Result.Location(physicalLocation: place)],
            suppressions: diagnostic.accepted.map { [Result.Suppression(justification: $0)] })
    }

    /// A reference as RFC 3986 has it: from the directory for what is below it, else a whole path.
    private func uri(of file: String) -> String {
        let below = directory.hasSuffix("/") ? directory : directory + "/"
        var path = file.hasPrefix(below) ? String(file.dropFirst(below.count)) : file
        while path.hasPrefix("./") { path = String(path.dropFirst(2)) }
        let digits = Array("0123456789ABCDEF".utf8)
        let encoded = path.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        let text = String(decoding: encoded, as: UTF8.self)
        return text.hasPrefix("/") ? "file://\(text)" : text
    }
}
