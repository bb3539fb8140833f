import AgentProtocol
import Daemons
import Derivations
import Expectations
import LabFiles
import LabModel
import LabPlan
import NetworkTypes
import Predictions
import Providers
import Reporting

/// Lab files, the files that come with them, and providers' files: all that `validate`, `plan` and `predict` make of them.
enum LabReading {
    private struct NoSuchFile: Error {}

    private static let probe = Probe(
        name: "probe", source: "node", sourceAddress: nil, destination: .v4(IPv4Address(rawValue: 0x0A00_0001)),
        interval: nil, alarm: nil)

    static func lab(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try extend(text, [probe], [], [])
        try resolve(String(decoding: bytes, as: UTF8.self)) { _ in throw NoSuchFile() }
    }

    /// An ipsec.conf and, behind a line `---`, its secrets.
    static func libreswan(_ bytes: [UInt8]) throws {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n---\n", maxSplits: 1)
        try resolve(SmallLab.own(Libreswan())) { name in
            String(name == "own.conf" ? parts.first ?? "" : parts.dropFirst().first ?? "")
        }
    }

    static func strongSwan(_ bytes: [UInt8]) throws {
        let conf = String(decoding: bytes, as: UTF8.self)
        let lab = SmallLab.own(StrongSwan()).replacing("secrets: own.secrets, ", with: "")
        try resolve(lab) { _ in conf }
    }

    static func provider(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let library = ProviderLibrary(names: ["one"]) { _ in (text, "one.yaml") }
        do {
            let provider = try library.provider("one")
            try require(provider.rules.allSatisfy { !$0.statement.isEmpty }, "a rule says nothing")
        } catch let error as LabFileError {
            try check(error)
        }
        let lab = SmallLab.text.replacing("{title: One}", with: "{title: One, provider: one}")
        try resolve(lab, providers: library) { _ in throw NoSuchFile() }
    }

    private static func resolve(
        _ text: String, providers: ProviderLibrary? = nil, companion: @escaping @Sendable (String) throws -> String
    ) throws {
        let topology: Topology
        do {
            let resolve = { (variant: String?) throws(LabFileError) in
                try LabFile(text: text, file: "lab.yaml", variant: variant, providers: providers, companion: companion)
                    .resolve().topology
            }
            topology = try resolve(nil)
            for variant in topology.variants { _ = try resolve(variant.name) }
        } catch {
            return try check(error)
        }
        let plan = Plan(for: topology)
        for line in PlanReport(plan).text(withContents: true).split(separator: "\n") {
            try require(!line.unicodeScalars.contains("\u{1B}"), "the plan has an escape: \(line.debugDescription)")
        }
        // What goes to the agent comes out as it went in.
        let travelled = try Frame(ToSupervisor.request(Build.name), body: Build(topology, clock: .paced))
            .body(as: Build.self).topology
        try require(
            travelled == topology && Plan(for: travelled) == plan, "the topology or its plan changed on its way")
        predict(topology)
        let derivation = Derivation(of: topology)
        let deriver = ScenarioDeriver(topology: derivation.topology, versions: .measured)
        let scenarios = Breakage.all(of: topology).prefix(1).map { deriver.scenario(of: $0) }
        try extend(text, derivation.probes, derivation.expectations, scenarios)
    }

    /// Adds entries to a file's text: whatever it is, all of its lines stay, in their order.
    private static func extend(
        _ text: String, _ probes: [Probe], _ expectations: [Expectation], _ scenarios: [Scenario]
    ) throws {
        var file = LabFileText(text)
        do throws(LabFileText.Refusal) {
            try file.add(probes, expectations, underlay: [])
            try file.add(scenarios)
        } catch {
            return try require(error.line > 0 && !error.entries.isEmpty, "a refusal without a place")
        }
        let lines = { (text: String) in
            text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
                String($0.last == "\r" ? $0.dropLast() : $0)
            }
        }
        var rest = lines(file.text)[...]
        for line in lines(text) {
            guard let place = rest.firstIndex(of: line) else {
                throw Violation(description: "a line is gone: \(line.debugDescription)")
            }
            rest = rest[(place + 1)...]
        }
    }

    private static func predict(_ topology: Topology) {
        let predictor = Predictor(topology: topology, versions: .measured)
        for scenario in topology.scenarios.prefix(4) {
            _ = ScenarioPlan(scenario, of: topology).problems(predictor: predictor, file: "lab.yaml")
        }
        for probe in topology.probes.prefix(2) {
            for link in topology.links.prefix(2) { _ = predictor.predict(.linkDown(link.name), for: probe) }
        }
    }

    private static func check(_ error: LabFileError) throws {
        try require(error.diagnostics.contains { $0.severity == .error }, "no error among the diagnostics")
        for diagnostic in error.diagnostics {
            try require(!diagnostic.message.isEmpty && !diagnostic.remedy.isEmpty, "a diagnostic says nothing")
        }
    }
}
