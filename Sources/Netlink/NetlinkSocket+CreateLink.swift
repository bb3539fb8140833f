import CNetlink
import Glibc
import NetworkTypes

/// Every new interface is down: the kernel refuses to set up a veth whose peer is not there yet (`ENOTCONN`).
/// All of these throw `EEXIST` where the name is taken and `EOPNOTSUPP` where the kernel lacks the driver.
extension NetlinkSocket {
    /// Makes a pair of Ethernet interfaces joined by a cable, the second of them in another namespace if one is given (veth(4)).
    ///
    /// - Throws: ``NetlinkError``.
    public func createVeth(name: InterfaceName, peer: InterfaceName, peerNamespace: NetworkNamespace? = nil) throws {
        try create(name, "veth", "with peer \(peer)") { data in
            data.nest(Int(VETH_INFO_PEER)) { message in
                message.append(ifinfomsg())
                message.put(IFLA_IFNAME, text: peer.description)
                if let peerNamespace { message.put(IFLA_NET_NS_FD, peerNamespace.descriptor) }
            }
        }
    }

    /// Makes an interface that swallows what is sent to it.
    ///
    /// - Throws: ``NetlinkError``.
    public func createDummy(name: InterfaceName) throws {
        try create(name, "dummy")
    }

    /// Makes a bridge.
    ///
    /// - Throws: ``NetlinkError``.
    public func createBridge(name: InterfaceName) throws {
        try create(name, "bridge")
    }

    /// Makes a virtual router: interfaces whose master it becomes route by its table.
    ///
    /// - Throws: ``NetlinkError``.
    public func createVRF(name: InterfaceName, table: UInt32) throws {
        try create(name, "vrf", "table \(table)") { $0.put(IFLA_VRF_TABLE, table) }
    }

    /// Makes an interface for the frames of a lower one that carry an 802.1Q tag: 0 to 4094.
    ///
    /// - Throws: ``NetlinkError``.
    public func createVLAN(name: InterfaceName, lower: InterfaceName, id: Int) throws {
        guard (0...4094).contains(id) else {
            throw NetlinkError(errno: ERANGE, operation: "create vlan link", object: "\(name) id \(id)")
        }
        try create(name, "vlan", "id \(id) on \(lower)", lower: lower) { $0.put(IFLA_VLAN_ID, UInt16(id)) }
    }

    /// Makes a route-based IPsec tunnel: what it sends carries `key` as its mark, and so finds the policies with that mark.
    ///
    /// Its MTU is the lower link's less its outer header, which does not count ESP: set it.
    ///
    /// - Parameter remote: Of the family of `local`: over IPv6 it is a `vti6` (net/ipv6/ip6_vti.c).
    /// - Throws: ``NetlinkError``.
    public func createVTI(name: InterfaceName, local: IPAddress, remote: IPAddress, key: UInt32) throws {
        let kind = local.bitWidth == 32 ? "vti" : "vti6"
        try create(name, kind, "local \(local) remote \(remote) key \(key)") { data in
            data.put(IFLA_VTI_LOCAL, local)
            data.put(IFLA_VTI_REMOTE, remote)
            data.put(IFLA_VTI_IKEY, key.bigEndian)
            data.put(IFLA_VTI_OKEY, key.bigEndian)
        }
    }

    /// Makes an XFRM interface: what it sends finds the policies with its identifier, which is 1 or more.
    ///
    /// Its MTU is 1500 or the lower link's, which does not count ESP: set it.
    ///
    /// - Throws: ``NetlinkError``.
    public func createXFRMInterface(name: InterfaceName, id: UInt32, lower: InterfaceName? = nil) throws {
        let index = try lower.map { lower in try withRoute { try $0.index(of: lower) } }
        try create(name, "xfrm", "if_id \(id)") { data in
            if let index { data.put(IFLA_XFRM_LINK, index) }
            data.put(IFLA_XFRM_IF_ID, id)
        }
    }

