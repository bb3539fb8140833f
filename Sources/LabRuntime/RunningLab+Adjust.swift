import AgentProtocol
import DaemonDrivers
import DaemonProfiles
import Daemons
import Glibc
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime
import RoutingDaemons

// How each change of a fault is made on this kernel and with these daemons.
extension RunningLab {
    func apply(_ change: Adjustment) async throws {
        switch change {
        case .link(let port, let isUp):
            try keepingRoutes(of: port.node) { sandbox in
                if isUp {
                    try sandbox.sockets.setUp(port.interface)
                } else {
                    try sandbox.sockets.setDown(port.interface)
                }
            }
        case .shape(let port, let shape, _):
            try sandbox(port.node).sockets.setNetem(NetemSettings(shape), on: port.interface)
        case .mtu(let port, let mtu, _):
            try setMTU(mtu, of: port)
        case .ruleset(let node, let new, let old):
            // Naming a table first makes deleting it no error where there is none (nft(8)).
            let former = ((old?.tables ?? []) + (new?.tables ?? [])).map { "table \($0)\ndelete table \($0)\n" }
            try sandbox(node).nftables.apply(former.joined() + (new?.text ?? "") + "\n")
        case .forgetConnections(let node):
            try sandbox(node).sockets.flushConnections()
        case .configuration(let daemon, let change):
            let sandbox = try sandbox(daemon.node)
            for file in change.files { try sandbox.writeFile(file) }
            try await takeUp(change.connections, by: daemon)
        case .daemon(let daemon, let standstill, let former):
            try await bring(daemon, to: standstill, from: former)
        case .associations(let place, let areLost):
            try await areLost ? deleteAssociations(of: place) : renewAssociations(of: place)
        case .drain(let place):
            try await drain(place)
        case .endpoint(let place, let isAway):
            try await isAway ? leave(place) : comeBack(to: place)
        case .session(let name, let node, let isShut):
            // Nothing where it does not run: it is told when it starts.
            guard let key = topology.sessionKey(name, at: node) else { break }
            try await routingDriver(of: node)?.shut(key, isShut)
        case .power(let node, let isOn):
            if !isOn { try loseMemory(of: node) }
        case .memory(let node, let isLost):
            try isLost ? loseEverything(at: node) : setUpAgain(node)
        case .bootScript(let node, let runs):
            if runs { try boot(node) } else { breakOffBoot(of: node) }
        }
    }

    /// Does what is over as soon as it is done.
    func happen(_ fault: Fault) async throws {
        switch fault {
        case .natFlushed(let node):
            faultListener?(fault, true)
            try sandbox(node).sockets.flushConnections()
        case .daemon(let node, let kind, .restarted):
            let name = DaemonName(node: node, kind: kind)
            guard let process = daemons[name.description], process.isRunning else {
                throw LabFailure(
                    "\(name) does not run, so it cannot be restarted.", remedy: "netlab status has the reason.",
                    code: .wrongInput)
            }
            // Told before the work, which takes a moment of the lab's time.
            faultListener?(fault, true)
            // Told to end, it would say goodbye, which is the end of its sessions.
            if topology.restartsGracefully(node), topology.routingDaemon(of: node) == kind {
                await process.kill()
            } else {
                await process.stop()
            }
            try cleanUp(after: name)
            try await startAgain(name)
        default:
            throw LabFailure("The fault \"\(fault)\" is not over in a moment.")
        }
    }

    // MARK: Interfaces

    /// Changes a node's interfaces; addresses and routes that go with that are noted, and put back as soon as they can
    /// be.
    private func keepingRoutes(of node: String, _ change: (NodeSandbox) throws -> Void) throws {
        let sandbox = try sandbox(node)
        let before = try NodeRoutes(of: sandbox)
        try change(sandbox)
        var lost = ledger.lost[node] ?? NodeRoutes()
        lost.append(before.subtracting(try NodeRoutes(of: sandbox)))
        ledger.lost[node] = try lost.restore(in: sandbox)
    }

