import AgentProtocol
import ArgumentParser
import Completions
import Derivations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import LabModel
import Synchronization

/// What a shell is offered for a word of netlab's command line. What cannot be known is not offered; no error is said.
package enum Completion {
    /// The commands there are, which know what their options take; set once, before a command line is parsed.
    package static let commands = Mutex<[any ParsableCommand.Type]>([])

    // MARK: Kinds of words

    /// Labs' names and paths; only labs that are up, for commands that speak to one.
    package static let lab = offering(labs)
    package static let node = about { candidates, _ in candidates.nodes }
    package static let daemonLog = about { candidates, _ in
        candidates.nodes + candidates.daemons + ["supervisor", "console"]
    }
    package static let placeList = about { candidates, line in
        Candidates.list(beginning: line.beginning) { candidates.places(beginning: $0) }
    }
    package static let variant = about { candidates, _ in candidates.variants }
    package static let probe = about { candidates, _ in candidates.probes }
    package static let probeList = about { candidates, line in
        Candidates.list(beginning: line.beginning) { _ in candidates.probes }
    }
    package static let fault = about { candidates, line in
        candidates.faults(after: Array(line.arguments.dropFirst()), beginning: line.beginning)
    }
    package static let wholeFault = about { candidates, line in candidates.wholeFaults(beginning: line.beginning) }
    /// The lab and the verb come first.
    package static let condition = about { candidates, line in
        switch line.arguments.dropFirst().first {
        case "until": candidates.conditions(after: Array(line.arguments.dropFirst(2)), beginning: line.beginning)
        case "advance": ["10s", "1m", "1h", "24h"]
        default: []
        }
    }

    /// Those that are written, or else those that are derived.
    package static let expectationList = offering { line in
        var topology = try topology(of: line)
        if line.has("--derived") || topology.expectations.isEmpty { topology = Derivation(of: topology).topology }
        return Candidates.list(beginning: line.beginning) { _ in Candidates(topology).expectations }
    }

    /// Of all labs that are named, those that are written, or else those that are derived.
    package static let scenarioList = offering { line in
        let names = line.arguments.flatMap { lab -> [String] in
            guard let topology = try? LabLocator.resolve(lab).topology else { return [] }
            let written = Candidates(topology).scenarios
            return line.has("--derived") || written.isEmpty ? Breakage.all(of: topology).map(\.name) : written
        }
        return Candidates.list(beginning: line.beginning) { _ in names }
    }

    package static let provider = offering { _ in ProviderLocator(labDirectory: nil).names }
    package static let providerList = offering { line in
        Candidates.list(beginning: line.beginning) { _ in ProviderLocator(labDirectory: nil).names }
    }

    /// Those that are active, which the lab is asked for.
    package static let activeFault = CompletionKind.custom {
        (words: [String], index: Int, prefix: String) async -> [String] in
        let line = line(words, index, prefix)
        guard let lab = runningLabs.first(where: { $0.name == line.arguments.first }) else { return [] }
        let (answers, answer) = AsyncStream.makeStream(of: [String].self)
        Task {
            answer.yield((try? await LabClient(lab).ask(ListFaults()).map { "\($0.fault)" }) ?? [])
        }
        // Whoever has pressed the key does not wait for a lab that is busy.
        Task {
            try? await Task.sleep(for: .milliseconds(80))
            answer.finish()
        }
        let faults = await answers.first { _ in true } ?? []
        return asShellTakes(
            Candidates.words(of: faults, after: Array(line.arguments.dropFirst()), beginning: line.beginning))
    }

    // MARK: How they come about

    private static func offering(_ candidates: @escaping @Sendable (TypedLine) throws -> [String]) -> CompletionKind {
        .custom { words, index, prefix in
            asShellTakes((try? candidates(line(words, index, prefix))) ?? [])
        }
    }

    /// Of the lab that is the verb's first argument, in the variant that was typed or that runs.
    private static func about(_ candidates: @escaping @Sendable (Candidates, TypedLine) -> [String]) -> CompletionKind {
        offering { line in try candidates(Candidates(topology(of: line)), line) }
    }

    private static func line(_ words: [String], _ index: Int, _ prefix: String) -> TypedLine {
        let verb = words.dropFirst().first
        let command = commands.withLock(\.self).first { $0._commandName == verb }
        return TypedLine(
            words: words, index: index, prefix: prefix, optionsWithValue: command.map(optionsWithValue) ?? [],
            splitsAtSigns: CompletionShell.requesting == .bash)
    }

    /// Those of a command's options that the next word belongs to.
    private static func optionsWithValue(of command: any ParsableCommand.Type) -> Set<String> {
        struct Dump: Decodable {
            struct Command: Decodable { let arguments: [Argument]? }
            struct Argument: Decodable {
                let kind: String
                let names: [Name]?
            }
            struct Name: Decodable {
                let kind: String
                let name: String
            }
            let command: Command
        }
        let dump = try? JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8))
        let options = dump?.command.arguments?.filter { $0.kind == "option" } ?? []
        return Set(options.flatMap { $0.names ?? [] }.map { ($0.kind == "long" ? "--" : "-") + $0.name })
    }

    private static func topology(of line: TypedLine) throws -> Topology {
        guard let argument = line.arguments.first else { return try LabLocator.resolve("").topology }
        let variant = line.value(of: "--variant")
        if variant == nil, let lab = runningLabs.first(where: { $0.name == argument }) {
            return try LabLocator.topology(of: lab).topology
        }
        return try LabLocator.resolve(argument, variant: variant).topology
    }

    private static var runningLabs: [LabDirectory] {
        let all = (try? LabDirectory.all(LabLocator.directories)) ?? []
        // Those that a command has for itself are nobody else's.
        return all.filter { lab in
            guard LabDirectory.owner(ofLab: lab.name) == nil, case .running = lab.state() else { return false }
            return true
        }
    }

    /// The verbs that are about a lab that is up.
    private static let verbsOfRunningLabs: Set = [
        "down", "status", "watch", "clock", "exec", "shell", "fail", "heal", "faults", "capture", "probe", "explain",
    ]

    private static func labs(for line: TypedLine) -> [String] {
        let running = runningLabs.map(\.name)
        if verbsOfRunningLabs.contains(line.verb ?? "") { return running }
        let names = Set(LabLocator.known + running).sorted()
        let isPath = line.beginning.contains("/") || line.beginning.hasPrefix(".") || line.beginning.hasPrefix("~")
        if isPath { return paths(beginning: line.beginning, withAllDirectories: true) }
        let isKnown = names.contains { $0.hasPrefix(line.beginning) }
        return names + paths(beginning: line.beginning, withAllDirectories: !isKnown)
    }

    /// Lab files, and directories: those that have one, or all, through which the way may lead on.
    private static func paths(beginning: String, withAllDirectories: Bool) -> [String] {
        let head = beginning.lastIndex(of: "/").map { String(beginning[...$0]) } ?? ""
        let home = head.hasPrefix("~/") ? LabLocator.environment["HOME"] : nil
        let directory = home.map { "\($0)\(head.dropFirst())" } ?? head
        let tail = beginning.dropFirst(head.count)
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "." : directory)) ?? []
        return entries.filter { $0.hasPrefix(tail) && ($0.hasPrefix(".") == tail.hasPrefix(".")) }.sorted()
            .compactMap { entry in
                var isDirectory = false
                guard FileManager.default.fileExists(atPath: directory + entry, isDirectory: &isDirectory) else {
                    return nil
                }
                guard isDirectory else {
                    return entry.hasSuffix(".yaml") || entry.hasSuffix(".yml") ? head + entry : nil
                }
                let hasLab = access("\(directory)\(entry)/lab.yaml", R_OK) == 0
                // bash adds the slash by itself.
                let slash = CompletionShell.requesting == .bash ? "" : "/"
                return hasLab || withAllDirectories ? head + entry + slash : nil
            }
    }

    /// As the scripts of completions of swift-argument-parser hand words on: bash expands them as if they were typed
    /// (`compgen -W` in bash(1)), zsh takes a colon for the end of a word (`_describe` in zshcompsys(1)).
    private static func asShellTakes(_ words: [String]) -> [String] {
        let whole = words.filter { !$0.isEmpty && !$0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
        switch CompletionShell.requesting {
        case .bash: return whole.map { "'\($0.replacing("'", with: "'\\''"))'" }
        case .zsh: return whole.map { $0.replacing("\\", with: "\\\\").replacing(":", with: "\\:") }
        default: return whole
        }
    }
}
