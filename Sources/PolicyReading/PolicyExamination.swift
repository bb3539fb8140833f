import LabModel
import NetworkTypes
import RoutingDaemons
import YAMLReading

/// Looks for what policies say and that nothing can come of.
public struct PolicyExamination {
    public struct Speaker {
        let session: BGPSession
        let speaker: BGPSpeaker
        let spec: SpeakerPolicySpec

        public init(session: BGPSession, speaker: BGPSpeaker, spec: SpeakerPolicySpec) {
            self.session = session
            self.speaker = speaker
            self.spec = spec
        }
    }

    let topology: Topology
    let policies: [PolicySpec]
    let daemons: [any RoutingDaemon]
    let collector: DiagnosticCollector

    /// - Parameters:
    ///   - policies: Those that have a name.
    ///   - daemons: All that there are.
    public init(
        of topology: Topology, policies: [PolicySpec], daemons: [any RoutingDaemon], collector: DiagnosticCollector
    ) {
        self.topology = topology
        self.policies = policies
        self.daemons = daemons
        self.collector = collector
    }

    public func examine(_ speakers: [Speaker]) {
        let used = Set(speakers.flatMap(\.spec.used))
        for policy in policies {
            guard let name = policy.name, !used.contains(name.value), !collector.hasErrors else { continue }
            collector.warning(
                name.line, "policies.\(name.value) is used by no speaker",
                "Name it in a speaker's `in:` or `out:`, or remove it.")
        }
        for place in speakers {
            examineDirections(place)
            examineDaemon(place)
            guard !collector.hasErrors else { continue }
            examineMED(place)
            examinePrefixes(place)
            examineNextHop(place)
        }
        guard !collector.hasErrors else { return }
        let propagation = RoutePropagation(in: topology) { _, _ in true }
        for place in speakers where propagation.overLimit.contains(place.session.name) {
            guard let line = place.spec.lines["maximum-prefixes"] else { continue }
            collector.warning(
                line,
                "\(place.spec.path): \(place.session.name) brings more than \(place.speaker.policy.maximumPrefixes ?? 0) prefixes to \(place.speaker.node), which ends the session for good (RFC 4486, subcode 1)",
                "Raise `maximum-prefixes:`, or expect `bgp: \(place.session.name)` with `is: down`.")
        }
    }

    /// What has no meaning in the direction that it is written for.
    private func examineDirections(_ place: Speaker) {
        guard let peer = place.session.peer(of: place.speaker) else { return }
        let isExternal = peer.asn != place.speaker.asn
        let entries = place.spec.entries(among: policies)
        for entry in entries.out {
            if entry.entry.changes.weight != nil {
                collector.error(
                    entry.line, "\(place.spec.path).out: a weight is known to the router that sets it alone",
                    "Set it in a policy for `in:`.")
            }
            if entry.entry.changes.localPreference != nil, isExternal {
                collector.error(
                    entry.line,
                    "\(place.spec.path).out: \(peer.node) is in another AS, which is told no local preference (RFC 4271, section 5.1.5)",
                    "Set it where \(peer.node) takes the routes, or prepend, or set a MED.")
            }
        }
        for entry in entries.in where entry.entry.changes.prepended > 0 {
            collector.error(
                entry.line, "\(place.spec.path).in: `prepend` is for paths that a speaker tells, and these it takes",
                "Prepend in a policy for `out:`, or set a local preference.")
        }
    }

    /// What a speaker's daemon lacks.
    private func examineDaemon(_ place: Speaker) {
        guard let node = topology.node(named: place.speaker.node), !place.spec.lines.isEmpty else { return }
        if node.routingConfiguration != nil {
            let line = place.spec.lines.values.min()
            collector.error(
                line, "\(place.spec.path): \(node.name) has its own configuration, which is used as it is",
                "Write the policy there, and remove it here.")
            return
        }
        guard let daemon = daemons.first(where: { $0.id == node.routingDaemon }) else { return }
        for feature in RoutePolicyFeature.needed(by: place.speaker.policy) {
            guard let reason = daemon.reason(against: feature) else { continue }
            let able = daemons.first { $0.reason(against: feature) == nil }
            collector.error(
                place.spec.lines[feature.rawValue] ?? place.spec.lines["in"] ?? place.spec.lines.values.min(),
                "\(place.spec.path): \(feature.rawValue) cannot be set at \(node.name): \(daemon.product) \(reason)",
                (able.map { "Give \(node.name) `\($0.choice)`: \($0.product) can; or s" } ?? "S")
                    + "et a local preference.")
        }
    }

    /// A MED that nobody compares.
    private func examineMED(_ place: Speaker) {
        guard let peer = place.session.peer(of: place.speaker) else { return }
        let entry = place.spec.entries(among: policies).out.first { $0.entry.changes.med != nil }
        let options = topology.node(named: peer.node)?.bestPath ?? BestPathOptions()
        guard let line = place.spec.lines["med"] ?? entry?.line, peer.asn != place.speaker.asn,
            !options.alwaysComparesMED
        else { return }
        let others = topology.sessions.filter { session in
            session.name != place.session.name
                && session.speakers.contains { speaker in
                    speaker.asn == peer.asn && session.peer(of: speaker)?.asn == place.speaker.asn
                }
        }
        guard others.isEmpty else { return }
        collector.warning(
            line,
            "\(place.spec.path): \(peer.node) has no other session with AS \(place.speaker.asn), so it never compares this MED (RFC 4271, section 9.1.2.2 c)",
            "Give \(peer.node) `best-path: {always-compare-med: on}`, or let \(place.speaker.node) prepend.")
    }

    /// Prefixes that no speaker has.
    private func examinePrefixes(_ place: Speaker) {
        let known = topology.originatedPrefixes
        let entries = place.spec.entries(among: policies)
        for entry in entries.in + entries.out {
            for range in entry.entry.match.prefixes where !known.contains(where: range.takes) {
                collector.warning(
                    entry.line, "\(entry.place): no speaker advertises a prefix that \(range) takes",
                    "Write a prefix under `advertise:`, or remove it here.")
            }
        }
    }

    /// A next hop that an internal peer cannot reach.
    private func examineNextHop(_ place: Speaker) {
        guard !place.speaker.policy.isNextHop, let peer = place.session.peer(of: place.speaker),
            let line = place.spec.lines["next-hop-self"]
        else { return }
        if peer.asn != place.speaker.asn {
            collector.warning(
                line,
                "\(place.spec.path): to another AS a speaker is the next hop itself (RFC 4271, section 5.1.3), so `next-hop-self: off` changes nothing",
                "Remove it.")
            return
        }
        let propagation = RoutePropagation(in: topology) { _, _ in true }
        let has = propagation.choices(at: place.speaker.node).values.contains { $0.best.isExternal }
        let takes = propagation.choices(at: peer.node).values.contains { choice in
            choice.candidates.contains { $0.session == place.session.name && $0.gateway != place.speaker.address }
        }
        guard has, !takes else { return }
        collector.warning(
            line,
            "\(place.spec.path): no link of \(peer.node) leads to a next hop beyond \(place.speaker.node), so \(peer.node) takes none of those routes",
            "Remove `next-hop-self: off`.")
    }
}
