import LabModel
import NetworkTypes

/// Works out what faults do to a lab's probes: from the configuration and the daemons' versions, without running it.
///
/// A fault is turned into ``Damage``; what the daemons do about it, each after its own timers, into changes of routes; and
/// the probe's packets are followed through the lab before the fault, at once, and when all has been noticed.
public struct Predictor: Sendable {
    public let topology: Topology
    public let versions: DaemonVersions
    let forwarding: Forwarding

    public init(topology: Topology, versions: DaemonVersions) {
        self.topology = topology
        self.versions = versions
        forwarding = Forwarding(topology: topology)
    }

    /// What one fault does to a probe in a lab that is well.
    public func predict(_ fault: Fault, for probe: Probe) -> Prediction { predict([fault], for: probe) }

    /// What faults that begin together do to a probe.
    ///
    /// - Parameter alreadyActive: Faults that began earlier, long enough for all they bring about to have happened.
    public func predict(_ faults: [Fault], with alreadyActive: [Fault] = [], for probe: Probe) -> Prediction {
        let name = faults.map(\.description).joined(separator: ", ")
        let earlier = settled(alreadyActive)
        let before = journey(of: probe, in: earlier)
        func prediction(_ effect: Prediction.Effect, comeback: Window?, during: Journey?, _ reasons: [String])
            -> Prediction
        {
            Prediction(
                fault: name, probe: probe.name, effect: effect, comeback: comeback, before: before.way,
                during: during?.way, reasons: reasons)
        }
        if let loss = before.loss {
            return prediction(
                .unpredictable("the probe is not answered before the fault: \(loss)"), comeback: nil, during: nil, [])
        }
        var reasons = [before.summary("Before the fault")]
        let impact = impact(of: alreadyActive + faults, since: alreadyActive)
        var damage = impact.damage
        damage.withdrawn = earlier.withdrawn
        let changes = changes(after: impact, in: &damage, since: earlier)
        let atOnce = journey(of: probe, in: damage, known: before)
        let at = Moment(damage: damage, changes: changes)
        let after = journey(of: probe, in: at.settled, known: before)
        reasons += impact.reasons(for: before, atOnce, after)
        if let doubt = atOnce.doubt ?? after.doubt {
            return prediction(.unpredictable(doubt), comeback: nil, during: nil, reasons)
        }
        let touched = impact.degradation(of: before) ?? impact.degradation(of: after)
        let roundTrip = after.loss == nil ? after.roundTrip : before.roundTrip
        let restoration = restoration(
            after: impact, at, alreadyActive: alreadyActive, before: before, during: after)

        if atOnce.loss == nil, after.loss == nil {
            if let doubt = touched?.doubt {
                return prediction(.unpredictable(doubt), comeback: nil, during: nil, reasons)
            }
            if let gap = at.gap(where: { journey(of: probe, in: $0, known: before).loss == nil }) {
                return prediction(
                    .outage(Window(.zero, gap + roundTrip)), comeback: restoration.window, during: after,
                    reasons + changes.flatMap(\.reasons) + restoration.reasons)
            }
            if after.way != before.way || after.nodes != before.nodes {
                reasons += changes.flatMap(\.reasons)
                reasons.append(
                    "No packet is lost: before each change of a route the old way still works, and the route that remains is there already."
                )
                reasons.append(after.summary("Then"))
                return prediction(
                    .outage(Window(.zero, roundTrip)), comeback: restoration.window, during: after,
                    reasons + restoration.reasons)
            }
            if impact.interrupts(before) {
                reasons += changes.flatMap(\.reasons)
                return prediction(
                    .outage(Window(.zero, roundTrip)), comeback: restoration.window, during: after,
                    reasons + restoration.reasons)
            }
            guard let touched else { return prediction(.none, comeback: nil, during: nil, reasons) }
            return prediction(.degraded, comeback: nil, during: after, reasons + [touched.reason])
        }
        if let loss = after.loss {
            reasons += changes.flatMap(\.reasons)
            if atOnce.loss == nil { reasons.append("At first the probe's packets still get through.") }
            reasons.append("\(loss.capitalizedFirst), and no other route is left.")
            reasons += restoration.reasons
            return prediction(.untilHealed, comeback: restoration.window, during: nil, reasons)
        }
        reasons.append("At once: \(atOnce.loss ?? "").")
        let needed = at.needed(where: { journey(of: probe, in: $0, known: before).loss == nil })
        reasons += needed.flatMap(\.reasons)
        let window = needed.map(\.window).reduce(Window(.zero, .zero)) {
            Window(max($0.earliest, $1.earliest), max($0.latest, $1.latest))
        }
        reasons.append(
            "An answer needs both directions, so the later of these changes ends the outage; the first round trip on the new way takes \(roundTrip.shortText) more."
        )
        reasons.append(after.summary("Then"))
        return prediction(
            .outage(Window(window.earliest, window.latest + roundTrip)), comeback: restoration.window, during: after,
            reasons + restoration.reasons)
    }
}

