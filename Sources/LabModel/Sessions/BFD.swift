import NetworkTypes

/// Where BFD is spoken, and how (RFC 5880, RFC 5881).
public struct OwnBFD: Hashable, Sendable {
    public struct Interfaces: Hashable, Sendable {
        /// Names in which `*` stands for any characters and `?` for one.
        public let patterns: [String]
        public let timers: BFDTimers

        public init(patterns: [String], timers: BFDTimers) {
            self.patterns = patterns
            self.timers = timers
        }

        public func takes(_ interface: InterfaceName) -> Bool {
            patterns.contains { Self.matches($0, interface.description) }
        }

        /// Row by row: which beginnings of the name the pattern's beginning stands for.
        public static func matches(_ pattern: String, _ name: String) -> Bool {
            let name = Array(name)
            var reached = [true] + [Bool](repeating: false, count: name.count)
            for character in pattern {
                var next = [Bool](repeating: false, count: name.count + 1)
                for index in next.indices {
                    if character == "*" {
                        next[index] = reached[index] || index > 0 && next[index - 1]
                    } else if index > 0 {
                        next[index] = reached[index - 1] && (character == "?" || character == name[index - 1])
                    }
                }
                reached = next
            }
            return reached[name.count]
        }
    }

    /// The first that a session's interface is one of counts.
    public var interfaces: [Interfaces]
    /// On other interfaces.
    public let usual: BFDTimers
    /// Over several hops.
    public var multihop: BFDTimers

    public init(interfaces: [Interfaces], usual: BFDTimers, multihop: BFDTimers) {
        self.interfaces = interfaces
        self.usual = usual
        self.multihop = multihop
    }
}

/// How often one side of a BFD session wants to send and is ready to receive (RFC 5880, section 6.8.1).
public struct BFDTimers: Hashable, Sendable, Codable {
    /// `bfd.DesiredMinTxInterval`
    public var transmit: Duration
    /// `bfd.RequiredMinRxInterval`
    public var receive: Duration
    /// `bfd.DetectMult`: how many of this side's packets the other may miss.
    public var multiplier: Int

    public init(transmit: Duration, receive: Duration, multiplier: Int) {
        self.transmit = transmit
        self.receive = receive
        self.multiplier = multiplier
    }

    public func with(_ options: BFDOptions) -> Self {
        BFDTimers(
            transmit: options.transmit ?? transmit, receive: options.receive ?? receive,
            multiplier: options.multiplier ?? multiplier)
    }
}

extension BFDTimers {
    /// Why the other side's packets or this side's come more seldom than this side is set to have them; nil where both are content.
    ///
    /// The slower of what the one wants to send and the other to receive counts, in each direction (RFC 5880, section 6.8.3 and 6.8.7).
    public func refusal(of peer: BFDTimers) -> (wanted: Duration, taken: Duration)? {
        transmit < peer.receive ? (transmit, peer.receive) : nil
    }
}

/// A state of a BFD session at one of its sides (RFC 5880, section 4.1).
public enum BFDState: String, Hashable, Sendable, Codable, CustomStringConvertible {
    case adminDown = "AdminDown"
    case down = "Down"
    case initial = "Init"
    case up = "Up"

    public var description: String { rawValue }
}

/// Those of ``BFDTimers`` that are said.
public struct BFDOptions: Hashable, Sendable {
    public var transmit: Duration?
    public var receive: Duration?
    public var multiplier: Int?

    public init() {}
}

/// When one side of a BFD session notices that it hears nothing of the other any more.
public struct BFDDetection: Hashable, Sendable {
    /// How often the other sends at least.
    public let interval: Duration
    /// How many packets of its may be missed.
    public let multiplier: Int

    public init(interval: Duration, multiplier: Int) {
        self.interval = interval
        self.multiplier = multiplier
    }

    /// From the last packet on (RFC 5880, section 6.8.4).
    public var time: Duration { interval * multiplier }

    /// From the loss of the other's packets on: the last one is up to an interval old.
    public var window: Window { Window(time - interval, time) }
}
