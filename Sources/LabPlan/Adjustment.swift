import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

/// A single change on the way from one ``Disturbances`` to another.
public enum Adjustment: Hashable, Sendable {
    case link(Disturbances.Port, isUp: Bool)
    case shape(Disturbances.Port, LinkShape, was: LinkShape)
    /// Nil is the interface's usual MTU, which only the kernel may know.
    case mtu(Disturbances.Port, MTU?, was: MTU?)
    /// Puts one set of tables in the place of another, in one transaction.
    case ruleset(node: String, Ruleset?, was: Ruleset?)
    /// The node's kernel forgets the connections it tracks.
    case forgetConnections(node: String)
    /// Writes what a daemon reads, and has it take up what has changed.
    case configuration(DaemonName, ConfigurationChange)
    /// Nil is running.
    case daemon(DaemonName, Disturbances.Standstill?, was: Disturbances.Standstill?)
    /// The kernel's security associations of a tunnel's end are deleted, or negotiated anew.
    case associations(Disturbances.Place, areLost: Bool)
    /// Waits until traffic has left a tunnel by itself, whose end is to go: no change, and on no way back.
    case drain(Disturbances.Place)
    /// An end's daemon deletes the tunnel's IKE SA and forgets the tunnel, or knows it again.
    case endpoint(Disturbances.Place, isAway: Bool)
    /// Tells a speaker to shut a session, or to take it up again.
    case session(String, node: String, isShut: Bool)
    case power(node: String, isOn: Bool)
    /// A node forgets all that a machine forgets when it is switched off, or gets what the lab file gives it when it starts: interfaces,
    /// addresses, routes, rules, settings.
    case memory(node: String, isLost: Bool)
    /// A node's boot script, where it has one, and what else comes after its daemons.
    case bootScript(node: String, runs: Bool)

    /// Whether it is a node's own affair when it starts, and nothing of the lab that was to be.
    public var isBootScript: Bool { if case .bootScript = self { true } else { false } }

    /// Whether it only waits between changes.
    public var isWait: Bool { if case .drain = self { true } else { false } }

    fileprivate var shutsSession: Bool { if case .session(_, _, isShut: true) = self { true } else { false } }

    /// The change that leads back.
    public var reversed: Adjustment {
        switch self {
        case .link(let port, let isUp): .link(port, isUp: !isUp)
        case .shape(let port, let new, let old): .shape(port, old, was: new)
        case .mtu(let port, let new, let old): .mtu(port, old, was: new)
        case .ruleset(let node, let new, let old): .ruleset(node: node, old, was: new)
        case .forgetConnections: self
        case .configuration(let daemon, let change): .configuration(daemon, change.reversed)
        case .daemon(let daemon, let new, let old): .daemon(daemon, old, was: new)
        case .associations(let place, let areLost): .associations(place, areLost: !areLost)
        case .drain: self
        case .endpoint(let place, let isAway): .endpoint(place, isAway: !isAway)
        case .session(let name, let node, let isShut): .session(name, node: node, isShut: !isShut)
        case .power(let node, let isOn): .power(node: node, isOn: !isOn)
        case .memory(let node, let isLost): .memory(node: node, isLost: !isLost)
        case .bootScript(let node, let runs): .bootScript(node: node, runs: !runs)
        }
    }
}

/// New contents of files that a daemon reads.
public struct ConfigurationChange: Hashable, Sendable {
    /// Only those whose text differs.
    public let files: [ConfigurationFile]
    let former: [ConfigurationFile]
    /// The connections of a key daemon's that have to be loaded anew.
    public let connections: [Connection]

    public struct Connection: Hashable, Sendable {
        public let name: String
        /// What the daemon calls the child SA in it.
        public let child: String
        /// Whether to negotiate it when it is loaded.
        public let isUsed: Bool

        public init(name: String, child: String, isUsed: Bool) {
            self.name = name
            self.child = child
            self.isUsed = isUsed
        }
    }

    var reversed: ConfigurationChange {
        ConfigurationChange(files: former, former: files, connections: connections)
    }
}

extension Disturbances {
    /// The changes that lead to another state, in order; none where both are alike.
    ///
    /// What stops comes first and what starts last, so that a daemon neither sees the end of what it had nor the
    /// beginning of what it will have.
    public func adjustments(to other: Disturbances) -> [Adjustment] {
        var changes: [Adjustment] = []
        let halts = daemonChanges(to: other)
        let (off, on) = (
            other.forgetful.subtracting(forgetful).sorted(), forgetful.subtracting(other.forgetful).sorted()
        )
        changes += off.map { .bootScript(node: $0, runs: false) }
        changes += halts.filter { isHalt($0) }
        changes += unpowered.symmetricDifference(other.unpowered).sorted().map {
            .power(node: $0, isOn: !other.unpowered.contains($0))
        }
        changes += other.downPorts.subtracting(downPorts).sorted().map { .link($0, isUp: false) }
        changes += off.map { .memory(node: $0, isLost: true) }
        changes += differences(mtus, other.mtus).map { .mtu($0, $2, was: $1) }
        changes += differences(shapes, other.shapes).compactMap { port, old, new in
            if let old, let new { .shape(port, new, was: old) } else { nil }
        }
        changes += downPorts.subtracting(other.downPorts).sorted().map { .link($0, isUp: true) }
        changes += on.map { .memory(node: $0, isLost: false) }
        // Traffic has moved before the endpoint is deaf, and that is before its last word: what the peer begins on that finds nobody.
        let leaving = other.awayEnds.subtracting(awayEnds).sorted()
        let sessions = sessionChanges(to: other)
        let moving = leaving.isEmpty ? [] : sessions.filter(\.shutsSession)
        changes += moving
        changes += leaving.map { .drain($0) }
        changes += differences(filters, other.filters).map { .ruleset(node: $0, $2, was: $1) }
        changes += differences(drops, other.drops).map { .ruleset(node: $0, $2, was: $1) }
        // Connections that are tracked would keep to the former translation.
        changes += differences(translations, other.translations).map { node, _, _ in .forgetConnections(node: node) }
        changes += leaving.map { .endpoint($0, isAway: true) }
        changes += configurationChanges(to: other)
        changes += halts.filter { !isHalt($0) }
        changes += awayEnds.subtracting(other.awayEnds).sorted().map { .endpoint($0, isAway: false) }
        changes += sessions.filter { !moving.contains($0) }
        changes += lostAssociations.symmetricDifference(other.lostAssociations).sorted().map {
            .associations($0, areLost: other.lostAssociations.contains($0))
        }
        changes += on.map { .bootScript(node: $0, runs: true) }
        return changes
    }

