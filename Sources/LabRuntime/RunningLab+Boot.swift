import AgentProtocol
import Daemons
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime

// How a node starts, shuts down and starts again.
extension RunningLab {
    // MARK: Boot scripts

    func startBootScript(_ script: BootScript, at node: String) throws {
        bootRuns[node] = try BootRun(script, in: sandbox(node))
    }

    /// Waits for the end of a node's boot script; nothing where none has begun.
    ///
    /// - Throws: ``LabFailure`` where it does not end, ends badly, took another time than the lab file says, or has not given what the lab file
    ///   leaves to it.
    func awaitBootScript(of node: String, within deadline: Duration) async throws {
        guard let run = bootRuns[node] else { return }
        let script = run.script
        let subject = "The boot script \(script.name) of \(node)"
        guard let end = await run.end(by: LabClock.now + deadline) else {
            try Task.checkCancellation()
            throw LabFailure(
                "\(subject) has not ended after \(deadline.shortText) of the lab's time.",
                remedy: "Let it start what is to go on in the background: COMMAND &.", details: run.lastLines)
        }
        let log = "netlab logs \(topology.name) \(node)/\(BootScript.title)"
        guard end.code == 0 else {
            throw LabFailure("\(subject) \(end.words).", remedy: "All it said: \(log).", details: run.lastLines)
        }
        if let takes = script.takes, !takes.contains(end.took - lateness), !takes.contains(end.took) {
            throw LabFailure(
                "\(subject) took \(end.took.shortText), and the lab file says \(takes.text).",
                remedy: "Predictions compute with `boot-takes:` of nodes.\(node): write how long it takes.")
        }
        let missing = try await missing(at: node)
        guard missing.isEmpty else {
            throw LabFailure(
                "\(subject) has ended, and \(node) lacks \(missing.joined(separator: ", ")), which `addressed-by: boot` leaves to it.",
                remedy: "Mend the script, or what the lab file says of it.", details: run.lastLines)
        }
    }

    /// What a program may take longer in real time.
    private var lateness: Duration { kernel == .lab ? .zero : .seconds(1) }

    /// What a boot script was to give, and has not, in words.
    private func missing(at node: String) async throws -> [String] {
        let sockets = try sandbox(node).sockets
        let (addresses, routes) = (try sockets.addresses(), try sockets.routes())
        return topology.tunnelEnds(of: node).map(\.end).filter { $0.addressing == .boot }.flatMap { end in
            let inside = end.inside.flatMap { inside in
                addresses.contains { $0.interface == end.interface && $0.address == inside }
                    ? nil : "the address \(inside)"
            }
            let lost = end.routes.filter { prefix in
                !routes.contains {
                    $0.destination == prefix && $0.nexthops.contains { $0.interface == end.interface }
                }
            }
            let place = end.interface.map { " at \($0)" } ?? ""
            return ([inside].compactMap(\.self) + lost.map { "the route to \($0)" }).map { $0 + place }
        }
    }

    /// What comes after a node's daemons when it starts again: addresses of interfaces that they make, and its boot script.
    func boot(_ node: String) throws {
        if let script = topology.node(named: node)?.boot { try startBootScript(script, at: node) }
        boots[node] = Task { await self.finishBoot(of: node) }
    }

    /// - Returns: Whether it came to an end, a good one or not; if not, the node went down meanwhile.
    private func finishBoot(of node: String) async -> Bool {
        do {
            for end in topology.tunnelEnds(of: node).map(\.end) { try await complete(end) }
            try await awaitBootScript(of: node, within: BootScript.longest)
            ledger.lost[node] = try ledger.lost[node]?.restore(in: sandbox(node))
        } catch is CancellationError {
            return false
        } catch {
            if Task.isCancelled { return false }
            let failure = error as? LabFailure ?? LabFailure("\(error)")
            tell(
                .daemonDied(
                    name: "\(node)/\(BootScript.title)", reason: "– \(failure.message)", logEnd: failure.details))
        }
        return true
    }

