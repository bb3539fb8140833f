import LabRecords
import NetworkTypes

/// How echo requests of one probe and their answers went through a running lab, and what decided at each step.
///
/// Two kinds of evidence are in it: what the kernels' tables say of such a packet (``Step/decisions``), and what was seen and counted
/// while real ones were sent (``Step/seen``, ``drops``). Where they differ, what was seen counts.
public struct Explanation: Hashable, Sendable, Codable {
    /// What one node does with the packet.
    public struct Step: Hashable, Sendable, Codable {
        public let node: String
        /// What its tables say, in the order in which the kernel asks them.
        public let decisions: [String]
        /// The interfaces at which the echo was seen in clear: `in eth0`, `out vti1`.
        public let seen: [String]

        public init(node: String, decisions: [String], seen: [String]) {
            self.node = node
            self.decisions = decisions
            self.seen = seen
        }
    }

    /// One direction.
    public struct Way: Hashable, Sendable, Codable {
        public let steps: [Step]
        /// Why the packet ends before its destination, by the tables; nil where it does not.
        public let broken: String?

        public init(steps: [Step], broken: String?) {
            self.steps = steps
            self.broken = broken
        }
    }

    /// Where a packet was seen for the last time.
    public struct Sighting: Hashable, Sendable, Codable {
        public let node: String
        public let interface: InterfaceName
        public let isOutgoing: Bool

        public init(node: String, interface: InterfaceName, isOutgoing: Bool) {
            self.node = node
            self.interface = interface
            self.isOutgoing = isOutgoing
        }
    }

    /// The last packet of the probe's that was seen.
    public struct End: Hashable, Sendable, Codable {
        /// Whether it was an answer.
        public let isAnswer: Bool
        /// Where it was in clear.
        public let inClear: Sighting
        /// The tunnel that it went into there; nil where it did not.
        public let tunnel: String?
        /// Where ESP of that tunnel, in that direction, was last seen; it may be of another packet. Nil for nowhere.
        public let protected: Sighting?

        public init(isAnswer: Bool, inClear: Sighting, tunnel: String?, protected: Sighting?) {
            self.isAnswer = isAnswer
            self.inClear = inClear
            self.tunnel = tunnel
            self.protected = protected
        }
    }

    public let probe: String
    public let there: Way
    public let back: Way
    /// What came of the echo requests.
    public let result: ProbeResult
    /// How long an answer was waited for.
    public let patience: Duration
    /// Nil where no packet of the probe's was seen anywhere.
    public let end: End?
    public let drops: [DroppedPackets]
    public let faults: [ActiveFault]
    /// What the routers on both ways have chosen whose sessions tell them several routes there.
    public let choices: [ObservedChoice]

    public init(
        probe: String, there: Way, back: Way, result: ProbeResult, patience: Duration, end: End?,
        drops: [DroppedPackets], faults: [ActiveFault], choices: [ObservedChoice] = []
    ) {
        self.probe = probe
        self.there = there
        self.back = back
        self.result = result
        self.patience = patience
        self.end = end
        self.drops = drops
        self.faults = faults
        self.choices = choices
    }
}
