import AgentProtocol
import LabRecords
import NodeRuntime
import Synchronization

extension RunningLab {
    /// What the kernel and the daemons hold now.
    ///
    /// - Throws: `NetlinkError`.
    func sample() throws -> ResourceSample {
        let memory = ProcFields(GuestSystem.read("/proc/meminfo") ?? "")
        // What netlab itself keeps, such as the record of all pings, is not the lab's.
        let own = ProcFields(GuestSystem.read("/proc/self/status") ?? "").bytes("RssAnon") ?? 0
        var daemonBytes: [String: Int64] = [:]
        for (name, process) in daemons {
            guard case .running = process.current else { continue }
            let status = ProcFields(GuestSystem.read("/proc/\(process.id)/status") ?? "")
            if let resident = status.bytes("VmRSS") { daemonBytes[name] = resident }
        }
        var associations: [String: Int] = [:]
        for node in Set(topology.tunnels.flatMap(\.ends).map(\.node)) {
            // A larval one, which has no algorithms, is a question to a daemon.
            associations[node] = try sandbox(node).sockets.securityAssociations().count {
                $0.encryption != nil || $0.aead != nil
            }
        }
        return ResourceSample(
            nanoseconds: LabClock.now.nanoseconds,
            kernelBytes: (memory.bytes("MemTotal") ?? 0) - (memory.bytes("MemAvailable") ?? 0) - own,
            daemonBytes: daemonBytes, associations: associations)
    }
}

/// A file of /proc with a name, a number and perhaps `kB` each line (proc(5)): meminfo, PID/status.
struct ProcFields {
    private var values: [Substring: Int64] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let words = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
            guard let word = words.first, let number = Int64(word) else { continue }
            values[line[..<colon]] = words.dropFirst().first == "kB" ? number * 1024 : number
        }
    }

    func bytes(_ name: String) -> Int64? { values[name[...]] }
}

/// Samples, as they are taken.
final class RecordedSamples: Sendable {
    private let samples = Mutex<[ResourceSample]>([])

    func append(_ sample: ResourceSample) { samples.withLock { $0.append(sample) } }

    /// By time.
    var all: [ResourceSample] { samples.withLock { $0 } }
}
