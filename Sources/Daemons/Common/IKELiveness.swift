import LabModel
import NetworkTypes

/// How one end of a tunnel notices that its peer is silent, and what it does then: libreswan and strongSwan, IKEv2.
///
/// Source: ipsec.conf(5); libreswan's programs/pluto/ikev2_liveness.c and retransmit.c; swanctl.conf(5); strongSwan's
/// src/libcharon/sa/ike_sa.c (`send_dpd`) and ikev2/task_manager_v2.c.
public struct IKELiveness: Hashable, Sendable {
    /// `dpddelay=` or `dpd_delay`: how long after the last packet of the peer's it is asked.
    public let delay: Duration
    let action: TunnelEnd.DeadPeerAction
    public let retransmission: IKERetransmission
    /// How long after the peer's last packet it is asked at the latest.
    private let latestQuestion: Duration

    /// Nil for an end that never asks.
    public init?(_ end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, version: DaemonVersion) {
        switch (end.configuration, end.daemon) {
        case (.generated(_, let action), _):
            guard let detection = tunnel.deadPeerDetection(at: end) else { return nil }
            delay = detection.delay
            self.action = action
        case (.own, .strongswan):
            guard let connection = end.swanctlConnection, let delay = connection.deadPeerDelay else { return nil }
            self.delay = delay
            action = connection.deadPeerAction
        case (.own, .libreswan):
            let parameters = end.parameters
            guard let delay = parameters["dpddelay"].flatMap(IKERetransmission.duration), delay > .zero else {
                return nil
            }
            self.delay = delay
            action = parameters["dpdaction"].flatMap(TunnelEnd.DeadPeerAction.init(rawValue:)) ?? .hold
        }
        retransmission = IKERetransmission(end, of: tunnel, in: topology, version: version)
        latestQuestion =
            switch end.daemon {
            // pluto looks once in a delay whether a packet came in since it looked last.
            case .libreswan: delay * 2
            // charon looks again when the last packet that it knows of is as old as the delay; it counts whole seconds.
            case .strongswan: delay + .seconds(1)
            }
    }

    /// From the peer's falling silent until it is given up.
    ///
    /// Its last packet is as old as the delay at most; it is asked, and the question is repeated.
    public var death: Window {
        Window(retransmission.patience, latestQuestion + retransmission.patience)
    }
}

/// How often a request of IKE's is repeated, and how long.
public struct IKERetransmission: Hashable, Sendable {
    /// The wait after the first packet, and after the second.
    public let interval: Duration
    /// When a request is sent, from its beginning.
    let sendings: [Duration]
    /// How long until it is given up, which happens only when a wait ends.
    public let patience: Duration

    init(interval: Duration, timeout: Duration) {
        self.interval = interval
        var sendings: [Duration] = [.zero]
        var wait = interval
        var time = interval
        // The first repetition waits as long as the first packet; then the waits double while they are below the timeout.
        while time < timeout, sendings.count < 64 {
            if sendings.count > 1, wait * 2 < timeout { wait = wait * 2 }
            sendings.append(time)
            time += wait
        }
        self.sendings = sendings
        patience = time
    }

    init(_ schedule: CharonRetransmission) {
        interval = schedule.firstWait
        sendings = schedule.waits.dropLast().reduce(into: [.zero]) { $0.append(($0.last ?? .zero) + $1) }
        patience = schedule.waits.reduce(.zero, +)
    }

    public init(_ end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, version: DaemonVersion) {
        guard end.daemon == .libreswan else {
            self.init(topology.charonRetransmission(of: end.node))
            return
        }
        switch end.configuration {
        case .generated:
            guard let generated = tunnel.deadPeerDetection(at: end)?.retransmission else { fallthrough }
            self.init(interval: generated.interval, timeout: generated.timeout)
        case .own:
            let parameters = end.parameters
            self.init(
                interval: parameters["retransmit-interval"].flatMap(Self.milliseconds) ?? .milliseconds(500),
                timeout: parameters["retransmit-timeout"].flatMap(Self.duration) ?? Self.defaultTimeout(version))
        }
    }

    /// 60 s; 30 s from libreswan 5.4 on.
    static func defaultTimeout(_ version: DaemonVersion) -> Duration {
        version < DaemonVersion(major: 5, minor: 4) ? .seconds(60) : .seconds(30)
    }

    /// The longest time between two sendings: after a mended path the next one is that far away at most.
    public var longestWait: Duration {
        zip(sendings.dropFirst() + [patience], sendings).map { $0 - $1 }.max() ?? patience
    }

    /// A bare number is one of seconds.
    static func duration(_ text: String) -> Duration? { Duration(text: text) ?? Duration(text: text + "s") }

    /// A bare number is one of milliseconds.
    static func milliseconds(_ text: String) -> Duration? { Duration(text: text) ?? Duration(text: text + "ms") }
}

extension TunnelEnd {
    /// What the user's own file says of this end's connection; empty for generated ones and for swanctl.conf.
    public var parameters: [String: String] {
        guard case .own(let files) = configuration, daemon == .libreswan else { return [:] }
        return IpsecConf(files.configuration)[connection: connection] ?? [:]
    }
}
