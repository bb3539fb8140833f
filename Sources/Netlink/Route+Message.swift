import CNetlink
import Glibc
import NetworkTypes

extension Route {
    /// The request that adds, replaces or deletes this route. Interfaces are looked up on the channel.
    func message(_ type: Int, flags: Int32 = 0, on channel: Channel) throws(NetlinkError) -> Message {
        var header = rtmsg()
        header.rtm_family = UInt8(destination.address.family)
        header.rtm_dst_len = UInt8(destination.length)
        header.rtm_table = table < 256 ? UInt8(table) : UInt8(RT_TABLE_COMPAT.rawValue)
        if type == RTM_DELROUTE {
            // A route is found by what it says, whatever its scope and maker.
            header.rtm_scope = UInt8(RT_SCOPE_NOWHERE.rawValue)
        } else {
            header.rtm_scope = scope
            header.rtm_protocol = self.protocol.rawValue
        }
        header.rtm_type = self.type.rawValue
        var hops: [(hop: NextHop, index: Int32)] = []
        for hop in nexthops {
            guard (1...256).contains(hop.weight) else {
                throw NetlinkError(errno: ERANGE, operation: "use route", object: "\(self)")
            }
            hops.append((hop, try hop.interface.map(channel.index) ?? 0))
        }
        let message = try Message(type, flags: flags, header)
        message.put(RTA_DST, destination.address)
        message.put(RTA_TABLE, table)
        if metric != 0 { message.put(RTA_PRIORITY, metric) }
        if let preferredSource { message.put(RTA_PREFSRC, preferredSource) }
        if let mtu {
            message.nest(RTA_METRICS) { $0.put(Int(RTAX_MTU), UInt32(mtu.bytes)) }
        }
        if hops.count == 1, let only = hops.first {
            putGateway(of: only.hop, in: message)
            if only.index != 0 { message.put(RTA_OIF, only.index) }
        } else if !hops.isEmpty {
            message.put(RTA_MULTIPATH, bytes: hops.flatMap { multipath($0.hop, $0.index) })
        }
        return message
    }

    /// Derived as ip-route(8) does: the namespace itself, the link, or everywhere. IPv6 has only the last.
    private var scope: UInt8 {
        guard case .v4 = destination.address else { return UInt8(RT_SCOPE_UNIVERSE.rawValue) }
        switch type {
        case .local: return UInt8(RT_SCOPE_HOST.rawValue)
        case .broadcast, .anycast, .multicast: return UInt8(RT_SCOPE_LINK.rawValue)
        case .unicast where nexthops.allSatisfy({ $0.gateway == nil }): return UInt8(RT_SCOPE_LINK.rawValue)
        default: return UInt8(RT_SCOPE_UNIVERSE.rawValue)
        }
    }

    /// `RTA_GATEWAY`, or `RTA_VIA` (family and address) where the gateway is not of the destination's family.
    private func gatewayAttribute(of hop: NextHop) -> (type: rtattr_type_t, value: [UInt8])? {
        guard let gateway = hop.gateway else { return nil }
        guard gateway.family != destination.address.family else { return (RTA_GATEWAY, gateway.bytes) }
        return (RTA_VIA, withUnsafeBytes(of: UInt16(gateway.family)) { Array($0) } + gateway.bytes)
    }

    private func putGateway(of hop: NextHop, in message: Message) {
        if let (type, value) = gatewayAttribute(of: hop) { message.put(type, bytes: value) }
    }

    /// A `struct rtnexthop` and the gateway attribute that belongs to it.
    private func multipath(_ hop: NextHop, _ index: Int32) -> [UInt8] {
        var header = rtnexthop()
        header.rtnh_hops = UInt8(hop.weight - 1)
        header.rtnh_ifindex = index
        var attribute: [UInt8] = []
        if let (type, value) = gatewayAttribute(of: hop) {
            let length = 4 + value.count
            attribute = withUnsafeBytes(of: UInt16(length)) { Array($0) }
            attribute += withUnsafeBytes(of: UInt16(type.rawValue)) { Array($0) } + value
            attribute += Array(repeating: 0, count: aligned(length) - length)
        }
        header.rtnh_len = UInt16(MemoryLayout<rtnexthop>.size + attribute.count)
        return header.bytes + attribute
    }

    /// Reads an `RTM_NEWROUTE` or `RTM_DELROUTE` message; nil where it is malformed, a cache entry, or of another family.
    init?(_ reply: Reply, names: [Int32: InterfaceName]) {
        guard let (header, attributes) = reply.split(rtmsg.self),
            header.rtm_flags & UInt32(RTM_F_CLONED) == 0,
            let destination = IPPrefix(header, attributes),
            let type = RouteType(rawValue: header.rtm_type)
        else { return nil }
        self.init(
            destination: destination, table: attributes[RTA_TABLE]?.integer() ?? UInt32(header.rtm_table),
            metric: attributes[RTA_PRIORITY]?.integer() ?? 0, preferredSource: attributes[RTA_PREFSRC]?.address,
            protocol: RouteProtocol(rawValue: header.rtm_protocol), type: type,
            mtu: attributes[RTA_METRICS]?.nested[Int(RTAX_MTU)]?.integer(UInt32.self).flatMap { MTU(Int($0)) })
        guard type.hasNextHops else { return }
        if let list = attributes[RTA_MULTIPATH]?.bytes {
            nexthops = NextHop.all(in: list, names: names)
        } else {
            let index = attributes[RTA_OIF]?.integer(Int32.self)
            nexthops = [NextHop(gateway: attributes.gateway, interface: index.flatMap { names[$0] })]
        }
    }
}

extension IPPrefix {
    /// The destination of a route message: an absent attribute stands for all zeros.
    init?(_ header: rtmsg, _ attributes: Attributes) {
        let any: IPAddress
        switch Int32(header.rtm_family) {
        case AF_INET: any = .v4(IPv4Address(rawValue: 0))
        case AF_INET6: any = .v6(IPv6Address(high: 0, low: 0))
        default: return nil
        }
        let address = attributes[RTA_DST]?.address ?? any
        guard address.bitWidth == any.bitWidth, Int(header.rtm_dst_len) <= any.bitWidth else { return nil }
        self.init(address, length: Int(header.rtm_dst_len))
    }
}

extension Attributes {
    /// The gateway of a next hop, of either family.
    var gateway: IPAddress? {
        self[RTA_GATEWAY]?.address ?? self[RTA_VIA].flatMap { IPAddress(bytes: $0.bytes.dropFirst(2)) }
    }
}

extension NextHop {
    /// Reads `RTA_MULTIPATH`: next hops of varying size; whatever is malformed ends the list.
    fileprivate static func all(in bytes: ArraySlice<UInt8>, names: [Int32: InterfaceName]) -> [NextHop] {
        var hops: [NextHop] = []
        var rest = bytes
        let size = MemoryLayout<rtnexthop>.size
        while rest.count >= size {
            let header = rtnexthop(copying: rest)
            let length = Int(header.rtnh_len)
            guard length >= size, length <= rest.count else { break }
            let attributes = Attributes(rest.prefix(length).dropFirst(size))
            hops.append(
                NextHop(
                    gateway: attributes.gateway, interface: names[header.rtnh_ifindex],
                    weight: Int(header.rtnh_hops) + 1))
            rest = rest.dropFirst(aligned(length))
        }
        return hops
    }
}
