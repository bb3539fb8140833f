import LabRecords
import NetworkTypes
import Testing

@testable import Reporting

@Suite struct ProbeReportTests {
    private let router = IPAddress.v4(IPv4Address(rawValue: 0x0A01_0001))
    private let there = IPAddress.v4(IPv4Address(rawValue: 0x0A02_000A))

    private func result(_ outcome: ProbeResult.Outcome) -> ProbeResult {
        ProbeResult(
            id: 1, source: "here", sourceAddress: router, destination: there, destinationNode: "there",
            startedAtNanoseconds: 5, outcome: outcome)
    }

    private func text(_ outcome: ProbeResult.Outcome) -> String { ProbeReport(result(outcome)).text(style: .plain) }

    private func reply(_ sequence: Int, _ nanoseconds: Int64, fragments: Int = 1) -> EchoAttempt {
        EchoAttempt(
            sequence: sequence, length: 84,
            outcome: .reply(roundTripNanoseconds: nanoseconds, timeToLive: 60, fragments: fragments))
    }

    private var tooBig: ICMPNotice {
        ICMPNotice(
            kind: .packetTooBig, from: router, type: 3, code: 4, mtu: 1400, quotedLength: 1401, afterNanoseconds: 7)
    }

    private var refused: EchoAttempt {
        EchoAttempt(sequence: 3, length: 1401, outcome: .notice(message: tooBig))
    }

    private let lost = EchoAttempt(sequence: 2, length: 84, outcome: .lost)

    private let figures = TCPFigures(
        state: "ESTABLISHED", sendMSS: 1348, receiveMSS: 536, advertisedMSS: 1448, pathMTU: 1400, retransmissions: 3,
        unacknowledged: 0)

    @Test func `Echoes are listed and summed up`() {
        let text = text(.echo(attempts: [reply(1, 3_000_000), lost, reply(3, 5_000_000, fragments: 2)]))
        #expect(
            text == """
                here (10.1.0.1) > there (10.2.0.10)
                  SEQ  BYTES  RESULT
                  1    84     3ms     ttl 60
                  2    84     lost
                  3    84     5ms     ttl 60, in 2 fragments
                3 sent, 2 answered, 1 not; round trip 3ms / 4ms / 5ms (least / mean / most)
                """)
        #expect(self.text(.echo(attempts: [lost])).hasSuffix("1 sent, 0 answered, 1 not"))
    }

    @Test(arguments: [
        (PathMTUResult.Boundary.notice, "told by ICMP"), (.blackHole, "a black hole"),
        (.localError, "by the node itself"),
        (.limit, "the longest tried"),
    ])
    func `A path MTU says what bounds it`(boundary: PathMTUResult.Boundary, words: String) {
        let text = text(.pathMTU(result: PathMTUResult(bytes: 1400, boundary: boundary, attempts: [refused])))
        #expect(text.contains("path MTU 1400"))
        #expect(text.contains(words))
        #expect(text.contains("packet too big, MTU 1400 (10.1.0.1)"))
    }

    @Test func `What was not reached says so`() {
        let nothing = PathMTUResult(bytes: nil, boundary: nil, attempts: [lost])
        #expect(text(.pathMTU(result: nothing)).hasSuffix("not reached"))
        let error = LocalError(name: "ENETUNREACH", message: "Network is unreachable")
        let trace = TraceResult(hops: [], isReached: false, localError: error)
        #expect(text(.trace(result: trace)).contains("Network is unreachable (ENETUNREACH)"))
        for outcome in [
            ProbeResult.Outcome.echo(attempts: [lost, refused]), .pathMTU(result: nothing), .trace(result: trace),
            .oneEcho(result: OneEchoResult(attempt: refused, requestFragments: 0)),
            .packet(
                result: PacketResult(
                    answer: .reset, answerNanoseconds: 1, arrived: false, arrivedFrom: nil, localError: nil)),
        ] {
            #expect(!result(outcome).isReached, "\(outcome)")
        }
        #expect(result(.echo(attempts: [lost, reply(1, 1)])).isReached)
    }

    @Test func `A handshake shows what each side saw`() {
        let handshake = HandshakeResult(
            outcome: .established, roundTripNanoseconds: 3_000_000,
            mss: .init(synSent: 1460, synReceived: 1200, synAckSent: 1360), client: figures, server: nil, notice: nil,
            localError: nil)
        #expect(
            text(.handshake(result: handshake)) == """
                here (10.1.0.1) > there (10.2.0.10)
                established after 3ms
                  MSS      SENT  RECEIVED
                  SYN      1460  1200
                  SYN-ACK  1360  -
                  TCP     STATE        SEND MSS  RECEIVE MSS  ADVERTISED  PATH MTU  SENT AGAIN  UNACKNOWLEDGED
                  client  ESTABLISHED  1348      536          1448        1400      3           0
                """)
    }

    @Test func `A transfer says how much how fast and what was sent again`() {
        func transfer(_ received: Int) -> BulkResult {
            let none = BulkResult.Counters(
                fragmentsReceived: 0, packetsReassembled: 0, fragmentsCreated: 0, unreachablesReceived: 0)
            return BulkResult(
                bytesRequested: 1_000_000, bytesReceived: received, isComplete: received == 1_000_000,
                nanoseconds: 100_000_000, client: figures, server: nil, source: none, destination: none, localError: nil
            )
        }
        #expect(transfer(1_000_000).goodputBitsPerSecond == 80e6)
        #expect(
            text(.bulk(result: transfer(1_000_000))).contains("1.0 MB in 100ms, 80.0 Mbit/s, 3 segments sent again"))
        #expect(text(.bulk(result: transfer(500_000))).contains("500 kB of 1.0 MB in 100ms"))
        #expect(result(.bulk(result: transfer(1_000_000))).isReached)
        #expect(!result(.bulk(result: transfer(500_000))).isReached)
    }

    @Test func `JSON is in words with units`() throws {
        let json = try JSONText.of(result(.echo(attempts: [reply(1, 3_000_000), refused])))
        for word in [
            "\"is_reached\" : true", "\"round_trip_nanoseconds\" : 3000000", "\"packet_too_big\"", "\"mtu\" : 1400",
        ] {
            #expect(json.contains(word), "\(word)")
        }
        #expect(!json.contains("_0"))
    }
}
