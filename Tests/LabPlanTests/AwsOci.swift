import Foundation
import LabFiles
import LabModel
import NetworkTypes
import Testing

/// The repository's `Labs/aws-oci`.
enum AwsOci {
    private static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/aws-oci")

    private static func text(_ file: String) throws -> String {
        try String(contentsOf: directory.appending(path: file), encoding: .utf8)
    }

    /// The lab file without boot scripts: netlab then gives what they give.
    static func withoutBootScripts(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            !["    boot: v", "    boot-takes:", "        addressed-by: boot"].contains { line.hasPrefix($0) }
        }.joined(separator: "\n")
    }

    /// - Parameter change: An edit of the lab file's text.
    static func topology(_ change: (String) -> String = { $0 }) throws -> Topology {
        try LabFile(text: change(text("lab.yaml")), file: "lab.yaml", companion: text).resolve().topology
    }
}

/// A value read from its text: a test's own mistake is a failure, not a crash.
func read<Value: LosslessStringConvertible>(_ text: String, _: Value.Type = Value.self) throws -> Value {
    try #require(Value(text), "\"\(text)\" is not a \(Value.self)")
}
