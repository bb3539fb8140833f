import LabRecords
import NetworkTypes

/// What came of a probe, for people.
public struct ProbeReport: Sendable {
    private let result: ProbeResult

    public init(_ result: ProbeResult) {
        self.result = result
    }

    public func text(style: Style) -> String {
        let from = result.sourceAddress.map { "\(result.source) (\($0))" } ?? result.source
        let to = result.destinationNode.map { "\($0) (\(result.destination))" } ?? "\(result.destination)"
        let body =
            switch result.outcome {
            case .echo(let attempts): echo(attempts, style)
            case .pathMTU(let result): pathMTU(result, style)
            case .oneEcho(let result): oneEcho(result, style)
            case .trace(let result): trace(result, style)
            case .handshake(let result): handshake(result, style)
            case .bulk(let result): bulk(result, style)
            case .packet(let result): packet(result, style)
            }
        return "\(style.strong("\(from) > \(to)"))\n\(body)"
    }

    // MARK: Kinds

    private func echo(_ attempts: [EchoAttempt], _ style: Style) -> String {
        let trips = attempts.compactMap(\.roundTripNanoseconds)
        let lost = attempts.count - trips.count
        var summary = "\(attempts.count) sent, \(trips.count) answered"
        if lost > 0 { summary += ", " + style.bad("\(lost) not") }
        if let least = trips.min(), let most = trips.max() {
            let mean = trips.reduce(0, +) / Int64(trips.count)
            summary += "; round trip \([least, mean, most].map(time).joined(separator: " / ")) (least / mean / most)"
        }
        return table(attempts, style) + "\n" + summary
    }

    private func pathMTU(_ result: PathMTUResult, _ style: Style) -> String {
        let summary: String
        if let bytes = result.bytes {
            let reason =
                switch result.boundary {
                case .notice: "; longer ones are told by ICMP to be too big"
                case .localError: "; longer ones are not sent by the node itself"
                case .blackHole: "; " + style.bad("longer ones vanish without a word: a black hole")
                case .limit, nil: ", the longest tried"
                }
            summary = "path MTU \(style.good("\(bytes)"))\(reason)"
        } else {
            summary = style.bad("not reached")
        }
        return table(result.attempts, style) + "\n" + summary
    }

    private func oneEcho(_ result: OneEchoResult, _ style: Style) -> String {
        let arrival = result.requestFragments.map { count in
            "\nat the destination: \(count == 0 ? style.bad("not all of it") : count == 1 ? "whole" : "in \(count) fragments")"
        }
        return table([result.attempt], style) + (arrival ?? "")
    }

    private func trace(_ result: TraceResult, _ style: Style) -> String {
        let rows = result.hops.map { hop in
            [
                "\(hop.distance)", hop.address.map(\.description) ?? style.bad("no answer"),
                hop.roundTripNanoseconds.map(time) ?? "", hop.notice.map(words) ?? "",
            ]
        }
        let end =
            result.localError.map { style.bad(words($0)) }
            ?? (result.isReached ? style.good("reached") : style.bad("not reached"))
        return
            (rows.isEmpty
            ? "" : Table(columns: ["HOP", "ADDRESS", "AFTER", ""], rows: rows).text(style: style, indent: "  ") + "\n")
            + end
    }

