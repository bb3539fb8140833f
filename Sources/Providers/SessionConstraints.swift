import LabModel
import NetworkTypes
import YAMLReading

/// The timers of a provider's BGP speakers.
struct BGPTimers: ProviderConstraint {
    static let kind = "bgp-timers"
    static let keys = ["keepalive", "hold", "negotiates"]
    static let severity = LabFileDiagnostic.Severity.warning

    let keepalive: Duration
    let hold: Duration
    /// Whether the speaker goes down to the hold time of a peer that has a smaller one, as RFC 4271 section 4.2 has it.
    let negotiates: Bool

    init?(_ fields: YAMLFields) {
        guard let keepalive = fields.required("keepalive", "how often it says that it is there")?.duration(),
            let hold = fields.required("hold", "the time without a word after which a session is dead")?.duration(),
            let negotiates = fields["negotiates"].map({ $0.flag()?.value }) ?? true
        else { return nil }
        self.keepalive = keepalive.value
        self.hold = hold.value
        self.negotiates = negotiates
    }

    var statement: String {
        "BGP keepalive \(keepalive.shortText), hold \(hold.shortText)"
            + (negotiates
                ? "; goes down to a peer's smaller hold time"
                : ", fixed: does not go down to a peer's smaller hold time")
    }

    func findings(in design: Design) -> [Finding] {
        guard !negotiates else { return [] }
        return design.ownSpeakers.flatMap { own -> [Finding] in
            let place = "bgp.\(own.session.name)"
            let line = { (node: String) in design.line("bgp", own.session.name, "speakers", node) }
            var findings: [Finding] = []
            if own.speaker.keepalive != keepalive || own.speaker.hold != hold {
                findings.append(
                    Finding(
                        line: line(own.speaker.node),
                        message:
                            "\(place): \(own.speaker.node) proposes keepalive \(own.speaker.keepalive.shortText) and hold \(own.speaker.hold.shortText); \(design.provider) has \(keepalive.shortText) and \(hold.shortText), and they cannot be changed",
                        remedy: "Write `keepalive: \(keepalive.shortText), hold: \(hold.shortText)`."))
            }
            let peer = own.peer
            if peer.hold < hold {
                let consequence =
                    peer.hold <= keepalive
                    ? "if it keeps its keepalive of \(keepalive.shortText), \(peer.node) takes it for dead each time"
                    : "its own side notices a silent peer only after \(hold.shortText)"
                findings.append(
                    Finding(
                        line: line(peer.node),
                        message:
                            "\(place): \(peer.node) has hold \(peer.hold.shortText), and \(design.provider) does not go below \(hold.shortText): \(consequence)",
                        remedy:
                            "Write `keepalive: \(keepalive.shortText), hold: \(hold.shortText)` on \(peer.node) as well."
                    ))
            }
            return findings
        }
    }
}

/// The AS numbers of a provider's speakers and of their peers.
struct ASNChoice: ProviderConstraint {
    static let kind = "asn"
    static let keys = ["own", "refused", "differs"]
    static let severity = LabFileDiagnostic.Severity.error

    /// What its own side may have; empty for anything.
    let own: [ClosedRange<UInt32>]
    /// What a peer must not have.
    let refused: [ClosedRange<UInt32>]
    /// Whether both sides must differ.
    let mustDiffer: Bool

    init?(_ fields: YAMLFields) {
        guard let own = fields.numbers("own"), let refused = fields.numbers("refused"),
            let flag = fields["differs"].map({ $0.flag()?.value }) ?? false
        else { return nil }
        self.own = own
        self.refused = refused
        mustDiffer = flag
    }

    private func words(_ ranges: [ClosedRange<UInt32>]) -> String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }.joined(
            separator: ", ")
    }

    var statement: String {
        var parts: [String] = []
        if !own.isEmpty { parts.append("own AS number \(words(own))") }
        if !refused.isEmpty { parts.append("a peer's not \(words(refused))") }
        if mustDiffer { parts.append("both sides differ") }
        return parts.joined(separator: "; ")
    }

    func findings(in design: Design) -> [Finding] {
        design.ownSpeakers.flatMap { pair -> [Finding] in
            let line = { (node: String) in design.line("bgp", pair.session.name, "speakers", node, "asn") }
            let place = "bgp.\(pair.session.name)"
            let number = pair.speaker.asn.number
            var findings: [Finding] = []
            if !own.isEmpty, !own.contains(where: { $0.contains(number) }) {
                findings.append(
                    Finding(
                        line: line(pair.speaker.node),
                        message: "\(place): \(design.provider) cannot be AS \(number)", remedy: "Take \(words(own))."))
            }
            let peer = pair.peer
            if refused.contains(where: { $0.contains(peer.asn.number) }) {
                findings.append(
                    Finding(
                        line: line(peer.node),
                        message: "\(place): \(design.provider) keeps AS \(peer.asn.number) for itself",
                        remedy: "Take a private one, 64512 to 65534, but not \(words(refused))."))
            }
            if mustDiffer, peer.asn.number == number {
                findings.append(
                    Finding(
                        line: line(peer.node),
                        message: "\(place): both sides are AS \(number), and \(design.provider) needs them different",
                        remedy: "Give one of them another AS number."))
            }
            return findings
        }
    }
}

