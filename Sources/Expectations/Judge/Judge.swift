import LabModel
import LabRecords
import NetworkTypes

/// Holds expectations against what was observed.
public struct Judge {
    let plan: CheckPlan
    let observation: Observation
    /// Of the transfers that were measured without a capture.
    let transfers: Observation?
    let examination: CaptureExamination
    /// The lab file's name, for rules.
    let labFile: String
    let time: TimeKind

    var topology: Topology { plan.topology }
    var index: PacketIndex { examination.index ?? PacketIndex() }

    public init(
        plan: CheckPlan, observation: Observation, transfers: Observation?, examination: CaptureExamination,
        labFile: String, time: TimeKind = .virtual
    ) {
        self.time = time
        self.plan = plan
        self.observation = observation
        self.transfers = transfers
        self.examination = examination
        self.labFile = labFile
    }

    /// What one kind of expectation came to, before it is put together with its packets.
    struct Judgement {
        var outcome: Verdict.Outcome
        var expected: String
        var rule: String
        var seen: String
        var notes: [Objections.Note] = []
        var headers: [HeaderBytes]?

        static func inconclusive(_ expected: String, _ rule: String, _ seen: String) -> Self {
            Self(outcome: .inconclusive, expected: expected, rule: rule, seen: seen)
        }
    }

    /// Every expectation's verdict, in the plan's order.
    ///
    /// - Parameter lines: Packets in one line each, by number: read for those named in evidence.
    public func verdicts(lines: (Set<Int>) throws -> [Int: String]) rethrows -> [Verdict] {
        let judged = plan.expectations.map { ($0, judgement(of: $0)) }
        let lines = try lines(Set(judged.flatMap(\.1.notes).map(\.packet)))
        return judged.map { expectation, judgement in
            Verdict(
                expectation: expectation.name, kind: expectation.claim.kind.rawValue, outcome: judgement.outcome,
                expected: judgement.expected,
                rule: "\(judgement.rule); \(expectation.source(in: labFile))", seen: judgement.seen,
                published: expectation.published, isDerived: expectation.derivedFrom != nil,
                evidence: judgement.notes.map { note in
                    Evidence(
                        packet: note.packet, nanoseconds: note.nanoseconds,
                        interface: examination.places[note.point]?.name ?? "",
                        remark: note.remark, line: lines[note.packet] ?? "")
                }, headers: judgement.headers)
        }
    }

    private func judgement(of expectation: Expectation) -> Judgement {
        var judgement =
            switch expectation.claim {
            case .encapsulation(let claim): encapsulation(claim, expectation.name)
            case .confidentiality(let claim): confidentiality(claim, expectation.name)
            case .mtu(let claim): mtu(claim)
            case .mss(let claim): mss(claim)
            case .path(let claim): path(claim)
            case .rtt(let claim): rtt(claim)
            case .traceroute(let claim): traceroute(claim)
            case .md5(let claim): md5(claim, expectation.name)
            case .routes(let claim): routes(claim)
            case .bgp(let claim): bgp(claim)
            case .securityAssociation(let claim): securityAssociation(claim)
            case .rate(let claim): rate(claim)
            case .security(let claim): security(claim)
            case .sharing(let claim): sharing(claim)
            case .best(let claim): best(claim)
            case .symmetric(let claim): symmetric(claim)
            case .ospf(let claim): ospf(claim)
            case .bfd(let claim): bfd(claim)
            }
        // What packets prove is proved by all of them: with some missing, nothing is.
        // And what follows from the way that packets took is no failure either where parts of the way are missing.
        let isShaken = judgement.outcome == .pass ? expectation.claim.restsOnPackets : expectation.claim.followsATrail
        if isShaken, let doubt = examination.quality.doubt {
            judgement.outcome = .inconclusive
            judgement.seen = "\(doubt); else: \(judgement.seen)"
        }
        return judgement
    }

    // MARK: What was measured

    func result(of measurement: Measurement?, in observation: Observation? = nil) -> Result<ProbeResult, Missing> {
        guard let measurement else { return .failure(Missing(reason: "there is no such probe")) }
        switch (observation ?? self.observation).finding(of: measurement) {
        case .probe(let result): return .success(result)
        case .failed(let reason): return .failure(Missing(reason: reason))
        default: return .failure(Missing(reason: "it was not measured"))
        }
    }

    /// Why a measurement has no result.
    struct Missing: Error {
        let reason: String
    }

    /// The packets captured while a measurement was made.
    func packets(during measurement: Measurement?) -> [WirePacket] {
        guard let step = observation.steps.first(where: { $0.measurement == measurement }) else { return [] }
        return Array(index.packets(from: step.fromNanoseconds, to: step.toNanoseconds))
    }
}

extension Expectation.Claim {
    /// Whether a capture by itself can show it, without knowing what probes did.
    public var isAboutEveryPacket: Bool {
        switch self {
        case .encapsulation, .confidentiality, .md5: true
        default: false
        }
    }

    /// Whether its verdict is drawn from captured packets.
    var restsOnPackets: Bool {
        switch self {
        case .encapsulation, .confidentiality, .mtu, .mss, .path, .rtt, .rate, .security, .sharing, .md5, .symmetric:
            true
        case .best, .routes, .bgp, .ospf, .bfd, .securityAssociation, .traceroute: false
        }
    }

    /// Whether its verdict is drawn from all the places where one packet was seen.
    var followsATrail: Bool {
        switch self {
        case .path, .rtt, .rate, .sharing, .symmetric: true
        default: false
        }
    }
}
