import LabModel
import NetworkTypes
import YAMLReading

// Nodes and their routes.
extension TopologyResolver {
    func resolve(node spec: NodeSpec) -> Node {
        let place = "nodes.\(spec.name.value)"
        let ends = ends(of: spec.name.value)
        let hasOneLink = ends.count == 1 || (ends.isEmpty && unsure.contains(spec.name.value))
        if spec.security != nil || !spec.sourceDestinationCheck, spec.role.value != .instance || !hasOneLink {
            collector.error(
                spec.securityLine,
                "\(place): security rules and the source/destination check belong to an instance with one link",
                "They are enforced at the fabric's port: set `role: instance` and give the node one link.")
        }
        for setting in spec.sysctls {
            let isPlain = setting.value.key.utf8.allSatisfy(Self.isPlain)
            if !setting.value.key.hasPrefix("net.") || !isPlain || setting.value.key.contains("..") {
                collector.error(
                    setting.line, "\(place): \"\(setting.value.key)\" is not a setting of a network namespace",
                    "Write a dotted name below net., such as net.ipv4.ip_forward.")
            }
        }
        for setting in spec.sysctls where !Self.isSettingValue(setting.value.value) {
            collector.error(
                setting.line, "\(place): what is to be written to \(setting.value.key) is not a setting's value",
                "Write a word of letters, digits, points, hyphens and underscores, or several numbers with a space between them."
            )
        }
        for rule in spec.rules {
            guard let interface = rule.value.inputInterface, !Self.isInterfaceName(interface) else { continue }
            collector.error(
                rule.line, "\(place): \"\(interface)\" is not an interface's name",
                "Write 1 to 15 letters, digits, points, hyphens and underscores, not a hyphen first.")
        }
        checkForwarding(of: spec, ends)
        for filter in spec.filters
        where !ends.contains(where: { $0.interface.value == filter.value.interface })
            && !unsure.contains(spec.name.value)
        {
            collector.error(
                filter.line, "\(place).filter: none of the node's links is at an interface \(filter.value.interface)",
                Suggestion.remedy(
                    for: filter.value.interface.description, among: ends.map(\.interface.value.description),
                    noun: "interfaces here"))
        }
        var node = Node(
            name: spec.name.value, cloud: spec.cloud?.value, zone: spec.zone?.value, role: spec.role.value,
            summary: spec.summary, routes: spec.routes.map(\.entry), rules: spec.rules.map(\.value),
            sysctls: spec.sysctls.map(\.value),
            security: spec.security,
            sourceDestinationCheck: spec.role.value == .instance && spec.sourceDestinationCheck,
            filters: spec.filters.map(\.value),
            nat: spec.nat.flatMap { resolve(nat: $0, of: spec.name.value) }, mss: spec.mss,
            keyDaemon: spec.keyDaemon.id,
            routingDaemon: spec.routingDaemon.id,
            preferredSource: spec.preferredSource?.value, decrementsTTL: spec.decrementsTTL.value,
            routingConfiguration: spec.routingConfiguration.flatMap {
                configuration($0, place: place, needsAll: true)
            })
        node.keySettings = checkedKeySettings(of: spec, place: place)
        node.bootTime = spec.boot.time
        node.bestPath = spec.bestPath
        node.bestPath.isCutByGateway = spec.routingDaemon.cutsByGateway
        node.system = spec.system
        node.boot = bootScript(of: spec, place: place)
        return node
    }

    /// The text of a node's own file of settings for its key daemon.
    func keySettings(of spec: NodeSpec, place: String) -> String? {
        spec.keySettings.flatMap { configuration($0, place: "\(place).\(spec.keyDaemon.keyword)") }
    }

    private func checkedKeySettings(of spec: NodeSpec, place: String) -> String? {
        guard let name = spec.keySettings, let text = keySettings(of: spec, place: place) else { return nil }
        if case .failure(let error) = spec.keyDaemon.readSettings(text) {
            collector.error(
                name.line,
                "\(place).\(spec.keyDaemon.keyword): \(name.value), line \(error.line): \(error.reason)",
                "Mend it as \(spec.keyDaemon.settingsFile ?? "its manual page")(5) says.")
        }
        return text
    }

    private func bootScript(of spec: NodeSpec, place: String) -> BootScript? {
        guard let name = spec.boot.script, let text = companion(name, place: "\(place).boot") else { return nil }
        let script = BootScript(name: name.value, text: text, takes: spec.boot.takes)
        if let fault = script.fault {
            collector.error(
                name.line, "\(place).boot: the script \(name.value) \(fault)",
                "Begin it with a line such as `#!/bin/sh`; without a line that begins with `#!`, /bin/sh runs it.")
        }
        return script
    }

    private static func isSettingValue(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && (text.utf8.allSatisfy(isPlain)
                || text.split(separator: " ", omittingEmptySubsequences: false).allSatisfy { Int64($0) != nil })
    }

