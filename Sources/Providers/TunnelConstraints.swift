import Daemons
import LabModel
import NetworkTypes
import YAMLReading

/// The blocks that addresses inside tunnels may be from.
struct TunnelInsideBlock: ProviderConstraint {
    static let kind = "tunnel-inside-cidr"
    static let keys = ["lengths", "within", "reserved"]
    static let severity = LabFileDiagnostic.Severity.error

    let lengths: [Int]
    let within: [IPPrefix]
    let reserved: [IPPrefix]

    init?(_ fields: YAMLFields) {
        guard let lengths = fields.integers("lengths", 0...128),
            fields.required("within", "the blocks they are from") != nil,
            let within = fields.prefixes("within"), let reserved = fields.prefixes("reserved")
        else { return nil }
        self.lengths = lengths
        self.within = within
        self.reserved = reserved
    }

    private var allowed: String {
        (lengths.isEmpty ? "a block" : lengths.map { "a /\($0)" }.joined(separator: " or ")) + " from "
            + within.map(\.description).joined(separator: ", ")
    }

    var statement: String {
        "inside a tunnel: \(allowed)"
            + (reserved.isEmpty ? "" : "; not in \(reserved.map(\.description).joined(separator: ", "))")
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let inside = own.end.inside else { return nil }
            let block = inside.prefix
            let problem: String
            if !within.contains(where: { $0.contains(block) }) {
                problem = "is not in \(within.map(\.description).joined(separator: ", "))"
            } else if !lengths.isEmpty, !lengths.contains(block.length) {
                problem = "is not \(lengths.map { "a /\($0)" }.joined(separator: " or "))"
            } else if let taken = reserved.first(where: { $0.overlaps(block) }) {
                problem = "is in \(taken), which \(design.provider) keeps for itself"
            } else {
                return nil
            }
            return Finding(
                line: design.line("tunnels", own.tunnel.name, "ends", own.end.node, "inside"),
                message: "tunnels.\(own.tunnel.name): the inside block \(block) \(problem)",
                remedy: "Take \(allowed)\(reserved.isEmpty ? "" : ", apart from the reserved ones") at both ends.")
        }
    }
}

/// How long IKE SAs may last.
struct IKELifetimeRange: ProviderConstraint {
    static let kind = "ike-lifetime"
    static let keys = ["from", "to"]
    static let severity = LabFileDiagnostic.Severity.error

    let range: ClosedRange<Duration>

    init?(_ fields: YAMLFields) {
        guard let range = fields.durations() else { return nil }
        self.range = range
    }

    var statement: String { "IKE lifetime \(range.words)" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let lifetime = own.tunnel.lifetimes?.ike, !range.contains(lifetime) else { return nil }
            return Finding(
                line: design.line("tunnels", own.tunnel.name, "ike", "lifetime"),
                message:
                    "tunnels.\(own.tunnel.name): IKE lifetime \(lifetime.shortText); \(design.provider) has \(range.words)",
                remedy: "Write `lifetime:` \(range.words) under `ike:`.")
        }
    }
}

/// How long ESP's SAs may last.
struct ESPLifetimeRange: ProviderConstraint {
    static let kind = "esp-lifetime"
    static let keys = ["from", "to", "below-ike"]
    static let severity = LabFileDiagnostic.Severity.error

    let range: ClosedRange<Duration>
    /// Whether it must be shorter than the IKE SA's.
    let isBelowIKE: Bool

    init?(_ fields: YAMLFields) {
        guard let range = fields.durations(), let flag = fields["below-ike"].map({ $0.flag()?.value }) ?? false else {
            return nil
        }
        self.range = range
        isBelowIKE = flag
    }

    var statement: String {
        "ESP lifetime \(range.words)\(isBelowIKE ? ", and shorter than IKE's" : "")"
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let lifetimes = own.tunnel.lifetimes else { return nil }
            let line = design.line("tunnels", own.tunnel.name, "esp", "lifetime")
            if !range.contains(lifetimes.esp) {
                return Finding(
                    line: line,
                    message:
                        "tunnels.\(own.tunnel.name): ESP lifetime \(lifetimes.esp.shortText); \(design.provider) has \(range.words)",
                    remedy: "Write `lifetime:` \(range.words) under `esp:`.")
            }
            guard isBelowIKE, lifetimes.esp >= lifetimes.ike else { return nil }
            return Finding(
                line: line,
                message:
                    "tunnels.\(own.tunnel.name): ESP lifetime \(lifetimes.esp.shortText) is not shorter than IKE's \(lifetimes.ike.shortText)",
                remedy: "Shorten it, or let the IKE SA last longer.")
        }
    }
}

