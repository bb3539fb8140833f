import LabModel
import LabRecords
import NetworkTypes
import PacketFormats

// Verdicts about TCP: segment sizes, and what a transfer reaches.
extension Judge {
    /// IPv4's and TCP's headers without options (RFC 6691); IPv6's is 20 bytes longer.
    private func headers(of probe: String) -> Int {
        if case .v6? = topology.probe(named: probe)?.destination { 60 } else { 40 }
    }

    func mss(_ claim: MSSClaim) -> Judgement {
        let path = pathMTU(of: claim.probe, declared: nil)
        guard let size = claim.bytes ?? path.map({ min($0.bytes - headers(of: claim.probe), clamp(of: claim.probe)) })
        else {
            return .inconclusive(
                "the segment size of \(claim.probe)", "links and encapsulation",
                "no echo went that way, so there is nothing to compute it from")
        }
        let rule =
            (claim.bytes == nil ? "" : "declared; ")
            + (path.map { "MTU \($0.bytes) less \(headers(of: claim.probe)) (RFC 6691), \($0.rule)" } ?? "RFC 6691")
            + (clamp(of: claim.probe) < Int.max ? "; at most \(clamp(of: claim.probe)), by the tunnel's `mss:`" : "")
        let expected =
            "\(claim.probe): SYN and SYN-ACK arrive with MSS \(size) at most, and a transfer of \(claim.transfer) bytes makes no fragment and no \"fragmentation needed\""
        let handshake: HandshakeResult
        switch result(of: plan.handshake(claim)) {
        case .success(let probe):
            guard case .handshake(let result) = probe.outcome else {
                return .inconclusive(expected, rule, "it was not measured")
            }
            handshake = result
        case .failure(let missing): return .inconclusive(expected, rule, missing.reason)
        }
        guard handshake.outcome == .established else {
            return Judgement(
                outcome: .fail, expected: expected, rule: rule,
                seen: "the connection was not established: \(handshake.outcome.rawValue)")
        }
        var sizes = handshake.mss
        // What passes no interface in clear, in transport mode, is seen on the wire alone.
        if sizes == .init() {
            sizes.synReceived = lastSize(during: plan.handshake(claim), isAck: false)
            sizes.synAckReceived = lastSize(during: plan.handshake(claim), isAck: true)
        }
        var notes: [Objections.Note] = []
        var faults: [String] = []
        for (name, sent, received, isAck) in [
            ("SYN", sizes.synSent, sizes.synReceived, false), ("SYN-ACK", sizes.synAckSent, sizes.synAckReceived, true),
        ] {
            // A sender that announces less than the path takes is not raised.
            let right = min(size, sent ?? size)
            guard received != right else { continue }
            faults.append("\(name) left with \(sent.words) and arrived with \(received.words) instead of \(right)")
            if let packet = lastSegment(during: plan.handshake(claim), isAck: isAck) {
                notes.append(Objections.Note(packet, "MSS \(received.words) where \(right) fits the path"))
            }
        }
        let (transferFaults, transferNotes) = faultsOfTransfer(claim)
        faults += transferFaults
        notes += transferNotes
        let arrived =
            "SYN \(sizes.synSent.words) > \(sizes.synReceived.words), SYN-ACK \(sizes.synAckSent.words) > \(sizes.synAckReceived.words)"
        return Judgement(
            outcome: faults.isEmpty ? .pass : .fail, expected: expected, rule: rule,
            seen: faults.isEmpty
                ? "\(arrived); \(claim.transfer) bytes in whole packets" : faults.joined(separator: "; "), notes: notes)
    }

    /// The smallest segment size that a tunnel on a probe's way is told to write, both ways.
    private func clamp(of probe: String) -> Int {
        guard case .success(let (there, back, _)) = trails(of: probe) else { return .max }
        let clamps = (there.tunnels + back.tunnels).compactMap { name in
            topology.tunnel(named: name).map { [$0.mss] } ?? topology.plainTunnel(named: name)?.ends.map(\.mss)
        }
        return clamps.flatMap(\.self).compactMap { if case .to(let bytes) = $0 { Int(bytes) } else { nil } }.min()
            ?? .max
    }

    /// The segment size in a handshake's SYN or SYN-ACK where it was seen last, in ESP or in clear.
    private func lastSize(during measurement: Measurement?, isAck: Bool) -> Int? {
        packets(during: measurement).compactMap { packet -> Int? in
            guard case .tcp(_, _, let flags, let size)? = packet.inner?.transport, flags.contains(.syn),
                flags.contains(.ack) == isAck
            else { return nil }
            return size.map { Int($0) }
        }.last
    }

    /// The last place where a handshake's SYN or SYN-ACK was seen in clear.
    private func lastSegment(during measurement: Measurement?, isAck: Bool) -> WirePacket? {
        packets(during: measurement).last { packet in
            guard packet.esp == nil, case .tcp(_, _, let flags, _)? = packet.inner?.transport else { return false }
            return flags.contains(.syn) && flags.contains(.ack) == isAck
        }
    }

