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

    /// Chance then spoils less than one check in eight millions.
    static let usualFlows = 24
}

extension ClaimReader {
    func sharing() -> Expectation.Claim? {
        guard let probe = probe(),
            let over = fields.required("over", "the tunnels or links that share the traffic"),
            let ways = known(over, .tunnels, .links),
            let flows = number("flows", 2...1000, "a number of flows from 2 to 1000")
        else { return nil }
        guard Set(ways).count > 1 else {
            collector.error(
                over.line, "\(over.path): traffic is shared among several ways",
                "Name two tunnels or links at least, as in `[zone-a, zone-b]`.")
            return nil
        }
        return .sharing(SharingClaim(probe: probe, ways: ways, flows: flows.value ?? SharingClaim.usualFlows))
    }
}
