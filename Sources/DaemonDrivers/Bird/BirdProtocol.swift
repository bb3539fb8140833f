import LabModel
import NetworkTypes

/// A protocol instance of BIRD, as `show protocols all` shows it.
public struct BirdProtocol: Hashable, Sendable {
    public enum State: String, Hashable, Sendable {
        case down, start, up, stop, flush
    }

    /// How many routes an instance has with one of BIRD's tables.
    public struct Channel: Hashable, Sendable {
        /// `ipv4` or `ipv6`.
        public let name: String
        public let imported: Int
        public let exported: Int
        public let preferred: Int
    }

    /// What only a BGP instance has.
    public struct Session: Hashable, Sendable {
        /// A timer that runs: what is left of it, and its whole length.
        public struct Timer: Hashable, Sendable {
            public let left: Duration
            public let length: Duration
        }

        public let state: BGPState
        public let neighbor: IPAddress?
        public let neighborASN: ASN?
        public let localASN: ASN?
        /// The neighbour's BGP Identifier; nil while there is no session.
        public let neighborID: IPv4Address?
        /// Runs while the session is up; its length is the negotiated one.
        public let hold: Timer?
        public let keepalive: Timer?
        /// What ended the last attempt or session, in BIRD's words.
        public let lastError: String?
    }

    public let name: String
    /// `BGP`, `Kernel`, `Static`, `Device` …
    public let kind: String
    public let state: State
    /// When it came into this state, in the form that the configuration's `timeformat` gives it.
    public let since: String
    /// BIRD's own words on the state: `Established`, `Active        Socket: No route to host`.
    public let info: String
    public let channels: [Channel]
    public let session: Session?
}

extension BirdProtocol {
    /// Reads the answer to `show protocols` or `show protocols all`; what is no instance is left out.
    public static func parse(_ reply: BirdReply) -> [BirdProtocol] {
        // An instance is a line of code 1002, and the lines of code 1006 after it.
        var instances: [(head: String, details: [String])] = []
        for line in reply.lines {
            switch line.code {
            case 1002: instances.append((line.text, []))
            case 1006: instances.indices.last.map { instances[$0].details.append(line.text) }
            default: break
            }
        }
        return instances.compactMap { BirdProtocol(head: $0.head, details: $0.details) }
    }

    private init?(head: String, details: [String]) {
        let words = head.split(separator: " ")
        guard words.count >= 5, let state = State(rawValue: String(words[3])) else { return nil }
        // The time is one word or two: 03:16:22.881, 2026-11-21, or both.
        let isTwo =
            words.count > 5 && words[4].contains("-") && words[5].first?.isNumber == true && words[5].contains(":")
        name = String(words[0])
        kind = String(words[1])
        self.state = state
        since = words[4..<(isTwo ? 6 : 5)].joined(separator: " ")
        info = words.dropFirst(isTwo ? 6 : 5).joined(separator: " ")
        channels = Self.channels(details)
        session = kind == "BGP" ? Session(fields: Self.fields(details)) : nil
    }

    /// The `Key: value` lines before the first channel's.
    private static func fields(_ details: [String]) -> [String: String] {
        var fields: [String: String] = [:]
        for line in details.prefix(while: { !$0.trimmedWords.hasPrefix("Channel ") }) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].trimmedWords] = line[line.index(after: colon)...].trimmedWords
        }
        return fields
    }

    private static func channels(_ details: [String]) -> [Channel] {
        var channels: [Channel] = []
        for line in details {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "Channel" {
                channels.append(Channel(name: String(words[1]), imported: 0, exported: 0, preferred: 0))
            } else if words.first == "Routes:", let channel = channels.popLast() {
                // Routes: 1 imported, 1 filtered, 1 exported, 1 preferred
                let pairs = line.split(separator: ",").map { $0.split(separator: " ").suffix(2).map(String.init) }
                let count = { (noun: String) in pairs.first { $0.last == noun }?.first.flatMap(Int.init) ?? 0 }
                channels.append(
                    Channel(
                        name: channel.name, imported: count("imported"), exported: count("exported"),
                        preferred: count("preferred")))
            }
        }
        return channels
    }
}

extension BirdProtocol.Session {
    fileprivate init?(fields: [String: String]) {
        guard let state = fields["BGP state"].flatMap(BGPState.init) else { return nil }
        self.state = state
        // A neighbour on a given interface is ADDRESS%INTERFACE.
        neighbor = fields["Neighbor address"]?.split(separator: "%").first.flatMap { IPAddress(String($0)) }
        neighborASN = fields["Neighbor AS"].flatMap(ASN.init)
        localASN = fields["Local AS"].flatMap(ASN.init)
        neighborID = fields["Neighbor ID"].flatMap { IPAddress($0) }.flatMap {
            if case .v4(let address) = $0 { address } else { nil }
        }
        hold = fields["Hold timer"].flatMap(Timer.init)
        keepalive = fields["Keepalive timer"].flatMap(Timer.init)
        lastError = fields["Last error"]
    }
}

extension BirdProtocol.Session.Timer {
    /// Reads `26.712/30`, in seconds.
    fileprivate init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let left = Duration(text: "\(parts[0])s"), let length = Duration(text: "\(parts[1])s")
        else { return nil }
        self.init(left: left, length: length)
    }
}

extension StringProtocol {
    /// The words with one space between them.
    var trimmedWords: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
