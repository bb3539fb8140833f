import Daemons
import LabFiles
import LabModel
import Predictions
import Reporting

/// What a lab file has to say for its lab to work, beyond what fits together.
package enum LabSoundness {
    /// What labs lack, each thing once: what is wrong in a variant only says in which.
    ///
    /// - Parameters:
    ///   - topologies: Of one file: the lab as it stands, or in a variant, first.
    ///   - path: The file's, for messages.
    package static func problems(of topologies: [Topology], _ file: LabFile, path: String) async -> [LabFileDiagnostic]
    {
        problems(await shortcomings(of: topologies), of: topologies, file, path: path)
    }

    /// What each lab lacks, whatever its file is called.
    package static func shortcomings(of topologies: [Topology]) async -> [[Shortcoming]] {
        await topologies.concurrentMap { Predictor(topology: $0, versions: DaemonVersions([:])).shortcomings }
    }

    /// The same as ``problems(of:_:path:)``, of what has been found.
    package static func problems(
        _ found: [[Shortcoming]], of topologies: [Topology], _ file: LabFile, path: String
    ) -> [LabFileDiagnostic] {
        var known: Set<Shortcoming> = []
        return zip(topologies, found).enumerated().flatMap { place, found in
            let (topology, shortcomings) = found
            return shortcomings.filter { known.insert($0).inserted }.map { one in
                let (section, name) =
                    switch one.subject {
                    case .tunnel(let name): ("tunnels", name)
                    case .probe(let name): ("probes", name)
                    }
                let problem = LabFileDiagnostic(
                    file: path, line: file.line(of: name, in: section), message: "\(section).\(name): \(one.message)",
                    remedy: one.remedy)
                return place == 0 ? problem : topology.variant.map(problem.inVariant) ?? problem
            }
        }
    }

    /// Refuses a lab that would be waited for in vain.
    ///
    /// - Throws: `LabFileError`.
    package static func check(_ topology: Topology, path: String) async throws {
        let (file, _) = try LabLocator.read(path, variant: topology.variant)
        let problems = await problems(of: [topology], file, path: path)
        guard problems.isEmpty else { throw LabFileError(diagnostics: problems) }
    }
}
