import LabModel
import NetworkTypes
import YAMLReading

/// What a provider sends may come back by any tunnel that is up, whatever the other side prefers.
struct AnyTunnelBack: ProviderConstraint {
    static let kind = "any-tunnel-back"
    static let keys: [String] = []
    static let severity = LabFileDiagnostic.Severity.error

    init?(_ fields: YAMLFields) {}

    var statement: String { "traffic from its side may use any tunnel that is up, whichever the other side prefers" }

    func findings(in design: Design) -> [Finding] {
        let ends = design.ownEnds.filter { !$0.tunnel.isUnused }
        let nodes = Dictionary(grouping: ends) { $0.peer.node }.filter { $0.value.count > 1 }
        return nodes.sorted { $0.key < $1.key }.flatMap { node, ends -> [Finding] in
            ends.compactMap(\.peer.interface).filter { design.filtersReversePath(node, $0) }.map { interface in
                Finding(
                    line: design.line("nodes", node, "sysctls"),
                    message:
                        "nodes.\(node): strict reverse path filtering on \(interface) drops what \(design.provider) sends by another tunnel than the one that \(node) uses",
                    remedy:
                        "Set net.ipv4.conf.all.rp_filter and net.ipv4.conf.\(interface).rp_filter to 0, or to 2 (loose)."
                )
            }
        }
    }
}

extension Design {
    /// Whether a node drops what comes in by an interface that its route back does not use: the larger of `all` and the
    /// interface's own setting is 1 (ip-sysctl.rst, rp_filter). A lab's nodes have 0 unless their sysctls say otherwise.
    func filtersReversePath(_ node: String, _ interface: InterfaceName) -> Bool {
        let sysctls = topology.node(named: node)?.sysctls ?? []
        let setting = { (name: String) -> Int? in
            sysctls.last { $0.key == "net.ipv4.conf.\(name).rp_filter" }.flatMap { Int($0.value) }
        }
        return max(setting("all") ?? 0, setting(interface.description) ?? setting("default") ?? 0) == 1
    }
}
