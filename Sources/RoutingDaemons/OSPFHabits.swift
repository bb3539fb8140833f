import NetworkTypes

/// When a daemon that speaks OSPF does what, beyond what RFC 2328 has it do.
public struct OSPFHabits: Hashable, Sendable {
    public let product: String
    /// From what a router of the domain notices until all of them have given their kernels other routes, links' delays not counted; and why.
    public let settling: Duration
    public let settlingReason: String
    /// From a route of BGP's that an edge's kernel gets or loses until all kernels of the domain know, links' delays not counted.
    public let telling: Duration
    /// After how long at most a router repeats what a neighbour has not taken.
    public let repetition: Duration
    /// From the arrival of the first packet of a neighbour's until both are adjacent and everybody's kernel has the routes, at most; and why.
    public let adjoining: Duration
    public let adjoiningReason: String

    public init(
        product: String, settling: Duration, settlingReason: String, telling: Duration, repetition: Duration,
        adjoining: Duration, adjoiningReason: String
    ) {
        self.product = product
        self.settling = settling
        self.settlingReason = settlingReason
        self.telling = telling
        self.repetition = repetition
        self.adjoining = adjoining
        self.adjoiningReason = adjoiningReason
    }
}
