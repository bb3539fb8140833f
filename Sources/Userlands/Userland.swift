import DaemonProfiles
import Daemons
import LabModel
import SystemPackage

/// Programs and libraries that nodes have in place of the host's: a root directory, and what is laid over it.
public struct Userland: Sendable, Hashable {
    public let system: NodeSystem
    /// With a `usr` in it.
    public let root: FilePath
    /// Trees of packages that cannot be installed beside others, by what they are called (``DaemonTree/name``).
    public let overlays: [String: FilePath]
    /// Of the daemons that it has and whose version is known, by Debian's packages.
    public let versions: [DaemonID: DaemonVersion]

    /// Where each tree is on the host, by what it is called in a lab (``NodeSystem/treeName``).
    public var trees: [String: String] {
        overlays.reduce(into: [system.treeName: root.string]) { trees, overlay in
            if let name = system.name(ofTree: overlay.key) { trees[name] = overlay.value.string }
        }
    }

    init(_ system: NodeSystem, root: FilePath, overlays: [String: FilePath], packages: [String: String]) {
        self.system = system
        self.root = root
        self.overlays = overlays
        let known = DaemonRegistry.all.compactMap { daemon in
            packages[daemon.debianPackage].flatMap(DaemonVersion.init(output:)).map { (daemon.id, $0) }
        }
        versions = Dictionary(known) { first, _ in first }
    }
}
