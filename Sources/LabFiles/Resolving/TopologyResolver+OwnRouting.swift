import Daemons
import LabModel
import NetworkTypes
import RoutingDaemons

// What users' own files of a routing daemon say of the lab file's sessions: it counts, and what differs is said.
extension TopologyResolver {
    /// What a speaker's own file says of a session with an address; nil for a generated one, or where it says nothing.
    func ownSession(of node: String, with peer: IPAddress?) -> OwnSession? {
        peer.flatMap { wires?.ownRouting(of: node)?.session(with: $0) }
    }

    /// A session's speakers with what their own files say of them.
    ///
    /// - Parameter speakers: Both, as the lab file has them.
    func adopting(_ speakers: [BGPSpeaker]) -> [BGPSpeaker] {
        let numbers = speakers.map { speaker in
            ownSession(of: speaker.node, with: speakers.first { $0.node != speaker.node }?.address)?.asn ?? speaker.asn
        }
        return speakers.enumerated().map { index, speaker in
            let other = 1 - index
            let own = ownSession(of: speaker.node, with: speakers[other].address)
            // Who goes by the lab file takes the peer for what the lab file says.
            let expected = own?.peerASN ?? speaker.peerASN ?? (own == nil ? speakers[other].asn : nil)
            let unrouted = own == nil ? [] : wires?.unroutedNetworks(of: speaker.node) ?? []
            var adopted = BGPSpeaker(
                node: speaker.node, asn: numbers[index], peerASN: expected == numbers[other] ? nil : expected,
                address: speaker.address, interface: speaker.interface,
                keepalive: own.map { $0.keepalive ?? .seconds($0.hold.components.seconds / 3) } ?? speaker.keepalive,
                hold: own?.hold ?? speaker.hold,
                advertised: told(by: speaker, to: speakers[other])
                    ?? speaker.advertised.filter { !unrouted.contains($0) },
                passesOn: passesOn(speaker, to: speakers[other]),
                prepended: speaker.prepended, keepsTimers: own == nil && speaker.keepsTimers,
                password: own?.password ?? speaker.password,
                bfd: wires?.ownRouting(of: speaker.node) == nil ? speaker.bfd : nil)
            adopted.policy = speaker.policy
            if wires?.ownRouting(of: speaker.node) == nil {
                (adopted.reflects, adopted.gracefulRestart) = (speaker.reflects, speaker.gracefulRestart)
            }
            return adopted
        }
    }

    /// What a speaker's own file tells a peer that has it not itself; nil where that is up to the lab file, or not read.
    private func told(by speaker: BGPSpeaker, to peer: BGPSpeaker) -> [IPPrefix]? {
        guard let wires, let own = wires.ownRouting(of: speaker.node)?.session(with: peer.address),
            let told = wires.told(in: own, at: speaker.node)
        else { return nil }
        let others = Set(wires.networks(of: peer.node).map(\.prefix))
        return told.filter { !others.contains($0) }
    }

    private func passesOn(_ speaker: BGPSpeaker, to peer: BGPSpeaker) -> Bool {
        guard let own = ownSession(of: speaker.node, with: peer.address), own.hasKnownExports,
            let export = own.exports[peer.address.bitWidth]
        else { return speaker.passesOn }
        return export.lets(nil, from: OwnFilter.learned) ?? speaker.passesOn
    }