/// The key of TCP MD5 signatures on sessions over lines.
struct BGPAuthentication: ProviderConstraint {
    static let kind = "bgp-authentication"
    static let keys = ["required", "length"]
    static let severity = LabFileDiagnostic.Severity.error

    let isRequired: Bool
    let length: ClosedRange<Int>?

    init?(_ fields: YAMLFields) {
        guard let flag = fields["required"].map({ $0.flag()?.value }) ?? false,
            let lengths = fields.numbers("length")
        else { return nil }
        isRequired = flag
        length = lengths.first.map { Int($0.lowerBound)...Int($0.upperBound) }
    }

    var statement: String {
        "BGP authentication key (TCP MD5) on a line: \(isRequired ? "needed" : "may be set")"
            + (length.map { ", \($0.lowerBound) to \($0.upperBound) characters" } ?? "")
    }

    func findings(in design: Design) -> [Finding] {
        let lines = design.ownLines.flatMap(\.ends)
        return design.ownSpeakers.compactMap { own in
            guard lines.contains(where: { $0.node == own.speaker.node && $0.routedInterface == own.speaker.interface })
            else {
                return nil
            }
            let place = "bgp.\(own.session.name)"
            guard let key = own.session.key(of: own.speaker)?.reveal() else {
                guard isRequired else { return nil }
                return Finding(
                    line: design.line("bgp", own.session.name),
                    message:
                        "\(place): there is no authentication key, which \(design.provider) gives for each session",
                    remedy: "Add `password:`.")
            }
            guard let length, !length.contains(key.count) else { return nil }
            return Finding(
                line: design.line("bgp", own.session.name, "password"),
                message: "\(place): the authentication key has \(key.count) characters",
                remedy: "\(design.provider) takes \(length.lowerBound) to \(length.upperBound).")
        }
    }
}

/// What a provider's speakers accept from their peers.
struct AdvertisedPrefixes: ProviderConstraint {
    static let kind = "advertised-prefixes"
    static let keys = ["at-most", "refused"]
    static let severity = LabFileDiagnostic.Severity.error

    let most: Int?
    /// A default route here is that route alone; any other block is all that overlaps it.
    let refused: [IPPrefix]

    init?(_ fields: YAMLFields) {
        guard let refused = fields.prefixes("refused") else { return nil }
        self.refused = refused
        guard fields["at-most"] != nil else {
            most = nil
            return
        }
        guard let number = fields.number("at-most", 1...1_000_000, "how many prefixes") else { return nil }
        most = number
    }

    var statement: String {
        let number = most.map { "at most \($0) prefixes from a peer" }
        let blocks = refused.isEmpty ? nil : "none in \(refused.map(\.description).joined(separator: ", "))"
        return [number, blocks].compactMap { $0 }.joined(separator: "; ")
    }

    func findings(in design: Design) -> [Finding] {
        design.ownSpeakers.flatMap { own -> [Finding] in
            let peer = own.peer
            let place = "bgp.\(own.session.name)"
            let line = design.line("bgp", own.session.name, "speakers", peer.node, "advertise")
            var findings = peer.advertised.filter { prefix in
                refused.contains { $0.isDefault ? $0 == prefix : $0.overlaps(prefix) && !prefix.isDefault }
            }.map {
                Finding(
                    line: line,
                    message: "\(place): \(peer.node) advertises \($0), which \(design.provider) does not take",
                    remedy: "Leave it out; \(statement).")
            }
            if let most, peer.advertised.count > most {
                findings.append(
                    Finding(
                        line: line,
                        message:
                            "\(place): \(peer.node) advertises \(peer.advertised.count) prefixes, and \(design.provider) takes \(most)",
                        remedy: "Advertise larger blocks that hold several of them."))
            }
            return findings
        }
    }
}
