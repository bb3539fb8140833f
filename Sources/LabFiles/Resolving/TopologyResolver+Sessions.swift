import Daemons
import ExpectationReading
import LabModel
import NetworkTypes
import PolicyReading
import YAMLReading

// BGP sessions and probes.
extension TopologyResolver {
    func resolve(session spec: SessionSpec, tunnels: [Tunnel], links: [Link]) -> BGPSession? {
        let place = "bgp.\(spec.name.value)"
        guard spec.isComplete, spec.outlook == nil, let over = spec.over else { return nil }
        guard spec.speakers.count == 2 else {
            collector.error(
                spec.name.line, "\(place) has \(spec.speakers.count) usable speakers",
                "A session joins exactly two nodes: add them under `speakers:`; or write `expect: connecting` for one that one side alone has configured."
            )
            return nil
        }
        if let stray = spec.reason?.line
            ?? spec.speakers.lazy.compactMap({ $0.peer?.line ?? $0.address?.line }).first
        {
            collector.error(
                stray, "\(place) has two speakers: their addresses and peers follow from `over:`",
                "Remove `address:`, `peer:` and `because:`; they are for a session with `expect: connecting`."
            )
        }
        guard let ends = ends(of: over, place, tunnels, links) else { return nil }
        let speakers = spec.speakers.compactMap { speaker -> BGPSpeaker? in
            guard isKnown(node: speaker.node, in: place) else { return nil }
            guard let end = ends.first(where: { $0.node == speaker.node.value }), let address = end.address else {
                collector.error(
                    speaker.node.line, "\(place): node \(speaker.node.value) has no address on \(over.value)",
                    "The speakers are the two ends of it: \(ends.map(\.node).joined(separator: ", ")); a tunnel's end needs `inside:`."
                )
                return nil
            }
            let isDefaultOnly = speaker.policy.isDefaultOnly
            var resolved = BGPSpeaker(
                node: speaker.node.value, asn: speaker.asn, peerASN: speaker.peerASN?.value, address: address.address,
                interface: end.interface,
                keepalive: timers(of: speaker, over: over.value).keepalive,
                hold: timers(of: speaker, over: over.value).hold,
                advertised: isDefaultOnly ? [IPPrefix(address.address, length: 0)] : speaker.advertised,
                passesOn: (speaker.passesOn || speaker.reflects?.value == true) && !isDefaultOnly,
                prepended: speaker.prepended,
                keepsTimers: speaker.keepsTimers, password: speaker.password,
                bfd: (speaker.bfd ?? spec.bfd)?.timers)
            resolved.policy = speaker.policy.policy(among: file.policies, collector)
            resolved.reflects = speaker.reflects?.value ?? false
            resolved.gracefulRestart = (speaker.gracefulRestart ?? spec.gracefulRestart)?.value
            return resolved
        }
        guard speakers.count == 2 else { return nil }
        let session = BGPSession(name: spec.name.value, speakers: adopting(speakers), password: spec.password)
        compare(spec, place, speakers, with: session)
        if let conflict = session.holdConflict({ routingDaemon(of: $0).habits }) {
            collector.warning(
                spec.name.line, "\(place): \(conflict.reason)",
                "Give \(conflict.speaker) a keepalive of a third of \(conflict.hold.shortText) at most, or let it negotiate."
            )
        }
        compareBFD(of: session, spec, place)
        examineReflection(of: session, spec, place)
        compareGracefulRestart(of: session, spec, place)
        if session.hasDifferentKeys {
            collector.warning(
                spec.name.line, "\(place): its speakers have different keys, so neither takes the other's segments",
                "Give both the same `password:`, or expect `bgp: \(session.name)` with `is: down`.")
        }
        if let mistaken = session.mistaken, let peer = session.peer(of: mistaken), let number = mistaken.peerASN {
            collector.warning(
                spec.speakers.first { $0.node.value == mistaken.node }?.peerASN?.line ?? spec.name.line,
                "\(place): \(mistaken.node) takes \(peer.node) for AS \(number), and it says it is AS \(peer.asn), so the session never comes up (RFC 4271, section 6.2: Bad Peer AS)",
                "Give \(mistaken.node) `peer-asn: \(peer.asn)`, or \(peer.node) `asn: \(number)`; or expect `bgp: \(session.name)` with `is: down`."
            )
        }
        return session
    }

