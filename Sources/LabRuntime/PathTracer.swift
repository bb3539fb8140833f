import AgentProtocol
import Glibc
import LabModel
import Netlink
import NetworkTypes
import NodeRuntime

/// Follows a packet through the lab by what each node's kernel says of it, sending nothing: settings, routes, policies, associations.
struct PathTracer {
    let topology: Topology
    let sandboxes: [String: NodeSandbox]

    /// What the tables are asked about.
    struct Packet {
        /// Nil leaves it to the first node's routes.
        var source: IPAddress?
        let destination: IPAddress
    }

    /// One node's decisions, and how the packet leaves it.
    private struct Step {
        let node: String
        var decisions: [String] = []
        var route: String?
        var tunnel: String?
        /// Why the packet ends here; nil where it does not.
        var broken: String?
        var next: (node: String, input: InterfaceName)?
    }

    func path(of probe: Probe, isAnswered: Bool? = nil) -> PathStatus {
        let steps = steps(
            of: Packet(source: probe.sourceAddress, destination: probe.destination), from: probe.source)
        return PathStatus(
            probe: probe.name, source: probe.source, destination: probe.destination,
            hops: steps.map { .init(node: $0.node, route: $0.route, tunnel: $0.tunnel) }, broken: steps.last?.broken,
            isAnswered: isAnswered)
    }

    func way(of packet: Packet, from node: String) -> Explanation.Way {
        let steps = steps(of: packet, from: node)
        return Explanation.Way(
            steps: steps.map { Explanation.Step(node: $0.node, decisions: $0.decisions, seen: []) },
            broken: steps.last?.broken)
    }

    private func steps(of packet: Packet, from source: String) -> [Step] {
        var packet = packet
        var (node, input) = (source, nil as InterfaceName?)
        var steps: [Step] = []
        let destination = topology.owner(of: packet.destination)
        // Who gets to the same place a second time goes on as the first time.
        var passed: Set<[String]> = []
        while passed.insert([node, input?.description ?? ""]).inserted {
            var step = Step(node: node)
            do {
                try decide(&packet, at: node, from: input, isThere: destination == node, &step)
            } catch {
                step.broken = "\(node) could not be asked: \(error)"
            }
            steps.append(step)
            guard step.broken == nil, let next = step.next else { return steps }
            (node, input) = next
        }
        if !steps.isEmpty { steps[steps.count - 1].broken = "the route lookups go in a circle" }
        return steps
    }

    private func decide(
        _ packet: inout Packet, at node: String, from input: InterfaceName?, isThere: Bool, _ step: inout Step
    ) throws {
        guard let sandbox = sandboxes[node] else {
            step.broken = "\(node) is not there"
            return
        }
        if let input, let refusal = try refusal(of: packet, at: sandbox, from: input) {
            step.broken = refusal
            return
        }
        if isThere {
            step.decisions.append("has \(packet.destination)")
            return
        }
        if let input, try sandbox.network.sysctl(Self.forwarding(at: input, of: packet.destination)) == "0" {
            step.broken =
                "\(node) does not forward: \(Self.name(ofSetting: Self.forwarding(at: input, of: packet.destination))) is 0"
            return
        }
        let route: ResolvedRoute
        do {
            route = try sandbox.sockets.lookup(
                destination: packet.destination, source: input == nil && packet.source == nil ? nil : packet.source,
                inputInterface: input)
        } catch {
            step.broken = "\(node) \(Self.words(error)) \(packet.destination)"
            return
        }
        if input == nil, packet.source == nil {
            // For IPv6 a kernel names none that it would take by its own rules (RFC 6724).
            let own = topology.linkEnds(of: node).first { $0.end.routedInterface == route.interface }?.end.addresses
            packet.source =
                route.preferredSource ?? own?.map(\.address).first { $0.bitWidth == packet.destination.bitWidth }
        }
        if let (tunnel, end) = try policyEnd(for: packet, at: sandbox) {
            step.route = "by policy"
            try describe(tunnel, end, at: sandbox, &step)
            step.tunnel = tunnel.name
            step.next = tunnel.peer(of: end).flatMap { peer in topology.arrival(of: peer).map { (peer.node, $0) } }
            return
        }
        let text = [
            route.prefix?.description ?? packet.destination.description, route.gateway.map { "via \($0)" },
            route.interface.map { "dev \($0)" },
        ].compactMap { $0 }.joined(separator: " ")
        step.route = text
        step.decisions.append("route \(text)" + (route.table == Route.mainTable ? "" : " of table \(route.table)"))
        guard let interface = route.interface, let next = neighbour(of: node, through: interface) else {
            step.broken = "\(node) sends it where the lab has nobody"
            return
        }
        try describe(interface, at: sandbox, learnedMTU: route.mtu, &step)
        step.tunnel = next.tunnel
        step.next = (next.node, next.input)
    }

    /// What a lookup's error says of the way to an address (ip-route(8), route types).
    private static func words(_ error: any Error) -> String {
        switch (error as? NetlinkError)?.errno {
        case ENETUNREACH, EHOSTUNREACH: "has no route to"
        case EINVAL: "has a blackhole, or an impossible source address, on the way to"
        case EACCES: "has a route that prohibits"
        default: "cannot say (\(error)) how it sends to"
        }
    }

