import ArgumentParser
import CommandSupport
import DaemonProfiles
import Daemons
import Derivations
import FoundationEssentials
import KernelBuilds
import LabHost
import LabModel
import Pages
import Predictions
import Reporting
import Shards
import Subprocess
import SystemPackage

struct Predict: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Say what a fault will do to a lab's probes, and why, without running the lab.",
        discussion: """
            Each probe gets the window of its outage, worked out from the lab file and from the versions of this \
            machine's daemons, with the reasons; COMEBACK is the time from mending the fault until the first way is in \
            use again, after a fault that lasted until everybody had noticed. Without --fault there is a line for all that may \
            break by itself: each tunnel cut, each refused, each BGP session shut, each gateway down.

            Examples:
              netlab predict aws-oci
              netlab predict aws-oci --fault 'blackhole aws-vpn-1'
              netlab predict aws-oci --fault 'link aws-vpn-1 down' --fault 'daemon vpc2-ec2/pluto killed' --probe workload
            """)

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "What breaks, as for `netlab fail`; several begin together.", completion: Completion.wholeFault)
    var fault: [String] = []

    @Option(help: "Only these probes.", completion: Completion.probe)
    var probe: [String] = []

    @OptionGroup var page: PageOption
    @OptionGroup var output: FormatOption

    func run() async throws {
        let (topology, file) = try LabLocator.topology(for: target.lab, variant: variant.variant)
        guard !fault.isEmpty else { return try await predictAll(in: topology, file: file) }
        let faults = try fault.map { text -> Fault in
            do throws(FaultError) {
                return try Fault(text, in: topology)
            } catch {
                throw CommandError(message: error.description, remedy: "netlab predict --help has examples.")
            }
        }
        let probes = try probes(of: topology)
        let versions = await DaemonVersions.ofThisMachine(for: [topology])
        let predictor = Predictor(topology: topology, versions: versions)
        let report = PredictionReport(
            of: topology, faults: faults, versions: versions,
            predictions: probes.map { predictor.predictWithTransfers(faults, for: $0) })
        try await page.write {
            PredictionPage(report, of: topology, testedWith: TestedWith(versions, [topology], kernel: nil).lines)
                .text
        }
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table: print(report.text(style: .standardOutput))
        }
    }

    /// What becomes of the probes when each thing breaks that may.
    private func predictAll(in written: Topology, file: String) async throws {
        let versions = await DaemonVersions.ofThisMachine(for: [written])
        let topology = Derivation(of: written).topology
        let chosen = try Set(probes(of: topology).map(\.name))
        let deriver = ScenarioDeriver(topology: topology, versions: versions)
        let breakages = try DerivedEntries.breakages(of: topology, file: file)
        let all = await breakages.concurrentMap { ($0, deriver.predictions(of: $0)) }
        let report = BreakageReport(
            predicted: all.map { breakage, predictions in
                (breakage.words, predictions.filter { chosen.contains($0.probe) })
            })
        let caveats = versions.warn(of: [topology])
        try await page.write {
            PredictionPage(
                report, of: topology,
                testedWith: TestedWith(versions, [topology], kernel: nil, caveats: caveats).lines
            ).text
        }
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table: print(report.text(style: .standardOutput))
        }
    }

    private func probes(of topology: Topology) throws -> [Probe] {
        guard !probe.isEmpty else { return topology.probes }
        return try probe.map { name in
            guard let probe = topology.probe(named: name) else {
                throw CommandError(
                    message: "\(topology.name) has no probe \"\(name)\".",
                    remedy: Suggestion.remedy(for: name, among: topology.probes.map(\.name), noun: "probes"))
            }
            return probe
        }
    }
}

extension DaemonVersions {
    /// What the programs that labs run say of themselves; where one is missing, what netlab was tried with. Of a system that is not on
    /// this machine yet, nothing.
    ///
    /// - Parameters:
    ///   - topologies: The labs whose daemons are asked, and whose nodes' systems are looked at.
    ///   - asksAll: Whether the host's other daemons are asked as well.
    static func ofThisMachine(for topologies: [Topology], asksAll: Bool = false) async -> DaemonVersions {
        let running = Set(topologies.flatMap { topology in topology.nodes.flatMap { topology.daemons(of: $0.name) } })
        return of(topologies, on: await host(asksAll ? Set(DaemonRegistry.all.map(\.id)) : running))
    }

    /// What the host's programs say of themselves; one that is missing says nothing.
    static func host(_ daemons: Set<DaemonID>) async -> [DaemonID: DaemonVersion] {
        let asked = DaemonRegistry.all.filter { daemons.contains($0.id) }
        let answers = await asked.concurrentMap { ($0.id, await version(by: $0.versionSource)) }
        return answers.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }

    /// - Parameter host: What the host's programs say of themselves.
    static func of(_ topologies: [Topology], on host: [DaemonID: DaemonVersion]) -> DaemonVersions {
        DaemonVersions(host, of: Systems.found(for: topologies).reduce(into: [:]) { $0[$1.system] = $1.versions })
    }

    private static func version(by source: DaemonVersionSource) async -> DaemonVersion? {
        switch source {
        case .program(let path): await version(of: path)
        case .tree(let tree):
            // The tree's name is its version: 5.9.8-5+deb12u6.
            DaemonTrees.find(tree, environment: LabLocator.environment)?.lastComponent
                .flatMap { DaemonVersion(output: $0.string) }
        }
    }

    /// Says on standard error what has to be said of predictions for these labs, each thing once, and returns it.
    @discardableResult
    func warn(of topologies: [Topology]) -> [String] {
        let caveats = Set(topologies.flatMap(caveats)).sorted()
        for caveat in caveats { StandardStream.error.write("netlab: \(caveat)\n") }
        return caveats
    }

    private static func version(of program: String) async -> DaemonVersion? {
        let result = try? await Subprocess.run(
            .path(FilePath(program)), arguments: ["--version"], output: .string(limit: 4096),
            error: .string(limit: 4096))
        guard let result else { return nil }
        return DaemonVersion(output: result.standardOutput + result.standardError)
    }
}