    private func setMTU(_ mtu: MTU?, of port: Disturbances.Port) throws {
        guard let link = try sandbox(port.node).sockets.linkIfPresent(named: port.interface) else {
            throw LabFailure(
                "\(port.node) has no interface \(port.interface) now.", remedy: "Its tunnel has to be up.",
                code: .wrongInput)
        }
        guard let usual = ledger.usualMTUs[port] ?? MTU(link.mtu) else {
            throw LabFailure("\(port)'s MTU of \(link.mtu) bytes cannot be kept.")
        }
        ledger.usualMTUs[port] = mtu == nil ? nil : usual
        if let mtu, mtu >= usual {
            ledger.usualMTUs[port] = nil
            throw LabFailure(
                "\(port) has an MTU of \(usual) bytes: \(mtu) is not less.", remedy: "Give a smaller one.",
                code: .wrongInput)
        }
        // Below 1280 bytes an interface loses its IPv6 addresses (addrconf_notify, net/ipv6/addrconf.c).
        try keepingRoutes(of: port.node) { try $0.sockets.setMTU(mtu ?? usual, on: port.interface) }
    }

    /// What a kernel without power forgets, besides what its links and daemons do.
    private func loseMemory(of node: String) throws {
        let sockets = try sandbox(node).sockets
        try sockets.flushConnections()
        guard let daemon = topology.routingDaemonProfile(of: node) else { return }
        for route in try sockets.routes() where daemon.gives(route.protocol.rawValue) {
            // What one program of a daemon's has told another before both were killed may have been under way.
            do { try sockets.deleteRoute(route) } catch let error as NetlinkError where error.errno == ESRCH {}
        }
    }

    // MARK: Daemons

    private func bring(
        _ daemon: DaemonName, to standstill: Disturbances.Standstill?, from former: Disturbances.Standstill?
    ) async throws {
        guard let process = daemons[daemon.description] else {
            throw LabFailure("There is no daemon \(daemon) in \(topology.name).", code: .wrongInput)
        }
        switch (standstill, former) {
        case (.killed, _):
            await process.kill()
            try cleanUp(after: daemon)
        case (.ended, _):
            await process.stop()
            try cleanUp(after: daemon)
        case (.stopped, .killed), (.stopped, .ended):
            try await startAgain(daemon)
            daemons[daemon.description]?.suspend()
        case (.stopped, _):
            process.suspend()
        case (nil, .killed), (nil, .ended):
            try await startAgain(daemon)
        case (nil, _):
            process.resume()
            if let connections = ledger.unread.removeValue(forKey: daemon) {
                try await takeUp(connections.sorted { $0.name < $1.name }, by: daemon)
            }
        }
    }

    /// What a daemon's unit does after its end.
    private func cleanUp(after daemon: DaemonName) throws {
        guard let profile = DaemonRegistry.profile(daemon.kind) as? any KeyDaemon, profile.flushesAtItsEnd else {
            return
        }
        let sockets = try sandbox(daemon.node).sockets
        try sockets.flushSecurityPolicies()
        try sockets.flushSecurityAssociations()
    }

    /// Starts a daemon that has ended, and waits until it can be asked.
    private func startAgain(_ name: DaemonName) async throws {
        guard let daemon = daemons[name.description]?.daemon else { return }
        let sandbox = try sandbox(name.node)
        for path in DaemonRegistry.profile(name.kind)?.leftovers ?? [] { try sandbox.removeFile(path) }
        try start(recovering(daemon))
        // It reads everything there is.
        ledger.unread[name] = nil
        let (isReady, seen) = try await wait(
            for: Condition(.daemon(node: name.node, name.kind)), within: .seconds(30))
        guard isReady else {
            throw LabFailure(
                "\(name) does not start again: \(seen).", remedy: "Its log has more: netlab logs \(topology.name).",
                details: DaemonProcess.logEnd(of: daemon))
        }
        try await shutSessions(of: name)
        try await leaveEndpoints(of: name)
    }

    /// A daemon as it starts when it has ended: one whose routes its kernel still has may be told so.
    private func recovering(_ daemon: Daemon) throws -> Daemon {
        guard let profile = DaemonRegistry.profile(daemon.kind) as? any RoutingDaemon else { return daemon }
        let arguments = profile.setUp(at: daemon.node, in: topology).arguments
        let hasRoutes = try sandbox(daemon.node).sockets.routes().contains { profile.gives($0.protocol.rawValue) }
        let more = hasRoutes ? profile.recoveryArguments(at: daemon.node, in: topology) : []
        return Daemon(
            node: daemon.node, kind: daemon.kind, arguments: arguments + more, foundations: daemon.foundations,
            loading: daemon.loading)
    }

