import DaemonProfiles
import LabModel
import NetworkTypes

/// How often a request of IKE's is repeated, and how long.
public struct IKERetransmission: Hashable, Sendable {
    /// The wait after the first packet, and after the second.
    public let interval: Duration
    /// When a request is sent, from its beginning.
    let sendings: [Duration]
    /// How long until it is given up, which happens only when a wait ends.
    public let patience: Duration

    /// The first repetition waits as long as the first packet; then the waits double while they are below the timeout.
    public init(interval: Duration, timeout: Duration) {
        self.interval = interval
        var sendings: [Duration] = [.zero]
        var wait = interval
        var time = interval
        while time < timeout, sendings.count < 64 {
            if sendings.count > 1, wait * 2 < timeout { wait = wait * 2 }
            sendings.append(time)
            time += wait
        }
        self.sendings = sendings
        patience = time
    }

    /// - Parameter waits: After the first packet and after each repetition; the last one's end is the end.
    public init(waits: [Duration]) {
        interval = waits.first ?? .zero
        sendings = waits.dropLast().reduce(into: [.zero]) { $0.append(($0.last ?? .zero) + $1) }
        patience = waits.reduce(.zero, +)
    }

    /// As an end's daemon does it.
    public init(_ end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, versions: DaemonVersions) {
        self = end.keyDaemon.retransmission(
            of: end, of: tunnel, in: topology, version: versions[end.daemon, at: topology.node(named: end.node)])
    }

    /// The longest time between two sendings: after a mended path the next one is that far away at most.
    public var longestWait: Duration {
        zip(sendings.dropFirst() + [patience], sendings).map { $0 - $1 }.max() ?? patience
    }
}

extension DaemonFaultEffect {
    /// What becomes of a key daemon's work that is halted (SIGSTOP), whichever it is.
    static func standstill(of daemon: DaemonID, at node: String) -> DaemonFaultEffect {
        DaemonFaultEffect(
            isSilent: true,
            note:
                "\(daemon) at \(node) stands still, and its kernel goes on with the associations it has. Peers that hear ESP do not ask whether it lives; a rekey would fail."
        )
    }
}