    /// The sessions that a node's speaker has to be told to shut whenever it has read its configuration.
    public func shutSessions(of node: String) -> [String] {
        shutSessions.filter { $0.node == node }.map(\.name).sorted()
    }

    private func differences<Key: Hashable & Comparable, Value: Equatable>(
        _ old: [Key: Value], _ new: [Key: Value]
    ) -> [(key: Key, old: Value?, new: Value?)] {
        Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }.map { ($0, old[$0], new[$0]) }
    }

    private func daemonChanges(to other: Disturbances) -> [Adjustment] {
        differences(standstills, other.standstills).map { .daemon($0, $2, was: $1) }
    }

    /// One that is gone has to be started before it can be stopped: that is no halt.
    private func isHalt(_ change: Adjustment) -> Bool {
        if case .daemon(_, let new?, let old) = change { new != .stopped || old == nil } else { false }
    }

    private func configurationChanges(to other: Disturbances) -> [Adjustment] {
        differences(configurations, other.configurations).compactMap { daemon, old, new in
            guard let old, let new else { return nil }
            let files = new.files.filter { !old.files.contains($0) }
            let former = old.files.filter { !new.files.contains($0) }
            let connections = zip(old.connections, new.connections).filter { $0 != $1 }.flatMap(\.1.loaded)
            return .configuration(
                daemon, ConfigurationChange(files: files, former: former, connections: connections))
        }
    }

    private func sessionChanges(to other: Disturbances) -> [Adjustment] {
        shutSessions.symmetricDifference(other.shutSessions).sorted().map {
            .session($0.name, node: $0.node, isShut: other.shutSessions.contains($0))
        }
    }
}

extension Disturbances.Place: Comparable {
    public static func < (left: Self, right: Self) -> Bool { (left.tunnel, left.node) < (right.tunnel, right.node) }
}

extension Disturbances.Session: Comparable {
    static func < (left: Self, right: Self) -> Bool { (left.name, left.node) < (right.name, right.node) }
}

extension Adjustment: CustomStringConvertible {
    /// In words, for people; no secrets.
    public var description: String {
        switch self {
        case .link(let port, let isUp): "\(port): set \(isUp ? "up" : "down")"
        case .shape(let port, let shape, _): "\(port): \(shape)"
        case .mtu(let port, let mtu, _): "\(port): set MTU \(mtu.map { "\($0)" } ?? "as it was")"
        case .ruleset(let node, let new, let old): "\(node): replace \((new ?? old)?.purpose ?? "rules")"
        case .forgetConnections(let node): "\(node): forget tracked connections"
        case .configuration(let daemon, let change):
            "\(daemon): read \(change.files.map(\.path).joined(separator: ", ")) anew"
        case .daemon(let daemon, let standstill, _): "\(daemon): \(standstill.map { "be \($0.rawValue)" } ?? "run")"
        case .associations(let place, let areLost):
            "\(place.node): \(areLost ? "delete" : "negotiate") security associations of \(place.tunnel)"
        case .drain(let place): "\(place.node): wait until traffic has left \(place.tunnel)"
        case .endpoint(let place, let isAway):
            "\(place.node): \(isAway ? "delete the IKE SA of \(place.tunnel) and forget it" : "know \(place.tunnel) again")"
        case .session(let name, let node, let isShut): "\(node): \(isShut ? "shut" : "enable") BGP session \(name)"
        case .power(let node, let isOn): "\(node): power \(isOn ? "on" : "off")"
        case .memory(let node, let isLost):
            "\(node): \(isLost ? "forget" : "set up") interfaces, addresses, routes, rules and settings"
        case .bootScript(let node, let runs): "\(node): \(runs ? "run" : "end") its boot script"
        }
    }
}

extension LinkShape: CustomStringConvertible {
    /// What it does, in the order of a fault's text.
    public var description: String {
        let parts: [(String, String?)] = [
            ("loss", loss == .zero ? nil : "\(loss)"), ("delay", delay.shortText),
            ("jitter", jitter == .zero ? nil : jitter.shortText), ("rate", "\(rate)"),
            ("corruption", corruption == .zero ? nil : "\(corruption)"),
            ("duplication", duplication == .zero ? nil : "\(duplication)"),
            ("reordering", reordering == .zero ? nil : "\(reordering)"),
        ]
        return parts.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
    }
}