    /// Makes a tunnel over IPv6 (RFC 2473), for IPv4 or for IPv6.
    ///
    /// Its MTU comes from the route to `remote`, if there is one by now.
    ///
    /// - Parameter encapsulationLimit: the tunnel encapsulation limit option, which takes 8 bytes of each packet; nil for none.
    /// - Throws: ``NetlinkError``.
    public func createIP6Tunnel(
        name: InterfaceName, local: IPv6Address, remote: IPv6Address, carriesIPv6: Bool = false,
        encapsulationLimit: UInt8? = 4, hopLimit: UInt8 = 64
    ) throws {
        try create(name, "ip6tnl", "local \(local) remote \(remote)") { data in
            data.put(IFLA_IPTUN_LOCAL, .v6(local))
            data.put(IFLA_IPTUN_REMOTE, .v6(remote))
            data.put(IFLA_IPTUN_PROTO, UInt8(carriesIPv6 ? IPPROTO_IPV6 : IPPROTO_IPIP))
            data.put(IFLA_IPTUN_TTL, hopLimit)
            data.put(IFLA_IPTUN_ENCAP_LIMIT, encapsulationLimit ?? 0)
            data.put(IFLA_IPTUN_FLAGS, encapsulationLimit == nil ? UInt32(IP6_TNL_F_IGN_ENCAP_LIMIT) : 0)
        }
    }

    /// Makes an IPv4-in-IPv4 tunnel (RFC 2003).
    ///
    /// - Throws: ``NetlinkError``.
    public func createIPIP(name: InterfaceName, local: IPv4Address, remote: IPv4Address, ttl: UInt8 = 64) throws {
        try create(name, "ipip", "local \(local) remote \(remote)") { data in
            data.put(IFLA_IPTUN_LOCAL, .v4(local))
            data.put(IFLA_IPTUN_REMOTE, .v4(remote))
            data.put(IFLA_IPTUN_TTL, ttl)
            data.put(IFLA_IPTUN_PMTUDISC, UInt8(1))
            data.put(IFLA_IPTUN_PROTO, UInt8(IPPROTO_IPIP))
        }
    }

    /// Makes an IPv6-in-IPv4 tunnel between two fixed ends (RFC 4213).
    ///
    /// - Throws: ``NetlinkError``.
    public func createSIT(name: InterfaceName, local: IPv4Address, remote: IPv4Address, ttl: UInt8 = 64) throws {
        try create(name, "sit", "local \(local) remote \(remote)") { data in
            data.put(IFLA_IPTUN_LOCAL, .v4(local))
            data.put(IFLA_IPTUN_REMOTE, .v4(remote))
            data.put(IFLA_IPTUN_TTL, ttl)
            data.put(IFLA_IPTUN_PMTUDISC, UInt8(1))
            data.put(IFLA_IPTUN_PROTO, UInt8(IPPROTO_IPV6))
        }
    }

    /// Makes an ISATAP interface (RFC 5214). Its hosts send to a router after `addISATAPRouter`.
    ///
    /// - Throws: ``NetlinkError``.
    public func createISATAP(name: InterfaceName, local: IPv4Address, hopLimit: UInt8 = 64) throws {
        try create(name, "sit", "mode isatap local \(local)") { data in
            data.put(IFLA_IPTUN_LOCAL, .v4(local))
            data.put(IFLA_IPTUN_TTL, hopLimit)
            data.put(IFLA_IPTUN_PMTUDISC, UInt8(1))
            data.put(IFLA_IPTUN_PROTO, UInt8(IPPROTO_IPV6))
            data.put(IFLA_IPTUN_FLAGS, UInt16(SIT_ISATAP))
        }
    }

    /// Adds a default router to an ISATAP interface's potential router list.
    ///
    /// - Throws: ``NetlinkError``.
    public func addISATAPRouter(_ router: IPv4Address, on name: InterfaceName) throws {
        try withRoute { channel in
            guard netlab_add_isatap_router(channel.descriptor, name.description, router.rawValue.bigEndian) == 0 else {
                throw NetlinkError(errno: errno, operation: "add ISATAP router", object: "\(router) on \(name)")
            }
        }
    }

