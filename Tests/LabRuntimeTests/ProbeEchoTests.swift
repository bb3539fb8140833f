import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime
import Testing

@testable import LabRuntime

extension ProbeTests {
    @Suite(.serialized) struct Echo {
        static func echo(count: Int = 1, payload: Int = 56, timeout: Duration = .seconds(1)) -> ProbeRequest.Kind {
            .echo(count: count, interval: .milliseconds(500), payload: payload, dontFragment: false, timeout: timeout)
        }

        private func attempts(of result: ProbeResult) throws -> [EchoAttempt] {
            guard case .echo(let attempts) = result.outcome else { throw LabFailure("not an echo: \(result)") }
            return attempts
        }

        @Test(arguments: [("10.2.0.10", 98), ("fd00:2::10", 118)])
        func `The round trip is what the links say and each is as long`(destination: String, frame: Int64) async throws
        {
            // 5 ms each way, and four times a frame at 100 Mbit/s.
            let expected = 10_000_000 + 4 * frame * 80
            try await ProbeLab.with { lab in
                // What interfaces tell of their IPv6 addresses when they come up (RFC 4862, RFC 3810) would be queued before an
                // echo: some 55 us, seen once.
                try await Task.sleep(for: .seconds(15))
                // The first one waits for the neighbours' addresses.
                let first = try await lab.run(Self.echo(), to: destination)
                let start = LabClock.now
                let result = try await lab.run(Self.echo(count: 3), to: destination)
                #expect(LabClock.now - start < .milliseconds(1011))
                #expect(result.isReached)
                #expect(result.destinationNode == "there")
                #expect(result.id == first.id + 1)
                for trip in try attempts(of: result).map(\.roundTripNanoseconds) {
                    // netem counts a packet's time on the wire in steps of about 1 us.
                    #expect(trip.map { abs($0 - expected) < 6000 } == true, "\(trip ?? 0)")
                }
            }
        }

        @Test func `A long request without DF comes back in fragments`() async throws {
            try await ProbeLab.with { lab in
                let attempt = try #require(try attempts(of: try await lab.run(Self.echo(payload: 3000))).first)
                guard case .reply(_, _, let fragments) = attempt.outcome else {
                    Issue.record("\(attempt)")
                    return
                }
                #expect(fragments == 3)
                #expect(attempt.length == 3028)
            }
        }

        @Test func `A filter that drops loses all; one that rejects says so`() async throws {
            try await ProbeLab.with { lab in
                try await lab.filter("there", hook: "input", "icmp type echo-request drop;")
                let silent = try await lab.run(Self.echo(count: 2))
                #expect(!silent.isReached)
                #expect(try attempts(of: silent).map(\.outcome) == [.lost, .lost])
                try await lab.filter(
                    "middle", hook: "forward", "icmp type echo-request reject with icmp type admin-prohibited;")
                let told = try attempts(of: try await lab.run(Self.echo()))
                #expect(told.first?.notice?.kind == .prohibited)
                #expect(told.first?.notice?.from == IPAddress("10.1.0.1"))
                #expect(told.first?.notice?.quotedLength == 84)
            }
        }

        @Test func `No route is a result here and on the way`() async throws {
            try await ProbeLab.with { lab in
                let here = try await lab.run(Self.echo(), to: "10.77.0.1")
                guard case .localError(let error)? = try attempts(of: here).first?.outcome else {
                    Issue.record("\(here)")
                    return
                }
                #expect(error.name == "ENETUNREACH")
                #expect(here.sourceAddress == nil)
                #expect(here.destinationNode == nil)
                let there = try attempts(of: try await lab.run(Self.echo(), to: "10.9.0.1"))
                #expect(there.first?.notice?.kind == .networkUnreachable)
            }
        }

        @Test func `A source address is used if it is the node's own`() async throws {
            try await ProbeLab.with { lab in
                #expect(try await lab.run(Self.echo(), source: "10.1.0.10").isReached)
                let foreign = try await lab.run(Self.echo(), source: "10.1.0.11")
                guard case .localError(let error)? = try attempts(of: foreign).first?.outcome else {
                    Issue.record("\(foreign)")
                    return
                }
                #expect(error.name == "EADDRNOTAVAIL")
            }
        }

        @Test func `What makes no sense is refused before anything is sent`() async throws {
            try await ProbeLab.with { lab in
                let kinds: [ProbeRequest.Kind] = [
                    Self.echo(count: 0), Self.echo(count: 65_536), Self.echo(payload: 15), Self.echo(payload: 70_000),
                    .pathMTU(limit: 20, tries: 1, timeout: .seconds(1)),
                    .oneEcho(length: 20, dontFragment: true, timeout: .seconds(1)),
                    .oneEcho(length: 65_536, dontFragment: true, timeout: .seconds(1)),
                    .trace(method: .udp, maximumHops: 0, timeout: .seconds(1)),
                    .handshake(port: 0, listens: true, timeout: .seconds(1)),
                    .bulk(bytes: 0, port: 1, deadline: .seconds(1)),
                ]
                for kind in kinds {
                    let failure = await #expect(throws: LabFailure.self, "\(kind)") { try await lab.run(kind) }
                    #expect(failure?.code == .wrongInput)
                }
                await #expect(throws: LabFailure.self) { try await lab.run(Self.echo(), source: "fd00:1::10") }
                await #expect(throws: LabFailure.self) { try await lab.run(Self.echo(), from: "nowhere") }
            }
        }

        @Test func `A cancelled probe ends at once`() async throws {
            try await ProbeLab.with { lab in
                let start = LabClock.now
                let task = Task { try await lab.run(Self.echo(timeout: .seconds(3600)), to: "10.2.0.99") }
                try await Task.sleep(for: .seconds(1))
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(LabClock.now - start < .seconds(2))
            }
        }
    }
}
