import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

extension Plan {
    /// Works out the steps that build a topology.
    public init(for topology: Topology) {
        lab = topology.name
        let planner = Planner(topology: topology)
        steps =
            planner.nodes + planner.links + planner.tunnelInterfaces + planner.plainTunnels + planner.routes
            + planner.filters
            + planner.daemons
            + planner.convergence
    }
}

/// The stages of a plan, each from the topology alone.
private struct Planner {
    let topology: Topology

    private func steps(_ stage: Step.Stage, _ actions: [Action]) -> [Step] {
        actions.map { Step(stage: stage, action: $0) }
    }

    var nodes: [Step] {
        steps(.nodes, ([hostsFile] + sudoers).map { .shareFile($0) })
            + steps(
                .nodes,
                topology.nodes.map { node in
                    let own = topology.daemons(of: node.name).compactMap { DaemonRegistry.profile($0)?.tree?.name }
                    let trees = node.system.map { system in own.compactMap(system.name(ofTree:)) } ?? own
                    // In a lab of usual size, people find what they would on any machine.
                    let isOneOfMany = topology.nodes.count > 100 && topology.daemons(of: node.name).isEmpty
                    return .createNode(
                        NodeSetup(
                            name: node.name, role: node.role, system: node.system?.treeName, trees: Set(trees),
                            hasFallbackTunnels: !isOneOfMany))
                })
            + steps(.nodes, topology.nodes.map { .setSysctls(node: $0.name, baseSettings(of: $0)) })
    }

    /// What a node's kernel is told before it has interfaces; the lab file's own settings come after the links.
    private func baseSettings(of node: Node) -> [Sysctl] {
        let hasIPv6 =
            topology.linkEnds(of: node.name).contains { end in
                end.end.addresses.contains { if case .v6 = $0.address { true } else { false } }
            }
            || topology.tunnelEnds(of: node.name).contains { $0.end.inside.map { $0.address.bitWidth == 128 } ?? false }
            || topology.plainTunnelEnds(of: node.name).contains {
                $0.tunnel.kind.isOverIPv6 || !$0.tunnel.kind.carriesIPv4
                    || ($0.end.inside.map { $0.address.bitWidth == 128 } ?? false)
            }
        var settings = [
            Sysctl(key: "net.ipv4.conf.all.rp_filter", value: "0"),
            Sysctl(key: "net.ipv4.conf.default.rp_filter", value: "0"),
        ]
        if hasIPv6 {
            settings.append(Sysctl(key: "net.ipv6.conf.default.accept_dad", value: "0"))
            settings.append(Sysctl(key: "net.ipv6.conf.default.accept_ra", value: "0"))
        } else {
            settings.append(Sysctl(key: "net.ipv6.conf.all.disable_ipv6", value: "1"))
            settings.append(Sysctl(key: "net.ipv6.conf.default.disable_ipv6", value: "1"))
        }
        if node.role.forwards {
            settings.append(Sysctl(key: "net.ipv4.ip_forward", value: "1"))
            if hasIPv6 { settings.append(Sysctl(key: "net.ipv6.conf.all.forwarding", value: "1")) }
            settings.append(Sysctl(key: "net.ipv4.conf.all.send_redirects", value: "0"))
            settings.append(Sysctl(key: "net.ipv4.conf.default.send_redirects", value: "0"))
            settings.append(Sysctl(key: "net.ipv4.fib_multipath_hash_policy", value: "1"))
        }
        return settings
    }

    /// Every node can name every other.
    private var hostsFile: ConfigurationFile {
        let others = topology.nodes.compactMap { other in topology.address(of: other.name).map { "\($0) \(other.name)" }
        }
        return ConfigurationFile(
            path: "/etc/hosts",
            contents: (["127.0.0.1 localhost", "::1 localhost"] + others).joined(separator: "\n") + "\n")
    }

    /// Scripts that were written for a host run programs by sudo(8), which in a node has only root to ask: its rights and its accounts are
    /// not the host's, which others than root may not read.
    private var sudoers: [ConfigurationFile] {
        guard topology.nodes.contains(where: { $0.boot != nil }) else { return [] }
        let lines = [
            "Defaults !pam_session, !pam_setcred, !pam_acct_mgmt, !syslog", "root ALL=(ALL:ALL) NOPASSWD: ALL",
        ]
        return [ConfigurationFile(path: "/etc/sudoers", contents: lines.joined(separator: "\n") + "\n")]
    }

