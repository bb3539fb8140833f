import Foundation
import Imports
import LabFiles
import LabModel
import Providers
import Testing

/// Inputs as users have them, in the shape of the providers' documentation, with facts of our own: each file once, by its path below `Fixtures`.
enum Inputs {
    private static let checkout = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let directory = checkout.appending(path: "Tests/ImportsTests/Fixtures")

    /// What is given together, by a name for it.
    static let all: [(name: String, files: [String])] = [
        ("aws-transit", ["aws/transit.json", "aws/gateways.json", "aws/transit-gateways.json", "aws/vpcs.json"]),
        ("aws-old-static", ["aws/old-static.json"]),
        ("aws-device", ["aws/device.xml"]),
        ("aws-policy", ["aws/policy.json", "aws/gateways.json"]),
        (
            "aws-routes",
            [
                "aws/transit.json", "aws/gateways.json", "aws/transit-gateways.json", "aws/vpcs.json",
                "aws/route-tables.json",
            ]
        ),
        ("aws-certificate", ["aws/certificate.json"]),
        ("text-aws", ["text/aws-route-based.txt"]),
        ("text-aws-policies", ["text/aws-policies.txt"]),
        ("text-aws-generic", ["text/aws-generic.txt", "aws/vpcs.json"]),
        ("text-oci", ["text/oci.md"]),
        ("text-oci-files", ["text/oci-files/ipsec.conf", "text/oci-files/ipsec.secrets"]),
        ("text-gcp", ["text/gcp-bgp.txt"]),
        ("text-azure", ["text/azure.txt"]),
        ("terraform-aws-state", ["terraform/aws-state.json"]),
        ("terraform-aws-plan", ["terraform/aws-plan.json"]),
        ("terraform-azure", ["terraform/azure-state.json"]),
        ("terraform-google", ["terraform/google-state.json"]),
        ("terraform-oci", ["terraform/oci-state.json"]),
        ("azure", ["azure/connection.json", "azure/gateway.json", "azure/local-gateway.json", "azure/network.json"]),
        ("azure-alone", ["azure/connection.json"]),
        ("gcp", ["gcp/tunnel.json", "gcp/gateway.json", "gcp/router.json", "gcp/subnets.json"]),
        ("oci", ["oci/tunnels.json", "oci/psk.json"]),
        (
            "aws-and-azure",
            [
                "aws/transit.json", "aws/transit-gateways.json", "aws/vpcs.json", "azure/connection.json",
                "azure/gateway.json", "azure/local-gateway.json", "azure/network.json",
            ]
        ),
        ("own-files-older", ["own/old/ipsec.conf", "own/old/ipsec.secrets", "own/right/swanctl.conf"]),
        ("own-files", ["own/left/ipsec.conf", "own/left/ipsec.secrets", "own/right/swanctl.conf"]),
        (
            "own-files-nat",
            ["own/hq/ipsec.conf", "own/hq/ipsec.secrets", "own/branch/ipsec.conf", "own/branch/ipsec.secrets"]
        ),
    ]

    static func file(_ path: String) throws -> ImportFile {
        ImportFile(path: path, text: try String(contentsOf: directory.appending(path: path), encoding: .utf8))
    }

    static func files(_ name: String) throws -> [ImportFile] {
        try #require(all.first { $0.name == name }).files.map(file)
    }

    static var library: ProviderLibrary {
        let providers = checkout.appending(path: "Labs/providers")
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: providers.path())) ?? []).filter {
            $0.hasSuffix(".yaml")
        }
        return ProviderLibrary(names: names.map { String($0.dropLast(5)) }) { name in
            let file = providers.appending(path: "\(name).yaml")
            return (try String(contentsOf: file, encoding: .utf8), file.path())
        }
    }

    /// Imports inputs; rules that they break are accepted, as the command does it.
    static func lab(_ inputs: [ImportFile]) throws -> (
        made: LabImport, topology: Topology, warnings: [LabFileDiagnostic]
    ) {
        let first = try LabImport(name: "imported", inputs: inputs) { try? library.file(of: $0).provider }
        do {
            let (topology, warnings) = try resolve(first)
            return (first, topology, warnings)
        } catch let error as LabFileError {
            let rules = Set(error.diagnostics.compactMap(\.rules.first?.id)).sorted()
            let second = try LabImport(name: "imported", inputs: inputs, accepting: rules) {
                try? library.file(of: $0).provider
            }
            let (topology, warnings) = try resolve(second)
            return (second, topology, warnings)
        }
    }

    static func resolve(_ made: LabImport) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        struct NoFile: Error {}
        let texts = made.files.reduce(into: [:]) { $0[$1.name] = $1.text }
        return try LabFile(text: texts["lab.yaml"] ?? "", file: "lab.yaml", providers: library) { name in
            guard let text = texts[name] else { throw NoFile() }
            return text
        }.resolve()
    }
}
