import LabModel
import Testing

@Suite struct SuggestionTests {
    private static let known = ["tunnels", "nodes", "links", "bgp", "aes-256-cbc", "aes-256-gcm-16", "vpc1", "vpc2"]

    @Test(arguments: [
        ("tunnel", "tunnels"), ("tunnles", "tunnels"), ("Nodes", "nodes"), ("ndoes", "nodes"), ("lnks", "links"),
        ("bpg", "bgp"),
        ("aes256cbc", "aes-256-cbc"), ("aes-256-gcm", "aes-256-gcm-16"), ("vpc3", "vpc1"), ("vpc2", "vpc2"),
    ])
    func `Near`(_ name: String, _ expected: String) {
        #expect(Suggestion.nearest(to: name, among: Self.known) == expected)
    }

    @Test(arguments: ["", "probes", "routers", "xyz", "internet-gateway"])
    func `Far`(_ name: String) {
        #expect(Suggestion.nearest(to: name, among: Self.known) == nil)
    }

    @Test func `Nothing known`() {
        #expect(Suggestion.nearest(to: "a", among: []) == nil)
        #expect(Suggestion.remedy(for: "a", among: [], noun: "clouds") == "There are no clouds to choose from.")
    }

    @Test func `Remedy`() {
        #expect(
            Suggestion.remedy(for: "tgv", among: ["vpc1", "tgw", "drg"], noun: "nodes")
                == "Did you mean \"tgw\"? Known nodes: drg, tgw, vpc1.")
        #expect(Suggestion.remedy(for: "zzz", among: ["vpc1", "tgw"], noun: "nodes") == "Known nodes: tgw, vpc1.")
    }
}
