import AgentProtocol
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime
import Synchronization

// What goes through tunnels, counted by their interfaces, or by associations where there are none.
extension RunningLab {
    /// The counters of the tunnels' interfaces now; one that a daemon has not made is left out.
    ///
    /// - Throws: `NetlinkError`.
    func traffic() throws -> TrafficSample {
        let nanoseconds = LabClock.now.nanoseconds
        let ends = topology.tunnels.filter { !$0.isUnused }.flatMap { tunnel in tunnel.ends.map { (tunnel.name, $0) } }
        return TrafficSample(
            nanoseconds: nanoseconds,
            ends: try ends.compactMap { tunnel, end in
                guard let interface = end.interface else {
                    // Where there is no interface to count, the associations that are there now do.
                    let (inbound, outbound) = try associations(of: end)
                    return TrafficSample.End(
                        tunnel: tunnel, node: end.node, sentPackets: outbound.reduce(0) { $0 + $1.packets },
                        sentBytes: outbound.reduce(0) { $0 + $1.bytes },
                        receivedPackets: inbound.reduce(0) { $0 + $1.packets },
                        receivedBytes: inbound.reduce(0) { $0 + $1.bytes })
                }
                return try sandbox(end.node).sockets.linkIfPresent(named: interface).map { link in
                    TrafficSample.End(
                        tunnel: tunnel, node: end.node, sentPackets: link.sent.packets, sentBytes: link.sent.bytes,
                        receivedPackets: link.received.packets, receivedBytes: link.received.bytes)
                }
            })
    }

    /// The same at the next multiple of a time on the lab's clock, so that who asks again at once gets each of them.
    func traffic(every interval: Duration) async throws -> TrafficSample {
        try await LabSleep.wait(until: (LabClock.now + .nanoseconds(1)).roundedUp(to: interval))
        return try traffic()
    }
}

/// Samples of traffic, as they are taken.
final class RecordedTraffic: Sendable {
    private let samples = Mutex<[TrafficSample]>([])

    func append(_ sample: TrafficSample) { samples.withLock { $0.append(sample) } }

    /// By time.
    var all: [TrafficSample] { samples.withLock { $0 } }
}
