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
    /// The identifier in the 802.1Q tag of every frame, 1 to 4094; nil for frames without a tag.
    public var vlan: Int?

    public init(name: String, ends: [LinkEnd], mtu: MTU, rate: BitRate, delay: Duration, loss: Percentage, vlan: Int?) {
        self.name = name
        self.ends = ends
        self.mtu = mtu
        self.rate = rate
        self.delay = delay
        self.loss = loss
        self.vlan = vlan
    }

    /// The other end of the link.
    public func peer(of end: LinkEnd) -> LinkEnd? {
        ends.first { $0 != end }
    }

    /// What stands before the IP packet in each frame, in bytes: two addresses and the type, and the tag, which does not
    /// count against the MTU (IEEE 802.3, clause 3.1.1).
    public var headerLength: Int { vlan == nil ? 14 : 18 }
}

/// Where a link is plugged in.
public struct LinkEnd: Hashable, Sendable, Codable {
    public let node: String
    /// The port: what captures, shapes and faults of the cable are about.
    public let interface: InterfaceName
    /// The interface for one VLAN's frames on the port; nil where frames have no tag.
    public var vlanInterface: InterfaceName?
    public let addresses: [InterfaceAddress]

    public init(node: String, interface: InterfaceName, vlanInterface: InterfaceName?, addresses: [InterfaceAddress]) {
        self.node = node
        self.interface = interface
        self.vlanInterface = vlanInterface
        self.addresses = addresses
    }

    /// The interface that has the addresses: what routes, filters and BGP are about.
    public var routedInterface: InterfaceName { vlanInterface ?? interface }
}
