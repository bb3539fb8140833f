import NetworkTypes

/// What a generated end of a tunnel offers its peer, and takes from it.
public struct TunnelProposal: Hashable, Sendable, Codable {
    /// Phase 1: how the IKE SA may be protected, the best first; at least one.
    public var ike: [IKEAlgorithms]
    public var ikeLifetime: Duration
    /// Phase 2: how the traffic may be, the best first; at least one.
    public var esp: [ESPProposal]
    public var espLifetime: Duration
    public var authentication: Authentication

    public init(
        ike: [IKEAlgorithms], ikeLifetime: Duration, esp: [ESPProposal], espLifetime: Duration,
        authentication: Authentication
    ) {
        self.ike = ike
        self.ikeLifetime = ikeLifetime
        self.esp = esp
        self.espLifetime = espLifetime
        self.authentication = authentication
    }

    /// Nil where it authenticates in another way.
    public var presharedKey: Secret? {
        if case .presharedKey(let key) = authentication { key } else { nil }
    }
}

/// A child SA's algorithms, and the group of its renewals (RFC 7296, section 3.3.2).
public struct ESPProposal: Hashable, Sendable, Codable {
    public var algorithms: ESPAlgorithms
    /// The group of perfect forward secrecy; nil for none.
    public let group: DiffieHellmanGroup?

    public init(algorithms: ESPAlgorithms, group: DiffieHellmanGroup?) {
        self.algorithms = algorithms
        self.group = group
    }
}
