import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// All interfaces of the namespace, in the order of their numbers.
    ///
    /// Interfaces whose names are no `InterfaceName` (control characters, non-ASCII) are left out.
    ///
    /// - Throws: ``NetlinkError``.
    public func links() throws -> [LinkInfo] {
        try withRoute { channel in
            let message = try Message(RTM_GETLINK, flags: Int32(NLM_F_DUMP), ifinfomsg())
            return try channel.request(message, "list links").compactMap(LinkInfo.init)
        }
    }

    /// One interface. Throws `ENODEV` where there is none of that name.
    public func link(named name: InterfaceName) throws -> LinkInfo {
        try withRoute { channel in
            let message = try Message(RTM_GETLINK, ifinfomsg())
            message.put(IFLA_IFNAME, text: name.description)
            guard let link = try channel.request(message, "find link", "\(name)").lazy.compactMap(LinkInfo.init).first
            else { throw NetlinkError(errno: ENODEV, operation: "find link", object: "\(name)") }
            return link
        }
    }

    /// One interface; nil where there is none of that name.
    ///
    /// - Throws: `NetlinkError`.
    public func linkIfPresent(named name: InterfaceName) throws -> LinkInfo? {
        do { return try link(named: name) } catch let error as NetlinkError where error.errno == ENODEV { return nil }
    }

    /// Sets an interface up. For a veth to carry packets, its peer must be up too.
    ///
    /// - Throws: ``NetlinkError``.
    public func setUp(_ name: InterfaceName) throws {
        try change(name, "set link up", flags: UInt32(IFF_UP))
    }

    /// Sets an interface down; the kernel removes its routes and its IPv6 addresses.
    ///
    /// - Throws: ``NetlinkError``.
    public func setDown(_ name: InterfaceName) throws {
        try change(name, "set link down", flags: 0)
    }

    /// Sets an interface's MTU.
    ///
    /// - Throws: ``NetlinkError``.
    public func setMTU(_ mtu: MTU, on name: InterfaceName) throws {
        try change(name, "set MTU \(mtu) on link") { $0.put(IFLA_MTU, UInt32(mtu.bytes)) }
    }

    /// Limits how many segments TCP hands to an interface at once (`IFLA_GSO_MAX_SEGS`), for connections made afterwards.
    func setSegmentRun(_ count: UInt32, on name: InterfaceName) throws {
        try change(name, "limit runs of segments on link") { $0.put(IFLA_GSO_MAX_SEGS, count) }
    }

    /// The segments that TCP may hand to an interface at once; nil where the kernel does not say. Throws `ENODEV`.
    func segmentRun(of name: InterfaceName) throws -> UInt32? {
        try withRoute { channel in
            let message = try Message(RTM_GETLINK, ifinfomsg())
            message.put(IFLA_IFNAME, text: name.description)
            let reply = try channel.request(message, "find link", "\(name)").first
            return reply?.split(ifinfomsg.self)?.attributes[IFLA_GSO_MAX_SEGS]?.integer(UInt32.self)
        }
    }

    /// Sets an interface's Ethernet address.
    ///
    /// - Throws: ``NetlinkError``.
    public func setAddress(_ address: MACAddress, on name: InterfaceName) throws {
        try change(name, "set address \(address) on link") { $0.put(IFLA_ADDRESS, bytes: address.bytes) }
    }

    /// Renames an interface, which must be down on the lab's kernel (`EBUSY`).
    ///
    /// - Throws: ``NetlinkError``.
    public func rename(_ name: InterfaceName, to newName: InterfaceName) throws {
        try withRoute { channel in
            var header = ifinfomsg()
            header.ifi_index = try channel.index(of: name)
            let message = try Message(RTM_NEWLINK, header)
            message.put(IFLA_IFNAME, text: newName.description)
            _ = try channel.request(message, "rename link", "\(name) to \(newName)")
        }
    }

    /// Makes an interface a member of a bridge or VRF; nil takes it out.
    ///
    /// - Throws: ``NetlinkError``.
    public func setMaster(_ master: InterfaceName?, of name: InterfaceName) throws {
        let index = try master.map { master in try withRoute { try $0.index(of: master) } } ?? 0
        let operation = master.map { "set master \($0) of link" } ?? "free from its master link"
        try change(name, operation) { $0.put(IFLA_MASTER, UInt32(bitPattern: index)) }
    }

    /// Moves an interface to another namespace, where it arrives down and without addresses.
    ///
    /// - Throws: ``NetlinkError``.
    public func move(_ name: InterfaceName, to other: NetworkNamespace) throws {
        try change(name, "move to another namespace link") { $0.put(IFLA_NET_NS_FD, other.descriptor) }
    }

    /// Deletes an interface; with one end of a veth the other goes too. Throws `ENODEV` where there is none.
    public func deleteLink(_ name: InterfaceName) throws {
        try withRoute { channel in
            let message = try Message(RTM_DELLINK, ifinfomsg())
            message.put(IFLA_IFNAME, text: name.description)
            _ = try channel.request(message, "delete link", "\(name)")
        }
    }

    private func change(
        _ name: InterfaceName, _ operation: String, flags: UInt32? = nil, _ attributes: (Message) -> Void = { _ in }
    ) throws {
        try withRoute { channel in
            var header = ifinfomsg()
            if let flags {
                header.ifi_flags = flags
                header.ifi_change = UInt32(IFF_UP)
            }
            // Without NLM_F_CREATE and with number 0 the kernel finds the interface by its name.
            let message = try Message(RTM_NEWLINK, header)
            message.put(IFLA_IFNAME, text: name.description)
            attributes(message)
            _ = try channel.request(message, operation, "\(name)")
        }
    }
}

extension Channel {
    /// The number of an interface. Throws `ENODEV`.
    func index(of name: InterfaceName) throws(NetlinkError) -> Int32 {
        let message = try Message(RTM_GETLINK, ifinfomsg())
        message.put(IFLA_IFNAME, text: name.description)
        message.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        let replies = try request(message, "find link", "\(name)")
        guard let index = replies.first?.split(ifinfomsg.self)?.header.ifi_index else {
            throw NetlinkError(errno: ENODEV, operation: "find link", object: "\(name)")
        }
        return index
    }

    /// The names of all interfaces, by number.
    func names() throws(NetlinkError) -> [Int32: InterfaceName] {
        let message = try Message(RTM_GETLINK, flags: Int32(NLM_F_DUMP), ifinfomsg())
        message.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_SKIP_STATS))
        let links = try request(message, "list links").compactMap(LinkInfo.init)
        return Dictionary(links.map { ($0.index, $0.name) }) { first, _ in first }
    }
}
