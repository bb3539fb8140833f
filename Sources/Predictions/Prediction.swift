import NetworkTypes

/// What a fault will do to a probe, worked out from the configuration alone.
public struct Prediction: Hashable, Sendable, Codable {
    /// The fault in words, and the probe's name.
    public let fault: String
    public let probe: String
    public let effect: Effect
    /// From mending to the probe's answers coming by the first path again, or at all; nil where nothing changes then.
    public let comeback: Window?
    /// From the fault to the first answer that does not come; nil where the first does not, or none stays away for good.
    public var begins: Window?
    /// What becomes of transfers over TCP where pings notice nothing; nil where that was not asked, or pings tell.
    public var transfers: Transfers?
    /// The tunnels on the way before and during the fault, there and back.
    public let before: Way
    public let during: Way?
    /// Why, in words, in the order in which things happen.
    public let reasons: [String]
    /// With ``Effect/byFlow``, a prediction for each way there and back that a flow's hash may have chosen.
    public let alternatives: [Prediction]

    public init(
        fault: String, probe: String, effect: Effect, comeback: Window?, before: Way, during: Way?, reasons: [String],
        alternatives: [Prediction] = []
    ) {
        self.fault = fault
        self.probe = probe
        self.effect = effect
        self.comeback = comeback
        self.before = before
        self.during = during
        self.reasons = reasons
        self.alternatives = alternatives
    }

    /// The prediction itself, or each of its alternatives.
    public var all: [Prediction] { effect == .byFlow ? alternatives : [self] }

    public enum Transfers: Hashable, Sendable, Codable {
        case asPings
        /// A new one hangs, and why.
        case hang(String)
        /// Why it is not known.
        case unknown(String)
    }

    public enum Effect: Hashable, Sendable, Codable {
        /// The probe's packets do not meet the fault.
        case none
        /// No echo comes back for this long, and then by another path.
        case outage(Window)
        /// No other path carries it: out until the fault is healed and what it broke has come back.
        case untilHealed
        /// Packets may be lost, late or changed, and none for good.
        case degraded
        /// Routes share traffic by flow, and it depends on the way that this flow's hash chose: see ``alternatives``.
        case byFlow
        /// Nothing can be said, and why.
        case unpredictable(String)
    }

    public struct Way: Hashable, Sendable, Codable {
        /// Tunnels in order; empty for a way through none.
        public let forth: [String]
        public let back: [String]

        public init(forth: [String], back: [String]) {
            self.forth = forth
            self.back = back
        }
    }
}
