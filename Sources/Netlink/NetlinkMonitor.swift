import CNetlink
import Glibc
import NetworkTypes
import Synchronization

/// Watches a namespace for changes (netlink multicast groups, rtnetlink(7)).
///
/// Wait for `descriptor` to be readable, then `drain()`. What happened before it was made is not told. IPsec events need CAP_NET_ADMIN.
/// Events about interfaces whose names are no `InterfaceName` are left out.
public final class NetlinkMonitor: Sendable {
    /// Readable while there are events (epoll(7)): for poll, epoll, or a dispatch source. Not to be read itself, nor closed.
    public let descriptor: Int32
    private let subjects: Set<NetlinkEvent.Subject>
    private let namespace: NetworkNamespace
    private let state: Mutex<State>

    private struct State {
        let route: Channel
        let xfrm: Channel?
        /// Addresses and routes name their interfaces by number only.
        var names: [Int32: InterfaceName]
    }

    /// Starts to watch.
    ///
    /// - Parameters:
    ///   - wakesForPolicies: Whether ``descriptor`` is readable after changes of IPsec's policies, too; no event tells of these.
    ///   - queueBytes: how much the kernel keeps between two calls of `drain()`, its own bookkeeping included (SO_RCVBUF, socket(7)).
    /// - Throws: `NetlinkError`.
    public init(
        in namespace: NetworkNamespace, for subjects: Set<NetlinkEvent.Subject> = Set(NetlinkEvent.Subject.allCases),
        wakesForPolicies: Bool = false, queueBytes: Int = 4 << 20
    ) throws {
        // Links are always watched: their names are needed.
        var route = [RTNLGRP_LINK]
        if subjects.contains(.addresses) { route += [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR] }
        if subjects.contains(.routes) { route += [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE] }
        let routeGroups = route.map(\.rawValue)
        let xfrmGroups =
            [XFRMNLGRP_SA, XFRMNLGRP_EXPIRE].map(\.rawValue) + (wakesForPolicies ? [XFRMNLGRP_POLICY.rawValue] : [])
        let (routeChannel, xfrmChannel) = try namespace.perform {
            let route = try Channel(family: Int32(NETLINK_ROUTE))
            try route.subscribe(to: routeGroups, queueBytes)
            guard subjects.contains(.securityAssociations) else { return (route, nil as Channel?) }
            let xfrm = try Channel(family: Int32(NETLINK_XFRM))
            try xfrm.subscribe(to: xfrmGroups, queueBytes)
            return (route, xfrm)
        }
        // Only now: a link made between the two is then either in this list or among the events.
        let names = try Self.names(in: namespace)
        self.subjects = subjects
        self.namespace = namespace
        state = Mutex(State(route: routeChannel, xfrm: xfrmChannel, names: names))
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw NetlinkError(errno: errno, operation: "watch netlink sockets", object: "") }
        for channel in [routeChannel, xfrmChannel].compactMap({ $0 }) {
            var event = epoll_event()
            event.events = EPOLLIN.rawValue
            guard epoll_ctl(descriptor, EPOLL_CTL_ADD, channel.descriptor, &event) == 0 else {
                throw NetlinkError(errno: errno, operation: "watch netlink sockets", object: "")
            }
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// The events since the last call, in the order in which the kernel told them; does not wait.
    ///
    /// Network and IPsec events come by two ways: their order among each other is not known.
    ///
    /// - Throws: ``NetlinkError``.
    public func drain() throws -> [NetlinkEvent] {
        try state.withLock { state in
            var events: [NetlinkEvent] = []
            while let datagram = try receive(state.route, &state, &events) {
                events += Reply.all(in: datagram).compactMap { routeEvent($0, names: &state.names) }
            }
            // Its message numbers are the same ones as those of the other socket: they must not be mixed up.
            while let xfrm = state.xfrm, let datagram = try receive(xfrm, &state, &events) {
                events += Reply.all(in: datagram).compactMap(ipsecEvent)
            }
            return events
        }
    }

    /// One datagram, or nil where there are no more.
    private func receive(_ channel: Channel, _ state: inout State, _ events: inout [NetlinkEvent]) throws -> [UInt8]? {
        do {
            return try channel.datagram("receive events")
        } catch  where error.errno == EAGAIN {
            return nil
        } catch  where error.errno == ENOBUFS {
            events.append(.overrun)
            state.names = try Self.names(in: namespace)
            return []
        }
    }

    private static func names(in namespace: NetworkNamespace) throws -> [Int32: InterfaceName] {
        try namespace.perform { try Channel(family: Int32(NETLINK_ROUTE)).names() }
    }

    private func routeEvent(_ reply: Reply, names: inout [Int32: InterfaceName]) -> NetlinkEvent? {
        switch reply.type {
        case RTM_NEWLINK, RTM_DELLINK:
            guard let link = LinkInfo(reply) else { return nil }
            // The name of a removed one is kept: its addresses and routes may still be told as removed.
            names[link.index] = link.name
            guard subjects.contains(.links) else { return nil }
            return reply.type == RTM_NEWLINK ? .linkChanged(link) : .linkRemoved(link)
        case RTM_NEWADDR: return AddressInfo(reply, names: names).map { .addressAdded($0) }
        case RTM_DELADDR: return AddressInfo(reply, names: names).map { .addressRemoved($0) }
        case RTM_NEWROUTE: return Route(reply, names: names).map { .routeAdded($0) }
        case RTM_DELROUTE: return Route(reply, names: names).map { .routeRemoved($0) }
        default: return nil
        }
    }

    private func ipsecEvent(_ reply: Reply) -> NetlinkEvent? {
        switch reply.type {
        case XFRM_MSG_NEWSA, XFRM_MSG_UPDSA:
            return SecurityAssociation(reply).map { .saAdded($0) }
        case XFRM_MSG_DELSA:
            // The header has only what names it; the association is among the attributes.
            guard let attributes = reply.split(xfrm_usersa_id.self)?.attributes,
                let state = attributes[XFRMA_SA]?.structure(xfrm_usersa_info.self)
            else { return nil }
            return SecurityAssociation(state, attributes).map { .saRemoved($0) }
        case XFRM_MSG_EXPIRE:
            guard let (expiry, attributes) = reply.split(xfrm_user_expire.self) else { return nil }
            return SecurityAssociation(expiry.state, attributes).map { .saExpired($0, isHard: expiry.hard != 0) }
        case XFRM_MSG_FLUSHSA:
            guard let number = reply.split(xfrm_usersa_flush.self)?.header.proto else { return nil }
            return .saFlushed(number == 0 || number == 255 ? nil : IPsecProtocol(rawValue: number))
        default:
            return nil
        }
    }
}
