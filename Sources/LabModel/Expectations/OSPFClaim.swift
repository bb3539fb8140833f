/// The routers at both ends of OSPF's links are fully adjacent, or not.
public struct OSPFClaim: Hashable, Sendable, Codable {
    /// A domain, for all of its links, or a link.
    public let place: String
    public let isAdjacent: Bool

    public init(place: String, isAdjacent: Bool) {
        self.place = place
        self.isAdjacent = isAdjacent
    }

    public var condition: Condition { Condition(.ospf(place), holds: isAdjacent) }
}
