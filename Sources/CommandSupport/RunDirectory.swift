import FoundationEssentials
import Glibc
import KernelBuilds
import LabModel
import LabPlan
import Reporting

/// Where a test leaves what it found: reports, captures, logs, and what was tested.
///
///     report.json, junit.xml          what came of it
///     versions.json                   netlab's, the kernel's and the daemons'
///     LAB[+VARIANT][@SYSTEM]/lab.yaml, plan.txt, …   the lab file and those beside it, without their secrets, and the plan
///     LAB[+VARIANT][@SYSTEM]/SCENARIO[-N]/     report.txt, capture.pcapng, check-1.pcapng, …, NODE.DAEMON.log
///
/// For its owner only (0700), because captures show traffic.
package struct RunDirectory {
    package let path: String

    /// How many runs without a place of their own are kept.
    private static let kept = 20

    /// - Parameter path: As the user gave it: a directory that is new or empty. Nil for one among netlab's own, of which the
    ///   last twenty are kept.
    /// - Throws: `CommandError` for a directory with something in it, or that cannot be made.
    package init(path given: String?) throws {
        if let given {
            path = given
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: given)) ?? []
            guard entries.isEmpty else {
                throw CommandError(
                    message: "\(given) is not empty.",
                    remedy: "Name a directory for this run alone with --out; nothing is written over.")
            }
        } else {
            let parent = try LabLocator.directories.create(.state).appending("runs").string
            try Self.make(parent)
            let old = ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted()
            for name in old.dropLast(Self.kept - 1) { try? FileManager.default.removeItem(atPath: "\(parent)/\(name)") }
            path = "\(parent)/\(Self.now)-\(getpid())"
        }
        try Self.make(path)
    }

    /// Sorts by time: `20261121-083000`, in UTC.
    private static var now: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))-"
            + "\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))"
    }

    private static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandError(
                message: "The directory \(path) cannot be made: \(error.localizedDescription)",
                remedy: "Look at its parent's permissions and free space, or name another with --out.")
        }
    }

    /// A directory below this one.
    package func below(_ name: String) throws -> RunDirectory {
        try Self.make("\(path)/\(name)")
        return RunDirectory(existing: "\(path)/\(name)")
    }

    private init(existing path: String) {
        self.path = path
    }

    package func write(_ text: String, to name: String) throws {
        try TextFile.write(text, to: "\(path)/\(name)")
    }

    /// Removes it with all that is in it.
    package func remove() {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            StandardStream.error.write("netlab: \(path) could not be removed: \(error.localizedDescription)\n")
        }
    }

    /// Takes a running or ended lab's logs and captures here.
    package func take(logsFrom directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            do {
                try FileManager.default.moveItem(atPath: "\(directory)/\(name)", toPath: "\(path)/\(name)")
            } catch {
                StandardStream.error.write(
                    "netlab: \(name) could not be kept in \(path): \(error.localizedDescription)\n")
            }
        }
    }

    /// Writes what was tested: the lab file with those beside it, the secrets in them masked, and the plan.
    package func describe(_ topology: Topology, labFile: String) throws {
        let slash = labFile.lastIndex(of: "/")
        let parent = slash.map { String(labFile[..<$0]) } ?? "."
        try write(topology.masking(try TextFile.read(labFile)), to: "lab.yaml")
        for file in topology.companions {
            try? write(topology.masking(LabLocator.companion(file, in: parent)), to: file)
        }
        try write(PlanReport(Plan(for: topology)).text(withContents: true), to: "plan.txt")
    }
}
