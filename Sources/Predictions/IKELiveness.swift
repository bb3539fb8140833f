import Daemons
import LabModel
import NetworkTypes

/// How one end of a tunnel notices that its peer is silent, and what it does then (IKEv2).
struct IKELiveness: Hashable, Sendable {
    /// How long after the last packet of the peer's it is asked.
    let delay: Duration
    let retransmission: IKERetransmission
    /// How long after the peer's last packet it is asked at the latest.
    let latestQuestion: Duration

    /// Nil for an end that never asks.
    init?(_ end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, versions: DaemonVersions) {
        switch end.configuration {
        case .generated:
            guard let detection = end.deadPeerDetection else { return nil }
            delay = detection.delay
        case .own:
            guard let own = end.own, let delay = own.deadPeerDelay else { return nil }
            self.delay = delay
        }
        retransmission = IKERetransmission(end, of: tunnel, in: topology, versions: versions)
        latestQuestion = end.keyDaemon.latestQuestion(after: delay)
    }

    /// From the peer's falling silent until it is given up.
    ///
    /// Its last packet is as old as the delay at most; it is asked, and the question is repeated.
    var death: Window {
        Window(retransmission.patience, latestQuestion + retransmission.patience)
    }
}