    var links: [Step] {
        steps(.links, topology.links.map { .createLink($0) })
            // Settings of tunnel interfaces have to wait until those exist.
            + steps(
                .links,
                topology.nodes.flatMap { node in
                    settings(
                        of: node,
                        node.sysctls.filter { !isTunnelSetting($0, of: node) } + (node.nat?.timeouts.settings ?? []))
                })
    }

    private func settings(of node: Node, _ settings: [Sysctl]) -> [Action] {
        settings.isEmpty ? [] : [.setSysctls(node: node.name, settings)]
    }

    private func isTunnelSetting(_ setting: Sysctl, of node: Node) -> Bool {
        topology.tunnelEntrances(of: node.name).compactMap(\.interface).contains { setting.key.contains(".\($0).") }
    }

    var tunnelInterfaces: [Step] {
        let made = topology.tunnels.flatMap(\.ends).filter { !$0.interfaceIsMadeByDaemon }
        return steps(
            .tunnels,
            made.flatMap { end -> [Action] in
                guard case .interface(let name, let kind, let number) = end.steering else { return [] }
                let interface = TunnelInterface(
                    node: end.node, name: name, kind: TunnelInterface.Kind(kind, number: number, of: end),
                    mtu: end.mtu, address: end.addressing == .netlab ? end.inside : nil, lower: lower(of: end, kind))
                return [.createTunnelInterface(interface)] + policySettings(of: end) + fixedRoutes(of: end)
            })
    }

    /// The interface with the end's own address, for a daemon that takes no XFRM interface which is tied to none.
    private func lower(of end: TunnelEnd, _ kind: TunnelInterfaceKind) -> InterfaceName? {
        guard kind == .xfrm, end.keyDaemon.tiesInterfaces else { return nil }
        return topology.linkEnds(of: end.node).map(\.end).first { link in
            link.addresses.contains { $0.address == end.localAddress }
        }?.routedInterface
    }

    /// Without it the kernel looks for a policy for packets that have left a VTI, and drops them; at an XFRM interface it
    /// finds the one with its `if_id`.
    private func policySettings(of end: TunnelEnd) -> [Action] {
        guard case .interface(let name, .vti, _) = end.steering else { return [] }
        let carriesIPv6 = end.selectors.contains { $0.local.address.bitWidth == 128 }
        let families = carriesIPv6 ? ["ipv4", "ipv6"] : ["ipv4"]
        return [
            .setSysctls(
                node: end.node, families.map { Sysctl(key: "net.\($0).conf.\(name).disable_policy", value: "1") })
        ]
    }

    /// The routes into a tunnel that stay whatever it does.
    private func fixedRoutes(of end: TunnelEnd) -> [Action] {
        guard end.withdrawal == .never, end.addressing == .netlab else { return [] }
        return end.routes.map { prefix in
            let hop = RouteEntry.NextHop(gateway: nil, interface: end.interface)
            return .addRoute(node: end.node, RouteEntry(destination: prefix, nextHops: [hop]))
        }
    }

    /// Interfaces of plain tunnels. Where a node has one, its routes come with them: the kernel takes the interface's MTU
    /// from the way to the peer, which may lead through another tunnel.
    var plainTunnels: [Step] {
        steps(.tunnels, topology.nodes.flatMap(plainTunnels))
    }

