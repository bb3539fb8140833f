import LabModel
import LabRecords
import NetworkTypes

/// A route of one of BIRD's tables, as `show route all` shows it.
public struct BirdRoute: Hashable, Sendable {
    public struct NextHop: Hashable, Sendable {
        /// Nil where the destination is on the interface's own link.
        public let gateway: IPAddress?
        public let interface: InterfaceName
    }

    public let prefix: IPPrefix
    /// `unicast`, `unreachable`, `blackhole`, `prohibit`.
    public let kind: String
    /// The instance it comes from.
    public let origin: String
    /// Whether it is the best for its prefix.
    public let isPrimary: Bool
    public let preference: Int?
    public let nextHops: [NextHop]
    /// What BGP tells of it; nil for a route that is not BGP's.
    public struct Attributes: Hashable, Sendable {
        public var origin = RouteOrigin.incomplete
        public var localPreference: UInt32?
        public var med: UInt32?
        public var communities: [BGPCommunity] = []
        public var reflection = ObservedBGPRoute.Reflection()
    }

    public let attributes: Attributes?
    /// The autonomous systems it has passed, nearest first; empty for a route that is not BGP's.
    public let path: [ASN]
}

extension BirdRoute {
    /// Reads the answer to `show route` or `show route all`; what is no route is left out.
    public static func parse(_ reply: BirdReply) -> [BirdRoute] {
        var routes: [Draft] = []
        var prefix: IPPrefix?
        for line in reply.lines where [1007, 1008, 1012].contains(line.code) {
            let words = line.text.split(whereSeparator: \.isWhitespace)
            if let route = Draft(words, prefix: &prefix) {
                routes.append(route)
            } else if let last = routes.indices.last {
                routes[last].add(words)
            }
        }
        return routes.map(\.route)
    }

    /// A route while its lines are read.
    private struct Draft {
        let prefix: IPPrefix
        let kind: String
        let origin: String
        let isPrimary: Bool
        let preference: Int?
        var nextHops: [NextHop] = []
        var path: [ASN] = []
        var attributes: Attributes?

        /// Reads `10.105.2.0/24  unicast [main 03:16:23.900] * (100) [AS31898i]`; further routes to the same prefix
        /// leave it out.
        init?(_ words: [Substring], prefix: inout IPPrefix?) {
            var rest = words[...]
            if let first = rest.first, first.contains("/"), let own = IPPrefix(String(first)) {
                prefix = own
                rest = rest.dropFirst()
            }
            guard let prefix, rest.count >= 2, let kind = rest.popFirst(), let opening = rest.popFirst(),
                opening.first == "[", opening.count > 1
            else { return nil }
            let after = rest.drop { !$0.hasSuffix("]") }.dropFirst()
            self.prefix = prefix
            self.kind = String(kind)
            origin = opening.dropFirst().filter { $0 != "]" }
            isPrimary = after.first == "*"
            // (100) or, with an IGP's metric, (100/20)
            preference = after.first { $0.hasPrefix("(") }.flatMap { Int($0.dropFirst().prefix(while: \.isNumber)) }
        }

        mutating func add(_ words: [Substring]) {
            switch words.first {
            case "via" where words.count >= 4 && words[2] == "on":
                guard let gateway = IPAddress(String(words[1])), let name = InterfaceName(String(words[3])) else {
                    return
                }
                nextHops.append(NextHop(gateway: gateway, interface: name))
            case "dev" where words.count >= 2:
                guard let name = InterfaceName(String(words[1])) else { return }
                nextHops.append(NextHop(gateway: nil, interface: name))
            case "BGP.origin:":
                attributes = attributes ?? Attributes()
                attributes?.origin = words.last.flatMap { RouteOrigin(rawValue: $0.lowercased()) } ?? .incomplete
            case "BGP.local_pref:": attributes?.localPreference = words.last.flatMap { UInt32($0) }
            case "BGP.originator_id:":
                attributes?.reflection.originator = words.last.flatMap { IPv4Address(String($0)) }
            case "BGP.cluster_list:":
                attributes?.reflection.clusters = words.dropFirst().compactMap { IPv4Address(String($0)) }
            case "BGP.med:": attributes?.med = words.last.flatMap { UInt32($0) }
            case "BGP.community:", "BGP.large_community:":
                // (64512,100) (64512,101), and large ones as (64512, 1, 2).
                let text = words.dropFirst().joined()
                attributes?.communities += text.split(separator: ")").compactMap { one in
                    BGPCommunity(one.drop { $0 == "(" }.split(separator: ",").joined(separator: ":"))
                }
            case "BGP.as_path:":
                // A set of systems that a route was aggregated from is in braces.
                path = words.dropFirst().compactMap { ASN($0.filter(\.isNumber)) }
            default:
                break
            }
        }

        var route: BirdRoute {
            BirdRoute(
                prefix: prefix, kind: kind, origin: origin, isPrimary: isPrimary, preference: preference,
                nextHops: nextHops, attributes: attributes, path: path)
        }
    }
}
