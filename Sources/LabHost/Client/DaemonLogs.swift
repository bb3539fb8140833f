import Daemons
import FoundationEssentials
import KernelBuilds
import LabModel
import LabRecords

/// What a lab's daemons have logged, as events on the lab's clock.
public struct DaemonLogs {
    let topology: Topology
    /// Where the logs are: NODE.DAEMON.log.
    let directory: String

    public init(topology: Topology, directory: String) {
        self.topology = topology
        self.directory = directory
    }

    /// Everything logged since a script began.
    public func events(of record: ScriptRecord) -> [LabEvent] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.sorted().flatMap { name -> [LabEvent] in
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count == 3, parts[2] == "log",
                let daemon = DaemonRegistry.profile(DaemonID(rawValue: parts[1])),
                let text = try? TextFile.read("\(directory)/\(name)")
            else { return [] }
            return daemon.events(
                in: text, of: parts[0], in: topology, realTimeOffset: record.realTimeOffsetNanoseconds)
        }.filter { $0.nanoseconds >= record.startedAtNanoseconds }
    }
}
