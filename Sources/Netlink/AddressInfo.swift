import CNetlink
import NetworkTypes

/// An address on an interface (`RTM_NEWADDR`, rtnetlink(7)).
public struct AddressInfo: Hashable, Sendable, Codable {
    public var interface: InterfaceName
    public var address: InterfaceAddress
    /// The other end's address, on a point-to-point link that was given one.
    public var peer: IPAddress?
    /// Whether duplicate address detection still runs: IPv6 only, and nothing can be sent from it yet.
    public var isTentative: Bool

    public init(interface: InterfaceName, address: InterfaceAddress, peer: IPAddress? = nil, isTentative: Bool = false)
    {
        self.interface = interface
        self.address = address
        self.peer = peer
        self.isTentative = isTentative
    }

    /// Reads an `RTM_NEWADDR` or `RTM_DELADDR` message; nil where it is malformed or the interface unknown.
    init?(_ reply: Reply, names: [Int32: InterfaceName]) {
        guard let (header, attributes) = reply.split(ifaddrmsg.self),
            let name = names[Int32(truncatingIfNeeded: header.ifa_index)],
            // IFA_LOCAL is the interface's own address, IFA_ADDRESS its peer's or, without a peer, the same one.
            let address = (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS])?.address,
            Int(header.ifa_prefixlen) <= address.bitWidth
        else { return nil }
        let remote = attributes[IFA_ADDRESS]?.address
        let flags = attributes[IFA_FLAGS]?.integer() ?? UInt32(header.ifa_flags)
        self.init(
            interface: name, address: InterfaceAddress(address, prefixLength: Int(header.ifa_prefixlen)),
            peer: remote == address ? nil : remote, isTentative: flags & UInt32(IFA_F_TENTATIVE) != 0)
    }
}
