import Daemons
import FoundationEssentials
import KernelBuilds
import LabModel
import LabRecords

/// What a lab's daemons have logged, as events on the lab's clock.
struct DaemonLogs {
    let topology: Topology
    /// Where the logs are: NODE.DAEMON.log.
    let directory: String

    /// Everything logged since a script began.
    func events(of record: ScriptRecord) -> [LabEvent] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.sorted().flatMap { name -> [LabEvent] in
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count == 3, parts[2] == "log", let kind = DaemonKind(rawValue: parts[1]),
                let text = try? TextFile.read("\(directory)/\(name)")
            else { return [] }
            return events(in: text, node: parts[0], kind, record)
        }.filter { $0.nanoseconds >= record.startedAtNanoseconds }
    }

    private func events(in text: String, node: String, _ kind: DaemonKind, _ record: ScriptRecord) -> [LabEvent] {
        switch kind {
        case .bird:
            BirdLog.events(
                text, node: node, protocols: Set(topology.sessions.map(\.name)),
                realTimeOffset: record.realTimeOffsetNanoseconds)
        case .charon: CharonLog.events(text, node: node, realTimeOffset: record.realTimeOffsetNanoseconds)
        case .pluto: PlutoLog.events(text, node: node, realTimeOffset: record.realTimeOffsetNanoseconds)
        }
    }
}
