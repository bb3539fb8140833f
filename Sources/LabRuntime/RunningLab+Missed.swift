import AgentProtocol
import Daemons
import LabModel
import LabRecords
import NetworkTypes
import NodeRuntime
import Probing

/// Why something that was waited for has not come about: what daemons say, and where packets end that it takes.
extension RunningLab {
    /// What to say when a condition did not come about: what was seen last, and why, as far as somebody knows.
    func missed(_ condition: Condition, deadline: Duration, lastSeen: String) async -> LabFailure {
        var details = ["last seen: \(lastSeen)"]
        let concerned = daemons.values.sorted { $0.daemon.name < $1.daemon.name }.filter {
            condition.concerns($0.daemon, in: topology)
        }
        for daemon in concerned {
            if case .ended(let reason) = daemon.current { details.append("\(daemon.daemon.name) \(reason)") }
        }
        let said = concerned.flatMap { daemon in
            complaints(of: daemon, about: condition).map { "\(daemon.daemon.name): \($0)" }
        }
        // What is sent now leaves words of its own in logs.
        let last = concerned.flatMap { daemon in
            DaemonProcess.logEnd(of: daemon.daemon, lines: 3).map {
                "\(daemon.daemon.name): (no complaint; its last words) \($0)"
            }
        }
        let ways = condition.holds ? await brokenWays(for: condition.subject) : []
        details += said + ways
        if said.isEmpty, ways.isEmpty { details += last }
        return LabFailure(
            "Waited \(deadline.shortText) of the lab's time for \"\(condition)\", and it did not come about.",
            remedy: "The logs have more: netlab logs \(topology.name).", details: details)
    }

    /// The lines of a daemon's log that say why it does not come about.
    private func complaints(of daemon: DaemonProcess, about condition: Condition) -> [String] {
        let connection: String?
        if case .tunnel(let name) = condition.subject {
            connection = topology.tunnel(named: name)?.ends.first { $0.node == daemon.daemon.node }?.connection
        } else {
            connection = nil
        }
        return DaemonRegistry.profile(daemon.daemon.kind)?.complaints(in: daemon.log, about: connection) ?? []
    }

    /// The ways on which what it takes does not get through: a sentence for each finding.
    private func brokenWays(for subject: Condition.Subject) async -> [String] {
        switch subject {
        case .echo(let node, let address):
            let probe = Probe(
                name: "\(node) to \(address)", source: node, sourceAddress: nil, destination: address, interval: nil,
                alarm: nil)
            guard let explanation = try? await explain(probe, patience: .seconds(1)) else { return [] }
            let broken = [explanation.there.broken, explanation.back.broken].compactMap(\.self)
            return explanation.isAnswered ? ["it is answered now"] : explanation.findings + broken
        case .tunnel(let name):
            // Where some of it is up, IKE has got through.
            guard let tunnel = topology.tunnel(named: name),
                tunnel.ends.allSatisfy({ (try? associations(of: $0).outbound.isEmpty) ?? false })
            else { return [] }
            var found: [String] = []
            for end in tunnel.ends {
                // Of a NAT's other side nobody gets in before something has gone out.
                guard let peer = tunnel.peer(of: end), topology.node(behind: end.remoteAddress) == peer.node else {
                    continue
                }
                let datagram = ProbeRequest.ProbePacket.udp(sourcePort: 500, destinationPort: 500)
                found += await findings(
                    on: datagram, "A datagram to UDP port 500, IKE's,", from: end.node, end.localAddress,
                    to: end.remoteAddress)
            }
            return found
        case .session(let name):
            guard let session = topology.session(named: name) else { return [] }
            var found: [String] = []
            for speaker in session.speakers {
                guard let peer = session.peer(of: speaker) else { continue }
                let segment = ProbeRequest.ProbePacket.tcpSYN(sourcePort: 1179, destinationPort: 179)
                found += await findings(
                    on: segment, "A SYN to TCP port 179, BGP's,", from: speaker.node, speaker.address, to: peer.address)
            }
            return found
        case .daemon, .interface, .route, .ospf: return []
        }
    }

    /// Sends one packet and says where it ends; nothing where it arrives.
    private func findings(
        on packet: ProbeRequest.ProbePacket, _ what: String, from node: String, _ source: IPAddress,
        to destination: IPAddress
    ) async -> [String] {
        let way = "\(what) from \(node) (\(source)) to \(destination)"
        let nodes = sandboxes.values.sorted { $0.name < $1.name }
        let id = nextProbe()
        let request = ProbeRequest(
            source: node, sourceAddress: source, destination: destination, kind: .packet(packet, wait: .seconds(1)),
            id: id)
        guard let before = try? nodes.map({ try DropCounters($0) }), let post = try? SightingPost(at: nodes),
            let result = try? await run(request), case .packet(let outcome) = result.outcome
        else { return [] }
        if let error = outcome.localError { return ["\(way) is not sent: \(error.message)."] }
        if case .notice(let notice)? = outcome.answer {
            return ["\(way) is refused by \(notice.from): \(notice.kind.rawValue.replacing("_", with: " "))."]
        }
        if outcome.answer == .reset { return ["\(way) is answered with a reset: nobody listens there."] }
        let drops = (try? zip(nodes, before).flatMap { try DropCounters($0).drops(since: $1) }) ?? []
        let counted = drops.map { "\($0)." }
        guard outcome.arrived != false else {
            let last = (try? post.sightings(of: id).echoes.last).flatMap(\.self)
            let place = last.map { ", last seen \(Explanation.Sighting($0))" } ?? ""
            return ["\(way) does not arrive\(place)."] + counted
        }
        // It has come in at an interface, which is before the packet filter.
        if case .tcpSYN = packet, outcome.answer == nil { return ["\(way) comes in and is not answered."] + counted }
        let isDropped = drops.contains { $0.node == result.destinationNode }
        return isDropped ? ["\(way) comes in and is dropped there."] + counted : []
    }
}
