import NetworkTypes

/// Which of several routes a node takes for the best, and the step of its choice that leaves it alone.
public struct BestClaim: Hashable, Sendable, Codable {
    public let node: String
    public let prefix: IPPrefix
    /// The session that tells the route.
    public let session: String
    /// Nil where it does not matter.
    public let step: RouteChoiceStep?

    public init(node: String, prefix: IPPrefix, session: String, step: RouteChoiceStep?) {
        self.node = node
        self.prefix = prefix
        self.session = session
        self.step = step
    }
}

/// A probe's questions and their answers go through the same tunnels, or where there are none by the same nodes.
public struct SymmetryClaim: Hashable, Sendable, Codable {
    public let probe: String

    public init(probe: String) {
        self.probe = probe
    }
}
