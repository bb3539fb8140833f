import Foundation
import LabDrafts
import LabFiles
import LabModel
import Predictions
import Providers
import Testing

/// Lab files to begin with: no rule says anything against them, and nothing is missing.
@Suite struct LabDraftTests {
    private static let providers = ["alibaba", "aws", "azure", "oci"]
    private static let pairs = providers.indices.flatMap { first in
        (providers[first...] + ["site"]).map { [providers[first], $0] }
    }

    private func draft(_ names: [String], _ tunnels: Int, _ routing: LabDraft.Routing) throws -> LabDraft {
        let library = KnownLabs.library
        let sides = try names.enumerated().map { place, name in
            LabDraft.Side(
                name: names[0] == names[1] ? "\(name)-\(place + 1)" : name,
                provider: name == "site" ? nil : try library.file(of: name).provider)
        }
        return LabDraft(name: "a-lab", sides: sides, tunnels: tunnels, routing: routing)
    }

    /// The first candidate without a warning, and its lab.
    private func sound(_ draft: LabDraft) throws -> (text: String, lab: Topology) {
        struct NoFile: Error {}
        for text in draft.candidates {
            let file = LabFile(
                text: text, file: "lab.yaml", providers: KnownLabs.library, companion: { _ in throw NoFile() })
            if let (lab, warnings) = try? file.resolve(), warnings.isEmpty { return (text, lab) }
        }
        throw NoFile()
    }

    @Test(arguments: pairs)
    func `Four tunnels with BGP`(_ names: [String]) throws {
        let (text, lab) = try sound(draft(names, 4, .bgp))
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 80)
        #expect(
            lab.tunnels.count == 4 && lab.sessions.count == 4 && Set(lab.sessions[0].speakers.map(\.asn)).count == 2)
        #expect(Predictor(topology: lab, versions: .init([:])).shortcomings == [])
    }

    @Test(arguments: pairs)
    func `Static routes, and policies alone`(_ names: [String]) throws {
        let fixed = try sound(draft(names, 2, .fixed)).lab
        #expect(fixed.tunnels.flatMap(\.ends).allSatisfy { $0.withdrawal == .whenDown && $0.routes.count == 1 })
        let policies = try sound(draft(names, 1, .policies)).lab
        #expect(policies.tunnels.flatMap(\.ends).allSatisfy { $0.steering == .policy })
        for lab in [fixed, policies] { #expect(Predictor(topology: lab, versions: .init([:])).shortcomings == []) }
    }

    /// Each provider's own: an AS number, and times of BGP's that the other can keep.
    @Test func `Providers' own values`() throws {
        let (text, lab) = try sound(draft(["aws", "azure"], 2, .bgp))
        #expect(lab.sessions[0].speakers.map(\.asn.number) == [64512, 65515])
        #expect(lab.sessions[0].speakers.allSatisfy { $0.hold == .seconds(180) })
        #expect(text.contains("mtu: 1400\n"))
        // A site asks, and has one public address.
        let site = try sound(draft(["aws", "site"], 2, .bgp)).lab
        let ends = site.tunnels.map { $0.ends.first { $0.node == "site-gw" } }
        #expect(Set(ends.map { $0?.localAddress }).count == 1)
    }
}
