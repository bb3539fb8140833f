import AgentProtocol
import Glibc
import KernelBuilds
import LabHost
import LabModel
import LabPlan
import LabRecords
import Providers

/// What this machine's own kernel can do of what labs need.
package enum HostKernel {
    /// A feature by its name, for one lab or several.
    package struct Finding: Encodable {
        package let name: String
        /// The labs that need it.
        package let labs: [String]
        /// What the kernel said when it was tried; nil where it has it.
        package let obstacle: String?
        /// What to do where it has not.
        package let remedy: String
    }

    /// Tries everything that these labs need, in namespaces that are gone afterwards.
    ///
    /// Modules that the kernel loads for it stay loaded.
    ///
    /// - Throws: `SetupError` where labs cannot be run on it at all, and why.
    package static func findings(for topologies: [Topology]) async throws -> [Finding] {
        guard geteuid() == 0 else {
            throw SetupError(
                .kernelUnusable, "only root runs labs on the host's own kernel",
                remedy: "Run it with sudo, or on the lab kernel: --kernel lab")
        }
        var features: [KernelFeature] = []
        var labs: [String: [String]] = [:]
        for topology in topologies {
            for feature in KernelFeature.needed(by: topology) {
                if !features.contains(feature) { features.append(feature) }
                if labs[feature.name]?.contains(topology.name) != true {
                    labs[feature.name, default: []].append(topology.name)
                }
            }
        }
        var findings: [Finding] = []
        for tried in try await examine(features) {
            let name = tried.feature.name
            let finding = Finding(
                name: name, labs: labs[name] ?? [], obstacle: tried.obstacle, remedy: remedy(for: tried.feature))
            if let index = findings.firstIndex(where: { $0.name == name }) {
                if findings[index].obstacle == nil { findings[index] = finding }
            } else {
                findings.append(finding)
            }
        }
        return findings
    }

    /// Has an agent without a lab try it.
    private static func examine(_ features: [KernelFeature]) async throws -> [KernelFinding] {
        let lab = try LabDirectory(name: LabDirectory.ownName("doctor", number: 0), directories: LabLocator.directories)
        let (result, wasInterrupted) = await Interruption.guarding {
            let supervision = Supervision(name: lab.name, source: Supervision.bare, kernel: .host)
            do {
                try await LabLauncher.launch(
                    lab, directories: LabLocator.directories, executable: Supervision.executable,
                    arguments: supervision.arguments)
            } catch let failure as LabFailure {
                throw SetupError(
                    .kernelUnusable,
                    "this machine's kernel gives a lab no namespaces: \(failure.details.last ?? failure.message)",
                    remedy: "A container has to be privileged for it; the lab kernel runs anywhere: --kernel lab")
            }
            return try await LabClient(lab).ask(Examine(features))
        }
        try? await LabLauncher.end(lab)
        lab.forget()
        if wasInterrupted { throw CancellationError() }
        return try result.get()
    }

    private static func remedy(for feature: KernelFeature) -> String {
        let (modules, symbols) = feature.source
        let options = symbols.map { "CONFIG_\($0)" }.joined(separator: ", ")
        guard !modules.isEmpty else { return "Take a kernel with \(options)." }
        return "modprobe \(modules.joined(separator: " ")), or a kernel with \(options)."
    }
}
