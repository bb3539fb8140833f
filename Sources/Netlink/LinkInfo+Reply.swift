import CNetlink
import Glibc
import NetworkTypes

extension LinkInfo {
    /// Reads an `RTM_NEWLINK` or `RTM_DELLINK` message; nil where it is malformed or its name is no `InterfaceName`.
    init?(_ reply: Reply) {
        guard let (header, attributes) = reply.split(ifinfomsg.self),
            header.ifi_family == UInt8(AF_UNSPEC),
            let name = attributes[IFLA_IFNAME].flatMap({ InterfaceName($0.text) })
        else { return nil }
        index = header.ifi_index
        self.name = name
        kind = LinkKind(attributes[IFLA_LINKINFO]?.nested)
        mtu = attributes[IFLA_MTU]?.integer(UInt32.self).map(Int.init) ?? 0
        isUp = header.ifi_flags & UInt32(IFF_UP) != 0
        hasCarrier = header.ifi_flags & 1 << 16 != 0  // IFF_LOWER_UP (linux/if.h), which Glibc's header lacks
        mac = header.ifi_type == 1 ? attributes[IFLA_ADDRESS].flatMap { MACAddress(bytes: $0.bytes) } : nil
        masterIndex = attributes[IFLA_MASTER]?.integer()
        linkIndex = attributes[IFLA_LINK]?.integer(Int32.self).flatMap { $0 == 0 ? nil : $0 }
        received = LinkCounters()
        sent = LinkCounters()
        // struct rtnl_link_stats64: packets, bytes, errors, drops, each first received and then sent.
        guard let statistics = attributes[IFLA_STATS64]?.bytes else { return }
        let counter = { (position: Int) in statistics.dropFirst(8 * position).integer(UInt64.self) ?? 0 }
        for (position, field) in [\LinkCounters.packets, \.bytes, \.errors, \.drops].enumerated() {
            received[keyPath: field] = counter(2 * position)
            sent[keyPath: field] = counter(2 * position + 1)
        }
    }
}

extension LinkKind {
    /// Reads `IFLA_LINKINFO`: the kind's name and the attributes that belong to it.
    init(_ information: Attributes?) {
        guard let information, let kind = information[IFLA_INFO_KIND]?.text else {
            self = .physical
            return
        }
        let data = information[IFLA_INFO_DATA]?.nested ?? Attributes([])
        switch kind {
        case "dummy": self = .dummy
        case "veth": self = .veth
        case "bridge": self = .bridge
        case "vlan": self = .vlan(id: Int(data[IFLA_VLAN_ID]?.integer(UInt16.self) ?? 0))
        case "vrf": self = .vrf(table: data[IFLA_VRF_TABLE]?.integer() ?? 0)
        case "vti", "vti6":
            self = .vti(
                local: kind == "vti" ? .v4(data.v4(IFLA_VTI_LOCAL)) : .v6(data.v6(IFLA_VTI_LOCAL)),
                remote: kind == "vti" ? .v4(data.v4(IFLA_VTI_REMOTE)) : .v6(data.v6(IFLA_VTI_REMOTE)),
                inputKey: data.bigEndian(IFLA_VTI_IKEY), outputKey: data.bigEndian(IFLA_VTI_OKEY))
        case "xfrm": self = .xfrm(id: data[IFLA_XFRM_IF_ID]?.integer() ?? 0)
        case "ip6tnl":
            let flags = data[IFLA_IPTUN_FLAGS]?.integer(UInt32.self) ?? 0
            let limit = data[IFLA_IPTUN_ENCAP_LIMIT]?.integer(UInt8.self).map(Int.init)
            self = .ip6Tunnel(
                local: data.v6(IFLA_IPTUN_LOCAL), remote: data.v6(IFLA_IPTUN_REMOTE),
                payload: data[IFLA_IPTUN_PROTO]?.integer() ?? 0,
                encapsulationLimit: flags & UInt32(IP6_TNL_F_IGN_ENCAP_LIMIT) == 0 ? limit : nil,
                hopLimit: Int(data[IFLA_IPTUN_TTL]?.integer(UInt8.self) ?? 0),
                flowInformation: data.bigEndian(IFLA_IPTUN_FLOWINFO))
        case "ipip": self = .ipip(local: data.v4(IFLA_IPTUN_LOCAL), remote: data.v4(IFLA_IPTUN_REMOTE))
        case "sit":
            let flags = data[IFLA_IPTUN_FLAGS]?.integer(UInt16.self) ?? 0
            self = .sit(
                local: data.v4(IFLA_IPTUN_LOCAL), remote: data.v4(IFLA_IPTUN_REMOTE),
                isISATAP: flags & UInt16(SIT_ISATAP) != 0)
        case "gre", "ip6gre":
            let flags = UInt16(bigEndian: data[IFLA_GRE_OFLAGS]?.integer() ?? 0)
            self = .gre(
                local: kind == "gre" ? .v4(data.v4(IFLA_GRE_LOCAL)) : .v6(data.v6(IFLA_GRE_LOCAL)),
                remote: kind == "gre" ? .v4(data.v4(IFLA_GRE_REMOTE)) : .v6(data.v6(IFLA_GRE_REMOTE)),
                key: flags & 0x2000 == 0 ? nil : data.bigEndian(IFLA_GRE_OKEY),
                hasSequenceNumbers: flags & 0x1000 != 0, hasChecksum: flags & 0x8000 != 0)
        case "vxlan":
            let isOverIPv6 = data[IFLA_VXLAN_GROUP6] != nil
            self = .vxlan(
                local: isOverIPv6 ? .v6(data.v6(IFLA_VXLAN_LOCAL6)) : .v4(data.v4(IFLA_VXLAN_LOCAL)),
                remote: isOverIPv6 ? .v6(data.v6(IFLA_VXLAN_GROUP6)) : .v4(data.v4(IFLA_VXLAN_GROUP)),
                vni: data[IFLA_VXLAN_ID]?.integer() ?? 0,
                port: UInt16(bigEndian: data[IFLA_VXLAN_PORT]?.integer() ?? 0))
        default: self = .other(kind)
        }
    }
}

extension Attributes {
    fileprivate func bigEndian(_ type: some NetlinkNumber) -> UInt32 {
        UInt32(bigEndian: self[type]?.integer() ?? 0)
    }

    fileprivate func v4(_ type: some NetlinkNumber) -> IPv4Address {
        IPv4Address(rawValue: bigEndian(type))
    }

    fileprivate func v6(_ type: some NetlinkNumber) -> IPv6Address {
        guard case .v6(let address) = self[type]?.address else { return IPv6Address(high: 0, low: 0) }
        return address
    }
}
