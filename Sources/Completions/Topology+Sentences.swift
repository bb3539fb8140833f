import LabModel
import NetworkTypes

extension Topology {
    /// Faults of this lab, as they are typed.
    ///
    /// For amounts, there are some to choose from; any other may be typed.
    var faults: SentenceForms {
        SentenceForms(
            Fault.forms, names: { name, before in faultNames(name, before) },
            isWhole: { (try? Fault($0, in: self)) != nil })
    }

    /// Conditions of this lab, as they are typed.
    var conditions: SentenceForms {
        SentenceForms(
            Condition.forms, names: { name, before in conditionNames(name, before) },
            isWhole: { (try? Condition($0, in: self)) != nil })
    }

    // MARK: What capital words stand for

    private func faultNames(_ name: String, _ before: [String]) -> [String] {
        let kind = before.first
        let subject = before.dropFirst().first ?? ""
        switch name {
        case "LINK": return links.filter { kind != "vlan" || $0.vlan != nil }.map(\.name)
        case "TUNNEL": return tunnels.filter { !$0.isUnused }.map(\.name)
        case "LINK|TUNNEL": return links.map(\.name) + tunnels.map(\.name) + plainTunnels.map(\.name)
        case "SESSION":
            return sessions.map(\.name).filter { kind != "bfd" || (try? Fault("bfd \($0) stopped", in: self)) != nil }
        case "ZONE": return Set(nodes.compactMap(\.zone) + nodes.compactMap(\.cloud)).sorted()
        case "NODE/KIND": return daemonNames
        case "NODE" where before.last == "from":
            return ends(of: kind == "drop" ? before.dropLast().last ?? "" : subject)
        case "NODE" where before.last == "at": return ends(of: subject)
        case "NODE": return nodes.filter { kind.map($0.canHaveFault) ?? true }.map(\.name)
        case "INTERFACE": return interfaces(of: subject)
        case "OUTSIDE": return node(named: subject)?.nat?.mappings.map(\.outside.description) ?? []
        case "INSIDE": return nodes.flatMap { addresses(of: $0.name) }.map(\.description)
        case "PREFIX": return node(named: subject)?.security?.map(\.source.description) ?? []
        case "PROTOCOL":
            let rules = node(named: subject)?.security?.filter { $0.source.description == before.last } ?? []
            return rules.map(\.transport.rawValue)
        case "TRAFFIC": return Fault.Traffic.allCases.map(\.rawValue)
        case "SHARE": return ["1%", "10%", "100%"]
        case "TIME": return kind == "bgp" ? ["9s", "30s", "90s"] : ["5ms", "20ms", "100ms"]
        case "RATE": return ["1mbit", "10mbit", "100mbit"]
        case "BYTES": return ["576", "1280", "1400"]
        default: return []
        }
    }

    private func conditionNames(_ name: String, _ before: [String]) -> [String] {
        let subject = before.dropFirst().first ?? ""
        switch (name, before.first) {
        case ("NAME", "tunnel"): return tunnels.map(\.name)
        case ("NAME", "bgp"): return sessionNames
        case ("NAME", "ospf"): return ospfPlaces
        case ("NAME", "interface"): return interfaces(of: subject)
        case ("NODE", _): return nodes.map(\.name)
        case ("NODE/KIND", _): return daemonNames
        case ("PREFIX", _): return prefixes
        case ("ADDRESS", "ping"): return nodes.map(\.name).filter { $0 != subject }
        case ("ADDRESS", _): return nodes.flatMap { addresses(of: $0.name) }.map(\.description)
        default: return []
        }
    }

    /// NODE/DAEMON.
    var daemonNames: [String] {
        nodes.flatMap { node in daemons(of: node.name).map { "\(node.name)/\($0.rawValue)" } }
    }

    /// The nodes at the ends of a link, tunnel or session, which may have one name in common.
    private func ends(of name: String) -> [String] {
        let all =
            (link(named: name)?.ends.map(\.node) ?? []) + (tunnel(named: name)?.ends.map(\.node) ?? [])
            + (plainTunnel(named: name)?.ends.map(\.node) ?? [])
            + (session(named: name)?.speakers.map(\.node) ?? [])
        var seen: Set<String> = []
        return all.filter { seen.insert($0).inserted }
    }

    /// Of links and of tunnels.
    func interfaces(of node: String) -> [String] {
        linkEnds(of: node).flatMap { [$0.end.interface, $0.end.vlanInterface].compactMap(\.self) }.map(\.description)
            + tunnelEntrances(of: node).filter { !$0.isUnused }.compactMap { $0.interface?.description }
    }

    /// The networks of links, as routes lead to them.
    private var prefixes: [String] {
        Set(links.flatMap(\.ends).flatMap(\.addresses).map(\.prefix.description)).sorted()
    }
}

extension Node {
    /// Whether a fault of a kind that begins with a node's name can be this node's.
    fileprivate func canHaveFault(_ kind: String) -> Bool {
        switch kind {
        case "nat": nat != nil
        case "security": security != nil
        case "source-destination-check": role == .instance && !sourceDestinationCheck
        default: true
        }
    }
}