    /// Has a speaker that has read its configuration shut what is to be shut.
    private func shutSessions(of daemon: DaemonName) async throws {
        guard let driver = try driver(of: daemon) as? any RoutingDaemonDriver else { return }
        for session in disturbances.shutSessions(of: daemon.node) {
            if let key = topology.sessionKey(session, at: daemon.node) { try await driver.shut(key, true) }
        }
    }

    /// Has a daemon take up what has been written, or notes that it shall when it goes on.
    private func takeUp(_ connections: [ConfigurationChange.Connection], by daemon: DaemonName) async throws {
        guard let driver = try driver(of: daemon) else {
            ledger.unread[daemon, default: []].formUnion(connections)
            return
        }
        try await driver.takeUp(connections)
        // A session whose parameters have changed is a new one, which nobody has shut.
        try await shutSessions(of: daemon)
        // Some daemons read all there is.
        try await leaveEndpoints(of: daemon)
    }

    // MARK: Endpoints

    /// Waits until no routing daemon's route leads into a tunnel, at either end, and what was on its way has arrived.
    ///
    /// Routes that stay, such as those of a daemon that does not run, keep nothing from going on.
    private func drain(_ place: Disturbances.Place) async throws {
        guard let tunnel = topology.tunnel(named: place.tunnel), !topology.sessions(through: try end(at: place)).isEmpty
        else { return }
        let deadline = LabClock.now + Self.longestDrain
        while LabClock.now < deadline, try tunnel.ends.contains(where: leadsIn) {
            try await LabSleep.wait(for: .milliseconds(10))
        }
        try await LabSleep.wait(for: Self.flight)
    }

    private static let longestDrain = Duration.seconds(5)
    /// Longer than packets take through any network on earth.
    private static let flight = Duration.seconds(1)

    /// Whether a routing daemon's route leads into an end's interface.
    private func leadsIn(_ end: TunnelEnd) throws -> Bool {
        guard let interface = end.interface else { return false }
        return try sandbox(end.node).sockets.routes(table: nil).contains { route in
            route.protocol.isRoutingDaemons && route.nexthops.contains { $0.interface == interface }
        }
    }

    /// Nothing where its daemon cannot be asked: one that has ended has nothing to tell.
    private func leave(_ place: Disturbances.Place) async throws {
        try await keyDriver(of: place.node)?.forget(try end(at: place))
    }

    private func comeBack(to place: Disturbances.Place) async throws {
        let end = try end(at: place)
        let isUsed = end.begins
        try await takeUp(
            end.connections.map { .init(name: $0.name, child: $0.child, isUsed: isUsed) },
            by: DaemonName(node: place.node, kind: end.daemon))
    }

    /// Has a daemon that has read its configuration forget the tunnels whose endpoint is away.
    private func leaveEndpoints(of daemon: DaemonName) async throws {
        for tunnel in disturbances.awayTunnels(at: daemon.node) {
            let end = try end(at: Disturbances.Place(tunnel: tunnel, node: daemon.node))
            if end.daemon == daemon.kind { try await keyDriver(of: daemon.node)?.forget(end) }
        }
    }

    // MARK: Security associations

    private func end(at place: Disturbances.Place) throws -> TunnelEnd {
        guard let end = topology.tunnel(named: place.tunnel)?.ends.first(where: { $0.node == place.node }) else {
            throw LabFailure("The tunnel \(place.tunnel) has no end at \(place.node).", code: .wrongInput)
        }
        return end
    }

    private func deleteAssociations(of place: Disturbances.Place) throws {
        let (inbound, outbound) = try associations(of: end(at: place))
        guard !inbound.isEmpty || !outbound.isEmpty else {
            throw LabFailure(
                "\(place.node) has no security associations of \(place.tunnel) to delete.",
                remedy: "The tunnel has to be up: netlab status \(topology.name).", code: .wrongInput)
        }
        let sockets = try sandbox(place.node).sockets
        for association in inbound + outbound { try sockets.deleteSecurityAssociation(association) }
    }

    /// Nothing where its daemon has done so by itself, or cannot be asked.
    private func renewAssociations(of place: Disturbances.Place) async throws {
        let end = try end(at: place)
        let (inbound, outbound) = try associations(of: end)
        guard inbound.isEmpty || outbound.isEmpty, let driver = try keyDriver(of: place.node) else { return }
        try await driver.renewChild(of: end)
    }
}
