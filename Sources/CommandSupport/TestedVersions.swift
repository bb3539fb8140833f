import AgentProtocol
import Daemons
import KernelBuilds
import LabHost
import LabModel

/// What was tested with.
package struct TestedVersions: Encodable {
    let kernel: ChosenKernel
    let daemons: DaemonVersions
    let labs: [Topology]
    /// What predictions were made with figures of another version for.
    let caveats: [String]

    package init(kernel: ChosenKernel, daemons: DaemonVersions, labs: [Topology], caveats: [String]) {
        (self.kernel, self.daemons, self.labs, self.caveats) = (kernel, daemons, labs, caveats)
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Each daemon under the name that lab files have for it.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        let source = if case .lab(let built) = kernel { built.metadata?.source ?? "" } else { "the host's own" }
        try container.encode(ProtocolVersion.current.release, forKey: Key(stringValue: "netlab"))
        try container.encode(kernel.release, forKey: Key(stringValue: "kernel"))
        try container.encode(source, forKey: Key(stringValue: "kernelSource"))
        for daemon in DaemonRegistry.all {
            try container.encode("\(daemons[daemon.id])", forKey: Key(stringValue: daemon.keyword))
        }
        // Of other systems, what was run of them; `unknown` where nobody knows its version.
        let running = Set(labs.flatMap(daemons.running)).filter { $0.system != nil }
        let systems = Dictionary(grouping: running) { $0.system?.description ?? "" }.mapValues { daemons in
            Dictionary(daemons.map { ($0.keyword, $0.version?.description ?? "unknown") }) { first, _ in first }
        }
        try container.encode(systems, forKey: Key(stringValue: "systems"))
        try container.encode(caveats, forKey: Key(stringValue: "caveats"))
    }
}
