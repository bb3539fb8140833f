import Decryption
import Foundation
import Subprocess
import SystemPackage
import Testing

/// Wireshark's own dissectors, as a reader that knows nothing of this project.
struct Tshark {
    /// One packet, from its IP header on.
    typealias Packet = [UInt8]

    /// What tshark finds in a packet: the fields' values, none where it does not find one.
    typealias Reading = [String]

    /// Reads packets with the keys that `files` hold.
    static func read(_ packets: [Packet], files: [(name: String, text: String)], fields: [String]) async throws
        -> [Reading]
    {
        let directory = URL(filePath: NSTemporaryDirectory()).appending(path: "decryption-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for file in files { try Data(file.text.utf8).write(to: directory.appending(path: file.name)) }
        let capture = directory.appending(path: "packets.pcap").path
        try Data(pcap(packets)).write(to: URL(filePath: capture))
        let result = try await Subprocess.run(
            .name("tshark"),
            arguments: Arguments(
                ["-n", "-r", capture, "-T", "fields", "-E", "separator=|"] + fields.flatMap { ["-e", $0] }),
            environment: .inherit.updating(["WIRESHARK_CONFIG_DIR": directory.path]),
            output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
        // All that it may say of the files; of root it always does.
        let complaints = result.standardError.split(separator: "\n").filter { !$0.hasPrefix("Running as user") }
        #expect(result.terminationStatus.isSuccess && complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
        let lines = result.standardOutput.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        try #require(lines.count == packets.count)
        return lines.map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
    }

    /// A capture file of raw IP packets (pcap-savefile(5)).
    private static func pcap(_ packets: [Packet]) -> [UInt8] {
        let rawIP: UInt32 = 101
        let header: [UInt32] = [0xA1B2_C3D4, 0x0002_0004, 0, 0, 65535, rawIP]
        return packets.reduce(into: header.flatMap(bytes)) { file, packet in
            let length = UInt32(packet.count)
            file += [UInt32(1_700_000_000), 0, length, length].flatMap(bytes) + packet
        }
    }
}

/// An integer's bytes in network order.
func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// An IP packet, with only those fields set that a reader needs.
func ipPacket(from source: [UInt8], to destination: [UInt8], protocol number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    guard source.count == 4 else {
        return [0x60, 0, 0, 0] + bytes(UInt16(payload.count)) + [number, 64] + source + destination + payload
    }
    let length = bytes(UInt16(20 + payload.count))
    return [0x45, 0] + length + [0, 0, 0, 0, 64, number, 0, 0] + source + destination + payload
}

/// A UDP datagram, without checksum.
func udpDatagram(from source: UInt16, to destination: UInt16, _ payload: [UInt8]) -> [UInt8] {
    bytes(source) + bytes(destination) + bytes(UInt16(8 + payload.count)) + [0, 0] + payload
}