    /// Reports what sessions' ends say of routes and that nothing can come of.
    func examineRoutePolicies(of topology: Topology) {
        examineRestartTimes(of: topology)
        let speakers = file.sessions.flatMap { spec -> [PolicyExamination.Speaker] in
            guard let session = topology.session(named: spec.name.value) else { return [] }
            return spec.speakers.compactMap { written in
                session.speakers.first { $0.node == written.node.value }.map {
                    PolicyExamination.Speaker(session: session, speaker: $0, spec: written.policy)
                }
            }
        }
        PolicyExamination(
            of: topology, policies: file.policies, daemons: DaemonRegistry.routingDaemons, collector: collector
        ).examine(speakers)
    }

    private typealias SessionEnd = (node: String, interface: InterfaceName, address: InterfaceAddress?)

    /// The ends of the tunnel or link that a session goes over; nil where there is none, which is reported.
    private func ends(
        of over: Located<String>, _ place: String, _ tunnels: [Tunnel], _ links: [Link]
    ) -> [SessionEnd]? {
        if let tunnel = tunnels.first(where: { $0.name == over.value }) {
            if tunnel.isUnused {
                collector.error(
                    over.line, "\(place): tunnel \(tunnel.name) is unused, so the session would never come up",
                    "Remove `unused: true` from the tunnel, or the session.")
            }
            if let end = tunnel.ends.first(where: { $0.interface == nil }) {
                collector.error(
                    over.line,
                    "\(place): at \(end.node) no interface leads into tunnel \(tunnel.name), and a session over it would have none to go by",
                    "Give the tunnel's ends an `interface:` with an `inside:` address.")
                return nil
            }
            return tunnel.ends.compactMap { end in end.interface.map { (end.node, $0, end.inside) } }
        }
        if let tunnel = file.plainTunnels.first(where: { $0.name.value == over.value }) {
            return tunnel.ends.compactMap { end in end.interface.map { (end.node.value, $0.value, end.inside?.value) } }
        }
        if let link = links.first(where: { $0.name == over.value }) {
            return link.ends.map { ($0.node, $0.routedInterface, $0.addresses.first) }
        }
        // A tunnel that was left out for an error of its own has been reported already.
        let written = ["tunnels", "links"].flatMap { file.written[$0, default: []] }
        if !written.contains(over.value) {
            collector.error(
                over.line, "\(place): there is no tunnel or link \"\(over.value)\"",
                Suggestion.remedy(for: over.value, among: written, noun: "tunnels and links"))
        }
        return nil
    }

    /// A session that one side alone has configured.
    func resolve(oneSided spec: SessionSpec, tunnels: [Tunnel], links: [Link]) -> OneSidedSession? {
        let place = "bgp.\(spec.name.value)"
        guard spec.isComplete, spec.outlook != nil, let reason = spec.reason else { return nil }
        if let bfd = spec.bfd ?? spec.speakers.lazy.compactMap(\.bfd).first {
            collector.error(
                bfd.line, "\(place): BFD is spoken by both sides, and one side alone has configured the session",
                "Remove `bfd:`.")
        }
        guard spec.speakers.count == 1, let speaker = spec.speakers.first else {
            collector.error(
                spec.name.line, "\(place) is to stay connecting and has \(spec.speakers.count) speakers",
                "Name the one node that has configured it, with `peer:` and `peer-asn:`, or remove `expect:`.")
            return nil
        }
        guard isKnown(node: speaker.node, in: place) else { return nil }
        guard let peer = speaker.peer, let peerASN = speaker.peerASN else {
            collector.error(
                speaker.node.line,
                "\(place): \(speaker.node.value) has no `\(speaker.peer == nil ? "peer" : "peer-asn")`",
                "Say whom it tries to reach, as in `{asn: 65515, peer: 169.254.21.1, peer-asn: 64512}`.")
            return nil
        }
        var end: SessionEnd?
        if let over = spec.over {
            guard let ends = ends(of: over, place, tunnels, links) else { return nil }
            end = ends.first { $0.node == speaker.node.value }
            guard end != nil else {
                collector.error(
                    speaker.node.line, "\(place): node \(speaker.node.value) is no end of \(over.value)",
                    "Its ends are \(ends.map(\.node).joined(separator: ", ")); without `over:` the session is a multihop one."
                )
                return nil
            }
        }
        return OneSidedSession(
            name: spec.name.value, node: speaker.node.value, asn: speaker.asn,
            address: speaker.address?.value ?? end?.address?.address, interface: end?.interface, peer: peer.value,
            peerASN: peerASN.value, keepalive: timers(of: speaker, over: spec.over?.value).keepalive,
            hold: timers(of: speaker, over: spec.over?.value).hold,
            advertised: speaker.advertised,
            password: spec.password, reason: reason.value)
    }

