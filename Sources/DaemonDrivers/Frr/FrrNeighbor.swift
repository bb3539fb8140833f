import FoundationEssentials
import LabModel
import NetworkTypes

/// A neighbour as `show bgp neighbors json` shows it.
///
/// Source: FRR 8.4.4 and 10.3, bgpd/bgp_vty.c (`bgp_show_peer`), bgpd/bgp_bfd.c, lib/bfd.c (`bfd_sess_show`).
public struct FrrNeighbor: Hashable, Sendable {
    public let address: IPAddress
    /// Its BGP Identifier; nil where it has not told one.
    public let routerID: IPv4Address?
    public let state: BGPState
    /// As negotiated.
    public let hold: Duration?
    public let keepalive: Duration?
    /// What ended the last attempt or session, in FRR's words.
    public let lastError: String?
    public let bfd: BFDState?

    /// Reads the answer; what is no neighbour is left out.
    public static func parse(_ text: String) -> [FrrNeighbor] {
        guard let all = try? JSONDecoder().decode([String: Lenient].self, from: Data(text.utf8)) else { return [] }
        return all.compactMap { name, entry in
            guard let address = IPAddress(name), let fields = entry.fields, let word = fields.bgpState else {
                return nil
            }
            let shut = fields.adminShutDown ?? false
            return FrrNeighbor(
                address: address, routerID: fields.remoteRouterId.flatMap { IPv4Address($0) },
                state: shut ? .down : BGPState(rawValue: word) ?? .idle,
                hold: fields.bgpTimerHoldTimeMsecs.map { .milliseconds($0) },
                keepalive: fields.bgpTimerKeepAliveIntervalMsecs.map { .milliseconds($0) },
                lastError: [fields.lastNotificationReason, fields.lastResetDueTo].compactMap(\.self).first,
                bfd: fields.peerBfdInfo?.status.flatMap(BFDState.init(frr:)))
        }.sorted { $0.address.description < $1.address.description }
    }

    /// What else there is beside neighbours is of another form.
    private struct Lenient: Decodable {
        let fields: Fields?

        init(from decoder: any Decoder) throws { fields = try? Fields(from: decoder) }
    }

    private struct Fields: Decodable {
        let bgpState: String?
        let remoteRouterId: String?
        let adminShutDown: Bool?
        let bgpTimerHoldTimeMsecs: Int64?
        let bgpTimerKeepAliveIntervalMsecs: Int64?
        let lastNotificationReason: String?
        let lastResetDueTo: String?
        let peerBfdInfo: BFD?

        struct BFD: Decodable { let status: String? }
    }
}

extension BFDState {
    /// `bfd_get_status_str` (lib/bfd.c).
    fileprivate init?(frr word: String) {
        switch word {
        case "Up": self = .up
        case "Down": self = .down
        case "Admin Down": self = .adminDown
        default: return nil
        }
    }
}

/// What `show bgp ADDRESS-FAMILY neighbors ADDRESS routes json` shows of routes.
public enum FrrRoutes {
    /// A route with the attributes by which one is chosen.
    public struct Route: Hashable, Sendable {
        public let prefix: IPPrefix
        public let peer: IPAddress
        public let isBest: Bool
        public let path: [ASN]
        public let origin: RouteOrigin
        public let localPreference: UInt32?
        public let med: UInt32?
        public let weight: UInt16?
    }

    /// What `show bgp ADDRESS-FAMILY unicast json` shows; what is no peer's is left out, and so is a path with sets.
    ///
    /// Source: FRR 8.4.4, bgpd/bgp_route.c (`route_vty_out`).
    public static func all(_ text: String) -> [Route] {
        struct Answer: Decodable {
            struct Path: Decodable {
                let bestpath: Bool?
                let metric: UInt32?
                let locPrf: UInt32?
                let weight: UInt16?
                let peerId: String?
                let path: String?
                let origin: String?
            }
            let routes: [String: [Path]]
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(text.utf8)) else { return [] }
        return answer.routes.sorted { $0.key < $1.key }.flatMap { name, paths in
            paths.compactMap { path in
                let words = (path.path ?? "").split(separator: " ")
                let numbers = words.compactMap { ASN(String($0)) }
                guard let prefix = IPPrefix(name), let peer = path.peerId.flatMap({ IPAddress($0) }),
                    numbers.count == words.count
                else { return nil }
                return Route(
                    prefix: prefix, peer: peer, isBest: path.bestpath ?? false, path: numbers,
                    origin: path.origin.flatMap { RouteOrigin(rawValue: $0.lowercased()) } ?? .incomplete,
                    localPreference: path.locPrf, med: path.metric, weight: path.weight)
            }
        }
    }

    /// The prefixes that a neighbour has told; none where the answer is of another form.
    static func prefixes(_ text: String) -> [IPPrefix] {
        struct Answer: Decodable {
            struct Route: Decodable {}
            let routes: [String: [Route]]
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(text.utf8)) else { return [] }
        return answer.routes.keys.compactMap { IPPrefix($0) }.sorted()
    }
}