/// When a silent peer may be given up.
struct DPDTimeoutRange: ProviderConstraint {
    static let kind = "dpd-timeout"
    static let keys = ["from", "to"]
    static let severity = LabFileDiagnostic.Severity.error

    let range: ClosedRange<Duration>

    init?(_ fields: YAMLFields) {
        guard let range = fields.durations() else { return nil }
        self.range = range
    }

    var statement: String { "timeout of dead peer detection \(range.words)" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let timeout = own.end.deadPeerDetection?.timeout,
                !range.contains(timeout)
            else { return nil }
            return Finding(
                line: design.line(of: "dpd", "timeout", at: own),
                message:
                    "tunnels.\(own.tunnel.name): a peer is dead after \(timeout.shortText); \(design.provider) has \(range.words)",
                remedy: "Write `timeout:` \(range.words) under `dpd:`.")
        }
    }
}

/// A side that answers and never begins.
struct ResponderOnly: ProviderConstraint {
    static let kind = "responder-only"
    static let keys: [String] = []
    static let severity = LabFileDiagnostic.Severity.warning

    init?(_ fields: YAMLFields) {}

    var statement: String { "its side answers when a tunnel is negotiated, and never begins" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.filter { !$0.tunnel.isUnused && $0.end.begins }.map { own in
            Finding(
                line: design.line("tunnels", own.tunnel.name, "ends", own.end.node),
                message: "tunnels.\(own.tunnel.name): \(own.end.node) begins, which \(design.provider) never does",
                remedy: "Write `startup: listen` there, and let \(own.peer.node) begin.")
        }
    }
}

/// Which characters a pre-shared key may have, and how many.
struct PresharedKeyForm: ProviderConstraint {
    static let kind = "pre-shared-key"
    static let keys = ["length", "punctuation", "first"]
    static let severity = LabFileDiagnostic.Severity.error

    let length: ClosedRange<Int>
    /// What it may have beside letters and digits; nil for anything.
    let punctuation: String?
    /// What it must not begin with.
    let refusedFirst: String

    init?(_ fields: YAMLFields) {
        guard let lengths = fields.numbers("length") else { return nil }
        let bounds = lengths.first ?? 1...UInt32.max
        length = Int(bounds.lowerBound)...Int(bounds.upperBound)
        let characters = fields["punctuation"].map { $0.text("characters")?.value }
        let first = fields["first"].map { $0.text("characters")?.value }
        guard characters ?? "" != nil, first ?? "" != nil else { return nil }
        punctuation = characters ?? nil
        refusedFirst = (first ?? nil) ?? ""
    }

    private var characters: String? {
        punctuation.map { "letters and digits" + $0.map { $0 == " " ? ", space" : ", \($0)" }.joined() }
    }

    var statement: String {
        var parts: [String] = []
        if length.upperBound < Int(UInt32.max) {
            parts.append("\(length.lowerBound) to \(length.upperBound) characters")
        }
        if let characters { parts.append("only \(characters)") }
        if !refusedFirst.isEmpty { parts.append("not \(refusedFirst) at the beginning") }
        return "pre-shared key: \(parts.joined(separator: "; "))"
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let key = own.end.proposal?.presharedKey?.reveal() else { return nil }
            let problem: String
            if !length.contains(key.count) {
                problem = "has \(key.count) characters"
            } else if let punctuation,
                !key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) || punctuation.contains($0) })
            {
                problem = "has characters other than \(characters ?? "")"
            } else if let first = key.first, refusedFirst.contains(first) {
                problem = "begins with \(refusedFirst)"
            } else {
                return nil
            }
            return Finding(
                line: design.line(of: "psk", at: own),
                message:
                    "tunnels.\(own.tunnel.name): the pre-shared key \(problem), which \(design.provider) does not take",
                remedy: "Take another one; \(statement).")
        }
    }
}

extension ClosedRange<Duration> {
    /// `900s to 28800s`: whole seconds, as providers write them.
    var words: String {
        let end = Duration.seconds(UInt32.max)
        let text = { (time: Duration) in
            time.components.attoseconds == 0 ? "\(time.components.seconds)s" : time.shortText
        }
        if lowerBound == upperBound { return text(lowerBound) }
        if upperBound >= end { return "\(text(lowerBound)) or more" }
        return lowerBound == .zero ? "up to \(text(upperBound))" : "\(text(lowerBound)) to \(text(upperBound))"
    }
}
