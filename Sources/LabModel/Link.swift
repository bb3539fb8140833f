import NetworkTypes

/// A cable between two nodes: a veth pair, shaped the same in both directions.
public struct Link: Hashable, Sendable, Codable {
    public let name: String
    /// Exactly two.
    public let ends: [LinkEnd]
    public let mtu: MTU
    public let rate: BitRate
    /// One way.
    public let delay: Duration
    public let loss: Percentage

    /// The other end of the link.
    public func peer(of end: LinkEnd) -> LinkEnd? {
        ends.first { $0 != end }
    }
}

/// Where a link is plugged in.
public struct LinkEnd: Hashable, Sendable, Codable {
    public let node: String
    public let interface: InterfaceName
    public let addresses: [InterfaceAddress]
}
