import NetworkTypes

/// The kinds of interface that lead packets to an end's policies.
public enum TunnelInterfaceKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// Its key is the mark of the policies (ip-tunnel(8)).
    case vti
    /// Its `if_id` is one that the policies have as well (ip-link(8)).
    case xfrm
}

/// How packets find the policies of a tunnel's end.
public enum Steering: Hashable, Sendable, Codable {
    /// By a route into an interface, which has a number in common with the end's policies.
    case interface(InterfaceName, TunnelInterfaceKind, number: UInt32)
    /// By their own addresses, protocols and ports alone (RFC 4301, section 4.4.1).
    case policy

    public var interface: InterfaceName? {
        if case .interface(let name, _, _) = self { name } else { nil }
    }

    /// The mark or `if_id` that its policies have; nil for policies without either.
    public var number: UInt32? {
        if case .interface(_, _, let number) = self { number } else { nil }
    }
}
