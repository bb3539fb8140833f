import ConfigurationFormats
import DaemonProfiles
import Daemons
import FoundationEssentials
import LabFiles
import LabModel
import Subprocess
import SystemPackage

/// What daemons' own parsers have against users' files: spellings, settings and values that a daemon does not know.
///
/// Only files of nodes with this machine's daemons are asked about, and only where these are installed.
enum DaemonReaders {
    private struct Question: Hashable {
        let parser: DaemonParser
        let text: String
        let connection: String?
        /// What is said before the parser's words, and where in the lab file.
        let place: String
        let line: Int?
    }

    /// What is wrong with the files of some labs of one lab file, each thing once.
    static func problems(of topologies: [Topology], _ file: LabFile, path: String) async -> [LabFileDiagnostic] {
        var questions: [Question] = []
        for question in topologies.flatMap({ Self.questions($0, file) }) where !questions.contains(question) {
            questions.append(question)
        }
        return await questions.concurrentMap { question in
            await complaint(about: question).map { number, words in
                LabFileDiagnostic(
                    file: path, line: question.line,
                    message:
                        "\(question.place)\(number.map { ", line \($0)" } ?? ""): \(question.parser.product) does not take it: \(words)",
                    remedy: "Mend it; the words are \(question.parser.name)'s own.")
            }
        }.compactMap(\.self)
    }

    private static func questions(_ topology: Topology, _ file: LabFile) -> [Question] {
        let hosts = Set(topology.nodes.filter { $0.system == nil }.map(\.name))
        let keys = topology.tunnels.flatMap { tunnel in
            tunnel.ends.compactMap { end -> Question? in
                guard hosts.contains(end.node), case .own(let files) = end.configuration,
                    let parser = end.keyDaemon.parser
                else { return nil }
                return Question(
                    parser: parser, text: files.configuration, connection: end.connection,
                    place: "tunnels.\(tunnel.name): \(files.configurationName)",
                    line: file.line(of: tunnel.name, in: "tunnels"))
            }
        }
        let routes = topology.nodes.compactMap { node -> Question? in
            guard hosts.contains(node.name), let text = node.routingConfiguration,
                let parser = topology.routingDaemonProfile(of: node.name)?.parser
            else { return nil }
            return Question(
                parser: parser, text: text, connection: nil, place: "nodes.\(node.name): its own configuration of BGP",
                line: file.line(of: node.name, in: "nodes"))
        }
        return keys + routes
    }

    /// The first complaint, with its line in the user's file; nil for none, and where nothing can be asked.
    private static func complaint(about question: Question) async -> (line: Int?, words: String)? {
        let files = FileManager.default
        guard files.isExecutableFile(atPath: question.parser.program) else { return nil }
        let path = files.temporaryDirectory.appending(path: "netlab-\(UUID().uuidString).conf").path
        defer { try? files.removeItem(atPath: path) }
        guard files.createFile(atPath: path, contents: Data(question.text.utf8), attributes: [.posixPermissions: 0o600])
        else { return nil }
        let result = try? await Subprocess.run(
            .path(FilePath(question.parser.program)), arguments: Arguments(question.parser.arguments + [path]),
            output: .string(limit: 65536), error: .string(limit: 65536))
        guard let result else { return nil }
        let output = result.standardOutput + "\n" + result.standardError
        return question.parser.complaint(
            in: output, path: path, connection: question.connection,
            isRefused: !result.terminationStatus.isSuccess
        ).map {
            ($0.line.map { IncludedText.line($0, of: question.text) }, $0.words)
        }
    }
}
