import Foundation
import SystemPackage
import Testing

/// What `netlab packets --format json` says of a packet. Spelled out here, not imported: scripts rely on these names.
struct PacketView: Decodable {
    struct Addresses: Decodable {
        let source: String
        let destination: String
        let length: Int
    }

    let number: Int
    let nanoseconds: UInt64
    let interface: String
    let isInbound: Bool
    let wrappings: [String]
    let outer: Addresses?
    let inner: Addresses?
    /// In hexadecimal digits; nil where it was not opened.
    let opened: String?
    let line: String
    let comments: [String]
}

extension RunningLab {
    /// Reads a capture file with `netlab packets`.
    func packets(in file: FilePath, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [PacketView] {
        let result = try await netlab.run("packets", file.string, "--format", "json")
        #expect(result.code == 0, result.account, sourceLocation: sourceLocation)
        return try StatusView.decoder.decode([PacketView].self, from: Data(result.output.utf8))
    }

    /// Reads fields of a capture file's packets with tshark: a row for each packet, every occurrence of a field in it.
    ///
    /// - Parameter keys: A directory of keys beside the capture; nil for the user's own configuration.
    func tshark(_ file: FilePath, filter: String = "frame", fields: String..., keys: FilePath? = nil) async throws
        -> [[[String]]]
    {
        let arguments = ["-n", "-r", file.string, "-Y", filter, "-T", "fields", "-E", "occurrence=a"]
        let result = try await netlab.settingVariables(["WIRESHARK_CONFIG_DIR": keys?.string ?? home.path.string])
            .execute("/usr/bin/tshark", arguments + fields.flatMap { ["-e", $0] })
        try #require(result.code == 0, result.account)
        return result.output.split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map { cell in
                cell.split(separator: ",").map(String.init)
            }
        }
    }
}
