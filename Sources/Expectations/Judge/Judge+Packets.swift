import LabModel
import LabRecords
import Predictions

// Verdicts from what crosses links: encapsulation and confidentiality.
extension Judge {
    func encapsulation(_ claim: EncapsulationClaim, _ name: String) -> Judgement {
        let forms = claim.ways.map { way in
            way.wrappings.map(\.description).joined(separator: " / ") + (way.algorithms.map { " (\($0))" } ?? "")
                + (claim.ways.count > 1
                    ? " in \((way.plainTunnels + [way.tunnel].compactMap { $0 }).joined(separator: ", "))" : "")
        }
        let expected =
            "\(claim.probes.joined(separator: ", ")) \(places(claim.links)) only as \(forms.joined(separator: ", or "))"
        let secured = claim.ways.compactMap(\.tunnel)
        let plain = claim.ways.filter { $0.tunnel == nil }
        let rule = [
            secured.isEmpty
                ? nil
                : "RFC 4303 section 2: lengths, numbers and SPIs of tunnel\(secured.count > 1 ? "s" : "") \(secured.joined(separator: ", "))",
            plain.isEmpty
                ? nil
                : plain.allSatisfy(\.plainTunnels.isEmpty)
                    ? "declared form" : headers(of: plain.flatMap(\.plainTunnels)),
        ].compactMap { $0 }.joined(separator: "; ")
        guard let examiner = examination.encapsulation(name) else {
            return .inconclusive(expected, rule, "nothing was captured")
        }
        guard examiner.objections.isEmpty, examiner.unproved.isEmpty else {
            let summaries = [examiner.objections, examiner.unproved].filter { !$0.isEmpty }.map(\.summary)
            let seen = summaries.joined(separator: ", ")
            if examiner.objections.isEmpty, let doubt = examination.quality.doubt {
                return .inconclusive(expected, rule, "\(seen), but \(doubt)")
            }
            return Judgement(
                outcome: .fail, expected: expected, rule: rule, seen: seen,
                notes: examiner.objections.notes + examiner.unproved.notes)
        }
        if let why = secured.lazy.compactMap({ examination.unopened[$0] }).first {
            return .inconclusive(expected, rule, why)
        }
        let isOpen = examiner.opened > 0 || secured.isEmpty
        if isOpen, !examiner.silentProbes.isEmpty {
            return missing(
                expected, rule, "no packet of \(examiner.silentProbes.joined(separator: ", ")) crossed that way")
        }
        // Handshakes and keepalives carry no packet.
        let isSealed = claim.ways.allSatisfy { $0.wrappings == [.wireGuard] }
        guard examiner.examined > 0, !isSealed || examiner.sealed.data > 0 else {
            return missing(expected, rule, "no packet crossed that way")
        }
        if examiner.sealed.unknown > 0 {
            return .inconclusive(
                expected, rule,
                "\(examiner.sealed.unknown) of \(examiner.sealed.data) messages of WireGuard are of lengths that no packet accounts for that was seen entering"
            )
        }
        var seen = "\(examiner.examined) packets"
        if let lengths = examiner.lengths {
            seen += " of \(lengths.lowerBound)\(lengths.count > 1 ? " to \(lengths.upperBound)" : "") bytes"
        }
        if examiner.sealed.data > 0 {
            seen +=
                ", \(examiner.sealed.data) as long as packets that entered, padded; what is in them is not known, for the kernel tells no session keys of WireGuard"
        }
        if !secured.isEmpty {
            seen +=
                examiner.opened > 0
                ? ", \(examiner.opened) opened and authentic"
                : ", not opened for want of \(examination.quality.shortened > 0 ? "whole packets" : "keys")"
            if examiner.fragments > 0 { seen += ", \(examiner.fragments) fragments of some" }
            if examiner.matched > 0 { seen += ", \(examiner.matched) equal to what entered the tunnel" }
        }
        return Judgement(
            outcome: .pass, expected: expected, rule: rule, seen: seen,
            headers: examiner.headers.isEmpty ? nil : examiner.headers)
    }

