import LabModel
import NetworkTypes
import YAMLReading

/// Reads the command of a step: `exec: {at: NODE, run: COMMAND, exit: 0, within: 10s}`.
struct CommandReader {
    let value: YAMLValue
    let reader: ScenarioReader

    /// How long a command may take unless the file says otherwise, and at most.
    private static let usual = Duration.seconds(10)
    private static let longest = Duration.seconds(3600)

    /// Nil where it makes no sense, which is reported.
    func command() -> Scenario.Command? {
        guard let fields = value.fields(["at", "run", "exit", "within"]),
            let node = fields.required("at", "the node it is run in")?.text("a node's name"),
            let run = fields.required("run", "the command: a text for the shell, or a list of words")
        else { return nil }
        let name = reader.known(node, "nodes", reader.topology.nodes.map(\.name), path: value.path)
        let arguments = words(run)
        let exit = fields["exit"].map(code) ?? 0
        let limit = fields["within"].map(time) ?? Self.usual
        guard let name, let arguments, let exit, let limit else { return nil }
        return Scenario.Command(node: name, arguments: arguments, exit: exit, limit: limit)
    }

    private func words(_ value: YAMLValue) -> [String]? {
        guard value.node.sequence != nil else {
            guard let text = value.text("a command, or a list of its words")?.value else { return nil }
            guard text.contains(where: { !$0.isWhitespace }) else {
                value.wrong("a command, or a list of its words")
                return nil
            }
            return ["sh", "-c", text]
        }
        let words = value.members.compactMap { $0.text("a word of the command")?.value }
        guard words.count == value.members.count else { return nil }
        guard words.first.map({ !$0.isEmpty }) ?? false else {
            value.wrong("a command, or a list of its words")
            return nil
        }
        return words
    }

    private func code(_ value: YAMLValue) -> Int32? {
        guard let code = value.value(Int32.self, "an exit code from 0 to 255")?.value else { return nil }
        guard (0...255).contains(code) else {
            value.wrong("an exit code from 0 to 255")
            return nil
        }
        return code
    }

    private func time(_ value: YAMLValue) -> Duration? {
        guard let time = value.duration()?.value else { return nil }
        guard time > .zero, time <= Self.longest else {
            value.wrong("a time above zero and of at most 1h, such as 10s")
            return nil
        }
        return time
    }
}
