import AgentProtocol
import DaemonDrivers
import DaemonProfiles
import Daemons
import Glibc
import LabModel
import LabPlan
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

/// A lab on the kernel this process runs on: carries out a plan step by step, remembers each, and can take all back.
actor RunningLab {
    let topology: Topology
    let kernel: KernelKind
    private(set) var sandboxes: [String: NodeSandbox] = [:]
    private(set) var daemons: [String: DaemonProcess] = [:]
    /// What keeps routes into tunnels that are up, by node.
    private(set) var routeKeepers: [String: TunnelRouteKeeper] = [:]
    /// What was last seen of nodes' routes by who waits for one.
    var routeTables: [String: SeenRoutes] = [:]
    /// What has been done, in order. An action is noted before it is begun, so that a half-done one is taken back too.
    private(set) var journal: [Action] = []
    /// The same on disk, for those who come upon what is left of the lab.
    private let diskJournal: Journal?
    private var keyStore: [String: [UInt8]]?
    private var lastProbe: UInt64 = 0
    let ikeKeyWatch = IKEKeyWatch()
    var ledger = FaultLedger()
    /// Boot scripts that have begun, by node: running, or over.
    var bootRuns: [String: BootRun] = [:]
    /// Nodes that start again: what of that is still to be done, and whether it came to its end.
    var boots: [String: Task<Bool, Never>] = [:]
    /// Told of every fault when it begins and when it is healed; a momentary one only begins.
    var faultListener: (@Sendable (Fault, _ isActive: Bool) -> Void)?
    let events = EventBoard()
    private(set) var monitors: MonitorBoard?
    private let report: @Sendable (AgentEvent) -> Void
    private let chance: DaemonChance?
    /// How often each daemon has been started.
    private var starts: [String: Int] = [:]

    /// - Parameter chance: What the daemons' random numbers come from; nil for the kernel.
    init(
        topology: Topology, kernel: KernelKind = .lab, chance: DaemonChance? = nil, diskJournal: Journal? = nil,
        report: @escaping @Sendable (AgentEvent) -> Void
    ) {
        self.topology = topology
        self.kernel = kernel
        self.chance = chance
        self.diskJournal = diskJournal
        self.report = report
        faultListener = { [events] fault, isActive in
            events.post(.fault(fault, isActive: isActive), node: "")
        }
    }

    /// Carries out every step.
    ///
    /// - Throws: ``LabFailure`` naming the step that failed; what was done before it stays until ``tearDown()``.
    func build(_ plan: Plan, progress: @Sendable (Progress) -> Void) async throws {
        for stage in Step.Stage.allCases {
            let steps = plan.steps.filter { $0.stage == stage }
            // Of a large lab's thousands of steps nobody sees each.
            let stride = max(1, steps.count / Self.progressReports)
            for (index, step) in steps.enumerated() {
                try Task.checkCancellation()
                if index.isMultiple(of: stride) {
                    progress(
                        Progress(
                            stage: stage, done: index, total: steps.count, current: step.description,
                            time: LabClock.now))
                }
                journal.append(step.action)
                try diskJournal?.note(.begin, "\(step)")
                if step.action.startsProgram {
                    try await LabSleep.wait(until: LabClock.now.roundedUp(to: Self.startGrain))
                }
                do {
                    try await perform(step.action)
                } catch let failure as LabFailure {
                    throw failure
                } catch {
                    throw LabFailure("The step \"\(step)\" failed: \(error)", remedy: (error as? NetlinkError)?.remedy)
                }
            }
            if !steps.isEmpty {
                progress(
                    Progress(stage: stage, done: steps.count, total: steps.count, current: "", time: LabClock.now))
            }
        }
        monitors = try MonitorBoard(monitoredProbes(), events: events)
    }

    private static let progressReports = 50

    /// Programs start at round times: how long what went before took the agent, some microseconds this way or that, is
    /// then not in anything that they do.
    private static let startGrain = Duration.milliseconds(10)

    /// Takes back everything that was done, last first; attempts all of it whatever fails.
    ///
    /// - Throws: ``LabFailure`` listing every step that could not be taken back.
    func tearDown() async throws {
        await monitors?.stop()
        monitors = nil
        var failures = await abandonFaults()
        for reversal in journal.reversed().compactMap(\.reversal) {
            do {
                try? diskJournal?.note(.undo, "\(reversal)")
                try await perform(reversal)
            } catch {
                failures.append("\(reversal): \(error)")
            }
        }
        journal = []
        guard failures.isEmpty else {
            throw LabFailure("Some of the lab could not be taken back.", details: failures)
        }
    }

    /// Tells the supervisor of something.
    func tell(_ event: AgentEvent) { report(event) }

    /// A number for a probe that came without one.
    func nextProbe() -> UInt64 {
        lastProbe += 1
        return lastProbe
    }

    func sandbox(_ node: String) throws -> NodeSandbox {
        guard let sandbox = sandboxes[node] else {
            throw LabFailure(
                "There is no node \"\(node)\" in \(topology.name).",
                remedy: Suggestion.remedy(for: node, among: sandboxes.keys, noun: "nodes"), code: .wrongInput)
        }
        return sandbox
    }

    // MARK: Actions

    private func perform(_ action: Action) async throws {
        switch action {
        case .createNode(let setup):
            if kernel == .lab {
                // Documentation/admin-guide/sysctl/net.rst: 1 leaves them to the first network namespace alone.
                try? GuestSystem.write(
                    setup.hasFallbackTunnels ? "0" : "1", to: "/proc/sys/net/core/fb_tunnels_only_for_init_net")
            }
            let sandbox = try NodeSandbox(setup)
            sandboxes[setup.name] = sandbox
            // A lab kernel is nobody else's.
            if kernel == .host { try sandbox.network.forgetHostSettings() }
            if let loopback = InterfaceName("lo") { try sandbox.sockets.setUp(loopback) }
        case .removeNode(let name):
            sandboxes[name] = nil
        case .createLink(let link):
            try create(link)
        case .removeLink(let link):
            // The other end goes with it.
            if let end = link.ends.first { try sandbox(end.node).sockets.deleteLink(end.interface) }
        case .setSysctls(let node, let settings):
            try sandbox(node).network.setSysctls(settings.map { ($0.key, $0.value) })
        case .createTunnelInterface(let interface):
            try create(interface)
        case .createPlainTunnelInterface(let interface):
            try sandbox(interface.end.node).sockets.create(interface)
        case .removeInterface(let node, let name):
            try sandbox(node).sockets.deleteLink(name)
        case .setMTU(let node, let interface, let mtu):
            try sandbox(node).sockets.setMTU(mtu, on: interface)
        case .addAddress(let node, let interface, let address):
            try unlessScripted(interface, at: node) { try sandbox(node).sockets.addAddress(address, to: interface) }
        case .removeAddress(let node, let interface, let address):
            try sandbox(node).sockets.deleteAddress(address, from: interface)
        case .addRoute(let node, let entry):
            let sockets = try sandbox(node).sockets
            let interface = entry.nextHops.count == 1 ? entry.nextHops[0].interface : nil
            try unlessScripted(interface, at: node) {
                try sockets.addRoute(Route(entry))
            } isThere: {
                try sockets.routes().contains { route in
                    route.destination == entry.destination && route.table == entry.table
                        && route.nexthops.contains { $0.interface == interface }
                }
            }
        case .removeRoute(let node, let entry):
            try sandbox(node).sockets.deleteRoute(Route(entry))
        case .followTunnels(let node, let routes):
            let ends = Dictionary(uniqueKeysWithValues: topology.tunnelEnds(of: node).map { ($0.tunnel.name, $0.end) })
            routeKeepers[node] = try TunnelRouteKeeper(routes, ends: ends, in: sandbox(node))
        case .stopFollowingTunnels(let node):
            try await routeKeepers.removeValue(forKey: node)?.stop()
        case .addRule(let node, let rule):
            try sandbox(node).sockets.addRule(RoutingRule(rule))
        case .removeRule(let node, let rule):
            try sandbox(node).sockets.deleteRule(RoutingRule(rule))
        case .applyFilter(let node, let ruleset):
            try sandbox(node).nftables.apply(ruleset.text)
        case .removeFilter(let node, let ruleset):
            try sandbox(node).nftables.apply(ruleset.tables.map { "delete table \($0)\n" }.joined())
        case .shareFile(let file):
            try NodeSandbox.share(file)
        case .unshareFile(let path):
            NodeSandbox.unshare(path)
        case .writeFile(let node, let file):
            try sandbox(node).writeFile(file)
        case .removeFile(let node, let path):
            try sandbox(node).removeFile(path)
        case .createKeyStore(let node, let store):
            try await createKeyStore(in: sandbox(node), store)
        case .startDaemon(let daemon):
            try start(daemon)
        case .stopDaemon(let daemon):
            await daemons.removeValue(forKey: daemon.name)?.stop()
        case .startBootScript(let node, let script):
            try startBootScript(script, at: node)
        case .stopBootScript(let node):
            breakOffBoot(of: node)
        case .awaitBootScript(let node, let deadline):
            try await awaitBootScript(of: node, within: deadline)
        case .run(let node, let arguments):
            let (code, output) = try await NodeProcess.run(arguments, in: sandbox(node))
            guard code == 0 else {
                throw LabFailure(
                    "\(node): \(arguments.joined(separator: " ")) ended with code \(code).",
                    details: output.split(whereSeparator: \.isNewline).suffix(8).map(String.init))
            }
        case .sendEcho(let node, let address, let own):
            let kind = ProbeRequest.Kind.echo(
                count: 1, interval: .zero, payload: 56, dontFragment: false, timeout: .milliseconds(100))
            _ = try await run(ProbeRequest(source: node, sourceAddress: own, destination: address, kind: kind))
        case .await(let condition, let deadline):
            let (holds, lastSeen) = try await wait(for: condition, within: deadline)
            guard holds else { throw await missed(condition, deadline: deadline, lastSeen: lastSeen) }
        }
    }

    /// Sets something up, unless the script of the daemon that makes the interface has done the same before: such scripts add the routes
    /// of a connection, and the interface's address.
    private func unlessScripted(
        _ interface: InterfaceName?, at node: String, _ setUp: () throws -> Void, isThere: () throws -> Bool = { true }
    ) throws {
        do { try setUp() } catch let error as NetlinkError where error.errno == EEXIST {
            let isScripted = topology.tunnelEnds(of: node).contains {
                $0.end.interfaceIsMadeByDaemon && $0.end.interface == interface
            }
            guard isScripted, try isThere() else { throw error }
        }
    }

    private func create(_ link: Link) throws {
        let (near, far) = (link.ends[0], link.ends[1])
        let nearSockets = try sandbox(near.node).sockets
        try nearSockets.createVeth(name: near.interface, peer: far.interface, peerNamespace: sandbox(far.node).network)
        let shape = NetemSettings(LinkShape(link))
        for end in link.ends {
            let sockets = try sandbox(end.node).sockets
            try sockets.disableOffloads(of: end.interface)
            if link.mtu != .ethernet { try sockets.setMTU(link.mtu, on: end.interface) }
            if let vlan = link.vlan, let name = end.vlanInterface {
                // A tag that only the kernel's own bookkeeping has would not count at the link's rate.
                try sockets.disableTagOffloads(of: end.interface)
                try sockets.createVLAN(name: name, lower: end.interface, id: vlan)
                try sockets.disableOffloads(of: name)
                // The port itself answers nothing: frames without the tag are nobody's (8: for no local address).
                try sandbox(end.node).network.setSysctls([("net/ipv4/conf/\(end.interface)/arp_ignore", "8")])
            }
            for address in end.addresses { try sockets.addAddress(address, to: end.routedInterface) }
            try sockets.setNetem(shape, on: end.interface)
            try sockets.setUp(end.interface)
            if let name = end.vlanInterface { try sockets.setUp(name) }
        }
    }

    func create(_ interface: TunnelInterface) throws {
        let sockets = try sandbox(interface.node).sockets
        switch interface.kind {
        case .vti(let local, let remote, let key):
            try sockets.createVTI(name: interface.name, local: local, remote: remote, key: key)
        case .xfrm(let id):
            try sockets.createXFRMInterface(name: interface.name, id: id, lower: interface.lower)
            // It leaves checksums to hardware that nobody has: what enters would not be what is in ESP (xfrm_interface.c).
            try sockets.disableOffloads(of: interface.name)
        }
        if let mtu = interface.mtu { try sockets.setMTU(mtu, on: interface.name) }
        if let address = interface.address { try sockets.addAddress(address, to: interface.name) }
        try sockets.setUp(interface.name)
    }

    func start(_ daemon: Daemon) throws {
        let sandbox = try sandbox(daemon.node)
        let environment = chance?.environment(of: daemon, start: starts[daemon.name, default: 0]) ?? [:]
        starts[daemon.name, default: 0] += 1
        daemons[daemon.name] = try DaemonProcess(daemon, in: sandbox, environment: environment) { [report] reason in
            let end = DaemonProcess.logEnd(of: daemon)
            report(.daemonDied(name: daemon.name, reason: reason, logEnd: end))
        } ended: { [events] in
            events.post(.daemon(daemon.name, isRunning: false), node: daemon.node)
        }
        events.post(.daemon(daemon.name, isRunning: true), node: daemon.node)
    }

    private func createKeyStore(in sandbox: NodeSandbox, _ contents: KeyStoreContents) async throws {
        if keyStore == nil { keyStore = try await KeyStore.make() }
        for (name, bytes) in keyStore ?? [:] {
            try KeyStore.place(name, bytes, in: sandbox, directory: contents.directory)
        }
        try await KeyStore.fill(contents, in: sandbox)
    }
}

extension NetemSettings {
    init(_ shape: LinkShape) {
        self.init(
            delay: shape.delay, jitter: shape.jitter, loss: shape.loss, duplicate: shape.duplication,
            corrupt: shape.corruption, reorder: shape.reordering, rate: shape.rate, limit: shape.queue)
    }
}

extension Route {
    /// A lab file's route for the kernel.
    init(_ entry: RouteEntry) {
        self.init(
            destination: entry.destination,
            nexthops: entry.nextHops.map { NextHop(gateway: $0.gateway, interface: $0.interface) }, table: entry.table,
            protocol: .static)
    }
}

extension RoutingRule {
    init(_ rule: PolicyRule) {
        let isIPv6 = [rule.from, rule.to].contains { prefix in
            if case .v6 = prefix?.address { true } else { false }
        }
        self.init(
            family: isIPv6 ? .v6 : .v4, priority: rule.priority, source: rule.from, destination: rule.to,
            inputInterface: rule.inputInterface, table: rule.table)
    }
}

extension Action {
    /// Whether a program begins something that goes by the clock.
    fileprivate var startsProgram: Bool {
        switch self {
        case .startDaemon, .startBootScript, .run: true
        default: false
        }
    }
}
