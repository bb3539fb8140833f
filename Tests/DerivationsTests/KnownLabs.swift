import Foundation
import LabFiles
import LabModel
import Providers

/// The labs that come with netlab, as they stand and without what is written of checks and scenarios.
enum KnownLabs {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Labs")

    static let names = [
        "alibaba-azure", "aws-china-tokyo", "aws-ipip6", "aws-oci", "azure-gcp", "certificates", "gcp-aws",
        "gre-over-ipsec",
        "ikev1",
        "interface-kinds",
        "ipv6-outside", "path-choice", "policy-based", "port-translation", "shared-address", "site-aws",
        "soracom-azure", "transport-mode", "vxlan-ipsec", "wireguard",
    ]

    static func text(_ name: String) throws -> String {
        try String(contentsOf: directory.appending(path: "\(name)/lab.yaml"), encoding: .utf8)
    }

    /// The text without some sections of the file.
    static func text(_ name: String, without sections: Set<String>) throws -> String {
        var isLeftOut = false
        return try text(name).split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if let key = line.firstMatch(of: /^([a-z-]+):/)?.1 { isLeftOut = sections.contains(String(key)) }
            return !isLeftOut
        }.joined(separator: "\n")
    }

    static func resolve(_ text: String, as name: String) throws -> Topology {
        try LabFile(text: text, file: "lab.yaml") { file in
            try String(contentsOf: directory.appending(path: "\(name)/\(file)"), encoding: .utf8)
        }.resolve().topology
    }

    /// A lab of which nothing is written but what it is made of.
    static func bare(_ name: String, also more: Set<String> = []) throws -> Topology {
        try resolve(
            text(name, without: more.union(["expect", "scenarios", "variants", "soak"])), as: name)
    }

    static func changed(_ name: String, _ old: String, _ new: String) throws -> Topology {
        let text = try text(name, without: ["expect", "scenarios", "variants", "soak"])
        guard text.contains(old) else { throw CocoaError(.formatting) }
        return try resolve(text.replacing(old, with: new), as: name)
    }

    static var library: ProviderLibrary {
        let providers = directory.appending(path: "providers")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: providers.path())) ?? []
        let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
        return ProviderLibrary(names: names) { name in
            (try String(contentsOf: providers.appending(path: "\(name).yaml"), encoding: .utf8), "\(name).yaml")
        }
    }
}
