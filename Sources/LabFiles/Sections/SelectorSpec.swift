import LabModel
import NetworkTypes
import YAMLReading

/// One member of `selectors:`: the traffic of a pair of child SAs, each side by its node.
struct SelectorSpec {
    /// A node that is not there stands for the end's own address.
    let prefixes: [String: Located<IPPrefix>]
    let upper: IPProtocol?
    let ports: [String: UInt16]
    let line: Int

    /// The members of `selectors:`, of which there is one at least.
    static func all(_ value: YAMLValue, nodes: [String]) -> [SelectorSpec] {
        if value.members.isEmpty { value.wrong("a pair of selectors or a list of them") }
        return value.members.compactMap { SelectorSpec($0, nodes: nodes) }
    }

    /// - Parameter nodes: Those that the tunnel joins.
    init?(_ value: YAMLValue, nodes: [String]) {
        guard let fields = value.fields(nodes + ["protocol", "ports"]) else { return nil }
        line = value.line
        var prefixes: [String: Located<IPPrefix>] = [:]
        for node in nodes {
            guard let field = fields[node] else { continue }
            guard let prefix = field.value(IPPrefix.self, "a prefix such as 10.0.0.0/8") else { return nil }
            prefixes[node] = prefix
        }
        self.prefixes = prefixes
        upper = fields["protocol"].flatMap { field in
            guard let text = field.text()?.value else { return nil }
            if let known = IPProtocol(keyword: text) { return known }
            field.wrong("tcp, udp, icmp, gre or a protocol's number")
            return nil
        }
        var ports: [String: UInt16] = [:]
        if let field = fields["ports"], let sides = field.fields(nodes) {
            for node in nodes {
                guard let port = sides[node]?.value(UInt16.self, "a port from 1 to 65535")?.value else { continue }
                if port == 0 { field.wrong("ports from 1 to 65535") }
                ports[node] = port
            }
            if !(upper?.hasPorts ?? false) {
                field.collector.error(
                    field.line, "\(field.path): only TCP and UDP have ports", "Add `protocol: tcp`, or remove it.")
            }
        }
        self.ports = ports
    }

    /// The pair as one node sees it.
    ///
    /// - Parameter hosts: The addresses that a node's side has where it names none: the end's own, as its peer knows it.
    func pair(at node: String, towards peer: String, hosts: [String: IPAddress]) -> SelectorPair? {
        let side = { (node: String) in
            prefixes[node]?.value ?? hosts[node].map { IPPrefix($0, length: $0.bitWidth) }
        }
        guard let local = side(node), let remote = side(peer) else { return nil }
        return SelectorPair(
            local: local, remote: remote, upper: upper, localPort: ports[node], remotePort: ports[peer])
    }
}
