import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// Gives an interface an address. An IPv6 one is usable at once: duplicates are not looked for.
    ///
    /// - Parameter peer: the other end's address, on a point-to-point link; the prefix length is then the peer's.
    /// - Throws: `EEXIST` where the interface has it already.
    public func addAddress(_ address: InterfaceAddress, to name: InterfaceName, peer: IPAddress? = nil) throws {
        try change(
            RTM_NEWADDR, Int32(NLM_F_CREATE | NLM_F_EXCL), address, name, peer, "add address", "\(address) to \(name)")
    }

    /// Takes an address from an interface. Throws `EADDRNOTAVAIL` where it is not there.
    public func deleteAddress(_ address: InterfaceAddress, from name: InterfaceName, peer: IPAddress? = nil) throws {
        try change(RTM_DELADDR, 0, address, name, peer, "delete address", "\(address) from \(name)")
    }

    /// The addresses of one interface, or of all.
    ///
    /// - Throws: ``NetlinkError``.
    public func addresses(of name: InterfaceName? = nil) throws -> [AddressInfo] {
        try withRoute { channel in
            let names = try channel.names()
            let message = try Message(RTM_GETADDR, flags: Int32(NLM_F_DUMP), ifaddrmsg())
            return try channel.request(message, "list addresses")
                .compactMap { AddressInfo($0, names: names) }
                .filter { name == nil || $0.interface == name }
        }
    }

    private func change(
        _ type: Int, _ flags: Int32, _ address: InterfaceAddress, _ name: InterfaceName, _ peer: IPAddress?,
        _ operation: String, _ object: String
    ) throws {
        try withRoute { channel in
            var header = ifaddrmsg()
            header.ifa_family = UInt8(address.address.family)
            header.ifa_prefixlen = UInt8(address.prefixLength)
            header.ifa_index = UInt32(bitPattern: try channel.index(of: name))
            let message = try Message(type, flags: flags, header)
            message.put(IFA_LOCAL, address.address)
            message.put(IFA_ADDRESS, peer ?? address.address)
            if case .v6 = address.address { message.put(IFA_FLAGS, UInt32(IFA_F_NODAD)) }
            _ = try channel.request(message, operation, object)
        }
    }
}

extension IPAddress {
    /// The socket interface's number for the family: `AF_INET` or `AF_INET6`.
    var family: Int32 {
        switch self {
        case .v4: AF_INET
        case .v6: AF_INET6
        }
    }
}
