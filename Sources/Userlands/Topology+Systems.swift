import FoundationEssentials
import LabModel
import SystemPackage

extension Topology {
    /// The lab with the paths of its nodes' systems as they are counted from a lab file's directory.
    public func systems(beside file: String) -> Topology {
        var topology = self
        for index in nodes.indices {
            guard case .directory(let path) = nodes[index].system else { continue }
            topology.nodes[index].system = .directory(Self.absolute(path, in: FilePath(file).removingLastComponent()))
        }
        return topology
    }

    /// The lab with another system for every node that has the host's.
    public func playing(on system: NodeSystem) -> Topology {
        var topology = self
        for index in nodes.indices where nodes[index].system == nil { topology.nodes[index].system = system }
        return topology
    }

    /// The absolute path of one that is counted from a directory.
    public static func absolute(_ path: String, in directory: FilePath) -> String {
        let path = directory.pushing(FilePath(path)).lexicallyNormalized()
        guard path.isRelative else { return path.string }
        return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized().string
    }
}