    /// Warns of what the lab file and its users' own files say otherwise, or only one of two of these.
    func compare(_ spec: SessionSpec, _ place: String, _ written: [BGPSpeaker], with adopted: BGPSession) {
        for speaker in written {
            guard let routing = wires?.ownRouting(of: speaker.node),
                let peer = adopted.speakers.first(where: { $0.node != speaker.node }),
                let line = spec.speakers.first(where: { $0.node.value == speaker.node })
            else { continue }
            let name = file.nodes.first { $0.name.value == speaker.node }?.routingConfiguration?.value ?? "its file"
            guard let own = routing.session(with: peer.address) else {
                collector.warning(
                    line.node.line,
                    "\(place): \(name) of \(speaker.node) says nothing of the neighbour \(peer.address)",
                    "Add a session with it there; netlab uses the file as it is.")
                continue
            }
            let bits = peer.address.bitWidth
            if let kernel = routing.kernelExports[bits], kernel.lets(nil, from: OwnFilter.learned) == false {
                collector.error(
                    line.node.line,
                    "\(place): the kernel protocol in \(name) of \(speaker.node) exports no routes that BGP has learned, so that nothing is sent by them",
                    "Write `export all`, or let RTS_BGP out, in its channel.")
            }
            if let disabled = own.disabledLine {
                collector.error(
                    line.node.line,
                    "\(place): line \(disabled) of \(name) has switched \(own.name) off at \(speaker.node), so that the session never comes up",
                    "Remove that line, or the session here.")
            }
            if let refusal = own.refusal {
                collector.error(
                    line.node.line,
                    "\(place): the session never comes up: \(refusal.reason) (\(own.name), line \(own.line) of \(name))",
                    "\(refusal.remedy).")
                continue
            }
            if let silence = own.silence, !speaker.advertised.isEmpty {
                collector.warning(
                    line.node.line,
                    "\(place): \(speaker.node) tells \(peer.node) nothing: \(silence.reason) (\(own.name), line \(own.line) of \(name))",
                    "\(silence.remedy).")
            }
            if let obstacle = own.nextHopObstacle, !peer.advertised.isEmpty {
                collector.warning(
                    line.node.line,
                    "\(place): what \(peer.node) tells stays unreachable at \(speaker.node): \(obstacle.reason) (\(own.name), line \(own.line) of \(name))",
                    "\(obstacle.remedy).")
            }
            let unrouted = wires?.unroutedNetworks(of: speaker.node) ?? []
            if !unrouted.isEmpty, let obstacle = routing.networkObstacle {
                collector.warning(
                    line.node.line,
                    "\(place): \(name) of \(speaker.node) is to tell of \(unrouted.map(\.description).joined(separator: ", ")), and does not: \(obstacle.reason)",
                    "\(obstacle.remedy).")
            }
            if let imports = own.imports[bits], imports.filter == .nothing, !peer.advertised.isEmpty {
                collector.warning(
                    line.node.line,
                    "\(place): \(speaker.node) takes no routes of \(peer.node)'s (line \(imports.line) of \(name): \(imports.obstacle.reason)), so what \(peer.node) tells leads nobody there",
                    "\(imports.obstacle.remedy), or let \(peer.node) advertise nothing.")
            } else if let imports = own.imports[bits] {
                let refused = peer.advertised.filter { imports.filter.lets($0, from: OwnFilter.learned) == false }
                if !refused.isEmpty {
                    collector.warning(
                        line.node.line,
                        "\(place): the import filter of \(speaker.node) (line \(imports.line) of \(name)) rejects \(refused.map(\.description).sorted().joined(separator: ", ")) of \(peer.node)'s",
                        "Let it in there, or let \(peer.node) not advertise it.")
                }
            }
            if own.silence == nil, let told = told(by: speaker, to: peer), Set(told) != Set(speaker.advertised) {
                let list = { (prefixes: [IPPrefix]) in
                    prefixes.isEmpty ? "nothing" : prefixes.map(\.description).sorted().joined(separator: ", ")
                }
                collector.warning(
                    line.node.line,
                    "\(place): \(speaker.node) tells \(list(speaker.advertised)) here and \(list(told)) in \(name) (session \(own.name), line \(own.line)), which counts",
                    "Write the same here as `advertise:`, or mend the file.")
            }
            if let asn = own.asn, asn != speaker.asn {
                collector.warning(
                    line.node.line,
                    "\(place): \(speaker.node) is AS \(speaker.asn) here and AS \(asn) in line \(own.line) of \(name), which counts",
                    "Write the same number in both.")
            }
            if line.hasTimers, own.hold != speaker.hold {
                collector.warning(
                    line.node.line,
                    "\(place): the hold time of \(speaker.node) is \(speaker.hold.shortText) here and \(own.hold.shortText) in \(name) (session \(own.name), line \(own.line)), which counts",
                    "Leave `hold:` and `keepalive:` out here, or write the file's.")
            }
            if own.password == nil, spec.password != nil || line.password != nil {
                collector.warning(
                    line.node.line,
                    "\(place): the lab file gives \(speaker.node) a key, and \(name) (session \(own.name), line \(own.line)) has none, so the session never comes up",
                    "Add `password` there.")
            }
        }
        compareTTL(spec, place, adopted)
        let waiting = written.compactMap { speaker in
            ownSession(of: speaker.node, with: written.first { $0.node != speaker.node }?.address)?.passiveLine.map {
                "\(speaker.node) (line \($0) of its file)"
            }
        }
        if waiting.count == 2 {
            collector.error(
                spec.name.line, "\(place): both \(waiting.joined(separator: " and ")) wait for the other to connect",
                "Remove `passive` at one of them.")
        }
    }

