import LabModel
import LabRecords
import NetworkTypes

// Verdicts from probes, with the packets that show them: path, round trip, MTU, MSS, rate.
extension Judge {
    /// The ways there and back of a probe's first answered echo request.
    func trails(of probe: String) -> Result<(there: Trail, back: Trail, echoes: [EchoAttempt]), Missing> {
        result(of: plan.echoes(probe)).flatMap { result in
            guard case .echo(let attempts) = result.outcome else {
                return .failure(Missing(reason: "it was not measured"))
            }
            guard let answered = attempts.first(where: \.isAnswered) else {
                return .failure(
                    Missing(
                        reason: "no answer from \(result.destination): \(attempts.first?.words ?? "nothing was sent")"))
            }
            let marked = index.packets(marked: result.id)
            let packets = { (isRequest: Bool) in
                marked.filter { packet in
                    guard case .echo(isRequest, _, let sequence)? = packet.inner?.transport else { return false }
                    return Int(sequence) == answered.sequence
                }
            }
            return .success(
                (Trail(packets(true), at: examination.places), Trail(packets(false), at: examination.places), attempts))
        }
    }

    func path(_ claim: PathClaim) -> Judgement {
        let expected = "\(claim.probe) by \(claim.via.way)" + (claim.back.map { ", back by \($0.way)" } ?? "")
        let rule = "the first echo request and its reply, wherever they were seen"
        switch trails(of: claim.probe) {
        case .failure(let missing):
            let end = whereItEnds(claim.probe)
            return Judgement(
                outcome: .fail, expected: expected, rule: rule,
                seen: missing.reason + (end.map { "; \($0.words)" } ?? ""),
                notes: end.map { [Objections.Note($0.packet, "the last that was seen of it")] } ?? [])
        case .success(let (there, back, _)):
            let isRight = there.places == claim.via && claim.back ?? back.places == back.places
            let wrong = there.places == claim.via ? back : there
            let stray = zip(
                wrong.hops.filter { $0.inside.isEmpty },
                ([""] + (wrong.places == there.places ? claim.via : claim.back ?? []))
            )
            .first { $0.1 != "" && $0.0.node != $0.1 && $0.0.entered == nil }?.0
            return Judgement(
                outcome: isRight ? .pass : .fail, expected: expected, rule: rule,
                seen: "\(there.places.way), back by \(back.places.way)",
                notes: isRight
                    ? [] : (stray ?? wrong.hops.last).map { [Objections.Note($0.packet, "on another way")] } ?? [])
        }
    }

    /// Where the first echo request of a probe, or its reply, was seen last, and who did not pass it on.
    private func whereItEnds(_ probe: String) -> (packet: WirePacket, words: String)? {
        guard case .success(let result) = result(of: plan.echoes(probe)) else { return nil }
        let echoes = index.packets(marked: result.id).compactMap {
            packet -> (packet: WirePacket, sequence: UInt16, isRequest: Bool)? in
            guard case .echo(let isRequest, _, let sequence)? = packet.inner?.transport else { return nil }
            return (packet, sequence, isRequest)
        }
        guard let first = echoes.first, let last = echoes.last(where: { $0.sequence == first.sequence }),
            let place = examination.places[last.packet.point]
        else { return nil }
        let what = last.isRequest ? "the request" : "the reply"
        let seen = "\(what) was seen last as \(place.name) sent it"
        guard let link = place.link, let end = link.ends.first(where: { $0.node == place.node }),
            let next = link.peer(of: end)?.node
        else { return (last.packet, seen) }
        return (last.packet, "\(seen), and \(next) did not pass it on\(reasons(at: next))")
    }

    /// What the node's kernel has counted as dropped meanwhile.
    private func reasons(at node: String) -> String {
        let drops = observation.drops.filter { $0.node == node }
        return drops.isEmpty ? "; why is not known" : "; " + drops.map(\.description).joined(separator: ", ")
    }

