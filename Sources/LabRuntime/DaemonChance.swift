import AgentProtocol
import DaemonProfiles
import Daemons
import NodeRuntime

/// The random numbers of a lab's daemons, where they come from a seed.
struct DaemonChance: Sendable {
    private static let library = "/run/netlab/seeded-random.so"

    private let random: SeededRandom

    /// Puts the library where every node sees it.
    init(_ random: SeededRandom) throws {
        self.random = random
        try GuestSystem.createDirectory("/run/netlab")
        try GuestSystem.write(random.library.array, to: Self.library, mode: 0o755)
    }

    /// What a daemon is to find in its environment (ld.so(8)).
    ///
    /// - Parameter start: How often it has been started before.
    func environment(of daemon: Daemon, start: Int) -> [String: String] {
        let own = DaemonRegistry.profile(daemon.kind)?.seededEnvironment ?? [:]
        return own.merging([
            "LD_PRELOAD": Self.library,
            Self.seedVariable: String(random.stream(of: daemon.name, start: start)),
        ]) { $1 }
    }

    /// What the library looks for, by the same name in `CSeededRandom.h`.
    private static let seedVariable = "NETLAB_DAEMON_SEED"
}