    /// Makes a GRE tunnel over IPv4 (RFC 2784) or IPv6 (RFC 7676), with what is optional in its header (RFC 2890).
    ///
    /// - Parameters:
    ///   - remote: Of the family of `local`.
    ///   - encapsulationLimit: As of ``createIP6Tunnel(name:local:remote:carriesIPv6:encapsulationLimit:hopLimit:)``; over IPv6 alone.
    /// - Throws: ``NetlinkError``.
    public func createGRE(
        name: InterfaceName, local: IPAddress, remote: IPAddress, key: UInt32? = nil, hasSequenceNumbers: Bool = false,
        hasChecksum: Bool = false, hopLimit: UInt8 = 64, encapsulationLimit: UInt8? = nil
    ) throws {
        let isOverIPv6 = local.bitWidth == 128
        try create(name, isOverIPv6 ? "ip6gre" : "gre", "local \(local) remote \(remote)") { data in
            data.put(IFLA_GRE_LOCAL, local)
            data.put(IFLA_GRE_REMOTE, remote)
            data.put(IFLA_GRE_TTL, hopLimit)
            if isOverIPv6 {
                data.put(IFLA_GRE_ENCAP_LIMIT, encapsulationLimit ?? 0)
                data.put(IFLA_GRE_FLAGS, encapsulationLimit == nil ? UInt32(IP6_TNL_F_IGN_ENCAP_LIMIT) : 0)
            } else {
                data.put(IFLA_GRE_PMTUDISC, UInt8(1))
            }
            // GRE_CSUM, GRE_KEY and GRE_SEQ (linux/if_tunnel.h).
            let flags: UInt16 =
                (hasChecksum ? 0x8000 : 0) | (key == nil ? 0 : 0x2000) | (hasSequenceNumbers ? 0x1000 : 0)
            data.put(IFLA_GRE_IFLAGS, flags.bigEndian)
            data.put(IFLA_GRE_OFLAGS, flags.bigEndian)
            guard let key else { return }
            data.put(IFLA_GRE_IKEY, key.bigEndian)
            data.put(IFLA_GRE_OKEY, key.bigEndian)
        }
    }

    /// Makes a VXLAN interface with one remote (RFC 7348), which learns no addresses and whose outer packets are not fragmented
    /// (section 4.3).
    ///
    /// Its MTU is 1500, whatever is below it: set it.
    ///
    /// - Parameters:
    ///   - remote: Of the family of `local`.
    ///   - vni: 0 to 2^24 - 1.
    /// - Throws: ``NetlinkError``.
    public func createVXLAN(
        name: InterfaceName, address: MACAddress, local: IPAddress, remote: IPAddress, vni: UInt32, port: UInt16,
        hopLimit: UInt8 = 64
    ) throws {
        let isOverIPv6 = local.bitWidth == 128
        try create(name, "vxlan", "id \(vni) local \(local) remote \(remote)") { data in
            data.put(IFLA_VXLAN_ID, vni)
            data.put(isOverIPv6 ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL, local)
            data.put(isOverIPv6 ? IFLA_VXLAN_GROUP6 : IFLA_VXLAN_GROUP, remote)
            data.put(IFLA_VXLAN_PORT, port.bigEndian)
            data.put(IFLA_VXLAN_TTL, hopLimit)
            data.put(IFLA_VXLAN_LEARNING, UInt8(0))
            // IPv6's are not fragmented on the way anyway.
            if !isOverIPv6 { data.put(IFLA_VXLAN_DF, UInt8(1)) }
        }
        try setAddress(address, on: name)
    }

    /// Makes a WireGuard interface without a key, a port or a peer; its MTU is 1420, whatever is below it.
    ///
    /// - Throws: ``NetlinkError``.
    public func createWireGuard(name: InterfaceName) throws {
        try create(name, "wireguard")
    }

    /// Enters a neighbour's Ethernet address, which is then never asked for.
    ///
    /// - Throws: ``NetlinkError``.
    public func addNeighbour(_ address: IPAddress, _ ethernet: MACAddress, on name: InterfaceName) throws {
        try withRoute { channel in
            var header = ndmsg()
            header.ndm_family = UInt8(address.bitWidth == 32 ? AF_INET : AF_INET6)
            header.ndm_ifindex = try channel.index(of: name)
            header.ndm_state = UInt16(NUD_PERMANENT)
            let message = try Message(RTM_NEWNEIGH, flags: Int32(NLM_F_CREATE | NLM_F_REPLACE), header)
            message.put(NDA_DST, address)
            message.put(NDA_LLADDR, bytes: ethernet.bytes)
            _ = try channel.request(message, "add neighbour", "\(address) at \(ethernet) on \(name)")
        }
    }

    private func create(
        _ name: InterfaceName, _ kind: String, _ details: String = "", lower: InterfaceName? = nil,
        _ data: (Message) -> Void = { _ in }
    ) throws {
        try withRoute { channel in
            let message = try Message(RTM_NEWLINK, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), ifinfomsg())
            message.put(IFLA_IFNAME, text: name.description)
            if let lower { message.put(IFLA_LINK, try channel.index(of: lower)) }
            message.nest(IFLA_LINKINFO) { message in
                message.put(IFLA_INFO_KIND, text: kind)
                message.nest(IFLA_INFO_DATA, data)
            }
            _ = try channel.request(message, "create \(kind) link", details.isEmpty ? "\(name)" : "\(name) \(details)")
        }
    }
}
