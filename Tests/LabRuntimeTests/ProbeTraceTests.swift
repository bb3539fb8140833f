import AgentProtocol
import LabRecords
import NetworkTypes
import Testing

@testable import LabRuntime

extension ProbeTests {
    @Suite(.serialized) struct Trace {
        private func trace(
            _ lab: ProbeLab, _ method: ProbeRequest.TraceMethod = .udp, hops: Int = 5,
            to destination: String = "10.2.0.10"
        ) async throws -> TraceResult {
            let result = try await lab.run(
                .trace(method: method, maximumHops: hops, timeout: .seconds(1)), to: destination)
            guard case .trace(let found) = result.outcome else { throw LabFailure("not a trace: \(result)") }
            return found
        }

        @Test(arguments: ProbeRequest.TraceMethod.allCases, ["10.2.0.10", "fd00:2::10"])
        func `Every hop is named up to the destination`(method: ProbeRequest.TraceMethod, destination: String)
            async throws
        {
            try await ProbeLab.with { lab in
                let found = try await trace(lab, method, to: destination)
                let near = destination.contains(":") ? "fd00:1::1" : "10.1.0.1"
                #expect(found.hops.map(\.address) == [IPAddress(near), IPAddress(destination)])
                #expect(found.isReached)
                let trips = found.hops.compactMap(\.roundTripNanoseconds)
                #expect(trips.count == 2 && trips[0] > 4_000_000 && trips[1] > 10_000_000, "\(trips)")
                #expect(found.hops.first?.notice?.kind == .timeExceeded)
                #expect(found.hops.last?.notice?.kind == (method == .udp ? .portUnreachable : nil))
            }
        }

        @Test func `A silent router leaves a gap`() async throws {
            try await ProbeLab.with { lab in
                try await lab.filter("middle", hook: "output", "icmp type time-exceeded drop;")
                let found = try await trace(lab)
                #expect(found.hops.map(\.address) == [nil, IPAddress("10.2.0.10")])
                #expect(found.isReached)
            }
        }

        @Test func `It ends where the way ends`() async throws {
            try await ProbeLab.with { lab in
                let dead = try await trace(lab, to: "10.9.0.1")
                #expect(dead.hops.map(\.address) == [IPAddress("10.1.0.1")])
                #expect(dead.hops.first?.notice?.kind == .networkUnreachable)
                #expect(!dead.isReached)
                let nowhere = try await trace(lab, to: "10.77.0.1")
                #expect(nowhere.hops.isEmpty)
                #expect(nowhere.localError?.name == "ENETUNREACH")
                let short = try await trace(lab, hops: 1)
                #expect(short.hops.count == 1)
                #expect(!short.isReached)
            }
        }
    }
}
