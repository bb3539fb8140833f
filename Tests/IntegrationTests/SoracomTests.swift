import Testing

/// Two tunnels to one public address: static routes fail over, BGP has one peering.
@Suite(.timeLimit(.minutes(60)))
struct SoracomTests {
    @Test func `Static routes follow their tunnels and BGP has no redundancy`() async throws {
        try await LabHome.with(labs: 2) { home in
            let result = try await home.netlab.run(
                "test", "soracom-azure", "--scenario", "tunnel-1-cut,bgp-tunnel-1-cut", "--jobs", "2", "--format",
                "json")
            #expect(result.code == 0, result.account)
            let report = try TestView(json: result.output)
            let fixed = try #require(report.runs.first { $0.scenario == "tunnel-1-cut" })
            for flow in ["device", "vm"] {
                let judged = try #require(fixed.judgement(flow, "outage"))
                let (window, outage) = (try #require(judged.predicted?.window), try #require(judged.measured.first))
                #expect(judged.outcome == "pass", result.account)
                #expect(outage.atLeastNanoseconds <= window.latestNanoseconds)
                #expect(try #require(outage.atMostNanoseconds) >= window.earliestNanoseconds)
                // 20 s of AWS's repetitions at least, and twice Azure's 15 s and then its 30 s at most.
                #expect(window.earliestNanoseconds >= 20_000_000_000 && window.latestNanoseconds <= 60_100_000_000)
                #expect(fixed.judgement(flow, "comeback")?.outcome == "pass", result.account)
            }
            let dynamic = try #require(report.runs.first { $0.scenario == "bgp-tunnel-1-cut" })
            for flow in ["device", "vm"] {
                #expect(dynamic.judgement(flow, "outage")?.predicted?.effect == "until_healed")
                #expect(dynamic.judgement(flow, "outage")?.outcome == "pass", result.account)
            }
            let second = dynamic.checks.filter { $0.verdict.expectation == "second-session" }
            #expect(second.count == 3 && second.allSatisfy { $0.outcome == "pass" })
            // The refusal is the provider's, by its rule, and AWS's attempts are in the capture.
            #expect(second.allSatisfy { $0.verdict.expected.contains("azure/apipa-peers-per-public-ip") })
            #expect(second.allSatisfy { !$0.verdict.evidence.isEmpty })
            try await home.expectNothingLeft()
        }
    }

    @Test func `What Azure refuses is said before anything is built`() async throws {
        try await LabHome.with { home in
            let lab = try home.copy(of: "soracom-azure", as: "refused") { text in
                text.replacing(
                    "      azure/apipa-peers-per-public-ip: the lab is to show what comes of it, as the article's author found it\n",
                    with: "")
            }
            for verb in ["validate", "up"] {
                let result = try await home.netlab.run(verb, lab, "--variant", "bgp")
                #expect(result.code == 2, result.account)
                for rule in ["azure/apipa-peers-per-public-ip", "soracom/bgp-address-per-tunnel"] {
                    #expect((result.output + result.error).contains(rule), result.account)
                }
            }
            try await home.expectNothingLeft()
        }
    }
}
