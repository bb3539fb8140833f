import NetworkTypes

/// What the tunnels have carried by one moment: as their interfaces count it, in clear; by the associations that are there, where policies
/// alone lead in.
public struct TrafficSample: Hashable, Sendable, Codable {
    /// On the lab's clock.
    public let nanoseconds: Int64
    /// Of the interfaces that are there, in the lab file's order.
    public let ends: [End]

    public init(nanoseconds: Int64, ends: [End]) {
        self.nanoseconds = nanoseconds
        self.ends = ends
    }

    /// One end of a tunnel; numbers count from when its interface was made (`IFLA_STATS64`, rtnetlink(7)), or from when each of its
    /// associations was, and fall when one is deleted.
    public struct End: Hashable, Sendable, Codable {
        public let tunnel: String
        public let node: String
        public let sentPackets: UInt64
        public let sentBytes: UInt64
        public let receivedPackets: UInt64
        public let receivedBytes: UInt64

        public init(
            tunnel: String, node: String, sentPackets: UInt64, sentBytes: UInt64, receivedPackets: UInt64,
            receivedBytes: UInt64
        ) {
            self.tunnel = tunnel
            self.node = node
            self.sentPackets = sentPackets
            self.sentBytes = sentBytes
            self.receivedPackets = receivedPackets
            self.receivedBytes = receivedBytes
        }
    }
}
