import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// Asks the kernel which way a packet would go (`RTM_GETROUTE`), by all rules and tables.
    ///
    /// - Throws: `ENETUNREACH` or `EHOSTUNREACH` where there is no way, `EINVAL` for a blackhole, `EACCES` where it is prohibited; `ENODEV`.
    public func lookup(_ query: RouteQuery) throws -> ResolvedRoute {
        try withRoute { channel in
            let reply = try Self.ask(query, UInt32(RTM_F_LOOKUP_TABLE), on: channel)
            guard let (header, attributes) = reply.split(rtmsg.self) else {
                throw NetlinkError(errno: EBADMSG, operation: "look up route", object: "to \(query.destination)")
            }
            // The first answer describes the packet's way, the second the table's entry.
            let entry = try? Self.ask(query, UInt32(RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH), on: channel)
            let index = attributes[RTA_OIF]?.integer(Int32.self)
            let names = try channel.names()
            return ResolvedRoute(
                type: RouteType(rawValue: header.rtm_type) ?? .unicast,
                interface: index.flatMap { names[$0] }, gateway: attributes.gateway,
                preferredSource: attributes[RTA_PREFSRC]?.address,
                table: attributes[RTA_TABLE]?.integer() ?? UInt32(header.rtm_table),
                prefix: entry?.split(rtmsg.self).flatMap { IPPrefix($0.header, $0.attributes) },
                mtu: attributes[RTA_METRICS]?.nested[Int(RTAX_MTU)]?.integer(UInt32.self).map(Int.init))
        }
    }

    /// As `lookup(_:)`, for the usual questions.
    ///
    /// - Throws: ``NetlinkError``.
    public func lookup(
        destination: IPAddress, source: IPAddress? = nil, inputInterface: InterfaceName? = nil
    ) throws -> ResolvedRoute {
        try lookup(RouteQuery(destination: destination, source: source, inputInterface: inputInterface))
    }

    private static func ask(_ query: RouteQuery, _ flags: UInt32, on channel: Channel) throws(NetlinkError) -> Reply {
        var header = rtmsg()
        header.rtm_family = UInt8(query.destination.family)
        header.rtm_dst_len = UInt8(query.destination.bitWidth)
        header.rtm_src_len = UInt8(query.source?.bitWidth ?? 0)
        header.rtm_flags = flags
        let message = try Message(RTM_GETROUTE, header)
        message.put(RTA_DST, query.destination)
        if let source = query.source { message.put(RTA_SRC, source) }
        if let name = query.inputInterface { message.put(RTA_IIF, try channel.index(of: name)) }
        if let name = query.outputInterface { message.put(RTA_OIF, try channel.index(of: name)) }
        if query.mark != 0 { message.put(RTA_MARK, query.mark) }
        if let number = query.protocol { message.put(RTA_IP_PROTO, number) }
        if let port = query.sourcePort { message.put(RTA_SPORT, port.bigEndian) }
        if let port = query.destinationPort { message.put(RTA_DPORT, port.bigEndian) }
        let object = "to \(query.destination)" + (query.source.map { " from \($0)" } ?? "")
        guard let reply = try channel.request(message, "look up route", object).first else {
            throw NetlinkError(errno: ENETUNREACH, operation: "look up route", object: object)
        }
        return reply
    }
}
