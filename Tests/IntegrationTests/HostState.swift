import Foundation
import SystemPackage
import Testing

/// What labs could leave on a host: what is there of each kind, in words.
///
/// On a machine that others use as well, of processes, sockets and files only those that can be a home's labs'; in a kernel of
/// its own, all of them.
struct HostState: Sendable {
    private let kinds: [String: Set<String>]

    /// Whether this is a lab kernel, where nobody else does anything.
    static let isAlone = Host.contents("/proc/sys/kernel/osrelease").contains("-netlab")

    /// Looks at everything.
    static func of(_ home: LabHome) async -> HostState {
        var kinds: [String: Set<String>] = [:]
        kinds["processes"] = processes(of: home)
        kinds["namespaces"] = namespaces(of: home)
        kinds["mounts"] = lines("/proc/self/mountinfo")
        kinds["sockets"] = sockets(of: home)
        kinds["packet sockets"] = isAlone ? Set(lines("/proc/net/packet").map { "\($0)" }) : []
        kinds["files"] = files(of: home)
        kinds["settings"] = settings
        // One shell for all: starting a program is what takes time in a lab kernel.
        let commands = [
            "ip -o link", "ip -o address", "ip route show table all", "ip -6 route show table all", "ip rule",
            "ip -6 rule", "ip xfrm state", "ip xfrm policy", "nft list ruleset",
        ]
        let script =
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin; "
            + commands.map { "echo '>\($0)'; \($0) 2>&1" }.joined(separator: "; ")
        let text = (try? await Netlab().execute("/bin/sh", ["-c", script]).output) ?? ""
        kinds["network"] = Set(
            text.replacing(#/ (expires|valid_lft|preferred_lft) \w+/#, with: "").split(separator: "\n").map(String.init)
        )
        return HostState(kinds: kinds)
    }

    /// What is here and was not before, or the other way round.
    func differences(from before: HostState) -> [String] {
        kinds.keys.sorted().flatMap { kind in
            let (now, then) = (kinds[kind] ?? [], before.kinds[kind] ?? [])
            return now.subtracting(then).sorted().map { "\(kind): more: \($0)" }
                + then.subtracting(now).sorted().map { "\(kind): less: \($0)" }
        }
    }

    // MARK: Kinds

    private static func processes(of home: LabHome) -> Set<String> {
        let found = isAlone ? Host.others : Host.processes(naming: home.path)
        return Set(found.map(Host.description(of:)))
    }

    /// Namespaces that some process is in, and those with a name.
    private static func namespaces(of home: LabHome) -> Set<String> {
        var found = Set(Host.names(in: "/run/netns").filter { isAlone || $0.hasPrefix("netlab.") })
        for process in isAlone ? Host.others : Host.processes(naming: home.path) {
            for kind in ["net", "mnt", "pid", "uts", "ipc", "user", "time"] {
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/\(kind)")
                if let link { found.insert(link) }
            }
        }
        return found
    }

    /// Looks until two looks in a row see the same: a socket may be there for a moment after the process that had it.
    static func settled(of home: LabHome) async throws -> HostState {
        var state = await of(home)
        try await eventually(within: .seconds(10), "a state that stays") {
            let last = state
            try await Task.sleep(for: .milliseconds(300))
            state = await of(home)
            return state.differences(from: last).isEmpty
        }
        return state
    }

    /// Unix sockets with a name.
    private static func sockets(of home: LabHome) -> Set<String> {
        Set(
            lines("/proc/net/unix").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 7, isAlone || words[7].contains(home.path.string) else { return nil }
                return String(words[7])
            })
    }

    private static func files(of home: LabHome) -> Set<String> {
        var found = Set(
            Host.files(below: home.path).filter { path in
                !path.hasPrefix("state/netlab/logs/") && !path.hasPrefix("state/netlab/runs")
                    && !path.hasPrefix("made/")
            })
        if isAlone {
            // What cannot be written there is the host's.
            for directory in ["/run", "/dev/shm", "/var/tmp", "/tmp"] where access(directory, W_OK) == 0 {
                found.formUnion(Host.names(in: FilePath(directory)).map { "\(directory)/\($0)" })
            }
        }
        // Logs are kept by their labs' names; those with a process in it are nobody's.
        return found.union(Host.names(in: home.state.appending("netlab/logs")).filter { $0.contains(".") })
    }

    /// The network's sysctls that can be read, but for counters.
    private static var settings: Set<String> {
        let counters = ["nf_conntrack_count", "fib6_", "random", "inet_peer", "stat", "icmp_msgs"]
        return Set(
            Host.files(below: "/proc/sys/net").filter { name in !counters.contains { name.contains($0) } }.map {
                "\($0) = \(Host.contents("/proc/sys/net/\($0)"))"
            })
    }

    private static func lines(_ path: String) -> Set<String> {
        Set(Host.contents(path).split(separator: "\n").map(String.init))
    }
}