    private func faultsOfTransfer(_ claim: MSSClaim) -> ([String], [Objections.Note]) {
        let measurement = plan.bulk(claim)
        let probe: ProbeResult
        switch result(of: measurement) {
        case .success(let result): probe = result
        case .failure(let missing): return (["no transfer: \(missing.reason)"], [])
        }
        guard case .bulk(let result) = probe.outcome else { return (["no transfer was measured"], []) }
        var faults: [String] = []
        var notes: [Objections.Note] = []
        if !result.isComplete {
            faults.append("the transfer hangs after \(result.bytesReceived) of \(result.bytesRequested) bytes")
        }
        let mine = packets(during: measurement)
        let fragments = mine.filter { $0.inner?.isFragment == true || $0.outer?.isFragment == true }
        if let first = fragments.first {
            faults.append("\(fragments.count) fragments in the transfer")
            notes.append(Objections.Note(first, "a fragment"))
        }
        let tooBig = mine.filter { packet in
            if case .tooBig? = packet.inner?.transport { true } else { false }
        }
        if let first = tooBig.first {
            faults.append("\"fragmentation needed\" came back in the transfer")
            notes.append(Objections.Note(first, "a segment did not fit"))
        }
        return (faults, notes)
    }

    /// What TCP can carry on the way that a probe's packets took.
    private struct Ceiling {
        /// The most in the long run, in bits of payload per second, and what sets the limit.
        let bitsPerSecond: Double
        let limit: String
        /// The most over any span of time: in a short one fewer acknowledgements may leave than there were segments for.
        let momentary: Double
        /// Entered on the way there, in order.
        let tunnels: [String]
    }

    private func ceiling(of probe: String) -> Ceiling? {
        guard case .success(let (there, back, _)) = trails(of: probe), there.sealing(in: topology) == nil,
            back.sealing(in: topology) == nil,
            let path = pathMTU(of: probe, declared: nil),
            // Timestamps take 12 bytes of every segment (RFC 7323).
            case let length = path.bytes, case let payload = length - headers(of: probe) - 12,
            let goodput = there.goodput(
                payload: payload, packet: length, acknowledgements: back, acknowledgement: headers(of: probe) + 12),
            let alone = there.goodput(payload: payload, packet: length)
        else { return nil }
        return Ceiling(
            bitsPerSecond: goodput.bitsPerSecond, limit: goodput.limit, momentary: alone.bitsPerSecond,
            tunnels: there.tunnels)
    }

    /// What the plan's transfers reached, beside what could be reached.
    public var transferFigures: [TransferFigure] {
        plan.expectations.compactMap { expectation in
            guard case .rate(let claim) = expectation.claim, let probe = topology.probe(named: claim.probe),
                case .success(let result) = result(of: plan.transfer(of: claim), in: transfers),
                case .bulk(let bulk) = result.outcome
            else { return nil }
            let ceiling = ceiling(of: claim.probe)
            return TransferFigure(
                expectation: expectation.name, probe: claim.probe, source: probe.source,
                destination: topology.owner(of: probe.destination) ?? probe.destination.description,
                tunnels: ceiling?.tunnels ?? [], bytes: bulk.bytesReceived, goodput: bulk.goodputBitsPerSecond,
                steady: bulk.steadyBitsPerSecond, ceiling: ceiling?.bitsPerSecond, limit: ceiling?.limit ?? "",
                published: claim.published.map { Double($0.bitsPerSecond) })
        }
    }

    func rate(_ claim: RateClaim) -> Judgement {
        let measurement = plan.transfer(of: claim)
        guard let ceiling = ceiling(of: claim.probe) else {
            return .inconclusive(
                "the rate of \(claim.probe)", "links and encapsulation",
                "no echo went that way, so there is nothing to compute it from")
        }
        let target = claim.expected.map { Double($0.bitsPerSecond) } ?? ceiling.bitsPerSecond
        let expected = "\(claim.probe): \(target.megabits) ± \(claim.tolerance) over TCP"
        let rule = "ceiling \(ceiling.bitsPerSecond.megabits): \(ceiling.limit)"
        switch result(of: measurement, in: transfers) {
        case .failure(let missing): return .inconclusive(expected, rule, missing.reason)
        case .success(let probe):
            guard case .bulk(let result) = probe.outcome, let rate = result.steadyBitsPerSecond, result.isComplete
            else {
                return Judgement(
                    outcome: .fail, expected: expected, rule: rule, seen: "the transfer did not come to its end")
            }
            let isRight =
                abs(rate - target) <= target * claim.tolerance.fraction && rate <= ceiling.momentary * 1.001
            let isSlowMachine = time == .real && rate < target
            return Judgement(
                outcome: isRight ? .pass : isSlowMachine ? .inconclusive : .fail, expected: expected, rule: rule,
                seen:
                    "\(rate.megabits) in the second half of \(result.bytesReceived) bytes, \(result.client?.retransmissions ?? 0) segments sent again"
                    + (!isRight && isSlowMachine ? "; \(TimeKind.doubt)" : ""))
        }
    }
}

/// A bulk transfer by TCP: what it reached, what links and headers let through, and what somebody else has measured.
public struct TransferFigure: Hashable, Sendable, Codable {
    public let expectation: String
    public let probe: String
    public let source: String
    public let destination: String
    /// Entered on the way there, in order.
    public let tunnels: [String]
    public let bytes: Int
    /// Payload in bits per second: of all of it, of the second half, and the most there can be.
    public let goodput: Double?
    public let steady: Double?
    public let ceiling: Double?
    /// What sets the ceiling, in words.
    public let limit: String
    public let published: Double?
}

extension Int? {
    fileprivate var words: String { map(String.init) ?? "none" }
}

extension Double {
    /// A rate in bits per second: `471.2 Mbit/s`.
    fileprivate var megabits: String {
        let tenths = Int((self / 1e5).rounded())
        return "\(tenths / 10).\(tenths % 10) Mbit/s"
    }
}
