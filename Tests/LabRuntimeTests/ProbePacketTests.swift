import AgentProtocol
import NetworkTypes
import PacketFormats
import Testing

@testable import LabRecords
@testable import LabRuntime
@testable import Probing

extension ProbeTests {
    @Suite(.serialized) struct OnePacket {
        private func packet(
            _ lab: ProbeLab, _ kind: ProbeRequest.ProbePacket, source: String? = nil,
            to destination: String = "10.2.0.10"
        ) async throws -> PacketResult {
            let result = try await lab.run(.packet(kind, wait: .seconds(1)), source: source, to: destination)
            guard case .packet(let found) = result.outcome else { throw LabFailure("not a packet: \(result)") }
            return found
        }

        private static let udp = ProbeRequest.ProbePacket.udp(sourcePort: 4000, destinationPort: 4001)
        private static let syn = ProbeRequest.ProbePacket.tcpSYN(sourcePort: 4000, destinationPort: 4001)

        @Test(arguments: ["10.2.0.10", "fd00:2::10"])
        func `What answers is told each in its own way`(destination: String) async throws {
            try await ProbeLab.with { lab in
                #expect(try await packet(lab, .echo, to: destination).answer == .echoReply)
                #expect(try await packet(lab, Self.syn, to: destination).answer == .reset)
                let closed = try await packet(lab, Self.udp, to: destination)
                #expect(closed.arrived == true)
                guard case .notice(let notice)? = closed.answer else {
                    Issue.record("\(closed)")
                    return
                }
                #expect(notice.kind == .portUnreachable)
                let listener = try TCPSocket.listening(
                    in: try await lab.lab.sandbox("there"), for: try #require(IPAddress(destination)), port: 4001)
                #expect(try await packet(lab, Self.syn, to: destination).answer == .synAck)
                withExtendedLifetime(listener) {}
            }
        }

        @Test func `A borrowed source arrives unless somebody checks`() async throws {
            try await ProbeLab.with(check: "off") { lab in
                let spoofed = try await packet(lab, Self.udp, source: "10.1.0.99")
                #expect(spoofed.arrived == true)
                #expect(spoofed.arrivedFrom == IPAddress("10.1.0.99"))
                #expect(spoofed.answer == nil)
            }
            try await ProbeLab.with(check: "on") { lab in
                let checked = try await packet(lab, Self.udp, source: "10.1.0.99")
                #expect(checked.arrived == false)
                #expect(try await packet(lab, Self.udp).arrived == true)
            }
        }

        @Test func `Other protocols filters and missing routes`() async throws {
            try await ProbeLab.with { lab in
                let other = try await packet(lab, .other(protocol: 253))
                guard case .notice(let notice)? = other.answer else {
                    Issue.record("\(other)")
                    return
                }
                #expect(notice.kind == .protocolUnreachable)
                let nowhere = try await packet(lab, Self.udp, to: "10.77.0.1")
                #expect(nowhere.localError?.name == "ENETUNREACH")
                #expect(nowhere.arrived == nil)
                try await lab.filter("there", hook: "input", "udp dport 4001 drop;")
                let dropped = try await packet(lab, Self.udp)
                // An interface's tap stands before the node's own filter.
                #expect(dropped.arrived == true)
                #expect(dropped.answer == nil)
            }
        }
    }

    /// Packets in memory.
    @Suite struct Bytes {
        private let near = IPAddress.v4(IPv4Address(rawValue: 0x0A01_0001))
        private let far = IPAddress.v4(IPv4Address(rawValue: 0x0A02_0001))

        private func echo(_ payload: [UInt8]) -> OutgoingPacket {
            OutgoingPacket(
                source: near, destination: far, identification: 7, transport: .icmp,
                body: TransportBody(source: near, destination: far).echoRequest(
                    identifier: 3, sequence: 4, payload: payload))
        }

        @Test func `What is built can be read`() throws {
            let packet = echo(probePayload(id: 0x0102_0304_0506_0708, length: 40)).bytes
            let ip = try #require(IPLayer(packet))
            #expect(ip.source == near && ip.destination == far && ip.length == 68 && ip.fragment == nil)
            let body = Array(packet[ip.headerLength...])
            #expect(EchoNumbers(body, transport: .icmp, request: true) == EchoNumbers(identifier: 3, sequence: 4))
            #expect(EchoNumbers(body, transport: .icmp, request: false) == nil)
            var checksum = InternetChecksum()
            checksum.add(body.span.bytes)
            #expect(checksum.value == 0)
            #expect(body[8..<24].elementsEqual(Array("netlab-p".utf8) + [1, 2, 3, 4, 5, 6, 7, 8]))
        }

