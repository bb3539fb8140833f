import Foundation
import LabFiles
import LabModel
import Testing

/// What a provider refuses is left out at its own nodes, for the reason that its rule gives, and nothing else is.
@Suite struct RefusalTests {
    private static let labs = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Labs")
    private static let rule = "azure/apipa-peers-per-public-ip"
    private static let consent =
        "      azure/apipa-peers-per-public-ip: the lab is to show what comes of it, as the article's author found it\n"

    private func resolve(
        variant: String? = "bgp", _ changes: (String, String)...
    ) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        let place = Self.labs.appending(path: "soracom-azure/lab.yaml")
        let text = try changes.reduce(String(contentsOf: place, encoding: .utf8)) { text, change in
            try #require(text.contains(change.0), "\(change.0) is not in the lab")
            return text.replacing(change.0, with: change.1)
        }
        struct NoFile: Error {}
        return try LabFile(
            text: text, file: "lab.yaml", variant: variant, providers: ProviderFileTests.library,
            companion: { _ in throw NoFile() }
        ).resolve()
    }

    @Test func `Static routes break no rule`() throws {
        let (topology, warnings) = try resolve(variant: nil)
        #expect(warnings.filter { $0.rules.contains { $0.id == Self.rule } }.isEmpty, "\(warnings)")
        #expect(topology.sessions.isEmpty && topology.oneSidedSessions.isEmpty)
    }

    /// Azure does not configure the second peering; AWS does, and tries.
    @Test func `The second peering is refused`() throws {
        let (topology, warnings) = try resolve()
        #expect(topology.sessions.map(\.name) == ["peering-1"])
        let left = try #require(topology.oneSidedSessions.first)
        #expect(topology.oneSidedSessions.count == 1 && left.name == "peering-2" && left.node == "vgw")
        #expect(left.address?.description == "169.254.21.5" && left.peer.description == "169.254.21.6")
        #expect(left.peerASN.description == "65515" && left.advertised.map(\.description) == ["10.128.0.0/16"])
        #expect(left.reason.hasPrefix("\(Self.rule): one public address of a gateway has at most 1"))
        let ends = topology.tunnels.map { $0.ends.map { $0.inside?.description } }
        #expect(ends == [["169.254.21.1/30", "169.254.21.2/30"], ["169.254.21.5/30", nil]])
        let said = try #require(warnings.first { $0.rules.first?.id == Self.rule })
        #expect(said.severity == .warning && said.accepted?.contains("what comes of it") ?? false)
    }

    /// Nobody has accepted it: nothing can be built, and both sides' rules say why.
    @Test func `Without consent it is an error`() throws {
        let error = try #require(throws: LabFileError.self) { try resolve((Self.consent, "")) }
        let errors = error.diagnostics.filter { $0.severity == .error }
        #expect(errors.map { $0.rules.map(\.id) } == [[Self.rule, "soracom/bgp-address-per-tunnel"]], "\(error)")
        #expect(errors.first?.message.contains("169.254.21.2 and 169.254.21.6") ?? false, "\(error)")
        #expect(errors.first?.remedy.contains("second public address") ?? false)
    }

    /// With a public address for each tunnel there is nothing to refuse, and both sides speak over both.
    @Test func `A second public address is the remedy`() throws {
        let (topology, warnings) = try resolve(
            (Self.consent, ""),
            ("azure-gateway:wan: 198.51.100.10/30,", "azure-gateway:wan: [198.51.100.10/29, 198.51.100.11/29],"),
            ("internet:azure: 198.51.100.9/30", "internet:azure: 198.51.100.9/29"),
            (
                "azure-gateway: {<<: *azure, interface: vpn2}",
                "azure-gateway: {<<: *azure, interface: vpn2, address: 198.51.100.11}"
            ))
        #expect(topology.sessions.map(\.name) == ["peering-1", "peering-2"] && topology.oneSidedSessions.isEmpty)
        #expect(warnings.filter { $0.rules.contains { $0.id == Self.rule } }.isEmpty, "\(warnings)")
    }
}
