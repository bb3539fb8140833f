import LabModel
import NetworkTypes
import YAMLReading

extension ClaimReader {
    /// Which route a node takes for the best: `best: {at: NODE, to: PREFIX, by: SESSION, because: local-preference}`.
    func best() -> Expectation.Claim? {
        guard let own = fields[kind.rawValue]?.fields(["at", "to", "by", "because"]),
            let node = one(own.required("at", "the node that chooses"), .nodes),
            let prefix = own.required("to", "the prefix")?.value(IPPrefix.self, "a prefix such as 10.0.0.0/8")?.value
        else { return nil }
        let step = own["because"].map { field in
            field.choice(RouteChoiceStep.self, noun: "steps of a choice")?.value
        }
        if let step, step == nil { return nil }
        guard isWhole(.sessions), isWhole(.tunnels), isWhole(.links) else { return nil }
        let propagation = subject.propagation.known(of: topology)
        guard let choice = propagation.choices(at: node)[prefix] else {
            collector.error(
                own["to"]?.line, "\(fields.owner.path): no session tells \(node) a route to \(prefix)",
                Suggestion.remedy(
                    for: prefix.description, among: propagation.choices(at: node).keys.sorted().map(\.description),
                    noun: "prefixes that it is told"))
            return nil
        }
        if let by = own["by"] {
            guard let names = known(by, .sessions, .tunnels, .links), let name = names.first else { return nil }
            let session =
                choice.candidates.map(\.session).first { $0 == name }
                ?? choice.candidates.first { topology.way(of: $0.interface, at: node) == name }?.session
            guard let session else {
                collector.error(
                    by.line, "\(by.path): no route to \(prefix) comes to \(node) by \(name)",
                    "Those that do are by \(choice.candidates.map(\.session).joined(separator: ", ")).")
                return nil
            }
            return .best(BestClaim(node: node, prefix: prefix, session: session, step: step ?? nil))
        }
        guard propagation.openEnd(at: node, to: prefix) == nil, let computed = choice.step else {
            collector.error(
                fields.owner.line,
                "\(fields.owner.path): which route to \(prefix) is the best at \(node) is not computed: \(propagation.openEnd(at: node, to: prefix) ?? "identifiers are not known")",
                "Say it yourself with `by:`.")
            return nil
        }
        return .best(
            BestClaim(node: node, prefix: prefix, session: choice.best.session, step: (step ?? nil) ?? computed))
    }
}

/// What BGP brings to the nodes of a lab that is well, worked out once for all expectations.
final class KnownPropagation {
    private var propagation: RoutePropagation?

    func known(of topology: Topology) -> RoutePropagation {
        let known = propagation ?? RoutePropagation(in: topology) { _, _ in true }
        propagation = known
        return known
    }
}

extension Topology {
    /// The tunnel or link that an interface of a node's leads to.
    fileprivate func way(of interface: InterfaceName, at node: String) -> String? {
        tunnelEnds(of: node).first { $0.end.interface == interface }?.tunnel.name
            ?? plainTunnelEnds(of: node).first { $0.end.interface == interface }?.tunnel.name
            ?? linkEnds(of: node).first { $0.end.routedInterface == interface }?.link.name
    }
}