        @Test func `Fragments are put together in any order and not before all are there`() throws {
            let body = (0..<100).map { UInt8($0) }
            func piece(_ range: Range<Int>, more: Bool) -> [UInt8] {
                var bytes = OutgoingPacket(
                    source: near, destination: far, identification: 9, dontFragment: false, transport: .udp,
                    body: Array(body[range])
                ).bytes
                bytes[6] = more ? 0x20 : 0
                bytes[7] = UInt8(range.lowerBound / 8)
                return bytes
            }
            let pieces = [piece(0..<40, more: true), piece(40..<80, more: true), piece(80..<100, more: false)]
            for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 0, 2, 2, 1]] {
                var collector = FragmentCollector()
                let arrivals = order.map {
                    collector.add(pieces[$0], interface: 1, isOutgoing: false, time: LabTime(nanoseconds: 1))
                }
                #expect(arrivals.dropLast().allSatisfy { $0 == nil })
                let whole = try #require(arrivals.last ?? nil)
                #expect(whole.body == body)
                #expect(whole.fragments == 3)
            }
        }

        @Test func `Nothing that is cut short or scrambled is taken for a message nor crashes`() {
            let quoted = echo(probePayload(id: 1, length: 32)).bytes
            let message = OutgoingPacket(
                source: far, destination: near, transport: .icmp, body: [3, 4, 0, 0, 0, 0, 5, 0x78] + quoted)
            var collector = FragmentCollector()
            for length in 0...message.bytes.count {
                for flip in [UInt8(0), 0xFF] {
                    var bytes = Array(message.bytes[..<length])
                    for index in bytes.indices where index % 7 == 3 { bytes[index] ^= flip }
                    let quote = collector.add(bytes, interface: 1, isOutgoing: false, time: LabTime(nanoseconds: 1))
                        .flatMap(
                            ICMPQuote.init)
                    // An IP header, the message's, the quoted IP header, and the 8 bytes that tell whose it is.
                    guard flip == 0 else { continue }
                    #expect((quote != nil) == (length >= 20 + 8 + 20 + 8))
                    if let quote {
                        #expect(quote.mtu == 1400 && quote.kind == .packetTooBig && quote.ip.length == quoted.count)
                    }
                }
            }
        }

        @Test func `Only counters of dropped packets that have risen are told`() {
            let before = ProtocolCounters(
                pairs: "Ip: InReceives InAddrErrors\nIp: 1 5\nTcpExt: IPReversePathFilter\nTcpExt: 0\n",
                singles: "XfrmInNoStates 3\n")
            let after = ProtocolCounters(
                pairs: "Ip: InReceives InAddrErrors\nIp: 9 5\nTcpExt: IPReversePathFilter\nTcpExt: 2\n",
                singles: "XfrmInNoStates 4\n")
            #expect(after.drops(since: before).map(\.counter) == ["TcpExtIPReversePathFilter", "XfrmInNoStates"])
            #expect(after.drops(since: before).map(\.packets) == [2, 1])
            #expect(after.drops(since: after).isEmpty)
        }

        @Test func `Rules that drop are told from others and from each other`() {
            let ruleset = """
                table inet netlab-fabric {
                \tchain to-vm {
                \t\tct state established,related counter packets 3 bytes 252 accept
                \t\tcounter packets 7 bytes 588 drop
                \t\tcounter packets 2 bytes 9 drop
                \t}
                }
                table ip t {
                \tchain c {
                \t\ttype filter hook forward priority filter; policy accept;
                \t\ticmp type echo-reply counter packets 1 bytes 84 reject with icmp type admin-prohibited
                \t}
                }
                """
            let counts = DropRule.counts(in: ruleset)
            #expect(counts.count == 3)
            #expect(counts[DropRule(table: "inet netlab-fabric", chain: "to-vm", text: "drop", number: 0)] == 7)
            #expect(counts[DropRule(table: "inet netlab-fabric", chain: "to-vm", text: "drop", number: 1)] == 2)
            let rejection = "icmp type echo-reply reject with icmp type admin-prohibited"
            #expect(counts[DropRule(table: "ip t", chain: "c", text: rejection, number: 0)] == 1)
        }

        @Test func `Counters are read by name and subtracted`() {
            let before = ProtocolCounters(
                pairs: "Ip: A ReasmReqds\nIp: 1 5\nIcmp: InDestUnreachs\nIcmp: 2\n", singles: "Ip6ReasmReqds \t 1\n")
            let after = ProtocolCounters(
                pairs: "Ip: A ReasmReqds\nIp: 1 9\nIcmp: InDestUnreachs\nIcmp: 3\n", singles: "Ip6ReasmReqds \t 11\n")
            let change = after.since(before)
            #expect(change.fragmentsReceived == 14)
            #expect(change.unreachablesReceived == 1)
            #expect(change.fragmentsCreated == 0)
        }
    }
}
