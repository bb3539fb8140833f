import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// Adds a route.
    ///
    /// - Throws: `EEXIST` where the table has one for that destination and metric; `ENETUNREACH` or `EHOSTUNREACH` where the gateway
    ///   is on no link; `ENETDOWN` where the interface is down.
    public func addRoute(_ route: Route) throws {
        try change(route, RTM_NEWROUTE, Int32(NLM_F_CREATE | NLM_F_EXCL), "add route")
    }

    /// Adds a route, or puts it in the place of the one with the same destination, table and metric.
    ///
    /// - Throws: ``NetlinkError``.
    public func replaceRoute(_ route: Route) throws {
        try change(route, RTM_NEWROUTE, Int32(NLM_F_CREATE | NLM_F_REPLACE), "replace route")
    }

    /// Deletes the first route that agrees with what is given. Throws `ESRCH` where there is none.
    public func deleteRoute(_ route: Route) throws {
        try change(route, RTM_DELROUTE, 0, "delete route")
    }

    /// The routes of one table, or with nil of all, both families; IPv4 first.
    ///
    /// - Throws: ``NetlinkError``.
    public func routes(table: UInt32? = Route.mainTable) throws -> [Route] {
        try withRoute { channel in
            let names = try channel.names()
            let message = try Message(RTM_GETROUTE, flags: Int32(NLM_F_DUMP), rtmsg())
            return try channel.request(message, "list routes")
                .compactMap { Route($0, names: names) }
                .filter { table == nil || $0.table == table }
        }
    }

    /// Forgets what ICMPv6 has told of the MTUs of ways (RFC 8201), as `ip -6 route flush cache` does; for IPv4 there is the setting
    /// `net.ipv4.route.flush`.
    ///
    /// - Throws: ``NetlinkError``.
    public func forgetPathMTUs() throws {
        try withRoute { channel in
            var question = rtmsg()
            question.rtm_family = UInt8(AF_INET6)
            let list = try Message(RTM_GETROUTE, flags: Int32(NLM_F_DUMP), question)
            for reply in try channel.request(list, "list routes") {
                guard let (route, attributes) = reply.split(rtmsg.self), route.rtm_flags & UInt32(RTM_F_CLONED) != 0,
                    let destination = attributes[RTA_DST]?.address
                else { continue }
                let message = try Message(RTM_DELROUTE, route)
                message.put(RTA_DST, destination)
                if let index = attributes[RTA_OIF]?.integer(Int32.self) { message.put(RTA_OIF, index) }
                do throws(NetlinkError) {
                    _ = try channel.request(message, "forget a path MTU", "to \(destination)")
                } catch {
                    // It has ended by itself meanwhile.
                    guard error.errno == ESRCH else { throw error }
                }
            }
        }
    }

    private func change(_ route: Route, _ type: Int, _ flags: Int32, _ operation: String) throws {
        try withRoute { channel in
            let message = try route.message(type, flags: flags, on: channel)
            _ = try channel.request(message, operation, "\(route)")
        }
    }
}
