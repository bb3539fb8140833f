import Testing

/// The lab's own time: it stands still, jumps, and is waited on.
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct ClockTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `A paused clock stands still`() async throws {
        let first = try await lab.clock()
        #expect(first.mode == "paused")
        #expect(try await lab.clock() == first)
    }

    @Test func `Two hours go by and both tunnels have rekeyed`() async throws {
        let before = try await lab.status()
        let start = try await lab.clock().time
        let end = try await lab.clock("advance", "2h").time
        // Setting a guest in motion and stopping it takes some microseconds of its time.
        #expect((.seconds(7200) ... .seconds(7200) + .milliseconds(1)).contains(end - start))
        let after = try await lab.status()
        for name in ["main", "backup"] {
            let old = try #require(before.tunnel(name))
            let new = try #require(after.tunnel(name))
            #expect(new.state == "up")
            #expect(new.associations.count == 4)
            #expect(Set(new.associations.map(\.spi)).isDisjoint(with: old.associations.map(\.spi)))
            #expect(new.associations.allSatisfy { $0.ageSeconds < 3600 })
        }
        #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").isLossless)
        #expect(try await lab.ping("10.2.3.100", from: "vcn1-vm").isLossless)
        #expect(try await lab.ping("192.168.2.1", from: "vcn2-vm").isLossless)
    }

    @Test func `A condition that does not come about is a failed expectation`() async throws {
        let start = try await lab.clock().time
        let result = try await lab.netlab.run("clock", lab.name, "until", "bgp main down", "--within", "60s")
        #expect(result.code == 1, result.account)
        #expect(result.error.contains("did not come about within 1m"), result.account)
        #expect(result.error.contains("established at both ends"), result.account)
        let waited = try await lab.clock().time - start
        #expect((.seconds(60) ... .seconds(61)).contains(waited))
    }

    @Test func `A condition that holds takes no time`() async throws {
        #expect(try await lab.until("bgp main up", within: .seconds(60)) < .milliseconds(10))
    }

    @Test(arguments: [
        ("bgp mian down", #"Did you mean "main"?"#), ("tunnel main sideways", "is not a condition"),
        ("ping vpc1-ec2 nowhere up", #"There is no "nowhere""#),
    ])
    func `A condition that names nothing is refused`(condition: String, answer: String) async throws {
        let result = try await lab.netlab.run("clock", lab.name, "until", condition)
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(answer), result.account)
    }

    @Test func `A paced clock follows the wall and never overtakes it`() async throws {
        let wall = ContinuousClock.now
        let start = try await lab.clock().time
        #expect(try await lab.clock("resume").mode == "paced")
        try await eventually(within: .seconds(20), "half a second of the lab's time") {
            try await lab.clock().time - start > .milliseconds(500)
        }
        let paused = try await lab.clock("pause")
        #expect(paused.mode == "paused")
        #expect(paused.time - start < ContinuousClock.now - wall)
        // One more slice may have been on its way when the pause came.
        let settled = try await lab.clock()
        #expect(settled.time - paused.time < .milliseconds(100))
        #expect(try await lab.clock() == settled)
    }
}
