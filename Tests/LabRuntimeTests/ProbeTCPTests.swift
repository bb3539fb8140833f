import AgentProtocol
import NetworkTypes
import Testing

@testable import LabRecords
@testable import LabRuntime
@testable import NodeRuntime
@testable import Probing

extension ProbeTests {
    @Suite(.serialized) struct Handshake {
        private func handshake(
            _ lab: ProbeLab, listens: Bool = true, to destination: String = "10.2.0.10", port: UInt16 = 5001
        ) async throws -> HandshakeResult {
            let result = try await lab.run(
                .handshake(port: port, listens: listens, timeout: .seconds(20)), to: destination)
            guard case .handshake(let found) = result.outcome else { throw LabFailure("not a handshake: \(result)") }
            return found
        }

        @Test(arguments: [("10.2.0.10", 40), ("fd00:2::10", 60)])
        func `Each side's MSS is its link's MTU less the headers`(destination: String, headers: Int) async throws {
            try await ProbeLab.with { lab in
                _ = try await lab.run(Echo.echo(), to: destination)
                let found = try await handshake(lab, to: destination)
                #expect(found.outcome == .established)
                let (near, far) = (1500 - headers, 1400 - headers)
                #expect(found.mss == .init(synSent: near, synReceived: near, synAckSent: far, synAckReceived: far))
                // The timestamps of each segment take 12 bytes.
                #expect(found.client?.sendMSS == far - 12)
                #expect(found.client?.advertisedMSS == near - 12)
                #expect(found.client?.pathMTU == 1500)
                #expect(found.server?.state == "ESTABLISHED")
                #expect(found.server?.sendMSS == far - 12)
                let trip = try #require(found.roundTripNanoseconds)
                #expect((10_000_000..<10_100_000).contains(trip), "\(trip)")
            }
        }

        @Test func `A clamp on the way is seen by the one who receives`() async throws {
            try await ProbeLab.with { lab in
                try await lab.filter("middle", hook: "forward", "tcp flags syn tcp option maxseg size set 1200;")
                let found = try await handshake(lab)
                #expect(found.mss == .init(synSent: 1460, synReceived: 1200, synAckSent: 1360, synAckReceived: 1200))
                #expect(found.client?.sendMSS == 1188)
                #expect(found.server?.sendMSS == 1188)
            }
        }

        @Test func `A closed port refuses; the same port with a listener does not`() async throws {
            try await ProbeLab.with { lab in
                let closed = try await handshake(lab, listens: false)
                #expect(closed.outcome == .refused)
                #expect(closed.roundTripNanoseconds != nil)
                #expect(closed.mss.synReceived == 1460)
                #expect(closed.mss.synAckSent == nil)
                #expect(closed.server == nil)
                #expect(try await handshake(lab).outcome == .established)
            }
        }

        @Test func `A filter makes it time out or unreachable`() async throws {
            try await ProbeLab.with { lab in
                try await lab.filter("there", hook: "input", "tcp dport 5001 drop;")
                let start = LabClock.now
                let dropped = try await handshake(lab)
                #expect(dropped.outcome == .timedOut)
                #expect(LabClock.now - start < .milliseconds(20_100))
                // It came as far as the filter.
                #expect(dropped.mss.synReceived == 1460)
                try await lab.filter(
                    "middle", hook: "forward", "tcp dport 5001 reject with icmp type admin-prohibited;")
                let rejected = try await handshake(lab)
                #expect(rejected.outcome == .unreachable)
                #expect(rejected.notice?.kind == .prohibited)
                #expect(rejected.mss.synReceived == nil)
            }
        }

        @Test func `No route is a result`() async throws {
            try await ProbeLab.with { lab in
                let found = try await handshake(lab, to: "10.77.0.1")
                #expect(found.outcome == .localError)
                #expect(found.localError?.name == "ENETUNREACH")
            }
        }
    }

    @Suite(.serialized) struct Bulk {
        private func bulk(_ lab: ProbeLab, bytes: Int = 1_000_000, deadline: Duration = .seconds(300)) async throws
            -> BulkResult
        {
            let result = try await lab.run(.bulk(bytes: bytes, port: 5001, deadline: deadline))
            guard case .bulk(let found) = result.outcome else { throw LabFailure("not a transfer: \(result)") }
            return found
        }

        @Test func `A clean path carries nearly its rate and loses nothing`() async throws {
            try await ProbeLab.with(nearMTU: 1400) { lab in
                let found = try await bulk(lab, bytes: 5_000_000)
                #expect(found.isComplete)
                #expect(found.bytesReceived == 5_000_000)
                #expect(found.client?.retransmissions == 0)
                let rate = try #require(found.goodputBitsPerSecond)
                #expect((70e6..<97e6).contains(rate), "\(rate)")
                #expect(found.source.unreachablesReceived == 0)
                #expect(found.destination.fragmentsReceived == 0)
            }
        }

        @Test func `A path that loses packets has them sent again`() async throws {
            try await ProbeLab.with(nearMTU: 1400, loss: "2%") { lab in
                let found = try await bulk(lab)
                #expect(found.isComplete)
                #expect(found.client.map { $0.retransmissions > 0 } == true)
            }
        }

        @Test func `A shorter link is learned by ICMP or fragments the lot where DF is not set`() async throws {
            for discovers in [true, false] {
                try await ProbeLab.with { lab in
                    // A server that announces more than the link before it takes.
                    try await lab.setMTU(1500, at: "there", "eth0")
                    let setting = discovers ? "0" : "1"
                    try await lab.lab.sandbox("here").network.setSysctls([("net.ipv4.ip_no_pmtu_disc", setting)])
                    let found = try await bulk(lab)
                    #expect(found.isComplete)
                    #expect((found.source.unreachablesReceived > 0) == discovers)
                    #expect(found.client?.pathMTU == (discovers ? 1400 : 1500))
                    #expect((found.destination.fragmentsReceived > 0) == !discovers)
                    #expect(found.destination.packetsReassembled * 2 == found.destination.fragmentsReceived)
                }
            }
        }

        @Test func `At the deadline it says how far it got`() async throws {
            try await ProbeLab.with { lab in
                let start = LabClock.now
                let slow = try await bulk(lab, bytes: 50_000_000, deadline: .seconds(1))
                #expect(LabClock.now - start < .milliseconds(1010))
                #expect(!slow.isComplete)
                #expect((1..<50_000_000).contains(slow.bytesReceived))
                #expect(slow.client?.state == "ESTABLISHED")
                try await lab.filter("there", hook: "input", "tcp dport 5001 drop;")
                let stuck = try await bulk(lab, deadline: .seconds(10))
                #expect(!stuck.isComplete)
                #expect(stuck.client?.state == "SYN_SENT")
                #expect(stuck.bytesReceived == 0)
            }
        }

        @Test func `Without a node or a port to receive the request is refused`() async throws {
            try await ProbeLab.with { lab in
                let kind = ProbeRequest.Kind.bulk(bytes: 1, port: 5001, deadline: .seconds(1))
                await #expect(throws: LabFailure.self) { try await lab.run(kind, to: "10.9.0.1") }
                let there = try await lab.lab.sandbox("there")
                let address = try #require(IPAddress("10.2.0.10"))
                let listener = try TCPSocket.listening(in: there, for: address, port: 5001)
                await #expect(throws: LabFailure.self) { try await lab.run(kind) }
                withExtendedLifetime(listener) {}
            }
        }
    }
}
