import Daemons
import Derivations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabFiles
import LabModel
import Reporting

/// What follows from a lab, as commands play it and write it into the lab's file.
package enum DerivedEntries {
    /// - Throws: `CommandError` for a lab in which nothing can break.
    package static func breakages(of topology: Topology, file: String) throws -> [Breakage] {
        let breakages = Breakage.all(of: topology)
        guard !breakages.isEmpty, !topology.probes.isEmpty else {
            throw CommandError(
                message:
                    "\(file) has no scenarios, and none follow from the lab: it has no \(breakages.isEmpty ? "tunnels or sessions" : "probes").",
                remedy: "Add `scenarios:` to it; see the page Scenarios.md.")
        }
        return breakages
    }

    /// The scenarios that follow from a lab, and the lab with the probes that they ping.
    package static func scenarios(
        of written: Topology, file: String, _ versions: DaemonVersions
    ) throws -> (topology: Topology, scenarios: [Scenario]) {
        var topology = Derivation(of: written).topology
        topology.expectations = written.expectations
        let deriver = ScenarioDeriver(topology: topology, versions: versions)
        var scenarios: [Scenario] = []
        for breakage in try breakages(of: topology, file: file) {
            let taken = Set(written.scenarioNames.map(\.name) + scenarios.map(\.name))
            let number = (2...).lazy.map { "\(breakage.name)-\($0)" }.first { !taken.contains($0) }
            scenarios.append(
                deriver.scenario(of: breakage, named: taken.contains(breakage.name) ? number : breakage.name))
        }
        topology.scenarios = scenarios
        return (topology, scenarios)
    }

    // MARK: Into the file

    package static func writeExpectations(of lab: String, _ format: FormatOption.Format) throws {
        let (written, file) = try base(of: lab)
        let derivation = Derivation(of: written)
        guard !derivation.expectations.isEmpty else {
            print("\(file) has all that follows from the lab.")
            return
        }
        try add(to: file, written) { text throws(LabFileText.Refusal) in
            try text.add(
                derivation.probes, derivation.expectations, underlay: written.underlayLinks.map(\.name))
        }
        let probes = derivation.probes.isEmpty ? "" : "\(count(derivation.probes.count, "probe")) and "
        print("\(probes)\(count(derivation.expectations.count, "expectation")) written to \(file).")
        for gap in derivation.gaps where format == .table { print("Nothing for \(gap.name): \(gap.reason)") }
    }

    package static func writeScenarios(of lab: String, _ versions: DaemonVersions) throws {
        let (written, file) = try base(of: lab)
        let (topology, all) = try scenarios(of: written, file: file, versions)
        let probes = topology.probes.filter { probe in !written.probes.contains { $0.name == probe.name } }
        // What the file has already is the same but for its name.
        let known = written.scenarios.map(\.steps).map { $0.map(\.action) }
        let scenarios = all.filter { !known.contains($0.steps.map(\.action)) }
        guard !scenarios.isEmpty else {
            print("\(file) has all scenarios that follow from the lab.")
            return
        }
        try add(to: file, written) { text throws(LabFileText.Refusal) in
            try text.add(probes, [], underlay: [])
            try text.add(scenarios)
        }
        print("\(count(scenarios.count, "scenario")) written to \(file).")
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// The lab as its file has it, without a variant.
    private static func base(of lab: String) throws -> (topology: Topology, file: String) {
        let (topology, _, file) = try LabLocator.resolve(lab)
        return (topology, file)
    }

    /// Adds to a lab file, if that leaves all else in it as it means now.
    private static func add(
        to file: String, _ written: Topology, _ change: (inout LabFileText) throws(LabFileText.Refusal) -> Void
    ) throws {
        var text = LabFileText(try TextFile.read(file))
        do throws(LabFileText.Refusal) {
            try change(&text)
        } catch {
            throw CommandError(
                message: "\(file): \(error)",
                remedy: "Write the section in lines, or add this to it by hand:\n\(error.entries)")
        }
        let changed = try LabLocator.parse(text.text, path: file).resolve().topology
        guard changed.hasAll(of: written) else {
            throw CommandError(
                message: "\(file) would not mean the same with more entries in it, so nothing was written.",
                remedy:
                    "Add empty `probes:`, `expect:` and `scenarios:` at its end, each in a line of its own, and try again."
            )
        }
        try replace(file, with: text.text)
    }

    /// A file that is there, complete or not at all; whoever could read it can still.
    private static func replace(_ path: String, with text: String) throws {
        let target =
            realpath(path, nil).map { pointer in
                defer { free(pointer) }
                return String(cString: pointer)
            } ?? path
        var status = stat()
        let isKnown = stat(target, &status) == 0
        do {
            try TextFile.write(text, to: target)
        } catch {
            throw CommandError(
                message: "\(path) cannot be written: \(error)",
                remedy:
                    "Look at the permissions of the file and its directory, or copy the lab's directory and name the copy."
            )
        }
        if isKnown { chmod(target, status.st_mode & 0o7777) }
    }
}