    /// Reports a session of which one end alone takes no packets that could have been passed on: the other's begin with 1 (RFC 4271,
    /// section 5.1.3, for neighbours of other systems).
    private func compareTTL(_ spec: SessionSpec, _ place: String, _ session: BGPSession) {
        for speaker in session.speakers {
            guard let peer = session.peer(of: speaker), speaker.asn != peer.asn,
                let own = ownSession(of: speaker.node, with: peer.address), own.checksTTL
            else { continue }
            let other = ownSession(of: peer.node, with: speaker.address)
            // A file that says nothing of this session is not the one that counts here.
            guard other == nil ? wires?.ownRouting(of: peer.node) == nil : !(other?.checksTTL ?? false),
                !(other?.isMultihop ?? false)
            else { continue }
            collector.error(
                spec.name.line,
                "\(place): the session never comes up: \(speaker.node) takes packets with a TTL of 255 alone (\(own.name), line \(own.line) of its file), and \(peer.node) sends them with 1",
                "Have both ends do so, each in its daemon's words, or none.")
        }
    }

    /// Warns of BFD that one of the speakers alone has, and of intervals that the other one does not take.
    ///
    /// - Parameter session: As each speaker's own configuration has it.
    func compareBFD(of session: BGPSession, _ spec: SessionSpec, _ place: String) {
        func own(_ speaker: BGPSpeaker) -> (routing: OwnRouting, session: OwnSession?)? {
            guard let routing = wires?.ownRouting(of: speaker.node) else { return nil }
            return (routing, session.peer(of: speaker).flatMap { routing.session(with: $0.address) })
        }
        func asks(_ speaker: BGPSpeaker) -> Bool { own(speaker).map { $0.session?.bfd != nil } ?? (speaker.bfd != nil) }
        func timers(_ speaker: BGPSpeaker) -> BFDTimers? {
            guard let own = own(speaker) else { return speaker.bfd }
            return own.session.flatMap { own.routing.timers(of: $0, on: speaker.interface) }
        }
        let written = spec.bfd ?? spec.speakers.lazy.compactMap(\.bfd).first
        for speaker in session.speakers {
            guard asks(speaker), let peer = session.peer(of: speaker) else { continue }
            guard asks(peer) else {
                collector.warning(
                    written?.line ?? spec.name.line,
                    "\(place): \(speaker.node) asks for BFD and \(peer.node) does not, so there is none, and hold timers alone notice a silence",
                    "Let both ask for it, each in a configuration of its own.")
                continue
            }
            if speaker.asn != peer.asn, let here = own(speaker)?.session, here.isMultihop,
                !(own(peer)?.session?.isMultihop ?? false)
            {
                collector.warning(
                    spec.name.line,
                    "\(place): \(speaker.node) runs BFD over several hops (port 4784), for line \(here.line) of its file lets the session have them, and \(peer.node) over one (port 3784): BFD never comes up, and hold timers alone notice a silence",
                    "Let both have sessions of several hops, or neither.")
                return
            }
            // What users' own files say of both is theirs, and most often meant.
            if written != nil, let refusal = timers(speaker).flatMap({ own in timers(peer).flatMap(own.refusal) }) {
                let detection = BFDDetection(interval: refusal.taken, multiplier: timers(speaker)?.multiplier ?? 1)
                collector.warning(
                    written?.line ?? spec.name.line,
                    "\(place): \(speaker.node) would send BFD every \(refusal.wanted.shortText), and \(peer.node) takes one every \(refusal.taken.shortText) at most, which counts (RFC 5880, section 6.8.7): \(peer.node) notices a silence after \(detection.time.shortText)",
                    "Let \(peer.node) receive every \(refusal.wanted.shortText), or \(speaker.node) transmit every \(refusal.taken.shortText)."
                )
            }
        }
    }
}
