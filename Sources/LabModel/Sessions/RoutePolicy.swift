import NetworkTypes

/// What a speaker makes of routes that it takes or tells: entries of which the first that fits decides.
///
/// A route that no entry fits is rejected, as at the end of a route-map or a prefix list.
public struct RoutePolicy: Hashable, Sendable, Codable {
    /// One `accept` or `reject` of a lab file, a permit or deny of a route-map.
    public struct Entry: Hashable, Sendable, Codable {
        public let isAccepting: Bool
        public let match: RouteMatch
        /// What it changes; nothing for one that rejects.
        public let changes: RouteChanges

        public init(isAccepting: Bool, match: RouteMatch, changes: RouteChanges = RouteChanges()) {
            self.isAccepting = isAccepting
            self.match = match
            self.changes = changes
        }
    }

    /// Its name in the lab file's `policies:`; nil where it stands at the speaker itself.
    public let name: String?
    public let entries: [Entry]

    public init(name: String? = nil, entries: [Entry]) {
        self.name = name
        self.entries = entries
    }
}

/// What a route must have for an entry of a policy; of several things all.
public struct RouteMatch: Hashable, Sendable, Codable {
    /// Any of them; none for every prefix.
    public var prefixes: [PrefixRange] = []
    /// Any of them; none for every path.
    public var paths: [ASPathPattern] = []
    /// Any of them; none for whatever communities it has.
    public var communities: [BGPCommunity] = []

    public init() {}

    /// Whether it asks for nothing.
    public var isEmpty: Bool { prefixes.isEmpty && paths.isEmpty && communities.isEmpty }
}

/// What a policy makes of a route's attributes; nil leaves one as it is.
public struct RouteChanges: Hashable, Sendable, Codable {
    /// RFC 4271, section 5.1.5.
    public var localPreference: UInt32?
    /// MULTI_EXIT_DISC, RFC 4271, section 5.1.4.
    public var med: UInt32?
    public var origin: RouteOrigin?
    /// Known to the router alone, which takes the highest before all else; no attribute of BGP's.
    public var weight: UInt16?
    /// Added to those that it has.
    public var communities: [BGPCommunity] = []
    /// How often more the speaker's own AS number is put before the path.
    public var prepended = 0

    public init() {}

    public var isEmpty: Bool { self == RouteChanges() }
}

/// Prefixes within one, by their lengths, as a prefix list has them: `10.0.0.0/8 ge 16 le 24`.
public struct PrefixRange: Hashable, Sendable, Codable, LosslessStringConvertible {
    public let prefix: IPPrefix
    /// Of the prefixes it takes, in bits.
    public let lengths: ClosedRange<Int>

    /// Without `ge` and `le` the prefix itself; with `ge` alone up to an address's bits, with `le` alone from the prefix's own.
    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first, let prefix = IPPrefix(first), words.count % 2 == 1, words.count <= 5 else {
            return nil
        }
        var bounds: [String: Int] = [:]
        for place in stride(from: 1, to: words.count, by: 2) {
            guard ["ge", "le"].contains(words[place]), bounds[words[place]] == nil,
                let bound = UInt8(digits: words[place + 1]).map(Int.init)
            else { return nil }
            bounds[words[place]] = bound
        }
        let shortest = bounds["ge"] ?? prefix.length
        let longest = bounds["le"] ?? (bounds["ge"] == nil ? prefix.length : prefix.address.bitWidth)
        guard prefix.length <= shortest, shortest <= longest, longest <= prefix.address.bitWidth else { return nil }
        self.prefix = prefix
        lengths = shortest...longest
    }

    public func takes(_ other: IPPrefix) -> Bool {
        other.address.bitWidth == prefix.address.bitWidth && lengths.contains(other.length)
            && prefix.contains(other.address)
    }

    public var description: String {
        let ge = lengths.lowerBound == prefix.length ? "" : " ge \(lengths.lowerBound)"
        let isUsual =
            ge.isEmpty ? lengths.upperBound == prefix.length : lengths.upperBound == prefix.address.bitWidth
        return "\(prefix)\(ge)\(isUsual ? "" : " le \(lengths.upperBound)")"
    }
}

/// A form of AS paths: numbers, `?` for any one and `*` for any of them, none as well; the nearest first: `64512 *`.
public struct ASPathPattern: Hashable, Sendable, Codable, LosslessStringConvertible {
    public enum Part: Hashable, Sendable, Codable {
        case number(ASN)
        case one
        case any
    }

    public let parts: [Part]

    public init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        let parts = words.compactMap { word -> Part? in
            switch word {
            case "*": .any
            case "?": .one
            default: ASN(word).map(Part.number)
            }
        }
        guard !parts.isEmpty, parts.count == words.count, parts.count <= 16 else { return nil }
        self.parts = parts
    }

    public func takes(_ path: [ASN]) -> Bool {
        // The places in the path up to which the parts so far can reach.
        var reached: Set<Int> = [0]
        for part in parts {
            switch part {
            case .number(let number):
                reached = Set(reached.filter { $0 < path.count && path[$0] == number }.map { $0 + 1 })
            case .one: reached = Set(reached.filter { $0 < path.count }.map { $0 + 1 })
            case .any: reached = Set((reached.min() ?? path.count + 1)..<(path.count + 1))
            }
            if reached.isEmpty { return false }
        }
        return reached.contains(path.count)
    }

    public var description: String {
        parts.map { part in
            switch part {
            case .number(let number): "\(number)"
            case .one: "?"
            case .any: "*"
            }
        }.joined(separator: " ")
    }
}

