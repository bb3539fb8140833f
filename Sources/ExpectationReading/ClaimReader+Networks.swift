import LabModel
import NetworkTypes
import YAMLReading

// What carriers' networks show: traceroute, signed BGP.
extension ClaimReader {
    func traceroute() -> Expectation.Claim? {
        guard let name = probe(), let probe = topology.probe(named: name),
            let written = fields.required("hops", "a list of hops such as {from: 10.1.0.1, rtt: 0.5ms}")
        else { return nil }
        guard let list = written.node.sequence, !list.isEmpty else {
            written.wrong("a list of hops such as {from: 10.1.0.1, rtt: 0.5ms}")
            return nil
        }
        let hops = written.members.compactMap(hop)
        guard hops.count == list.count else { return nil }
        // A source that is translated on the way answers by another address.
        let isTranslated = topology.node(behind: probe.destination) != topology.owner(of: probe.destination)
        if let last = hops.last, !last.addresses.contains(probe.destination), !isTranslated {
            collector.error(
                written.members.last?.line,
                "\(written.path): the last hop is not \(probe.destination), where \(name) ends",
                "List every router on the way, and the destination after them.")
        }
        return .traceroute(TracerouteClaim(probe: name, hops: hops))
    }

    private func hop(_ value: YAMLValue) -> TracerouteClaim.Hop? {
        guard let fields = value.fields(["from", "rtt", "within", "published"]),
            let from = fields.required("from", "the address that answers, or a list of which any may")
        else { return nil }
        let addresses = from.members.compactMap { $0.value(IPAddress.self, "an address")?.value }
        let roundTrip = fields["rtt"]?.duration()?.value
        let tolerance = fields["within"]?.duration()?.value
        guard addresses.count == from.members.count, fields["rtt"] == nil || roundTrip != nil,
            fields["within"] == nil || tolerance != nil
        else { return nil }
        if let within = fields["within"], roundTrip == nil {
            collector.error(
                within.line, "\(within.path) says how near, and no `rtt:` to what", "Add `rtt:`, or remove `within:`.")
        }
        for address in addresses where topology.owner(of: address) == nil && isWhole(.links) {
            collector.error(
                from.line, "\(from.path): no node has the address \(address), so none answers by it",
                "Write addresses of the lab's nodes.")
        }
        return TracerouteClaim.Hop(
            addresses: addresses, roundTrip: roundTrip, tolerance: tolerance ?? .microseconds(500),
            published: fields["published"]?.text("what was published, in words")?.value)
    }

    func md5() -> Expectation.Claim? {
        guard let names = known(fields[kind.rawValue], .sessions) else { return nil }
        for name in names {
            guard let session = topology.session(named: name) else { continue }
            let bare = session.speakers.first { session.key(of: $0) == nil }
            if let bare {
                collector.error(
                    fields[kind.rawValue]?.line,
                    "\(fields.owner.path): \(bare.node) has no key for \(name), so it signs nothing",
                    "Give the session a `password:`, or leave it out here.")
            }
        }
        return .md5(MD5Claim(sessions: names))
    }
}
