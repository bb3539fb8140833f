import LabModel
import NetworkTypes
import Providers

// What a provider refuses to configure, where the lab file asks for it and accepts the refusal.
extension TopologyResolver {
    /// Leaves out at the providers' own nodes what their rules do not allow and the lab file asks for all the same, with
    /// the rule in `accepts:`.
    ///
    /// The other side stays as it is: it goes on trying, and the session becomes one that it alone has configured.
    func leaveOutWhatIsRefused(in topology: inout Topology) {
        guard !collector.hasErrors else { return }
        let asked = topology
        for (name, provider) in providers.sorted(by: { $0.key < $1.key }) {
            let design = Design(topology: asked, file: file.merged, provider: name, providers: providers)
            for rule in provider.rules where file.accepts.contains(where: { $0.rule.value == rule.id }) {
                for refusal in rule.constraint.findings(in: design).flatMap(\.refused) {
                    topology.leaveOut(refusal, reason: "\(rule.id): \(rule.constraint.statement)")
                }
            }
        }
    }
}

extension Topology {
    /// Takes a speaker out of a session, and its address off the tunnel that the session goes over.
    fileprivate mutating func leaveOut(_ refusal: Refusal, reason: String) {
        guard let index = sessions.firstIndex(where: { $0.name == refusal.session }),
            let refused = sessions[index].speakers.first(where: { $0.node == refusal.node }),
            let other = sessions[index].peer(of: refused)
        else { return }
        let session = sessions.remove(at: index)
        oneSidedSessions.append(
            OneSidedSession(
                name: session.name, node: other.node, asn: other.asn, address: other.address,
                interface: other.interface, peer: refused.address, peerASN: refused.asn, keepalive: other.keepalive,
                hold: other.hold, advertised: other.advertised, password: session.key(of: other), reason: reason))
        for tunnel in tunnels.indices {
            for end in tunnels[tunnel].ends.indices
            where tunnels[tunnel].ends[end].node == refused.node
                && tunnels[tunnel].ends[end].inside?.address == refused.address
            {
                tunnels[tunnel].ends[end].inside = nil
            }
        }
    }

    /// The same lab with what was asked for of tunnels and sessions.
    func asking(for asked: Topology) -> Topology {
        var topology = self
        topology.tunnels = asked.tunnels
        topology.sessions = asked.sessions
        topology.oneSidedSessions = asked.oneSidedSessions
        return topology
    }
}
