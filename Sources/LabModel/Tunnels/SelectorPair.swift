import NetworkTypes

/// The packets that one pair of child SAs is for, as an end sees them (RFC 7296, section 3.13).
public struct SelectorPair: Hashable, Sendable, Codable {
    public let local: IPPrefix
    /// Of the family of ``local``.
    public let remote: IPPrefix
    /// Nil for any.
    public let upper: IPProtocol?
    /// Nil for any.
    public let localPort: UInt16?
    public let remotePort: UInt16?

    public init(
        local: IPPrefix, remote: IPPrefix, upper: IPProtocol? = nil, localPort: UInt16? = nil,
        remotePort: UInt16? = nil
    ) {
        self.local = local
        self.remote = remote
        self.upper = upper
        self.localPort = localPort
        self.remotePort = remotePort
    }

    /// All packets of IPv4.
    public static let all = SelectorPair(
        local: IPPrefix(.v4(IPv4Address(rawValue: 0)), length: 0),
        remote: IPPrefix(.v4(IPv4Address(rawValue: 0)), length: 0))

    /// As the other end sees it.
    public var mirrored: SelectorPair {
        SelectorPair(local: remote, remote: local, upper: upper, localPort: remotePort, remotePort: localPort)
    }

    /// What both have; nil where that is nothing.
    public func intersection(_ other: SelectorPair) -> SelectorPair? {
        guard let local = Self.narrower(local, other.local), let remote = Self.narrower(remote, other.remote),
            let upper = Self.common(upper, other.upper), let localPort = Self.common(localPort, other.localPort),
            let remotePort = Self.common(remotePort, other.remotePort)
        else { return nil }
        return SelectorPair(local: local, remote: remote, upper: upper, localPort: localPort, remotePort: remotePort)
    }

    private static func narrower(_ one: IPPrefix, _ other: IPPrefix) -> IPPrefix? {
        one.contains(other) ? other : other.contains(one) ? one : nil
    }

    /// The outer nil where both want something and it is not the same.
    private static func common<Value: Equatable>(_ one: Value?, _ other: Value?) -> Value?? {
        guard let one, let other else { return .some(one ?? other) }
        return one == other ? .some(one) : nil
    }

    /// Whether a packet that the end sends is one of these; what is not known of the packet does not count against it.
    public func takes(
        from source: IPAddress, to destination: IPAddress, upper: IPProtocol?, sourcePort: UInt16? = nil,
        destinationPort: UInt16? = nil
    ) -> Bool {
        func fits<Value: Equatable>(_ wanted: Value?, _ value: Value?) -> Bool {
            guard let wanted, let value else { return true }
            return wanted == value
        }
        return local.contains(source) && remote.contains(destination) && fits(self.upper, upper)
            && fits(localPort, sourcePort) && fits(remotePort, destinationPort)
    }
}

extension SelectorPair: CustomStringConvertible {
    /// `10.1.0.0/16 > 10.2.0.0/16`, `10.1.0.0/16 port 443 > 10.2.0.0/16, TCP`.
    public var description: String {
        let side = { (prefix: IPPrefix, port: UInt16?) in "\(prefix)" + (port.map { " port \($0)" } ?? "") }
        return "\(side(local, localPort)) > \(side(remote, remotePort))" + (upper.map { ", \($0)" } ?? "")
    }
}

extension Tunnel {
    /// What an end's associations carry: of its own selectors those that the peer has as well, cut to what both have.
    ///
    /// A part is agreed on only where the responder narrows (RFC 7296, section 2.9); resolving a lab file refuses ends that differ where
    /// it does not.
    public func carried(at end: TunnelEnd) -> [SelectorPair] {
        guard let peer = peer(of: end) else { return [] }
        let wanted = peer.selectors.map(\.mirrored)
        return end.selectors.flatMap { own in wanted.compactMap(own.intersection) }
    }
}

extension Topology {
    /// The end whose policies take a packet that a node sends on, with its tunnel; nil where none do.
    ///
    /// Policies without an interface are asked whatever way the packet's route leads (`xfrm_lookup`, net/xfrm/xfrm_policy.c).
    public func policyEnd(
        at node: String, from source: IPAddress, to destination: IPAddress, upper: IPProtocol?
    ) -> (tunnel: Tunnel, end: TunnelEnd)? {
        tunnelEnds(of: node).first { tunnel, end in
            end.steering == .policy && !tunnel.isUnused
                && tunnel.carried(at: end).contains { $0.takes(from: source, to: destination, upper: upper) }
        }
    }
}
