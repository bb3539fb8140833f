import ArgumentParser
import CaptureFile
import CommandSupport
import Expectations
import Reporting

struct Packets: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packets",
        abstract: "Print the packets of a capture file, one line each, ESP opened where there are keys.",
        discussion:
            "The file may be pcapng or classic pcap, netlab's or another's. Comments of packets are printed below them."
    )

    @Argument(help: "The capture file.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "The directory of keys that `netlab capture --with-keys` wrote. (default: FILE.keys, if it is there)",
            valueName: "directory"))
    var keys: String?

    @Option(help: ArgumentHelp("Only these packets, by their numbers; separated by commas.", valueName: "numbers"))
    var number: String?

    @OptionGroup var output: FormatOption

    func run() throws {
        let numbers = try number.map(Self.numbers)
        let associations =
            try (keys ?? KeyDirectory.beside(file)).map { try KeyDirectory(path: $0).associations() } ?? []
        let ending = try CaptureOnDisk(path: file).reading { descriptor in
            var reader = try PacketRecordReader(descriptor: descriptor, associations: associations)
            var isFirst = true
            if output.format == .json { print("[") }
            while let packet = try reader.next(among: numbers) {
                switch output.format {
                case .json: print((isFirst ? "" : ",\n") + (try JSONText.of(packet)), terminator: "")
                case .table:
                    print(
                        PacketText.line(packet, number: true, place: packet.interface.isEmpty ? nil : packet.interface))
                    for comment in packet.comments { print("        # \(comment)") }
                }
                isFirst = false
            }
            if output.format == .json { print("\n]") }
            return reader.ending
        }
        if case .truncated(let offset, _)? = ending {
            throw CommandError(
                message: "\(file) breaks off at byte \(offset).", remedy: "The packets before that are all there.",
                status: .inconclusive)
        }
    }

    private static func numbers(_ text: String) throws -> Set<Int> {
        let words = text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        let numbers = words.compactMap { Int($0) }.filter { $0 > 0 }
        guard numbers.count == words.count, !numbers.isEmpty else {
            throw CommandError(
                message: "\"\(text)\" is no list of packet numbers.", remedy: "Write numbers from 1, such as 17,18.")
        }
        return Set(numbers)
    }
}
