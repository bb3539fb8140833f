import ArgumentParser
import DaemonProfiles
import Daemons
import LabHost
import LabModel
import Reporting
import Userlands

/// The systems that nodes have in place of the host's, as they are on this machine.
package enum Systems {
    /// Has everything there that labs' nodes name as their system: what is not is fetched, which is said on standard error.
    ///
    /// - Throws: `SetupError` for a release that cannot be had, or a directory that cannot be a node's system.
    package static func prepare(for topologies: [Topology]) async throws {
        for (system, daemons) in needed(by: topologies) {
            switch system {
            case .release(let release):
                _ = try await ReleaseCache(environment: LabLocator.environment).fetched(release) { line in
                    StandardStream.error.write("netlab: \(line)\n")
                }
            case .directory(let path): _ = try RootDirectory(path).userland(for: daemons)
            }
        }
    }

    /// What there is of the systems of a lab's nodes; one that is not there, or cannot be used, is left out.
    package static func found(for topologies: [Topology]) -> [Userland] {
        needed(by: topologies).compactMap { system, daemons in
            switch system {
            case .release(let release): try? ReleaseCache(environment: LabLocator.environment).find(release)
            case .directory(let path): try? RootDirectory(path).userland(for: daemons)
            }
        }
    }

    /// Where the trees of a lab's nodes are, by their names in the lab.
    package static func trees(for topology: Topology) -> [String: String] {
        found(for: [topology]).reduce(into: [:]) { trees, userland in trees.merge(userland.trees) { first, _ in first }
        }
    }

    /// Which releases are there, and with what.
    package static var findings: [DoctorFinding] {
        DebianRelease.allCases.map { release in
            let found = try? ReleaseCache(environment: LabLocator.environment).find(release)
            let versions = found?.versions.map { "\($0.key.product) \($0.value)" }.sorted().joined(separator: ", ")
            return DoctorFinding(
                name: release.rawValue, purpose: "nodes with `system: \(release.rawValue)`", status: .ok,
                detail: versions ?? "not fetched yet: the first lab that asks for it does that, 45 MB")
        }
    }

    private static func needed(by topologies: [Topology]) -> [(system: NodeSystem, daemons: [any DaemonProfile])] {
        var daemons: [NodeSystem: Set<DaemonID>] = [:]
        for topology in topologies {
            for node in topology.nodes {
                guard let system = node.system else { continue }
                daemons[system, default: []].formUnion(topology.daemons(of: node.name))
            }
        }
        return daemons.sorted { $0.key < $1.key }.map { system, ids in
            (system, ids.sorted().compactMap(DaemonRegistry.profile))
        }
    }
}

/// A system that a lab's nodes are given in place of the host's.
package struct SystemOption: ParsableArguments {
    @Option(
        help: """
            Play each scenario on this system as well, and show what differs: a release (debian-12, debian-13) or a root \
            directory. Nodes whose lab file names a system keep that one.
            """)
    package var system: String?

    package init() {}

    package func validate() throws {
        guard let system, NodeSystem(system) == nil else { return }
        let names = DebianRelease.allCases.map(\.rawValue)
        throw ValidationError(
            "\"\(system)\" is no release that netlab knows, and no directory, which has a slash in it. "
                + Suggestion.remedy(for: system, among: names, noun: "releases"))
    }

    /// The system, a directory's path counted from where the command was called.
    package func chosen() -> NodeSystem? {
        switch system.flatMap({ NodeSystem($0) }) {
        case .directory(let path): .directory(Topology.absolute(path, in: "."))
        case let other: other
        }
    }
}