extension Predictor {
    /// The way there and back of a probe's question and answer.
    struct Journey: Sendable {
        let forth: [Forwarding.Path]
        let back: [Forwarding.Path]
        /// Round trip over its links, of their delays alone.
        let roundTrip: Duration

        var all: [Forwarding.Path] { forth + back }

        /// Why no answer comes; nil where one does.
        var loss: String? {
            if let lost = forth.first(where: { !$0.arrives }), !forth.contains(where: \.arrives) { return lost.loss }
            if let lost = back.first(where: { !$0.arrives }), !back.contains(where: \.arrives) { return lost.loss }
            return nil
        }

        /// Why it cannot be said whether an answer comes; nil where it can.
        var doubt: String? {
            guard loss == nil, let lost = all.first(where: { !$0.arrives }) else { return nil }
            return "routes share traffic by flow, and on one of the ways \(lost.loss)"
        }

        var way: Prediction.Way { Prediction.Way(forth: Self.tunnels(forth), back: Self.tunnels(back)) }
        var nodes: [[String]] { (forth + back).map(\.nodes) }

        private static func tunnels(_ paths: [Forwarding.Path]) -> [String] {
            var names: [String] = []
            for name in paths.flatMap(\.tunnels) where !names.contains(name) { names.append(name) }
            return names
        }

        func summary(_ beginning: String) -> String {
            let text = { (paths: [Forwarding.Path]) in
                paths.map { $0.nodes.joined(separator: " ") }.joined(separator: " or ")
            }
            let tunnels = { (paths: [Forwarding.Path]) in
                let names = Self.tunnels(paths)
                return names.isEmpty ? "" : " (\(names.joined(separator: ", ")))"
            }
            return "\(beginning): there by \(text(forth))\(tunnels(forth)), back by \(text(back))\(tunnels(back))."
        }
    }

    func journey(of probe: Probe, in damage: Damage, known: Journey? = nil) -> Journey {
        let ports = known.map { $0.all.reduce(into: Set()) { $0.formUnion($1.fabricPorts) } } ?? []
        let source = probe.sourceAddress ?? forwarding.sourceAddress(from: probe.source, to: probe.destination, damage)
        let forth = forwarding.paths(
            from: probe.source, source: source, to: probe.destination, .echoRequest, in: damage, known: ports)
        // What the question went through lets its answer pass.
        let asked = forth.reduce(into: ports) { $0.formUnion($1.fabricPorts) }
        let arrived = forth.filter(\.arrives)
        let back = source.flatMap { source in
            (arrived.first?.nodes.last ?? topology.owner(of: probe.destination)).map { node in
                forwarding.paths(
                    from: node, source: probe.destination, to: source, .echoReply, in: damage, known: asked)
            }
        }
        let journeys = [forth, back ?? []]
        let time = journeys.map { paths in
            paths.map { path in
                path.crossings.reduce(Duration.zero) { $0 + (topology.link(named: $1.link)?.delay ?? .zero) }
            }.max() ?? .zero
        }
        return Journey(forth: forth, back: back ?? [], roundTrip: time.reduce(.zero, +))
    }
}

extension Forwarding {
    /// The address that a node's kernel takes for a packet of its own: that of the interface it leaves by.
    func sourceAddress(from node: String, to destination: IPAddress, _ damage: Damage) -> IPAddress? {
        let out = paths(from: node, source: nil, to: destination, .echoRequest, in: damage).first?.exits.first?.port
        let inside = out.flatMap { port in
            topology.tunnelEnds(of: node).first { $0.end.interface == port.interface }?.end.inside?.address
        }
        let link = out.flatMap { port in
            topology.linkEnds(of: node).first { $0.end.interface == port.interface }?.end.addresses.first {
                $0.address.bitWidth == destination.bitWidth
            }?.address
        }
        return inside ?? link ?? topology.address(of: node)
    }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Window {
    /// Both one after the other.
    static func + (left: Window, right: Window) -> Window {
        Window(left.earliest + right.earliest, left.latest + right.latest)
    }

    /// In words: `12.5s to 33s`.
    public var text: String {
        earliest == latest ? earliest.shortText : "\(earliest.shortText) to \(latest.shortText)"
    }
}
