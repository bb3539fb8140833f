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

    static func text(_ file: String) throws -> String {
        try String(contentsOf: directory.appending(path: file), encoding: .utf8)
    }

    static func resolved() throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(
            text: text("lab.yaml"), file: "lab.yaml", providers: ProviderFileTests.library, companion: text
        ).resolve()
    }

    static let topology: Result<Topology, any Error> = Result { try resolved().topology }
}