    /// Reports what would let a one-sided session come up, or keep it from being tried.
    func check(oneSided session: OneSidedSession, _ spec: SessionSpec, in topology: Topology) {
        let place = "bgp.\(session.name)"
        let line = spec.speakers.first?.node.line ?? spec.name.line
        let own = topology.addresses(of: session.node)
        if let address = session.address, !own.contains(address), !unsure.contains(session.node),
            topology.tunnels.count == file.written["tunnels", default: []].count
        {
            collector.error(
                line, "\(place): node \(session.node) does not have the address \(address)",
                "Take one of its own: \(own.map(\.description).joined(separator: ", ")).")
        }
        if let address = session.address, address.bitWidth != session.peer.bitWidth {
            collector.error(
                line, "\(place): \(address) cannot connect to \(session.peer)", "Take two addresses of one family.")
        }
        if !spec.speakers.allSatisfy(\.policy.isEmpty) {
            collector.error(
                line, "\(place) never comes up, so policies decide nothing in it",
                "Remove what is said of routes, or write the session with both speakers.")
        }
        if own.contains(session.peer) {
            collector.error(
                line, "\(place): \(session.peer) is \(session.node)'s own address",
                "Name the address of the other side.")
        }
        let answers = topology.oneSidedSessions.contains { other in
            other.node == topology.owner(of: session.peer) && other.peer == session.address
        }
        let isSession = topology.sessions.contains { two in
            two.speakers.contains { $0.node == session.node && $0.address == session.address }
                && two.speakers.contains { $0.address == session.peer }
        }
        if answers || isSession {
            collector.error(
                line, "\(place): the other side has configured it as well, so it would come up",
                "Write one session with both speakers, without `expect:`.")
        }
    }

    func resolve(probe spec: ProbeSpec, topology: Topology) -> Probe? {
        let place = "probes.\(spec.name.value)"
        guard isKnown(node: spec.source, in: place) else { return nil }
        let isAddress = IPAddress(spec.destination.value)
        let isSure =
            !unsure.contains(spec.source.value)
            && topology.tunnels.count + topology.plainTunnels.count == file.written["tunnels", default: []].count
        if let own = spec.sourceAddress, isSure, !topology.addresses(of: spec.source.value).contains(own.value) {
            collector.error(
                own.line, "\(place): node \(spec.source.value) does not have the address \(own.value)",
                "Take one of its own: \(topology.addresses(of: spec.source.value).map(\.description).joined(separator: ", "))."
            )
        }
        if let address = isAddress ?? topology.address(of: spec.destination.value) {
            if let own = spec.sourceAddress, own.value.bitWidth != address.bitWidth {
                collector.error(
                    own.line, "\(place): \(own.value) cannot send to \(address)",
                    "Take two addresses of IPv4, or two of IPv6.")
            }
            collector.warn(ofNobodys: address, spec.destination.line, place: place, in: topology)
            return Probe(
                name: spec.name.value, source: spec.source.value, sourceAddress: spec.sourceAddress?.value,
                destination: address, interval: spec.interval, alarm: spec.alarm,
                isAwaited: spec.isAwaited)
        }
        guard !unsure.contains(spec.destination.value) else { return nil }
        collector.error(
            spec.destination.line, "\(place): \"\(spec.destination.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: spec.destination.value, among: nodeNames, noun: "nodes"))
        return nil
    }
}
