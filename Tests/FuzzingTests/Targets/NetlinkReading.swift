import CNetlink
import NetworkTypes

@testable import Netlink

/// A datagram of the kernel's, each of whose messages is read as whatever there is.
enum NetlinkReading {
    static func read(_ bytes: [UInt8]) throws {
        var names: [Int32: InterfaceName] = [:]
        for reply in Reply.all(in: bytes) {
            if let link = LinkInfo(reply) { names[link.index] = link.name }
            _ = AddressInfo(reply, names: names)
            if let route = Route(reply, names: names) { _ = route.description }
            _ = RoutingRule(reply)
            _ = QueueingDiscipline(reply, names: names)
            _ = SecurityPolicy(reply)
            _ = SecurityAssociation(reply)
            if let (_, attributes) = reply.split(xfrm_usersa_id.self),
                let state = attributes[XFRMA_SA]?.structure(xfrm_usersa_info.self)
            {
                _ = SecurityAssociation(state, attributes)
            }
            if let (expiry, attributes) = reply.split(xfrm_user_expire.self) {
                _ = SecurityAssociation(expiry.state, attributes)
            }
            _ = Channel.extendedText(reply)
            _ = Channel.errorCode(reply)
        }
    }
}
