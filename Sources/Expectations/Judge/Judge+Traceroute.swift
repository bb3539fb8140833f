import LabModel
import LabRecords
import NetworkTypes

extension Judge {
    /// Holds every answer of each trace against its hop.
    func traceroute(_ claim: TracerouteClaim) -> Judgement {
        let expected = "\(claim.probe) by " + claim.hops.map(\.words).joined(separator: " > ")
        let rule = "who answers a packet whose time to live ends there (RFC 1812, section 5.3.1), each hop as declared"
        var traces: [TraceResult] = []
        for measurement in plan.traces(claim) {
            switch result(of: measurement) {
            case .failure(let missing): return .inconclusive(expected, rule, missing.reason)
            case .success(let result):
                guard case .trace(let trace) = result.outcome else {
                    return .inconclusive(expected, rule, "it was not measured")
                }
                if let error = trace.localError {
                    return Judgement(
                        outcome: .fail, expected: expected, rule: rule,
                        seen: "\(result.source) could not send: \(error.message)")
                }
                traces.append(trace)
            }
        }
        var doubts: [String] = []
        var faults = claim.hops.enumerated().flatMap { index, hop in
            traces.compactMap { trace -> String? in
                guard trace.hops.indices.contains(index) else { return "hop \(index + 1) was not asked" }
                guard let (outcome, words) = hop.objection(to: trace.hops[index], time) else { return nil }
                guard outcome == .inconclusive else { return words }
                doubts.append("\(words); \(TimeKind.doubt)")
                return nil
            }
        }
        if let trace = traces.first(where: { !$0.isReached || $0.hops.count != claim.hops.count }) {
            faults.append(
                trace.isReached
                    ? "the destination is hop \(trace.hops.count), expected \(claim.hops.count)"
                    : "the destination is not reached in \(trace.hops.count) hops")
        }
        let seen = (0..<(traces.map(\.hops.count).max() ?? 0)).map { index in
            Self.words(traces.compactMap { $0.hops.indices.contains(index) ? $0.hops[index] : nil })
        }
        var unique: [String] = []
        for fault in faults + (faults.isEmpty ? doubts : []) where !unique.contains(fault) { unique.append(fault) }
        return Judgement(
            outcome: faults.isEmpty ? doubts.isEmpty ? .pass : .inconclusive : .fail, expected: expected, rule: rule,
            seen: unique.isEmpty ? seen.joined(separator: " > ") : unique.joined(separator: "; "))
    }

    /// `169.254.252.5 or 169.254.252.13 0.303 to 0.305 ms`.
    private static func words(_ answers: [TraceResult.Hop]) -> String {
        let addresses = Set(answers.compactMap(\.address)).sorted().map(\.description)
        let times = answers.compactMap(\.roundTripNanoseconds).map { Duration.nanoseconds($0) }
        guard let least = times.min(), let most = times.max() else { return "*" }
        let time =
            least.milliseconds == most.milliseconds
            ? least.milliseconds : "\(least.milliseconds.dropLast(3)) to \(most.milliseconds)"
        return "\(addresses.joined(separator: " or ")) \(time)"
    }
}

extension TracerouteClaim.Hop {
    fileprivate var words: String {
        addresses.map(\.description).joined(separator: " or ")
            + (roundTrip.map { " \($0.milliseconds) ± \(tolerance.shortText)" } ?? "")
    }

    /// What is wrong with an answer; nil where nothing is.
    fileprivate func objection(to answer: TraceResult.Hop, _ kind: TimeKind) -> (Verdict.Outcome, String)? {
        guard let address = answer.address, let nanoseconds = answer.roundTripNanoseconds else {
            return (.fail, "nobody answers at hop \(answer.distance)")
        }
        let time = Duration.nanoseconds(nanoseconds)
        guard addresses.contains(address) else { return (.fail, "hop \(answer.distance) is \(address)") }
        guard let roundTrip else { return nil }
        let outcome = kind.outcome(of: time, target: roundTrip, tolerance: tolerance)
        return outcome == .pass
            ? nil : (outcome, "hop \(answer.distance), \(address), answers after \(time.milliseconds)")
    }
}
