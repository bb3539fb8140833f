import Derivations
import LabModel
import Testing

/// Derived entries in a lab's own file: what they mean there, and that nothing else changes.
@Suite struct LabFileTextTests {
    /// What can be seen of an expectation wherever it stands.
    private func claims(_ lab: Topology) -> [String: LabModel.Expectation.Claim] {
        Dictionary(lab.expectations.map { ($0.name, $0.claim) }) { first, _ in first }
    }

    private func written(_ name: String, _ text: String) throws -> (text: String, derivation: Derivation) {
        let lab = try KnownLabs.resolve(text, as: name)
        let derivation = Derivation(of: lab)
        var file = LabFileText(text)
        try file.add(derivation.probes, derivation.expectations, underlay: lab.underlayLinks.map(\.name))
        return (file.text, derivation)
    }

    @Test(arguments: KnownLabs.names)
    func `Every derived expectation reads as it was derived`(_ name: String) throws {
        let text = try KnownLabs.text(name, without: ["expect", "scenarios", "variants", "soak", "probes"])
        let (changed, derivation) = try written(name, text)
        let lab = try KnownLabs.resolve(changed, as: name)
        #expect(lab.probes == derivation.probes)
        #expect(claims(lab) == claims(derivation.topology))
        #expect(Derivation(of: lab).expectations == [])
    }

    /// Beside what is written, with its comments and anchors.
    @Test(arguments: KnownLabs.names)
    func `All that is there stays as it is`(_ name: String) throws {
        let text = try KnownLabs.text(name)
        let (changed, derivation) = try written(name, text)
        var rest = changed.split(separator: "\n", omittingEmptySubsequences: false)[...]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let place = try #require(rest.firstIndex(of: line), "\(line)")
            rest = rest[(place + 1)...]
        }
        let (before, after) = (try KnownLabs.resolve(text, as: name), try KnownLabs.resolve(changed, as: name))
        #expect(before.nodes == after.nodes && before.tunnels == after.tunnels)
        #expect(after.expectations.count == before.expectations.count + derivation.expectations.count)
        #expect(after.scenarioNames == before.scenarioNames)
    }

    @Test(arguments: KnownLabs.names)
    func `Every derived scenario reads as it was derived`(_ name: String) throws {
        let text = try KnownLabs.text(name, without: ["expect", "scenarios", "variants", "soak"])
        let lab = try KnownLabs.resolve(text, as: name)
        let deriver = ScenarioDeriver(topology: lab, versions: .init([:]))
        let scenarios = Breakage.all(of: lab).map { deriver.scenario(of: $0) }
        var file = LabFileText(text)
        try file.add(scenarios)
        let read = try KnownLabs.resolve(file.text, as: name).scenarios
        #expect(read.map(\.name) == scenarios.map(\.name))
        #expect(read.map(\.traffic) == scenarios.map(\.traffic))
        #expect(read.map { $0.steps.map(\.action) } == scenarios.map { $0.steps.map(\.action) })
        #expect(read.map { $0.steps.map(\.at) } == scenarios.map { $0.steps.map(\.at) })
        #expect(read.map(\.length) == scenarios.map(\.length))
    }

    private static let probe = Probe(
        name: "new", source: "a", sourceAddress: nil, destination: .init("10.0.0.2")!, interval: nil, alarm: nil)
    private static let note = "# Derived by netlab from the lab itself: to be kept, changed or removed."

    private func adding(to text: String) throws -> String {
        var file = LabFileText(text)
        try file.add([Self.probe], [], underlay: [])
        return file.text
    }

    @Test func `Where an entry goes`() throws {
        let entry = "new: {from: a, to: 10.0.0.2}"
        #expect(try adding(to: "name: x") == "name: x\n\nprobes:\n  \(Self.note)\n  \(entry)\n")
        #expect(try adding(to: "name: x\n\n\n") == "name: x\n\nprobes:\n  \(Self.note)\n  \(entry)\n\n\n")
        #expect(try adding(to: "name: x\r\n") == "name: x\r\n\r\nprobes:\r\n  \(Self.note)\r\n  \(entry)\r\n")
        #expect(try adding(to: "name: x\n...\n") == "name: x\n\nprobes:\n  \(Self.note)\n  \(entry)\n...\n")
        #expect(
            try adding(to: "probes: &p # some\n    old: {}   # kept\n\n# end\nname: x\n")
                == "probes: &p # some\n    old: {}   # kept\n    \(Self.note)\n    \(entry)\n\n# end\nname: x\n")
        #expect(try adding(to: "probes:\nname: x\n") == "probes:\n  \(Self.note)\n  \(entry)\nname: x\n")
    }

    @Test(arguments: ["probes: {}\n", "probes: *other\n", "probes: {old: {from: a,\n  to: b}}\n"])
    func `A section in braces is left alone`(_ text: String) throws {
        let refusal = try #require(throws: LabFileText.Refusal.self) { try adding(to: text) }
        #expect(refusal.line == 1 && refusal.entries.contains("new: {from: a, to: 10.0.0.2}"))
    }
}