    /// What plain tunnels put around a packet: `isatap 20, ipip6 40 + 8 with encapsulation limit 4 …`.
    private func headers(of tunnels: [String]) -> String {
        tunnels.compactMap(topology.plainTunnel(named:)).map { tunnel in
            let ends = tunnel.ends.map { end in
                let lengths = end.headerLengths(tunnel.kind).map(String.init).joined(separator: " + ")
                let limit = end.encapsulationLimit.map { ", encapsulation limit \($0)" } ?? ""
                return "\(lengths) bytes, hop limit \(end.hopLimit)\(limit) from \(end.node)"
            }
            return "\(tunnel.name): \(ends.joined(separator: "; "))"
        }.joined(separator: "; ")
    }

    /// Nothing was there to be right or wrong: a failure, unless it may only be missing from the capture.
    private func missing(_ expected: String, _ rule: String, _ seen: String) -> Judgement {
        if let doubt = examination.quality.doubt { return .inconclusive(expected, rule, "\(seen), but \(doubt)") }
        // A file may just not have it; a check made the traffic itself.
        if observation.capture == nil { return .inconclusive(expected, rule, seen) }
        return Judgement(outcome: .fail, expected: expected, rule: rule, seen: seen)
    }

    func confidentiality(_ claim: ConfidentialityClaim, _ name: String) -> Judgement {
        let allowed = claim.allowed.map(\.rawValue).joined(separator: ", ")
        let withWireGuard = topology.plainTunnels.contains { $0.kind.isWireGuard }
        let protection =
            topology.tunnels.isEmpty && withWireGuard ? "WireGuard" : withWireGuard ? "ESP, WireGuard" : "ESP"
        let expected =
            "nothing but \(protection)\(allowed.isEmpty ? "" : ", \(allowed)") \(places(claim.links)), and no payload of "
            + "\(claim.probes.joined(separator: ", ")) to be read"
        let rule =
            "RFC 4303 section 1: confidentiality"
            + (withWireGuard ? "; WireGuard's protocol: transport data is encrypted" : "")
        guard let examiner = examination.confidentiality(name) else {
            return .inconclusive(expected, rule, "nothing was captured")
        }
        guard examiner.objections.isEmpty else {
            return Judgement(
                outcome: .fail, expected: expected, rule: rule, seen: examiner.objections.summary,
                notes: examiner.objections.notes)
        }
        guard examiner.encrypted + examiner.messages > 0 else {
            return missing(expected, rule, "no encrypted packet either: no traffic crossed these links")
        }
        let control = examiner.allowed.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            ", \($0.value) of \($0.key.rawValue)"
        }
        return Judgement(
            outcome: .pass, expected: expected, rule: rule,
            seen: [
                examiner.encrypted > 0 || examiner.messages == 0 ? "\(examiner.encrypted) packets of ESP" : nil,
                examiner.messages > 0 ? "\(examiner.messages) messages of WireGuard" : nil,
            ].compactMap(\.self).joined(separator: ", ") + control.joined())
    }

    func md5(_ claim: MD5Claim, _ name: String) -> Judgement {
        let expected = "every TCP segment of \(claim.sessions.joined(separator: ", ")) has option 19, an MD5 signature"
        let rule = "RFC 2385 section 2.0: every segment of a connection, SYN and RST among them"
        guard let examiner = examination.signature(name) else {
            return .inconclusive(expected, rule, "nothing was captured")
        }
        guard examiner.objections.isEmpty else {
            return Judgement(
                outcome: .fail, expected: expected, rule: rule, seen: examiner.objections.summary,
                notes: examiner.objections.notes)
        }
        guard examiner.silent.isEmpty else {
            return missing(expected, rule, "no segment of \(examiner.silent.joined(separator: ", ")) was seen")
        }
        let both = claim.sessions.count == 1 ? "both speakers" : "both speakers of \(claim.sessions.count) sessions"
        return Judgement(
            outcome: .pass, expected: expected, rule: rule, seen: "\(examiner.segments) segments of \(both), all signed"
        )
    }

    private func places(_ links: [String]) -> String {
        links == topology.underlayLinks.map(\.name) ? "between the clouds" : "on \(links.joined(separator: ", "))"
    }

    func security(_ claim: SecurityClaim) -> Judgement {
        let what = claim.port.map { "\(claim.transport.rawValue) \($0)" } ?? claim.transport.rawValue
        let from = claim.sourceAddress.map { "\(claim.source) as \($0)" } ?? claim.source
        let expected =
            "\(what) from \(from) to \(claim.destination) is \(claim.outcome == .accepted ? "accepted" : "dropped and not answered")"
        let rule = "security rules and source/destination check at the fabric's port"
        let probe: ProbeResult
        switch result(of: plan.packet(claim)) {
        case .success(let result): probe = result
        case .failure(let missing): return .inconclusive(expected, rule, missing.reason)
        }
        guard case .packet(let result) = probe.outcome else {
            return .inconclusive(expected, rule, "it was not measured")
        }
        if let error = result.localError {
            return .inconclusive(expected, rule, "\(claim.source) could not send it: \(error.message)")
        }
        let trail = trail(of: probe, claim)
        guard let last = trail.last else {
            return .inconclusive(expected, rule, "the packet was not seen leaving \(claim.source)")
        }
        let lastPlace = examination.places[last.point]
        let destination = probe.destinationNode ?? topology.owner(of: claim.destination)
        let hasReachedEnd =
            result.arrived
            ?? (lastPlace?.link?.ends.contains { $0.node == destination && $0.node != lastPlace?.node } ?? false)
        // A filter of the destination's own stands behind where arrivals are seen: an answer says that it let the packet in.
        let arrived = hasReachedEnd && (result.answer != nil || !isFiltered(lastPlace?.link, at: destination))
        let answer = result.answer.map { "answered with \($0.words)" } ?? "not answered"
        let end =
            hasReachedEnd && !arrived ? "it came to the filter of \(destination ?? "the destination")" : "it arrived"
        let seen = "\(hasReachedEnd ? end : "it was last seen leaving \(lastPlace?.name ?? "?")"), \(answer)"
        let isRight = claim.outcome == .accepted ? arrived : !arrived && result.answer == nil
        return Judgement(
            outcome: isRight ? .pass : .fail, expected: expected, rule: rule, seen: seen,
            notes: isRight ? [] : [Objections.Note(last, arrived ? "let through" : "not let through beyond here")])
    }
}

extension Judge {
    /// Whether a node has a filter where a link ends.
    private func isFiltered(_ link: Link?, at node: String?) -> Bool {
        let filters = node.flatMap(topology.node(named:))?.filters ?? []
        return link?.ends.contains { end in end.node == node && filters.contains { $0.interface == end.interface } }
            ?? false
    }

    /// Where a security expectation's packet was seen, in clear or opened: by its marker, and a SYN, which has none, by its ports.
    private func trail(of probe: ProbeResult, _ claim: SecurityClaim) -> [WirePacket] {
        guard claim.transport == .tcp else { return index.packets(marked: probe.id) }
        return packets(during: plan.packet(claim)).filter { packet in
            guard case .tcp(_, let port, let flags, _)? = packet.inner?.transport else { return false }
            return port == claim.port && flags.contains(.syn) && !flags.contains(.ack)
                && packet.inner?.source == probe.sourceAddress
        }
    }
}

extension PacketResult.Answer {
    var words: String {
        switch self {
        case .echoReply: "an echo reply"
        case .datagram: "a datagram"
        case .reset: "a reset"
        case .synAck: "SYN-ACK"
        case .notice(let notice): "ICMP \(notice.kind.rawValue) from \(notice.from)"
        }
    }
}
