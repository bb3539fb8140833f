import ArgumentParser
import CLinux
import CommandSupport
import FoundationEssentials
import Glibc
import LabHost
import Reporting

struct WiresharkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wireshark",
        abstract: "Print or run the command that opens a capture decrypted, in Wireshark or tshark.",
        discussion: """
            The capture must have been made with `netlab capture LAB -w FILE --with-keys`: FILE.keys is then a configuration \
            directory for Wireshark, which this names in its environment, so that no key is in any command line.
            """)

    @OptionGroup var target: LabArgument

    @Argument(help: "The capture file; one of the lab's own, such as check.pcapng, by its name alone.")
    var file: String

    @Flag(name: .customLong("run"), help: "Run it instead of printing it.")
    var isToRun = false

    @Flag(help: "tshark, on the terminal, instead of Wireshark.")
    var tshark = false

    @Argument(parsing: .postTerminator, help: "After --, more arguments for it, such as -Y icmp.")
    var arguments: [String] = []

    func run() throws {
        let file = try path()
        _ = try CaptureOnDisk(path: file)
        let keys = KeyDirectory(path: "\(file).keys")
        _ = try keys.associations()
        let program = tshark ? "tshark" : "wireshark"
        let words = [program, "-r", file] + arguments
        guard isToRun else {
            print(
                ([("WIRESHARK_CONFIG_DIR=" + keys.path.shellQuoted)] + words.map(\.shellQuoted)).joined(separator: " "))
            return
        }
        setenv("WIRESHARK_CONFIG_DIR", keys.path, 1)
        var pointers = words.map { strdup($0) } + [nil]
        execvp(program, &pointers)
        throw CommandError(
            message: "\(program) cannot be run: \(String(cString: strerror(errno))).",
            remedy: "Install it: apt-get install \(program)",
            status: .machineLacks)
    }
}

extension WiresharkCommand {
    /// The file, or the lab's own of that name.
    private func path() throws -> String {
        guard !file.contains("/"), access(file, F_OK) != 0 else { return file }
        let lab = try LabDirectory(name: LabLocator.name(of: target.lab), directories: LabLocator.directories)
        let own = lab.logs.appending(file).string
        return access(own, F_OK) == 0 ? own : file
    }
}

extension String {
    /// As one word of a shell's command line.
    fileprivate var shellQuoted: String {
        let isPlain =
            !isEmpty
            && utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    || "/._-=:".utf8.contains($0)
            }
        return isPlain
            ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
