import ArgumentParser
import CommandSupport
import FoundationEssentials
import Glibc
import KernelBuilds
import LabDrafts
import LabFiles
import LabModel
import Providers
import Reporting

struct New: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make a lab file to begin with: two providers, or one and a site, with tunnels between them.",
        discussion: """
            The file has what the providers set by themselves, addresses that do not conflict, and a comment wherever there is something \
            to change; no provider's rule says anything against it. At a terminal, netlab asks for what is not said.

            Examples:
              netlab new first --between aws,azure --tunnels 4 --bgp
              netlab new branch --between aws --site
              netlab new old --between oci --site --policy-based
            """)

    @Argument(help: "The lab's name, and that of its directory; or a path that ends with it.")
    var directory: String

    @Option(help: ArgumentHelp("Two providers, separated by a comma; one with --site.", valueName: "providers"))
    var between: String?

    @Flag(help: "The second side is a site of one's own.")
    var site = false

    @Option(help: "How many tunnels there are. (default: 2; 1 with --policy-based)")
    var tunnels: Int?

    @Flag(help: "BGP in every tunnel; without, routes that come and go with their tunnel.")
    var bgp = false

    @Flag(help: "No interfaces and no routes: policies take what goes from one network to the other. One tunnel.")
    var policyBased = false

    func validate() throws {
        guard !(bgp && policyBased) else {
            throw ValidationError("BGP needs interfaces: leave out --bgp or --policy-based.")
        }
        let most = policyBased ? 1 : LabDraft.mostTunnels
        guard (1...most).contains(tunnels ?? 1) else {
            throw ValidationError(
                policyBased
                    ? "Selectors of one node do not overlap: --policy-based has one tunnel."
                    : "--tunnels is 1 to \(most).")
        }
    }

    func run() async throws {
        let library = ProviderLocator(labDirectory: nil).library
        let known = Self.offered(by: library)
        let names = try sideNames(among: known)
        let isAsked = between == nil
        let isOpen = isAsked && !bgp && !policyBased
        let routing = isOpen ? Self.askRouting() : policyBased ? .policies : bgp ? .bgp : .fixed
        let count = routing == .policies ? 1 : tunnels ?? (isAsked ? Self.askCount() : 2)
        let sides = names.enumerated().map { place, side -> LabDraft.Side in
            let isTwin = names.filter { $0 == side }.count > 1
            return LabDraft.Side(
                name: isTwin ? "\(side)-\(place + 1)" : side, provider: side == Self.site ? nil : known[side])
        }
        let name = directory.split(separator: "/").last.map(String.init) ?? directory
        let path = "\(directory)/lab.yaml"
        let text = try chosen(
            from: LabDraft(name: name, sides: sides, tunnels: count, routing: routing), path: path)
        try Self.write(text, to: path, in: directory)
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") }
        print(
            """
            \(path) has \(lines) lines. Next:
              netlab validate \(path)
              netlab up \(path)
              netlab check \(name)
              netlab test \(name)
            """)
    }

    private static let site = "site"

    /// Those whose tunnels netlab knows something of, by name.
    private static func offered(by library: ProviderLibrary) -> [String: Provider] {
        library.names.reduce(into: [:]) { known, name in
            guard let provider = try? library.file(of: name).provider,
                provider.standard(.ikeLifetime) != nil || provider.rule("ike-algorithms") != nil
            else { return }
            known[name] = provider
        }
    }

    // MARK: What was said, or is asked

    private func sideNames(among known: [String: Provider]) throws -> [String] {
        let choice = known.keys.sorted() + [Self.site]
        let list = choice.joined(separator: ", ")
        let question = site ? "With which provider? (\(list))" : "Between which two? (\(list))"
        let words = try between ?? Self.ask(question, site ? "aws" : "aws,\(Self.site)")
        var names = words.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map(String.init)
        if site { names.append(Self.site) }
        for name in names where !choice.contains(name) {
            throw CommandError(
                message: "There is no provider \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: choice, noun: "providers"))
        }
        guard names.count == 2, names != [Self.site, Self.site] else {
            throw CommandError(
                message: "A lab is between two sides, of which one may be a site; \(names.count) were named.",
                remedy: "Write --between with two of \(choice.joined(separator: ", ")); or with one, and --site.")
        }
        return names
    }

    /// - Throws: `CommandError` where nobody is there to answer.
    private static func ask(_ question: String, _ usual: String) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandError(
                message: "It is not said between which two sides the lab is.",
                remedy: "Write --between aws,azure, or --between aws --site.")
        }
        StandardStream.output.write("\(question) [\(usual)] ")
        let answer = (readLine() ?? "").trimmingPrefix { $0.isWhitespace }
        return answer.isEmpty ? usual : String(answer)
    }

    private static func askRouting() -> LabDraft.Routing {
        switch (try? ask("BGP, static routes, or policies alone? (bgp, static, policies)", "bgp")) ?? "" {
        case "static": .fixed
        case "policies": .policies
        default: .bgp
        }
    }

    private static func askCount() -> Int {
        let answer = (try? ask("How many tunnels? (1 to \(LabDraft.mostTunnels))", "2")).flatMap { Int($0) } ?? 2
        return min(max(answer, 1), LabDraft.mostTunnels)
    }

    // MARK: The file

    /// The first text that nothing is said against, or the one against which least is.
    private func chosen(from draft: LabDraft, path: String) throws -> String {
        var best: (text: String, warnings: Int)?
        var problems: LabFileError?
        for text in draft.candidates {
            do throws(LabFileError) {
                let warnings = try LabLocator.parse(text, path: path).resolve().warnings.count
                if warnings == 0 { return text }
                if warnings < best?.warnings ?? .max { best = (text, warnings) }
            } catch {
                problems = problems ?? error
            }
        }
        guard let best else { throw problems ?? LabFileError(diagnostics: []) }
        return best.text
    }

    private static func write(_ text: String, to path: String, in directory: String) throws {
        guard access(path, F_OK) != 0 else {
            throw CommandError(
                message: "\(path) is there already.", remedy: "Take another name; nothing is written over.")
        }
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try TextFile.write(text, to: path)
        } catch {
            throw CommandError(
                message: "\(path) cannot be written: \(error)", remedy: "Look at the permissions of this directory.")
        }
    }
}