    /// Gives an interface that a daemon makes what the lab file has for it, when it is there.
    private func complete(_ end: TunnelEnd) async throws {
        guard end.interfaceIsMadeByDaemon, let name = end.interface else { return }
        let settings = topology.node(named: end.node)?.sysctls.filter { $0.key.contains(".\(name).") } ?? []
        guard end.mtu != nil || end.addressing == .netlab || !settings.isEmpty else { return }
        let (isThere, seen) = try await wait(for: Condition(.interface(node: end.node, name)), within: .seconds(600))
        guard isThere else {
            throw LabFailure("\(end.node) has started again, and its daemon has not made \(name) in 10m: \(seen).")
        }
        if let mtu = end.mtu { try sandbox(end.node).sockets.setMTU(mtu, on: name) }
        try sandbox(end.node).network.setSysctls(settings.map { ($0.key, $0.value) })
        ledger.lost[end.node] = try ledger.lost[end.node]?.restore(in: sandbox(end.node))
    }

    /// Ends what a node does when it starts.
    func breakOffBoot(of node: String) {
        boots.removeValue(forKey: node)?.cancel()
        bootRuns.removeValue(forKey: node)?.stop()
    }

    // MARK: Memory

    /// Ends what runs in a node, and takes away all that a machine does not keep when it is switched off: its files stay.
    func loseEverything(at node: String) throws {
        let sandbox = try sandbox(node)
        let sockets = sandbox.sockets
        sandbox.endPrograms()
        ledger.lost[node] = nil
        try sockets.flushSecurityPolicies()
        try sockets.flushSecurityAssociations()
        try sockets.flushConnections()
        try forgetOwnTables(of: sandbox)
        for rule in try sockets.rules() where !rule.isKernels { try sockets.deleteRule(rule) }
        for route in try sockets.routes(table: nil) where route.table != Route.localTable {
            // One may go with another.
            try? sockets.deleteRoute(route)
        }
        let wires = Set(topology.linkEnds(of: node).flatMap { [$0.end.interface, $0.end.routedInterface] })
        for link in try sockets.links() where !wires.contains(link.name) && link.name.description != "lo" {
            // Those that a namespace has from its beginning stay.
            try? sockets.deleteLink(link.name)
        }
        for address in try sockets.addresses() where address.interface.description != "lo" {
            try? sockets.deleteAddress(address.address, from: address.interface, peer: address.peer)
        }
        try sockets.forgetPathMTUs()
    }

    /// Deletes packet filters but netlab's, which stand for what is around the node.
    private func forgetOwnTables(of sandbox: NodeSandbox) throws {
        let tables = try sandbox.nftables.listRuleset().split(whereSeparator: \.isNewline).filter {
            $0.hasPrefix("table ") && !$0.contains(" netlab")
        }
        guard !tables.isEmpty else { return }
        let names = tables.map { $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " ") }
        try sandbox.nftables.apply(names.map { "delete table \($0)\n" }.joined())
    }

    /// Gives a node what the plan gave it when the lab came up, in the same order; what needs an interface that is not there comes with that.
    func setUpAgain(_ node: String) throws {
        let sandbox = try sandbox(node)
        var rest = NodeRoutes()
        for action in journal {
            switch action {
            case .setSysctls(node, let settings):
                // Those of an interface that a daemon makes are set when that is there.
                for setting in settings { try? sandbox.network.setSysctls([(setting.key, setting.value)]) }
            case .createLink(let link):
                for end in link.ends where end.node == node {
                    rest.addresses += end.addresses.map { AddressInfo(interface: end.routedInterface, address: $0) }
                }
            case .createTunnelInterface(let interface) where interface.node == node:
                try create(interface)
            case .createPlainTunnelInterface(let interface) where interface.end.node == node:
                // The kernel takes its MTU from the way there.
                rest = try rest.restore(in: sandbox)
                try sandbox.sockets.create(interface)
            case .addAddress(node, let interface, let address):
                rest.addresses.append(AddressInfo(interface: interface, address: address))
            case .addRoute(node, let entry):
                rest.routes.append(Route(entry))
            case .addRule(node, let rule):
                try sandbox.sockets.addRule(RoutingRule(rule))
            default: break
            }
        }
        ledger.lost[node] = try rest.restore(in: sandbox)
    }
}

extension RoutingRule {
    /// Whether every namespace has it from its beginning (ip-rule(8)).
    fileprivate var isKernels: Bool { [0, 32766, 32767].contains(priority ?? 0) }
}
