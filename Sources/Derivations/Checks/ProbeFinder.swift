import Daemons
import LabModel
import NetworkTypes
import Predictions

/// Finds probes whose packets go by the tunnels that no probe of the lab goes by.
///
/// Hosts behind the ends are taken before the ends themselves: their packets show what users' do.
struct ProbeFinder {
    let topology: Topology
    let predictor: Predictor

    /// In a lab with more hosts the first ones have to do: each asks each.
    private static let mostHosts = 24

    func find() -> (probes: [Probe], gaps: [Derivation.Gap]) {
        let written = topology.probes.map { predictor.courses(of: $0) }
        var covered = Set(tunnels.filter { tunnel in written.contains { isCovered(tunnel, by: $0) } })
        var probes: [Probe] = []
        var gaps: [Derivation.Gap] = []
        guard covered.count < tunnels.count else { return ([], []) }
        let pairs = hostPairs
        for tunnel in tunnels where !covered.contains(tunnel) {
            let candidates = pairs + pairsOfEnds(tunnel)
            let found = candidates.lazy.compactMap { probe -> (Probe, Courses)? in
                let courses = predictor.courses(of: probe)
                return courses.isAnswered && isCovered(tunnel, by: courses) ? (probe, courses) : nil
            }.first
            guard let (probe, courses) = found else {
                gaps.append(
                    Derivation.Gap(
                        name: "\(tunnel)-wire", kind: .encapsulation,
                        reason: "no host's packets go through \(tunnel), and its ends have no addresses inside it",
                        isDoubt: false))
                continue
            }
            covered.formUnion(tunnels.filter { isCovered($0, by: courses) })
            let names = topology.probes.map(\.name) + probes.map(\.name)
            probes.append(probe.named(Topology.free(probe.name, among: names)))
        }
        return (probes, gaps)
    }

    /// Those that packets can go through, by name.
    private var tunnels: [String] {
        topology.tunnels.filter { !$0.isUnused }.map(\.name) + topology.plainTunnels.map(\.name)
    }

    /// Whether some flow's packets go through a tunnel.
    private func isCovered(_ tunnel: String, by courses: Courses) -> Bool {
        courses.all.contains { $0.uses(tunnel) }
    }

    /// Machines at the edge of the lab: instances, or what has one link, and in either case no tunnel or session.
    private var hosts: [Node] {
        let busy = Set(
            topology.tunnels.flatMap(\.ends).map(\.node) + topology.plainTunnels.flatMap(\.ends).map(\.node)
                + topology.sessions.flatMap(\.speakers).map(\.node))
        let idle = topology.nodes.filter { !busy.contains($0.name) && topology.address(of: $0.name) != nil }
        let instances = idle.filter { $0.role == .instance }
        return instances.isEmpty ? idle.filter { topology.linkEnds(of: $0.name).count == 1 } : instances
    }

    private var hostPairs: [Probe] {
        let hosts = hosts.prefix(Self.mostHosts)
        return hosts.flatMap { source in
            hosts.compactMap { target in
                guard source.name != target.name, let address = topology.address(of: target.name),
                    topology.linkEnds(of: source.name).contains(where: { _, end in
                        end.addresses.contains { $0.address.bitWidth == address.bitWidth }
                    })
                else { return nil }
                return probe("\(source.name)-\(target.name)", from: source.name, nil, to: address)
            }
        }
    }

    /// Between a tunnel's ends: by their addresses inside it, or by what of their own its selectors take.
    private func pairsOfEnds(_ name: String) -> [Probe] {
        if let tunnel = topology.plainTunnel(named: name) {
            let inside = tunnel.ends.compactMap(\.inside)
            guard inside.count == 2 else { return [] }
            return [probe("\(name)-inside", from: tunnel.ends[0].node, inside[0].address, to: inside[1].address)]
        }
        guard let tunnel = topology.tunnel(named: name), let end = tunnel.ends.first, let peer = tunnel.peer(of: end)
        else { return [] }
        if let own = end.inside, let other = peer.inside {
            return [probe("\(name)-inside", from: end.node, own.address, to: other.address)]
        }
        let wanted = tunnel.carried(at: end)
        return topology.addresses(of: end.node).flatMap { source in
            topology.addresses(of: peer.node).compactMap { target in
                guard source.bitWidth == target.bitWidth,
                    wanted.contains(where: { $0.takes(from: source, to: target, upper: nil) })
                else { return nil }
                return probe("\(name)-ends", from: end.node, source, to: target)
            }
        }
    }

    private func probe(_ name: String, from node: String, _ source: IPAddress?, to target: IPAddress) -> Probe {
        Probe(name: name, source: node, sourceAddress: source, destination: target, interval: nil, alarm: nil)
    }
}

extension Probe {
    fileprivate func named(_ name: String) -> Probe {
        Probe(
            name: name, source: source, sourceAddress: sourceAddress, destination: destination, interval: interval,
            alarm: alarm, isAwaited: isAwaited)
    }
}
