import LabModel
import NetworkTypes
import RoutingDaemons
import YAMLReading

/// Makes domains of what a lab file says of OSPF, and notes all that does not fit.
public struct OSPFResolver {
    let topology: Topology
    let daemons: [any RoutingDaemon]
    let collector: DiagnosticCollector
    /// The links that the file names, those included that were left out for an error of their own.
    let written: [String]

    /// - Parameters:
    ///   - topology: With its nodes, links and sessions.
    ///   - daemons: All that there are.
    ///   - written: The links that the file names.
    public init(
        in topology: Topology, daemons: [any RoutingDaemon], written: [String], collector: DiagnosticCollector
    ) {
        self.topology = topology
        self.daemons = daemons
        self.written = written
        self.collector = collector
    }

    public func domains(_ specs: [OSPFSpec]) -> [OSPFDomain] {
        var owners: [String: String] = [:]
        return specs.map { spec in
            let domain = OSPFDomain(
                name: spec.name.value, hello: spec.hello, dead: spec.dead, interfaces: interfaces(of: spec),
                edges: edges(of: spec))
            for router in domain.routers {
                if let other = owners[router] {
                    collector.error(
                        spec.name.line, "ospf.\(domain.name): \(router) is a router of \(other) as well",
                        "A router has one domain in a lab: give one of the two other links.")
                }
                owners[router] = domain.name
            }
            return domain
        }
    }

    private func interfaces(of spec: OSPFSpec) -> [OSPFDomain.Interface] {
        let place = "ospf.\(spec.name.value)"
        let links = spec.links.compactMap { link -> (spec: OSPFSpec.Link, link: LabModel.Link)? in
            guard let known = topology.link(named: link.name.value) else {
                if !written.contains(link.name.value) {
                    collector.error(
                        link.name.line, "\(place): there is no link \"\(link.name.value)\"",
                        Suggestion.remedy(for: link.name.value, among: written, noun: "links"))
                }
                return nil
            }
            return (link, known)
        }
        let routers = Set(links.filter { !$0.spec.isPassive }.flatMap { $0.link.ends.map(\.node) })
        if !spec.links.isEmpty, spec.links.allSatisfy(\.isPassive) {
            collector.error(
                spec.name.line, "\(place): all of its links are passive, so no router has a neighbour",
                "Name a link between two routers without `passive:`.")
        }
        for router in routers.sorted() { check(router: router, spec, place) }
        return links.flatMap { link, known -> [OSPFDomain.Interface] in
            let ends = known.ends.filter { routers.contains($0.node) }
            if ends.isEmpty {
                collector.error(
                    link.name.line, "\(place): neither end of \(known.name) is at a router of the domain",
                    "The routers are the ends of the links that are not passive: \(routers.sorted().joined(separator: ", "))."
                )
            }
            return ends.compactMap { end in
                let own = end.addresses.first { $0.address.bitWidth == 32 }
                guard let own else {
                    collector.error(
                        link.name.line, "\(place): \(end.node) has no IPv4 address on \(known.name)",
                        "OSPF is version 2 here, for IPv4 (RFC 2328): give the end an address.")
                    return nil
                }
                return OSPFDomain.Interface(
                    node: end.node, link: known.name, interface: end.routedInterface, address: own, cost: link.cost,
                    isPassive: link.isPassive)
            }
        }
    }

    private func check(router name: String, _ spec: OSPFSpec, _ place: String) {
        guard let node = topology.node(named: name) else { return }
        let able = daemons.filter(\.speaksOSPF)
        if let daemon = daemons.first(where: { $0.id == node.routingDaemon }), !daemon.speaksOSPF {
            collector.error(
                spec.name.line, "\(place): \(name) runs \(daemon.product), which netlab sets up no OSPF for",
                "Give it \(able.map { "`\($0.choice)`" }.joined(separator: " or ")).")
        } else if node.routingConfiguration != nil {
            collector.error(
                spec.name.line,
                "\(place): \(name) has a configuration of its own, which is used word for word",
                "Say there what it does by OSPF, and name no link of its here.")
        }
        let active = Set(spec.links.filter { !$0.isPassive }.map(\.name.value))
        for filter in node.filters {
            guard
                let (link, end) = topology.linkEnds(of: name).first(where: {
                    $0.end.routedInterface == filter.interface
                }),
                active.contains(link.name), let peer = link.peer(of: end)?.addresses.first?.address,
                !filter.rules.contains(where: { $0.transport == .any && $0.source.contains(peer) })
            else { continue }
            collector.error(
                spec.name.line,
                "\(place): the filter of \(name) at \(filter.interface) lets in no OSPF (IP protocol 89)",
                "Let all in from \(peer): `{from: \(peer)/32, protocol: any}`.")
        }
        if !node.role.forwards {
            collector.error(
                spec.name.line, "\(place): \(name) is an instance, which does not forward for others",
                "Give it `role: router`, or make its link `passive: on`.")
        }
    }

    private func edges(of spec: OSPFSpec) -> [OSPFDomain.Edge] {
        let place = "ospf.\(spec.name.value).edges"
        let active = Set(spec.links.filter { !$0.isPassive }.map(\.name.value))
        let routers = Set(topology.links.filter { active.contains($0.name) }.flatMap(\.ends).map(\.node))
        return spec.edges.compactMap { edge in
            let name = edge.node.value
            guard routers.contains(name) else {
                collector.error(
                    edge.node.line, "\(place): \(name) is no router of the domain",
                    Suggestion.remedy(for: name, among: routers.sorted(), noun: "routers of the domain"))
                return nil
            }
            guard topology.sessions.contains(where: { $0.speakers.contains { $0.node == name } }) else {
                collector.error(
                    edge.node.line, "\(place): \(name) has no BGP session, so there is nothing to redistribute",
                    "Add a session under `bgp:`, or remove it here.")
                return nil
            }
            return OSPFDomain.Edge(
                node: name, metric: edge.metric, metricType: edge.metricType,
                tellsPeers: edge.sources.contains(.ospf), tellsDomain: edge.sources.contains(.bgp))
        }
    }
}
