import AgentProtocol
import LabModel
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime
import Probing

extension RunningLab {
    /// Sends a probe's echo requests, watches them at every interface and every counter of the lab, and asks the kernels' tables
    /// about them.
    ///
    /// - Throws: ``LabFailure``; `CancellationError`. What became of the packets is a result.
    func explain(_ probe: Probe, patience: Duration) async throws -> Explanation {
        let nodes = sandboxes.values.sorted { $0.name < $1.name }
        let id = nextProbe()
        // The first packet may be the one that asks for associations, and is lost then (XFRM acquire).
        let request = ProbeRequest(
            source: probe.source, sourceAddress: probe.sourceAddress, destination: probe.destination,
            kind: .echo(count: 2, interval: .milliseconds(200), payload: 56, dontFragment: false, timeout: patience),
            id: id)
        let before = try nodes.map { try DropCounters($0) }
        let post = try SightingPost(at: nodes)
        let result = try await run(request)
        let (echoes, protected) = try post.sightings(of: id)
        let drops = try zip(nodes, before).flatMap { node, earlier in try DropCounters(node).drops(since: earlier) }

        let tracer = PathTracer(topology: topology, sandboxes: sandboxes)
        let there = tracer.way(
            of: PathTracer.Packet(source: result.sourceAddress, destination: probe.destination), from: probe.source)
        var back = Explanation.Way(steps: [], broken: nil)
        if let source = result.sourceAddress, let node = topology.node(behind: probe.destination) {
            // The answer's addresses are the request's, as they came in.
            let asked = echoes.last { $0.node == node && !$0.isAnswer && !$0.isOutgoing }
            back = tracer.way(
                of: PathTracer.Packet(
                    source: asked?.destination ?? probe.destination, destination: asked?.source ?? source), from: node)
        }
        // A packet takes no time within a node, and leaves one for the next at the moment at which it comes in there.
        let place = { (sighting: Sighting) in
            let steps = sighting.isAnswer ? back.steps : there.steps
            let step = steps.lastIndex { $0.node == sighting.node } ?? 0
            return (sighting.sequence, sighting.time, step, sighting.isOutgoing ? 1 : 0)
        }
        var choices = try await choices(at: there.steps.map(\.node), to: probe.destination)
        if let source = result.sourceAddress {
            choices += try await self.choices(at: back.steps.map(\.node), to: source)
        }
        return Explanation(
            probe: probe.name, there: there.with(echoes.filter { !$0.isAnswer }),
            back: back.with(echoes.filter(\.isAnswer)), result: result, patience: patience,
            end: try echoes.max { place($0) < place($1) }.map { try end(at: $0, protected) }, drops: drops,
            faults: activeFaults, choices: choices)
    }

    /// What routers have chosen that send to an address along a route of BGP's, and are told several to that prefix.
    func choices(at nodes: [String], to destination: IPAddress) async throws -> [ObservedChoice] {
        var found: [ObservedChoice] = []
        for node in nodes where !found.contains(where: { $0.node == node }) {
            let keys = topology.sessionNames.compactMap { topology.sessionKey($0, at: node) }
            let matching = try sandbox(node).sockets.routes().filter { $0.destination.contains(destination) }
            let own = topology.routingDaemonProfile(of: node)?.routeProtocol
            guard keys.count > 1, let longest = matching.map(\.destination).max(by: { $0.length < $1.length }),
                matching.contains(where: { $0.destination == longest && $0.protocol.rawValue == own }),
                let routes = try await routingDriver(of: node)?.bgpRoutes(of: keys),
                let choice = ObservedChoice(of: routes, to: longest, at: node, in: topology),
                choice.candidates.count > 1
            else { continue }
            found.append(choice)
        }
        return found
    }

    /// Where a packet ended that was seen last at a place, also within a tunnel that it went into there.
    private func end(at last: Sighting, _ protected: [UInt32: Sighting]) throws -> Explanation.End {
        let byInterface = topology.tunnelEnds(of: last.node).first {
            $0.end.interface == last.interface && last.isOutgoing
        }
        // Policies alone take what comes in before it would go out.
        let isIPv6 = last.destination.bitWidth == 128
        let byPolicy =
            last.isOutgoing
            ? nil
            : topology.policyEnd(
                at: last.node, from: last.source, to: last.destination, upper: isIPv6 ? .icmpv6 : .icmp)
        let entrance = byInterface ?? byPolicy
        let spi = try entrance.flatMap { try associations(of: $0.end).outbound.first?.spi }
        return Explanation.End(
            isAnswer: last.isAnswer, inClear: Explanation.Sighting(last), tunnel: entrance?.tunnel.name,
            protected: spi.flatMap { protected[$0] }.map { Explanation.Sighting($0) })
    }
}

extension Explanation.Sighting {
    /// Without its time and its packet.
    init(_ sighting: Sighting) {
        self.init(node: sighting.node, interface: sighting.interface, isOutgoing: sighting.isOutgoing)
    }
}

extension Explanation.Way {
    /// The same with where its packets were seen; a node that the tables did not lead to comes at the end.
    fileprivate func with(_ sightings: [Sighting]) -> Explanation.Way {
        var seen: [String: [String]] = [:]
        var order: [String] = []
        for sighting in sightings {
            let place = "\(sighting.isOutgoing ? "out" : "in") \(sighting.interface)"
            if seen[sighting.node] == nil { order.append(sighting.node) }
            if !(seen[sighting.node]?.contains(place) ?? false) { seen[sighting.node, default: []].append(place) }
        }
        let known = steps.map { Explanation.Step(node: $0.node, decisions: $0.decisions, seen: seen[$0.node] ?? []) }
        let others = order.filter { node in !steps.contains { $0.node == node } }.map {
            Explanation.Step(node: $0, decisions: [], seen: seen[$0] ?? [])
        }
        return Explanation.Way(steps: known + others, broken: broken)
    }
}
