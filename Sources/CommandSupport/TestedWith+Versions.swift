import AgentProtocol
import Daemons
import LabModel
import Shards

extension TestedWith {
    /// netlab, the kernel, and the daemons that labs have run.
    ///
    /// - Parameters:
    ///   - kernel: The release of the kernel that they ran on; nil where they did not run, or that is not known.
    ///   - caveats: What predictions were made with figures of another version for.
    package init(_ versions: DaemonVersions, _ topologies: [Topology], kernel: String?, caveats: [String] = []) {
        self.init(
            platform: ["netlab \(ProtocolVersion.current.release)", kernel.map { "Linux \($0)" }].compactMap(\.self),
            daemons: Set(topologies.flatMap { versions.running(in: $0).map { "\($0.name) \($0.versionText)" } }),
            caveats: caveats)
    }
}