    /// The setting that decides: that of the interface for IPv4 (`ip_route_input_slow`, net/ipv4/route.c), that of all for IPv6
    /// (`ip6_forward`, net/ipv6/ip6_output.c).
    private static func forwarding(at input: InterfaceName, of destination: IPAddress) -> String {
        destination.bitWidth == 32 ? "net/ipv4/conf/\(input)/forwarding" : "net/ipv6/conf/all/forwarding"
    }

    /// As lab files and sysctl(8) have it.
    private static func name(ofSetting path: String) -> String {
        String(path.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }

    /// Why a kernel does not believe a source address at the interface where it comes in (`__fib_validate_source`,
    /// net/ipv4/fib_frontend.c; RFC 3704); nil where it does. IPv6 has no such setting.
    private func refusal(of packet: Packet, at sandbox: NodeSandbox, from input: InterfaceName) throws -> String? {
        guard let source = packet.source, source.bitWidth == 32 else { return nil }
        let settings = ["all", input.description].map { "net/ipv4/conf/\($0)/rp_filter" }
        let values = try settings.map { Int(try sandbox.network.sysctl($0)) ?? 0 }
        guard let mode = values.max(), mode > 0, let setting = zip(settings, values).first(where: { $1 == mode })?.0
        else { return nil }
        guard let route = try? sandbox.sockets.lookup(destination: source), let back = route.interface else {
            return
                "\(sandbox.name) drops what comes from \(source): it has no route to it (\(Self.name(ofSetting: setting)) is \(mode))"
        }
        guard mode == 1, back != input else { return nil }
        // Of several ways back, one by this interface is enough.
        let ways = try sandbox.sockets.routes(table: route.table).filter { $0.destination == route.prefix }
        guard !ways.contains(where: { $0.nexthops.contains { $0.interface == input } }) else { return nil }
        return
            "\(sandbox.name) drops what comes from \(source) in at \(input): the way back is by \(back) (reverse path filtering, \(Self.name(ofSetting: setting)) is 1)"
    }

    /// What the interface that a packet leaves by does with it.
    private func describe(
        _ interface: InterfaceName, at sandbox: NodeSandbox, learnedMTU: Int?, _ step: inout Step
    ) throws {
        let link = try sandbox.sockets.link(named: interface)
        step.decisions.append(
            "\(interface) takes \(link.mtu) bytes"
                + (learnedMTU.map { ", and \($0) bytes have been learned for the way" } ?? ""))
        guard link.isUp else {
            step.broken = "\(sandbox.name): \(interface) is down"
            return
        }
        guard let (tunnel, end) = topology.tunnelEnds(of: sandbox.name).first(where: { $0.end.interface == interface })
        else { return }
        try describe(tunnel, end, at: sandbox, &step)
    }

    /// The end whose policies in the kernel, those without an interface's number, take a packet; nil where none do. The policy with the
    /// smallest priority counts (`xfrm_policy_lookup_bytype`, net/xfrm/xfrm_policy.c).
    private func policyEnd(
        for packet: Packet, at sandbox: NodeSandbox
    ) throws -> (tunnel: Tunnel, end: TunnelEnd)? {
        let ends = topology.tunnelEnds(of: sandbox.name).filter { $0.end.steering == .policy }
        guard !ends.isEmpty, let source = packet.source else { return nil }
        let matching = try sandbox.sockets.securityPolicies().filter { policy in
            policy.direction == .output && policy.mark == nil && policy.interfaceID == nil
                && policy.selector.source.contains(source) && policy.selector.destination.contains(packet.destination)
                && policy.selector.takesEchoes(isIPv6: packet.destination.bitWidth == 128)
        }
        guard let first = matching.min(by: { $0.priority < $1.priority }) else { return nil }
        return ends.first { _, end in
            end.owns(first)
                && first.templates.contains {
                    $0.mode == .transport
                        ? first.selector.destination.contains(end.remoteAddress) : $0.destination == end.remoteAddress
                }
        }
    }

    private func describe(_ tunnel: Tunnel, _ end: TunnelEnd, at sandbox: NodeSandbox, _ step: inout Step) throws {
        let (inbound, outbound) = try sandbox.associations(of: end)
        guard let association = outbound.first else {
            step.broken =
                "\(sandbox.name) has no security association for \(tunnel.name)"
                + (inbound.isEmpty ? "" : ", only one for what comes in")
            return
        }
        step.decisions.append(
            "tunnel \(tunnel.name): SPI \(association.spi.hexadecimal) to \(association.destination)"
                + (association.encapsulation == nil ? "" : ", in UDP"))
    }

    private func neighbour(of node: String, through interface: InterfaceName) -> (
        node: String, input: InterfaceName, tunnel: String?
    )? {
        if let (link, end) = topology.linkEnds(of: node).first(where: { $0.end.routedInterface == interface }),
            let peer = link.peer(of: end)
        {
            return (peer.node, peer.routedInterface, nil)
        }
        return topology.tunnelEntrance(interface, of: node).map { ($0.peer, $0.peerInterface, $0.tunnel) }
    }
}

extension IPsecSelector {
    /// Whether echo requests are among its packets as far as protocol and type go; the type of ICMP stands for the source port, and the
    /// code for the other (`xfrm_flowi_sport`, include/net/xfrm.h).
    fileprivate func takesEchoes(isIPv6: Bool) -> Bool {
        guard self.protocol != 0 else { return true }
        return self.protocol == (isIPv6 ? 58 : 1) && [0, isIPv6 ? 128 : 8].contains(sourcePort) && destinationPort == 0
    }
}