    private func plainTunnels(of node: Node) -> [Action] {
        var waiting = topology.plainTunnelEnds(of: node.name)
        guard !waiting.isEmpty else { return [] }
        var routes = node.routes.filter { !dependsOnDaemon($0, of: node) }
        var actions: [Action] = []
        /// Adds the routes that lead into no tunnel that is still to be made.
        func addRoutes() {
            let isLater = { (route: RouteEntry) in
                route.nextHops.contains { hop in
                    waiting.contains { _, end in
                        hop.interface == end.interface
                            || hop.gateway.map { end.inside?.prefix.contains($0) ?? false } ?? false
                    }
                }
            }
            actions += routes.filter { !isLater($0) }.map { .addRoute(node: node.name, $0) }
            routes = routes.filter(isLater)
        }
        addRoutes()
        while !waiting.isEmpty {
            // The one that goes through none of the others; the lab file has no circles.
            let next = waiting.firstIndex { _, end in
                !waiting.contains { $0.end.inside?.address == end.localAddress }
            }
            let (tunnel, end) = waiting.remove(at: next ?? 0)
            actions.append(.createPlainTunnelInterface(PlainTunnelInterface(end, of: tunnel, in: topology)))
            actions += end.routes.map { prefix in
                .addRoute(
                    node: node.name,
                    RouteEntry(
                        destination: prefix,
                        nextHops: [.init(gateway: tunnel.gateway(of: end), interface: end.interface)]))
            }
            addRoutes()
        }
        return actions
    }

    var routes: [Step] {
        let late = { (node: Node, route: RouteEntry) in self.dependsOnDaemon(route, of: node) }
        return steps(
            .routes,
            topology.nodes.flatMap { node in
                (topology.plainTunnelEnds(of: node.name).isEmpty ? node.routes : []).filter { !late(node, $0) }
                    .map { .addRoute(node: node.name, $0) }
                    + node.rules.map { .addRule(node: node.name, $0) }
            })
            + steps(
                .routes,
                topology.nodes.compactMap { node in
                    let followed = TunnelRoute.all(of: node.name, in: topology)
                    return followed.isEmpty ? nil : .followTunnels(node: node.name, followed)
                })
    }

    /// Whether a route leads through an interface that a daemon makes when its tunnel comes up.
    private func dependsOnDaemon(_ route: RouteEntry, of node: Node) -> Bool {
        let late = topology.tunnelEnds(of: node.name).map(\.end).filter(\.interfaceIsMadeByDaemon)
        return route.nextHops.contains { hop in
            late.contains { end in
                hop.interface == end.interface || hop.gateway.map { end.inside?.prefix.contains($0) ?? false } ?? false
            }
        }
    }

    var filters: [Step] {
        steps(
            .filters,
            topology.nodes.compactMap { node in
                FilterRules.ruleset(for: node, in: topology).map { .applyFilter(node: node.name, $0) }
            })
    }

    /// Those that negotiate first, then those that speak BGP.
    var daemons: [Step] {
        let served = { (daemon: (String) -> (any DaemonProfile)?) in
            topology.nodes.compactMap { node in daemon(node.name).map { (node: node.name, profile: $0) } }
        }
        let all = served(topology.keyDaemonProfile) + served(topology.routingDaemonProfile)
        let starts = all.flatMap { node, profile -> [Action] in
            let setUp = profile.setUp(at: node, in: topology)
            return setUp.files.map { .writeFile(node: node, $0) }
                + (setUp.keyStore.map { [.createKeyStore(node: node, $0)] } ?? [])
                + [
                    .startDaemon(
                        Daemon(
                            node: node, kind: profile.id, arguments: setUp.arguments, foundations: setUp.foundations,
                            loading: setUp.loading))
                ]
        }
        let ready = all.map { Action.await(Condition(.daemon(node: $0.node, $0.profile.id)), within: .seconds(30)) }
        return steps(.daemons, starts + ready + bootScripts)
    }

    /// All of them at the same time, as machines boot.
    private var bootScripts: [Action] {
        let scripts = topology.nodes.compactMap { node in node.boot.map { (node: node.name, script: $0) } }
        return scripts.map {
            .writeFile(node: $0.node, ConfigurationFile(path: $0.script.path, contents: $0.script.text))
        }
            + scripts.map { .startBootScript(node: $0.node, $0.script) }
    }

