import NetworkTypes

/// Something that happened in a namespace, as a `NetlinkMonitor` tells it.
public enum NetlinkEvent: Hashable, Sendable {
    /// An interface is new, or something about it changed.
    case linkChanged(LinkInfo)
    case linkRemoved(LinkInfo)
    case addressAdded(AddressInfo)
    case addressRemoved(AddressInfo)
    /// A route is new, or took another's place.
    case routeAdded(Route)
    case routeRemoved(Route)
    /// An association is new, or was updated.
    case saAdded(SecurityAssociation)
    case saRemoved(SecurityAssociation)
    /// An association reached a soft limit (a new one should be negotiated) or a hard one (it is gone).
    case saExpired(SecurityAssociation, isHard: Bool)
    /// All associations of a protocol were deleted at once; of every protocol where it is nil.
    case saFlushed(IPsecProtocol?)
    /// Events came faster than they were read, and some are lost: list everything anew.
    case overrun

    /// What a monitor can be asked to watch.
    public enum Subject: Hashable, Sendable, CaseIterable {
        case links, addresses, routes, securityAssociations
    }
}
