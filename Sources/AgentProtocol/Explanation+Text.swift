import LabRecords
import NetworkTypes

// What an explanation comes to, in words.
extension Explanation {
    private var last: EchoAttempt? {
        guard case .echo(let attempts) = result.outcome else { return nil }
        return attempts.last
    }

    /// Whether the last echo request was answered.
    public var isAnswered: Bool { last?.isAnswered ?? false }

    /// What came of the last one, as the end of a sentence.
    public var outcome: String {
        switch last?.outcome {
        case .reply(let trip, _, _)?: "answered after \(Duration.nanoseconds(trip).shortText)"
        case .notice(let notice)?:
            "refused by \(notice.from): \(notice.kind.rawValue.replacing("_", with: " "))"
                + (notice.mtu.map { ", MTU \($0)" } ?? "")
        case .localError(let error)?: "not sent: \(error.message)"
        case .lost?, nil: "not answered within \(patience.shortText)"
        }
    }

    /// Where the last packet was seen last, who counted dropped packets, and what is broken on purpose: a sentence each.
    public var findings: [String] {
        let dropped = drops.map { "\($0)." }
        guard !isAnswered else { return dropped }
        return [whereabouts] + dropped + faults.map { "The fault `\($0.fault)` is active." }
    }

    private var whereabouts: String {
        guard let end else { return "The request was seen nowhere." }
        var text = "The \(end.isAnswer ? "answer" : "request") was last seen in clear \(end.inClear)"
        if let tunnel = end.tunnel {
            let seen = end.protected.map { "last seen \($0)" } ?? "seen nowhere"
            text += ", into \(tunnel); ESP of \(tunnel) from there was \(seen)"
        }
        return text + "."
    }
}

extension Explanation.Sighting: CustomStringConvertible {
    /// `going out of tgw at vpn1`.
    public var description: String { "\(isOutgoing ? "going out of" : "coming in to") \(node) at \(interface)" }
}