    private func handshake(_ result: HandshakeResult, _ style: Style) -> String {
        let word = result.outcome.rawValue.replacing("_", with: " ")
        let head = result.outcome == .established ? style.good(word) : style.bad(word)
        let after = result.roundTripNanoseconds.map { " after \(time($0))" } ?? ""
        let causes = [result.notice.map(words), result.localError.map(words)].compactMap { $0 }.map { ": \($0)" }
            .joined()
        let size = { (value: Int?) in value.map(String.init) ?? "-" }
        let options = Table(
            columns: ["MSS", "SENT", "RECEIVED"],
            rows: [
                ["SYN", size(result.mss.synSent), size(result.mss.synReceived)],
                ["SYN-ACK", size(result.mss.synAckSent), size(result.mss.synAckReceived)],
            ])
        return [
            "\(head)\(after)\(causes)", options.text(style: style, indent: "  "),
            figures(result.client, result.server, style),
        ]
        .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func bulk(_ result: BulkResult, _ style: Style) -> String {
        let counters = Table(
            columns: ["NODE", "FRAGMENTS IN", "REASSEMBLED", "FRAGMENTS OUT", "UNREACHABLE IN"],
            rows: [("source", result.source), ("destination", result.destination)].map { name, counters in
                [
                    name, "\(counters.fragmentsReceived)", "\(counters.packetsReassembled)",
                    "\(counters.fragmentsCreated)",
                    "\(counters.unreachablesReceived)",
                ]
            })
        var head = "\(StatusReport.amount(UInt64(max(0, result.bytesReceived))))"
        if !result.isComplete {
            head = style.bad("\(head) of \(StatusReport.amount(UInt64(max(0, result.bytesRequested))))")
        }
        if let nanoseconds = result.nanoseconds { head += " in \(time(nanoseconds))" }
        if let rate = result.goodputBitsPerSecond { head += ", \(Self.rate(rate))" }
        if let client = result.client { head += ", \(client.retransmissions) segments sent again" }
        if let error = result.localError { head += ": " + style.bad(words(error)) }
        return [head, figures(result.client, result.server, style), counters.text(style: style, indent: "  ")]
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func packet(_ result: PacketResult, _ style: Style) -> String {
        let arrival =
            switch result.arrived {
            case true?: style.good("arrived") + (result.arrivedFrom.map { " from \($0)" } ?? "")
            case false?: style.bad("did not arrive")
            case nil: "sent to outside of the lab"
            }
        let answer =
            switch result.answer {
            case .echoReply: "answered by an echo reply"
            case .datagram: "answered by a datagram"
            case .reset: "answered by a TCP reset"
            case .synAck: "answered by a SYN-ACK"
            case .notice(let notice): "answered by ICMP: \(words(notice))"
            case nil: "no answer"
            }
        let after = result.answerNanoseconds.map { " after \(time($0))" } ?? ""
        return result.localError.map { style.bad(words($0)) } ?? "\(arrival); \(answer)\(after)"
    }

    // MARK: Words

    private func table(_ attempts: [EchoAttempt], _ style: Style) -> String {
        let rows = attempts.map { ["\($0.sequence)", "\($0.length)"] + cells($0.outcome, style) }
        return Table(columns: ["SEQ", "BYTES", "RESULT", ""], rows: rows).text(style: style, indent: "  ")
    }

    private func cells(_ outcome: EchoAttempt.Outcome, _ style: Style) -> [String] {
        switch outcome {
        case .reply(let roundTrip, let timeToLive, let fragments):
            [time(roundTrip), "ttl \(timeToLive)" + (fragments == 1 ? "" : ", in \(fragments) fragments")]
        case .notice(let notice): [style.warning("refused"), words(notice)]
        case .lost: [style.bad("lost")]
        case .localError(let error): [style.bad("not sent"), words(error)]
        }
    }

    private func figures(_ client: TCPFigures?, _ server: TCPFigures?, _ style: Style) -> String {
        let rows = [("client", client), ("server", server)].compactMap { name, figures in
            figures.map {
                [
                    name, $0.state, "\($0.sendMSS)", "\($0.receiveMSS)", "\($0.advertisedMSS)", "\($0.pathMTU)",
                    "\($0.retransmissions)", "\($0.unacknowledged)",
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return Table(
            columns: [
                "TCP", "STATE", "SEND MSS", "RECEIVE MSS", "ADVERTISED", "PATH MTU", "SENT AGAIN", "UNACKNOWLEDGED",
            ], rows: rows
        ).text(style: style, indent: "  ")
    }

    private func words(_ notice: ICMPNotice) -> String {
        let kind = notice.kind.rawValue.replacing("_", with: " ")
        return "\(kind)\(notice.mtu.map { ", MTU \($0)" } ?? "") (\(notice.from))"
    }

    private func words(_ error: LocalError) -> String { "\(error.message) (\(error.name))" }

    private func time(_ nanoseconds: Int64) -> String { Duration.nanoseconds(nanoseconds).shortText }

    static func rate(_ bitsPerSecond: Double) -> String {
        let (value, unit) = bitsPerSecond >= 1e6 ? (bitsPerSecond / 1e6, "Mbit/s") : (bitsPerSecond / 1e3, "kbit/s")
        return "\((value * 10).rounded() / 10) \(unit)"
    }
}