    func rtt(_ claim: RTTClaim) -> Judgement {
        switch trails(of: claim.probe) {
        case .failure(let missing):
            return Judgement(
                outcome: .fail, expected: "\(claim.probe) answered in \(claim.expected?.shortText ?? "time")",
                rule: "delays and rates of the links",
                seen: missing.reason)
        case .success(let (there, back, few)):
            var echoes = few
            if let many = plan.manyEchoes(of: claim) {
                guard case .success(let result) = result(of: many, in: transfers),
                    case .echo(let attempts) = result.outcome
                else {
                    return .inconclusive(
                        "\(claim.probe) answered", "delays and rates of the links", "it was not measured")
                }
                echoes = attempts
            }
            if claim.expected == nil, let sealing = there.sealing(in: topology) ?? back.sealing(in: topology) {
                return .inconclusive(
                    "\(claim.probe) answered", "delays and rates of the links",
                    "packets are not followed within \(sealing): WireGuard encrypts them. Say the time with `is:`.")
            }
            let computed = there.linkTime + back.linkTime
            let target = claim.expected ?? computed
            let times = echoes.compactMap(\.roundTripNanoseconds).sorted().map { Duration.nanoseconds($0) }
            let outcome =
                times.count == echoes.count
                ? times.map { time.outcome(of: $0, target: target, tolerance: claim.tolerance) }.gravest : .fail
            let ends = (first: times.first?.milliseconds ?? "", last: times.last?.milliseconds ?? "")
            let mean = times.isEmpty ? .zero : times.reduce(.zero, +) / times.count
            let range =
                claim.count == nil
                ? "\(ends.first) to \(ends.last)"
                : "\(ends.first) to \(ends.last), on average \(mean.milliseconds)"
            return Judgement(
                outcome: outcome,
                expected: "\(claim.probe) answered in \(target.milliseconds) ± \(claim.tolerance.shortText)",
                rule:
                    "delays and rates of \(there.hops.filter { $0.link != nil }.count) links there and \(back.hops.filter { $0.link != nil }.count) back: \(computed.milliseconds)",
                seen: "\(times.count) of \(echoes.count) answered in \(range)"
                    + (outcome == .inconclusive ? "; \(TimeKind.doubt)" : ""))
        }
    }

    /// The largest packet that fits between a probe's ends, and what sets the limit; what is written in the lab file comes first.
    ///
    /// - Parameter oneWay: Whether only the way there counts: a kernel's echo replies may be fragmented on their way back.
    func pathMTU(of probe: String, declared: Int?, oneWay: Bool = false) -> (bytes: Int, rule: String)? {
        var computed: (bytes: Int, limit: String)?
        if case .success(let (there, back, _)) = trails(of: probe) {
            computed = [there.mtu(in: topology), oneWay ? nil : back.mtu(in: topology)].compactMap { $0 }
                .min { $0.bytes < $1.bytes }
        }
        guard let declared else { return computed.map { ($0.bytes, $0.limit) } }
        return (declared, "declared" + (computed.map { ", computed \($0.bytes): \($0.limit)" } ?? ""))
    }

    func mtu(_ claim: MTUClaim) -> Judgement {
        guard let (bytes, rule) = pathMTU(of: claim.probe, declared: claim.bytes, oneWay: true) else {
            return .inconclusive(
                "the MTU of \(claim.probe)'s path", "links and encapsulation",
                "no echo went that way, so there is nothing to compute it from")
        }
        let expected = "\(claim.probe): \(bytes) bytes pass, \(bytes + 1) are \(claim.beyond.words)"
        let measurement = plan.pathMTU(claim)
        guard case .success(let probe) = result(of: measurement), case .pathMTU(let result) = probe.outcome else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        guard let found = result.bytes else {
            return Judgement(
                outcome: .fail, expected: expected, rule: rule, seen: "not even the shortest packet passes")
        }
        let packets = packets(during: measurement)
        let refusal = result.attempts.last { $0.length == found + 1 } ?? result.attempts.last { !$0.isAnswered }
        var seen = "\(found) bytes pass"
        if let refusal { seen += ", \(refusal.length) are \(refusal.words)" }
        let isLengthRight = found == bytes
        let (isAnswerRight, remark) = judge(refusal, result, claim, bytes: bytes)
        if let remark { seen += "; \(remark)" }
        let telling = packets.last { packet in
            guard let inner = packet.inner, packet.marker == probe.id || packet.esp == nil else { return false }
            if case .tooBig = inner.transport { return true }
            return inner.length == found + 1
        }
        return Judgement(
            outcome: isLengthRight && isAnswerRight ? .pass : .fail, expected: expected, rule: rule, seen: seen,
            notes: isLengthRight && isAnswerRight
                ? [] : telling.map { [Objections.Note($0, remark ?? "\(found) bytes pass instead of \(bytes)")] } ?? [])
    }