/// A mark on a route: standard as `64512:100` (RFC 1997), large as `64512:1:2` (RFC 8092).
public enum BGPCommunity: Hashable, Sendable, Codable, LosslessStringConvertible {
    case standard(UInt16, UInt16)
    case large(UInt32, UInt32, UInt32)

    /// Of RFC 1997, whoever takes a route with it tells it no external peer.
    public static let noExport = BGPCommunity.standard(65535, 65281)
    /// Of RFC 1997, whoever takes a route with it tells it nobody.
    public static let noAdvertise = BGPCommunity.standard(65535, 65282)

    private static let words = [("no-export", noExport), ("no-advertise", noAdvertise)]

    public init?(_ text: String) {
        if let known = Self.words.first(where: { $0.0 == text }) {
            self = known.1
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 2:
            guard let first = UInt16(digits: parts[0]), let second = UInt16(digits: parts[1]) else { return nil }
            self = .standard(first, second)
        case 3:
            guard let first = UInt32(digits: parts[0]), let second = UInt32(digits: parts[1]),
                let third = UInt32(digits: parts[2])
            else {
                return nil
            }
            self = .large(first, second, third)
        default: return nil
        }
    }

    public var description: String {
        if let known = Self.words.first(where: { $0.1 == self }) { return known.0 }
        return switch self {
        case .standard(let first, let second): "\(first):\(second)"
        case .large(let first, let second, let third): "\(first):\(second):\(third)"
        }
    }
}

/// Where a route is from (RFC 4271, section 5.1.1), the best first.
public enum RouteOrigin: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case igp, egp, incomplete

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// What a session's end makes of routes, beside what it tells.
///
/// Set for all of one direction first, and by the policy's entries after that.
public struct SpeakerPolicy: Hashable, Sendable, Codable {
    /// For every route that it takes from this peer: `local-preference`, `weight`.
    public var inbound = RouteChanges()
    /// For every route that it tells this peer: `med`, `communities`. Prepending is ``BGPSpeaker/prepended``.
    public var outbound = RouteChanges()
    /// What it takes from this peer; nil for everything.
    public var inPolicy: RoutePolicy?
    /// What it tells this peer, of what it has to tell; nil for everything.
    public var outPolicy: RoutePolicy?
    /// With more accepted prefixes than this it ends the session, which stays down (RFC 4486, subcode 1); nil for no limit.
    public var maximumPrefixes: Int?
    /// Whether it names itself the next hop also to an internal peer (RFC 4271, section 5.1.3).
    public var isNextHop = true

    public init() {}

    public var isEmpty: Bool { self == SpeakerPolicy() }

    /// What it may set of a route, either way.
    public var changes: [RouteChanges] {
        [inbound, outbound] + [inPolicy, outPolicy].compactMap(\.self).flatMap(\.entries).map(\.changes)
    }
}

/// How a node chooses among routes of several sessions, where that is not as usual.
public struct BestPathOptions: Hashable, Sendable, Codable {
    /// How many equally good routes share traffic at most; 1 for none.
    public var multipath = BestPathOptions.usualMultipath
    /// Whether MEDs are compared also between neighbours of different autonomous systems.
    public var alwaysComparesMED = false
    /// Whether of more equally good routes those by the lowest gateways are shared; else which ones are is not known.
    public var isCutByGateway = true

    public init() {}

    /// A convention.
    public static let usualMultipath = 16
}

/// What of policies not every routing daemon has.
public enum RoutePolicyFeature: String, Hashable, Sendable, CaseIterable {
    case weight

    /// Those that a speaker's policy needs.
    public static func needed(by policy: SpeakerPolicy) -> [RoutePolicyFeature] {
        policy.changes.contains { $0.weight != nil } ? [.weight] : []
    }
}

extension FixedWidthInteger {
    /// Reads decimal digits and nothing else.
    fileprivate init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        self.init(text)
    }
}

extension BGPSpeaker {
    /// What decides over routes that it takes: the policy's entries, each with what is set for all of them.
    public var inEntries: [RoutePolicy.Entry] { Self.entries(policy.inPolicy, policy.inbound) }

    /// What decides over routes that it tells, prepending included.
    public var outEntries: [RoutePolicy.Entry] {
        var forAll = policy.outbound
        forAll.prepended = prepended
        return Self.entries(policy.outPolicy, forAll)
    }

    /// Whether it takes everything as it comes.
    public var takesAll: Bool { policy.inPolicy == nil && policy.inbound.isEmpty }
    /// Whether it tells all that it has to tell as it is.
    public var tellsAll: Bool { policy.outPolicy == nil && policy.outbound.isEmpty && prepended == 0 }

    private static func entries(_ policy: RoutePolicy?, _ forAll: RouteChanges) -> [RoutePolicy.Entry] {
        let written = policy?.entries ?? [RoutePolicy.Entry(isAccepting: true, match: RouteMatch())]
        return written.map { entry in
            RoutePolicy.Entry(
                isAccepting: entry.isAccepting, match: entry.match,
                changes: entry.isAccepting ? forAll.followed(by: entry.changes) : RouteChanges())
        }
    }
}

extension RouteChanges {
    /// Both, the other's last: communities and prepending add up.
    public func followed(by other: RouteChanges) -> RouteChanges {
        var all = self
        all.localPreference = other.localPreference ?? localPreference
        all.med = other.med ?? med
        all.origin = other.origin ?? origin
        all.weight = other.weight ?? weight
        all.communities += other.communities.filter { !communities.contains($0) }
        all.prepended += other.prepended
        return all
    }
}
