import NetworkTypes

/// Equal-cost multipath: flows are shared among ways, and each keeps to one in each direction (RFC 2992).
///
/// The flows are TCP connections from a probe's source to its destination, which differ in their ports.
public struct SharingClaim: Hashable, Sendable, Codable {
    public let probe: String
    /// Tunnels and links, each of which has to carry some of the flows, in each direction.
    public let ways: [String]
    /// How many connections; with n of them, chance alone leaves one of two ways empty once in 2^(n−1).
    public let flows: Int

    public init(probe: String, ways: [String], flows: Int) {
        self.probe = probe
        self.ways = ways
        self.flows = flows
    }

    /// Chance then spoils less than one check in eight millions.
    public static let usualFlows = 24
}
