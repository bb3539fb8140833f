import AgentProtocol
import NetworkTypes

/// How much went through each tunnel of a lab between two looks at it, by the lab's own clock.
public struct LabRates: Hashable, Sendable {
    /// What one end of a tunnel has sent into it.
    public struct End: Hashable, Sendable {
        public let node: String
        /// Of what goes in, without the tunnel's own headers; nil where its counter began anew meanwhile.
        public let bitsPerSecond: Double?
    }

    /// By the tunnel's name, its ends in their order.
    public let tunnels: [String: [End]]

    /// - Returns: Nil where no time has passed between the two, or the lab does not say.
    public init?(from earlier: LabStatus?, to now: LabStatus) {
        guard let earlier, let start = earlier.clock?.time, let end = now.clock?.time, end > start else { return nil }
        let seconds = Double(end.nanoseconds - start.nanoseconds) / 1e9
        let before = Self.sent(in: earlier)
        tunnels = Self.sent(in: now).reduce(into: [:]) { tunnels, tunnel in
            tunnels[tunnel.key] = tunnel.value.map { node, bytes in
                let old = before[tunnel.key]?.first { $0.node == node }?.bytes
                guard let old, let bytes, bytes >= old else { return End(node: node, bitsPerSecond: nil) }
                return End(node: node, bitsPerSecond: Double(bytes - old) * 8 / seconds)
            }
        }
    }

    private static func sent(in status: LabStatus) -> [String: [(node: String, bytes: UInt64?)]] {
        let secured = status.tunnels.filter { $0.state != .unused }.map { tunnel in
            (tunnel.name, tunnel.ends.map { (node: $0.node, bytes: $0.outbound?.bytes) })
        }
        let plain = status.plainTunnels.map { tunnel in
            (tunnel.name, tunnel.ends.map { (node: $0.node, bytes: UInt64?.some($0.sentBytes)) })
        }
        return Dictionary(secured + plain, uniquingKeysWith: { first, _ in first })
    }

    /// What the ends of a tunnel send, as in `tgw 1.2 Mbit/s, drg 0.4 kbit/s`; nil for a tunnel that is not known.
    public func text(of tunnel: String) -> String? {
        tunnels[tunnel].map { ends in
            ends.map { "\($0.node) \($0.bitsPerSecond.map(ProbeReport.rate) ?? "?")" }.joined(separator: ", ")
        }
    }
}
