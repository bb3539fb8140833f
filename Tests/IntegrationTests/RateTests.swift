import Testing

/// What TCP reaches is what was computed, however old a lab is and whatever its kernel has seen before.
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct RateTests {
    /// Payload by one path, in Mbit/s: what links and headers leave, and what arrived.
    private struct Rate {
        let predicted: Double
        let measured: Double
    }

    let lab: RunningLab

    init() throws { lab = try .current }

    /// The bottleneck is behind all other links, before them, or a gateway's only link, where acknowledgements take their part.
    @Test func `The same on a fresh lab after an hour and after a day`() async throws {
        var found: [String: [Rate]] = [:]
        // The last two begin at other phases of whatever ticks.
        for time in ["0s", "1h", "23h", "3ms", "1237us"] {
            if time != "0s" { _ = try await lab.clock("advance", time) }
            let check = try await lab.check("--only", "main-rate,backup-rate,file-main-back")
            #expect(check.code == 0, "\(time) later: \(check.account)")
            for verdict in check.report.verdicts {
                found[verdict.expectation, default: []].append(try rate(verdict))
            }
        }
        #expect(found.count == 3)
        for (name, rates) in found {
            #expect(rates.count == 5, "\(name)")
            let measured = rates.map(\.measured)
            let (least, most) = (try #require(measured.min()), try #require(measured.max()))
            #expect(most - least <= 0.02 * least, "\(name): \(measured) Mbit/s")
            #expect(
                rates.allSatisfy { abs($0.measured - $0.predicted) <= 0.02 * $0.predicted }, "\(name): \(rates) Mbit/s")
        }
    }

    /// From `ceiling 448.0 Mbit/s: …` and `447.8 Mbit/s in the second half of …`.
    private func rate(_ verdict: CheckView.Verdict) throws -> Rate {
        let predicted = try #require(verdict.rule.firstMatch(of: /ceiling ([\d.]+) Mbit\/s/), "\(verdict.rule)")
        let measured = try #require(
            verdict.seen.firstMatch(of: /^([\d.]+) Mbit\/s in the second half/), "\(verdict.seen)")
        return Rate(
            predicted: try #require(Double(predicted.1)), measured: try #require(Double(measured.1)))
    }
}
