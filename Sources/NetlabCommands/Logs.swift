import ArgumentParser
import CommandSupport
import FoundationEssentials
import Glibc
import LabHost
import LabModel

struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what a lab's daemons have logged, in this run or the last one.",
        discussion: "Besides the nodes' daemons there are `supervisor` and `console`, the lab kernel's own messages.")

    @OptionGroup var target: LabArgument

    @Argument(help: "A node, or NODE/DAEMON; everything if left out.")
    var which: String?

    @Flag(name: [.short, .long], help: "Go on printing what is added.")
    var follow = false

    func run() async throws {
        let name = try LabLocator.name(of: target.lab)
        let directory = try LabDirectory(name: name, directories: LabLocator.directories).logs.string
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter {
            $0.hasSuffix(".log")
        }.sorted()
        guard !files.isEmpty else {
            throw CommandError(
                message: "There are no logs of \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: LabLocator.known, noun: "labs"), status: .labBroke)
        }
        // NODE.DAEMON.log is NODE/DAEMON to the user.
        let titles = Dictionary(
            uniqueKeysWithValues: files.map { (String($0.dropLast(4).map { $0 == "." ? "/" : $0 }), $0) })
        let chosen = titles.keys.filter { which == nil || $0 == which || $0.hasPrefix("\(which ?? "")/") }.sorted()
        guard !chosen.isEmpty else {
            throw CommandError(
                message: "There is no log of \"\(which ?? "")\" in \(name).",
                remedy: Suggestion.remedy(for: which ?? "", among: titles.keys, noun: "logs"))
        }
        var readers = chosen.compactMap { title in
            titles[title].map { LogReader(path: "\(directory)/\($0)", title: chosen.count > 1 ? title : nil) }
        }
        repeat {
            for index in readers.indices { readers[index].printNew() }
            // A file of the host's: there is no event to wait for but the wall clock.
            if follow { try await Task.sleep(for: .milliseconds(200)) }
        } while follow
    }
}

/// Prints a log file from where it stopped the last time.
private struct LogReader {
    let path: String
    let title: String?
    private var offset: off_t = 0
    private var unfinished = ""

    init(path: String, title: String?) {
        self.path = path
        self.title = title
    }

    mutating func printNew() {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // A lab that was brought up again starts its logs anew.
        if lseek(descriptor, 0, SEEK_END) < offset { offset = 0 }
        lseek(descriptor, offset, SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            offset += off_t(count)
            unfinished += String(decoding: buffer[..<count], as: UTF8.self)
            while let end = unfinished.firstIndex(of: "\n") {
                print((title.map { "\($0): " } ?? "") + unfinished[..<end])
                unfinished = String(unfinished[unfinished.index(after: end)...])
            }
        }
        fflush(nil)
    }
}
