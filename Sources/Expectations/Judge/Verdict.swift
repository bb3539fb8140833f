import LabModel

/// What an expectation came to.
public struct Verdict: Hashable, Sendable, Codable {
    public enum Outcome: String, Hashable, Sendable, Codable {
        case pass, fail
        /// What was seen does not suffice to say: packets are missing from the capture, or nothing was there to look at.
        case inconclusive
        /// The expectation's condition does not hold now, so nothing was looked for.
        case notApplicable = "not_applicable"
    }

    /// The expectation's name, and its kind's key in a lab file.
    public let expectation: String
    public let kind: String
    public let outcome: Outcome
    /// What was expected, in words.
    public let expected: String
    /// What makes one expect that: an RFC's section, the lab file's line, a daemon's rule.
    public let rule: String
    /// What was seen, in words.
    public let seen: String
    /// What somebody found on the real thing, in words; nil where nothing was published.
    public let published: String?
    /// Whether netlab has derived the expectation from the lab, so that it stands in no file.
    public let isDerived: Bool
    /// The packets that show it, the telling one first.
    public let evidence: [Evidence]
    /// The headers of a packet that is as claimed, outermost first; nil but for an encapsulation in plain tunnels.
    public let headers: [HeaderBytes]?

    public init(
        expectation: String, kind: String, outcome: Outcome, expected: String, rule: String, seen: String,
        published: String? = nil, isDerived: Bool = false, evidence: [Evidence] = [], headers: [HeaderBytes]? = nil
    ) {
        self.expectation = expectation
        self.kind = kind
        self.outcome = outcome
        self.expected = expected
        self.rule = rule
        self.seen = seen
        self.published = published
        self.isDerived = isDerived
        self.evidence = evidence
        self.headers = headers
    }
}

extension Expectation {
    /// Where it is from, for a verdict's rule: the lab file's line, or what of the lab it is derived from.
    public func source(in labFile: String) -> String {
        derivedFrom.map { "derived from \($0)" } ?? "\(labFile):\(line)"
    }
}

/// A packet of a capture that shows something.
public struct Evidence: Hashable, Sendable, Codable {
    /// The packet's number in the capture file, from 1, as Wireshark counts.
    public let packet: Int
    /// On the lab's clock.
    public let nanoseconds: Int64
    /// `NODE:INTERFACE` that sent it.
    public let interface: String
    /// What is wrong with it, or what it shows.
    public let remark: String
    /// The packet in one line.
    public let line: String

    public init(packet: Int, nanoseconds: Int64, interface: String, remark: String, line: String) {
        self.packet = packet
        self.nanoseconds = nanoseconds
        self.interface = interface
        self.remark = remark
        self.line = line
    }
}

extension [Verdict] {
    /// The whole's outcome: a failure counts more than a doubt.
    public var outcome: Verdict.Outcome {
        contains { $0.outcome == .fail } ? .fail : contains { $0.outcome == .inconclusive } ? .inconclusive : .pass
    }
}
