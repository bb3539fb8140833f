import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// Names: of the lab's parts, of nodes where they are used, of interfaces.
extension TopologyResolver {
    var nodeNames: [String] { file.nodes.map(\.name.value) }

    func checkNames() {
        let isName = { (text: String) in
            (1...32).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
                && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        }
        let all =
            [file.name].compactMap { $0 } + file.clouds.map(\.name) + file.nodes.map(\.name)
            + file.nodes.compactMap(\.zone)
            + file.links.map(\.name)
            + file.tunnels.map(\.name) + file.plainTunnels.map(\.name) + file.sessions.map(\.name)
            + file.policies.compactMap(\.name)
            + file.probes.map(\.name)
            + file.expectations.map(\.name) + file.scenarios.map(\.name) + file.variants.map(\.name)
        for name in all where !isName(name.value) {
            collector.error(
                name.line, "\"\(name.value)\" is not a name",
                "Names are 1 to 32 lower-case letters, digits and hyphens, and do not begin with a hyphen.")
        }
        for session in file.sessions {
            let name = session.name
            let daemons = session.speakers.map { routingDaemon(of: $0.node.value) }
            guard let daemon = daemons.first(where: { $0.isReserved(name.value) }) else { continue }
            collector.error(
                name.line,
                "bgp.\(name.value): \"\(name.value)\" is a word of \(daemon.product)'s own, which names no session",
                "Take another name, such as \(name.value)-session.")
        }
        if file.nodes.isEmpty, !collector.hasErrors {
            collector.error(1, "the lab has no nodes", "Add at least one under `nodes:`.")
        }
        for provider in file.clouds.compactMap(\.provider) {
            guard let known = file.providers?.names, !known.contains(provider.value) else { continue }
            collector.error(
                provider.line, "there is no provider \"\(provider.value)\"",
                Suggestion.remedy(for: provider.value, among: known, noun: "providers"))
        }
        for node in file.nodes {
            guard let cloud = node.cloud, !file.clouds.contains(where: { $0.name.value == cloud.value }) else {
                continue
            }
            collector.error(
                cloud.line, "nodes.\(node.name.value): there is no cloud \"\(cloud.value)\"",
                Suggestion.remedy(for: cloud.value, among: file.clouds.map(\.name.value), noun: "clouds"))
        }
    }

    func isKnown(node: Located<String>, in place: String) -> Bool {
        guard !knownNodes.contains(node.value) else { return true }
        collector.error(
            node.line, "\(place): there is no node \"\(node.value)\"",
            Suggestion.remedy(for: node.value, among: nodeNames, noun: "nodes"))
        return false
    }

    mutating func claim(_ interface: InterfaceName, of node: String, line: Int) {
        if let earlier = interfaces[node, default: [:]][interface] {
            collector.error(
                line, "node \(node) has two interfaces named \(interface); the other is in line \(earlier)",
                "Give one of them another name.")
        } else if !Self.isInterfaceName(interface) {
            collector.error(
                line, "\"\(interface)\" of node \(node) is not an interface's name",
                "Write 1 to 15 letters, digits, points, hyphens and underscores, not a hyphen first.")
        } else if interface.description == "lo" || interface.description == "all" || interface.description == "default"
        {
            collector.error(
                line, "\"\(interface)\" is the kernel's own name", "Take another interface name, such as eth0.")
        } else {
            interfaces[node, default: [:]][interface] = line
        }
    }

    /// Whether a name can be nothing else: no option of a program, no part of a configuration.
    static func isInterfaceName(_ name: InterfaceName) -> Bool {
        let bytes = name.description.utf8
        return bytes.first != UInt8(ascii: "-") && bytes.allSatisfy(isPlain)
    }

    /// Letters, digits and what cannot be taken for anything else in a daemon's or nft's configuration.
    static func isPlain(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || "._-".utf8.contains(byte)
    }
}