    /// What a router does with packets and says about them.
    private func checkForwarding(of spec: NodeSpec, _ ends: [LinkSpec.End]) {
        let place = "nodes.\(spec.name.value)"
        if !spec.decrementsTTL.value, !spec.role.value.forwards {
            collector.error(
                spec.decrementsTTL.line, "\(place): an instance is where packets end, so `decrement-ttl` says nothing",
                "Set it at the router that is to be no hop of its own.")
        }
        guard let source = spec.preferredSource, !unsure.contains(spec.name.value) else { return }
        let own = ends.flatMap(\.addresses).map(\.value.address)
        if !own.contains(.v4(source.value)) {
            collector.error(
                source.line, "\(place): no interface of the node has the preferred source \(source.value)",
                "Take one of its own addresses: \(own.map(\.description).joined(separator: ", ")).")
        }
        let speaks = file.sessions.flatMap(\.speakers).contains { $0.node.value == spec.name.value }
        if !speaks {
            collector.error(
                source.line,
                "\(place): the node speaks no BGP, and `preferred-source` is for the routes that BGP tells it",
                "Remove it, or add the node to a session under `bgp:`.")
        }
    }

    func resolve(nat spec: NodeSpec.NAT, of node: String) -> AddressTranslation? {
        let place = "nodes.\(node)"
        let own = interfaces[node, default: [:]].keys.sorted()
        guard let interface = spec.interface else { return nil }
        guard own.contains(interface.value) || unsure.contains(node) else {
            collector.error(
                interface.line, "\(place).nat: the node has no interface \(interface.value)",
                Suggestion.remedy(
                    for: interface.value.description, among: own.map(\.description), noun: "interfaces here"))
            return nil
        }
        let addresses = Set(file.links.flatMap(\.ends).flatMap(\.addresses).map(\.value.address))
        for mapping in spec.mappings
        where !addresses.contains(mapping.inside.value) && file.links.allSatisfy(\.isComplete) {
            collector.error(
                mapping.inside.line, "\(place).nat: no node has the address \(mapping.inside.value)",
                "Write the private address of the instance that \(mapping.outside.value) stands for.")
        }
        return AddressTranslation(
            interface: interface.value,
            mappings: spec.mappings.map { .init(outside: $0.outside.value, inside: $0.inside.value) },
            masqueraded: spec.masqueraded, timeouts: spec.timeouts)
    }

    /// The text of a file beside the lab file; the name must not lead anywhere else.
    func companion(_ name: Located<String>, place: String) -> String? {
        // It becomes part of a path, and of lines that include it.
        guard (1...64).contains(name.value.utf8.count), !name.value.hasPrefix("."),
            name.value.utf8.allSatisfy(Self.isPlain)
        else {
            collector.error(
                name.line, "\(place): \"\(name.value)\" is not the plain name of a file beside the lab file",
                "Put the file in the lab's directory and write its name without a path: 1 to 64 letters, digits, points, hyphens and underscores."
            )
            return nil
        }
        do {
            return try file.companion(name.value)
        } catch {
            collector.error(
                name.line, "\(place): the file \"\(name.value)\" cannot be read: \(error)",
                "It must stand beside the lab file: a file of at most 1 MiB, and not a link.")
            return nil
        }
    }

    func checkRoutes() {
        for node in file.nodes {
            let name = node.name.value
            let place = "nodes.\(name)"
            var blocks = ends(of: name).flatMap(\.addresses).map(\.value.prefix)
            for end in file.tunnels.flatMap(\.ends) where end.node.value == name {
                if let inside = end.inside { blocks.append(inside.value.prefix) }
            }
            for end in file.plainTunnels.flatMap(\.ends) where end.node.value == name {
                if let inside = end.inside { blocks.append(inside.value.prefix) }
            }
            let isSure = !unsure.contains(name)
            let own = interfaces[name, default: [:]].keys.map(\.description)
            var seen: [String: Int] = [:]
            for route in node.routes {
                for hop in route.entry.nextHops {
                    if isSure, let gateway = hop.gateway, !blocks.contains(where: { $0.contains(gateway) }) {
                        collector.error(
                            route.line,
                            "\(place): the gateway \(gateway) of \(route.entry.destination) is on none of the node's links",
                            "Its links are \(blocks.map(\.description).joined(separator: ", ")).")
                    }
                    if isSure, let interface = hop.interface, !own.contains(interface.description) {
                        collector.error(
                            route.line, "\(place): there is no interface \(interface) for \(route.entry.destination)",
                            Suggestion.remedy(for: interface.description, among: own, noun: "interfaces here"))
                    }
                }
                let key = "\(route.entry.destination) in table \(route.entry.table)"
                if let earlier = seen[key] {
                    collector.error(
                        route.line, "\(place): there are two routes to \(key); the other is in line \(earlier)",
                        "Keep one; for several next hops write a list: `PREFIX: [GATEWAY, GATEWAY]`.")
                }
                seen[key] = route.line
            }
        }
    }
}