    var convergence: [Step] {
        let tunnels = topology.tunnels.filter { !$0.isUnused }
        // What comes up with its first packet gets one from netlab; one that netlab has no packet for comes up when others send some.
        let demands = tunnels.filter(\.startsOnDemand).map { tunnel in
            (
                tunnel: tunnel, ends: tunnel.ends.filter(\.waitsForTraffic),
                knocks: tunnel.ends.compactMap { knock(at: $0, tunnel) }
            )
        }
        let knocked = demands.filter { !$0.knocks.isEmpty }
        let waited = tunnels.filter { tunnel in
            !tunnel.startsOnDemand || knocked.contains { $0.tunnel.name == tunnel.name }
        }
        let early = knocked.flatMap { $0.ends.flatMap(addressed) + $0.knocks }
        let up = waited.map { Action.await(Condition(.tunnel($0.name)), within: .seconds(120)) }
        let booted = topology.nodes.filter { $0.boot != nil }.map {
            Action.awaitBootScript(node: $0.name, within: BootScript.longest)
        }
        // The agent hears of the associations when the kernel has them, and then makes the routes.
        let followed = waited.flatMap(\.ends).filter { $0.withdrawal == .whenDown }.flatMap { end in
            end.routes.map { Action.await(Condition(.route(node: end.node, $0)), within: .seconds(30)) }
        }
        let others = waited.flatMap { tunnel in
            tunnel.ends.filter { !(tunnel.startsOnDemand && $0.waitsForTraffic) }.flatMap(addressed)
        }
        let late = topology.nodes.flatMap { node -> [Action] in
            node.routes.filter { dependsOnDaemon($0, of: node) }.map { .addRoute(node: node.name, $0) }
                + settings(of: node, node.sysctls.filter { isTunnelSetting($0, of: node) })
        }
        let dynamic = DynamicRoutes(in: topology) { _, _ in true }
        let propagation = dynamic.bgp
        let adjacent = topology.ospf.map {
            Action.await(
                Condition(.ospf($0.name)),
                within: max(.seconds(120), $0.hello * 3 + .seconds(30)))
        }
        let sessions = topology.sessions.filter { $0.canComeUp && !propagation.overLimit.contains($0.name) }.map {
            Action.await(Condition(.session($0.name)), within: .seconds(120))
        }
        // Every session's, where several share traffic; whether a configuration of the user's own has them do so is not known here.
        let learned = topology.nodes.flatMap { node in
            dynamic.routes(at: node.name).sorted { $0.key < $1.key }.filter {
                propagation.openEnd(at: node.name, to: $0.key) == nil
            }.flatMap { prefix, routes in
                // An IPv6 route may have its gateway's link-local address.
                let isKnown = node.routingConfiguration == nil && prefix.address.bitWidth == 32
                let gateways: [IPAddress?] = isKnown ? routes.map(\.gateway) : [nil]
                return gateways.map {
                    Action.await(Condition(.route(node: node.name, prefix, via: $0)), within: .seconds(30))
                }
            }
        }
        let probes = topology.probes.filter(\.isAwaited).map {
            Action.await(Condition(.echo(node: $0.source, $0.destination)), within: .seconds(30))
        }
        return steps(
            .convergence, early + up + others + booted + followed + late + adjacent + sessions + learned + probes)
    }

    /// What an interface that its daemon has made gets besides.
    private func addressed(_ end: TunnelEnd) -> [Action] {
        guard end.interfaceIsMadeByDaemon, let name = end.interface else { return [] }
        return [.await(Condition(.interface(node: end.node, name)), within: .seconds(30))]
            + (end.mtu.map { [.setMTU(node: end.node, name, $0)] } ?? [])
            + (end.addressing == .netlab ? end.inside.map { [.addAddress(node: end.node, name, $0)] } ?? [] : [])
            + fixedRoutes(of: end)
    }

    /// A packet for a tunnel that waits for one; nil where its node has none to send.
    private func knock(at end: TunnelEnd, _ tunnel: Tunnel) -> Action? {
        guard end.waitsForTraffic, let peer = tunnel.peer(of: end) else { return nil }
        if end.interface != nil {
            // Before the script has run, no route leads there.
            guard end.addressing == .netlab else { return nil }
            let routes = end.withdrawal == .never ? end.routes : []
            guard let address = peer.inside?.address ?? routes.first?.address else { return nil }
            return .sendEcho(node: end.node, address, from: nil)
        }
        for pair in end.selectors {
            guard let own = topology.addresses(of: end.node).first(where: pair.local.contains) else { continue }
            let address = topology.addresses(of: peer.node).first(where: pair.remote.contains) ?? pair.remote.address
            return .sendEcho(node: end.node, address, from: own)
        }
        return nil
    }
}