    /// Whether a packet that is too long was treated as claimed, and what is wrong if not.
    private func judge(_ refusal: EchoAttempt?, _ result: PathMTUResult, _ claim: MTUClaim, bytes: Int) -> (
        Bool, String?
    ) {
        switch claim.beyond {
        case .fragNeeded:
            // Where the node's own link is the limit, its kernel sends nothing longer, and nobody needs to answer.
            if result.bytes == bytes, result.boundary == .limit || result.boundary == .localError { return (true, nil) }
            guard let notice = result.tooBigNotices.last else {
                return (
                    false,
                    result.boundary == .blackHole
                        ? "a black hole: nothing says that packets are too big (RFC 2923)"
                        : "nothing said that packets are too big"
                )
            }
            return (
                notice.mtu == bytes,
                notice.mtu == bytes
                    ? nil : "\(notice.from) gives the MTU as \(notice.mtu.map(String.init) ?? "nothing")"
            )
        case .lost:
            return (result.boundary == .blackHole, result.boundary == .blackHole ? nil : "they were answered")
        case .fragmentedOutside, .fragmentedInside:
            guard case .success(let probe) = self.result(of: plan.beyond(claim)),
                case .oneEcho(let echo) = probe.outcome
            else {
                return (false, "larger packets were not tried")
            }
            guard echo.attempt.isAnswered else {
                return (false, "\(echo.attempt.length) bytes without DF are \(echo.attempt.words)")
            }
            let fragments = packets(during: plan.beyond(claim)).filter {
                $0.outer?.isFragment == true || $0.inner?.isFragment == true
            }
            let outside = fragments.contains { $0.outer?.isFragment == true && isTunnelled($0) }
            let inside = fragments.contains { $0.inner?.isFragment == true && !isTunnelled($0) }
            let isRight = claim.beyond == .fragmentedOutside ? outside && !inside : inside && !outside
            return (isRight, isRight ? nil : "fragments were \(outside ? "outside" : inside ? "inside" : "not seen")")
        }
    }

    /// Whether it has a tunnel's headers, or goes between a tunnel's ends as a fragment does that shows no more than its
    /// addresses.
    private func isTunnelled(_ packet: WirePacket) -> Bool {
        packet.esp != nil || !packet.wrappers.isEmpty || examination.places.tunnel(of: packet) != nil
    }
}

extension [String] {
    /// `a > b > c`.
    var way: String { joined(separator: " > ") }
}

extension Duration {
    /// In milliseconds with three digits after the point.
    var milliseconds: String {
        let nanoseconds = wholeNanoseconds
        let micro = (nanoseconds + (nanoseconds < 0 ? -500 : 500)) / 1000
        let digits = String(micro.magnitude % 1000)
        return
            "\(micro < 0 ? "-" : "")\(micro.magnitude / 1000).\(String(repeating: "0", count: 3 - digits.count))\(digits) ms"
    }
}

extension MTUClaim.Beyond {
    var words: String {
        switch self {
        case .fragNeeded: "answered with \"fragmentation needed\" and that MTU"
        case .fragmentedOutside: "fragmented outside the tunnel"
        case .fragmentedInside: "fragmented inside the tunnel"
        case .lost: "lost"
        }
    }
}

extension EchoAttempt {
    var words: String {
        switch outcome {
        case .reply(_, _, let fragments): fragments > 1 ? "answered in \(fragments) fragments" : "answered"
        case .notice(let notice):
            notice.kind == .packetTooBig
                ? "answered with \"fragmentation needed\" by \(notice.from), MTU \(notice.mtu.map(String.init) ?? "not given")"
                : "answered with \(notice.kind.rawValue) by \(notice.from)"
        case .lost: "lost"
        case .localError(let error): "refused by the node itself: \(error.message)"
        }
    }
}
