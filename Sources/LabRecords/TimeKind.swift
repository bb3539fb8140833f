import NetworkTypes

/// Which kind of time a lab was measured in.
public enum TimeKind: Hashable, Sendable {
    /// A lab kernel's, in which processing takes none: what was measured is what the configuration makes of it.
    case virtual
    /// The host kernel's, in which machine and neighbours take theirs. It can make things late, never early.
    case real

    /// What packets take on their way through a machine in real time, besides what links make of it.
    public static let processing = Duration.milliseconds(1)
    /// How late daemons may act in real time on a machine that is busy.
    public static let lateness = Duration.seconds(1)

    /// Said of what was seen where real time leaves it undecided.
    public static let doubt = "in real time a machine adds its own, so this decides nothing (the lab kernel adds none)"
}
