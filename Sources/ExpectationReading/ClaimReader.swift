import LabModel
import NetworkTypes
import YAMLReading

/// Reads one expectation against the topology it speaks of.
struct ClaimReader {
    let subject: ExpectationReader
    let fields: YAMLFields
    let kind: Expectation.Claim.Kind

    var topology: Topology { subject.topology }
    var collector: DiagnosticCollector { fields.owner.collector }

    func claim() -> Expectation.Claim? {
        switch kind {
        case .encapsulation: encapsulation()
        case .confidentiality: confidentiality()
        case .mtu: mtu()
        case .mss: mss()
        case .path: path()
        case .rtt: rtt()
        case .traceroute: traceroute()
        case .md5: md5()
        case .routes: routes()
        case .bgp: bgp()
        case .securityAssociation: securityAssociation()
        case .rate: rate()
        case .sharing: sharing()
        case .security: security()
        case .best: best()
        case .symmetric: probe().map { .symmetric(SymmetryClaim(probe: $0)) }
        }
    }

    func condition(_ value: YAMLValue) -> Condition? {
        guard let text = value.text("a condition such as bgp NAME down") else { return nil }
        do {
            return try Condition(text.value, in: topology)
        } catch {
            // What is written and was left out for an error of its own has been reported already.
            let isWritten = subject.written.values.contains { $0.contains(error.unknownName ?? "") }
            if !(isWritten && collector.hasErrors) {
                collector.error(text.line, "\(value.path): the condition cannot be used", error.description)
            }
            return nil
        }
    }

    /// Reports what can never hold: an unused tunnel, or something expected only while its opposite is so.
    func checkSense(of claim: Expectation.Claim, when: [Condition]) {
        let line = (fields["in"] ?? fields["via"] ?? fields["over"] ?? fields[kind.rawValue])?.line
        var tunnels: [String] = []
        switch claim {
        // One of several ways may be down, or unused.
        case .encapsulation(let claim): tunnels = claim.ways.count == 1 ? claim.ways.compactMap(\.tunnel) : []
        case .path(let claim): tunnels = claim.via + (claim.back ?? [])
        case .securityAssociation(let claim): tunnels = [claim.tunnel]
        case .sharing(let claim): tunnels = claim.ways
        case .bgp(let claim):
            for when in when where when == Condition(.session(claim.session), holds: !claim.isEstablished) {
                collector.error(
                    fields["when"]?.line, "\(fields.owner.path): \(when) is the opposite of what is expected",
                    "Change `is:` or `when:`.")
            }
        default: break
        }
        for name in Set(tunnels) where when.contains(Condition(.tunnel(name), holds: false)) {
            collector.error(
                fields["when"]?.line, "\(fields.owner.path): while tunnel \(name) is down, nothing goes through it",
                "Write `when: tunnel \(name) up`, or name another tunnel.")
        }
        for when in when where when.holds {
            if case .tunnel(let name) = when.subject { tunnels.append(name) }
        }
        for name in Set(tunnels)
        where topology.tunnel(named: name)?.isUnused == true && topology.node(named: name) == nil {
            collector.error(
                line, "\(fields.owner.path): tunnel \(name) is unused, so it never comes up",
                "Remove `unused: true` from the tunnel, or the expectation.")
        }
    }
}
