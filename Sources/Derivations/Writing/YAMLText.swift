import LabModel
import NetworkTypes

/// Values as a lab file has them, each a line.
enum YAMLText {
    /// A name or a text: plain where YAML takes it for a text as it is.
    static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && $0.isLetter } == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        return isPlain && !words.contains(text.lowercased()) ? text : quoted(text)
    }

    /// What YAML 1.1 takes for something else than a text (https://yaml.org/type/bool.html, null.html).
    private static let words: Set = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// `main`, `[a, b]`.
    static func list(_ names: [String]) -> String {
        names.count == 1 ? scalar(names[0]) : "[\(names.map(scalar).joined(separator: ", "))]"
    }

    /// `{a: 1, b: [c, d]}`; values are YAML already.
    static func mapping(_ fields: [(key: String, value: String)]) -> String {
        "{\(fields.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}"
    }
}

extension Probe {
    /// Its entry in `probes:`.
    var yaml: String {
        let source = sourceAddress.map { [("source", "\($0)")] } ?? []
        return YAMLText.mapping([("from", YAMLText.scalar(self.source))] + source + [("to", address)])
    }

    /// Quoted where it is IPv6, whose colons mean something in YAML.
    private var address: String { destination.bitWidth == 32 ? "\(destination)" : "\"\(destination)\"" }
}

extension Expectation {
    /// Its entry in `expect:`; nil for a kind that is not derived.
    ///
    /// - Parameter underlay: The links that a claim is about where it names none.
    func yaml(underlay: [String]) -> String? {
        let kind = claim.kind.rawValue
        func on(_ links: [String]) -> [(key: String, value: String)] {
            links == underlay ? [] : [("on", YAMLText.list(links))]
        }
        switch claim {
        case .encapsulation(let claim):
            let ways = claim.ways.map { YAMLText.list($0.names) }
            let within = ways.count == 1 ? ways[0] : YAMLText.mapping([("any", "[\(ways.joined(separator: ", "))]")])
            return YAMLText.mapping([(kind, YAMLText.list(claim.probes)), ("in", within)] + on(claim.links))
        case .confidentiality(let claim):
            return YAMLText.mapping(
                [(kind, YAMLText.list(claim.probes)), ("allow", YAMLText.list(claim.allowed.map(\.rawValue)))]
                    + on(claim.links))
        case .mtu(let claim): return YAMLText.mapping([(kind, YAMLText.scalar(claim.probe))])
        case .mss(let claim): return YAMLText.mapping([(kind, YAMLText.scalar(claim.probe))])
        case .path(let claim):
            let back = claim.back.map { [("back", way($0))] } ?? []
            return YAMLText.mapping([(kind, YAMLText.scalar(claim.probe)), ("via", way(claim.via))] + back)
        case .bgp(let claim):
            return YAMLText.mapping(
                [(kind, YAMLText.scalar(claim.session))] + (claim.isFlapping ? [("is", "flapping")] : []))
        case .bfd(let claim): return YAMLText.mapping([(kind, YAMLText.scalar(claim.session))])
        case .ospf(let claim): return YAMLText.mapping([(kind, YAMLText.scalar(claim.place))])
        case .md5(let claim): return YAMLText.mapping([(kind, YAMLText.list(claim.sessions))])
        case .securityAssociation(let claim): return YAMLText.mapping([(kind, YAMLText.scalar(claim.tunnel))])
        case .rate(let claim):
            return YAMLText.mapping([
                (kind, YAMLText.scalar(claim.probe)), ("within", "\(claim.tolerance)"),
                ("transfer", ByteCount(bytes: claim.transfer)?.description ?? ""),
            ])
        case .sharing(let claim):
            return YAMLText.mapping([
                (kind, YAMLText.scalar(claim.probe)), ("over", YAMLText.list(claim.ways)), ("flows", "\(claim.flows)"),
            ])
        case .rtt, .traceroute, .routes, .security, .best, .symmetric: return nil
        }
    }

    /// Always a list: that nothing lies between is one as well.
    private func way(_ places: [String]) -> String { "[\(places.map(YAMLText.scalar).joined(separator: ", "))]" }
}

extension EncapsulationClaim.Way {
    /// The tunnels that a packet is inside of, outermost first.
    fileprivate var names: [String] {
        var plain = plainTunnels[...]
        return wrappings.compactMap { $0 == .esp || $0 == .espInUDP ? tunnel : plain.popFirst() }
    }
}

extension Scenario {
    /// Its entry in `scenarios:`, in lines below its name.
    var yaml: [String] {
        let flows = traffic.map { flow in
            let every = flow.interval.exactText
            let value = flow.count.map { YAMLText.mapping([("every", every), ("flows", "\($0)")]) } ?? every
            return (YAMLText.scalar(flow.probe), value)
        }
        let steps = steps.compactMap { step -> String? in
            let at = step.at.exactText
            switch step.action {
            case .fail(let faults): return "  - \(YAMLText.mapping([("at", at), ("fail", Self.text(faults))]))"
            case .heal(let faults): return "  - \(YAMLText.mapping([("at", at), ("heal", Self.text(faults))]))"
            case .check(let pass, _): return "  - \(YAMLText.mapping([("at", at), ("check", YAMLText.list(pass))]))"
            // No scenario that is derived has one.
            case .exec: return nil
            }
        }
        return ["summary: \"\(summary)\"", "traffic: \(YAMLText.mapping(flows))", "timeline:"] + steps
            + ["lasts: \(length.exactText)"]
    }

    private static func text(_ faults: [Fault]) -> String {
        let texts = faults.map { "\($0)" }
        return texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
    }
}
