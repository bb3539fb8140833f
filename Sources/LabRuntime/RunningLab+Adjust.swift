import AgentProtocol
import DaemonDrivers
import Daemons
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime

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
        case .session(let name, let node, let isShut):
            try await tellBird(of: node, "\(isShut ? "disable" : "enable") '\(name)'")
        case .power(let node, let isOn):
            if !isOn { try loseMemory(of: node) }
        }
    }

    /// Does what is over as soon as it is done.
    func happen(_ fault: Fault) async throws {
        switch fault {
        case .natFlushed(let node):
            try sandbox(node).sockets.flushConnections()
        case .daemon(let node, let kind, .restarted):
            let name = DaemonName(node: node, kind: kind)
            guard let process = daemons[name.description], process.isRunning else {
                throw LabFailure(
                    "\(name) does not run, so it cannot be restarted.", remedy: "netlab status has the reason.",
                    code: .wrongInput)
            }
            await process.stop()
            if kind == .pluto { try flushIPsec(of: node) }
            try await startAgain(name)
        default:
            throw LabFailure("The fault \"\(fault)\" is not over in a moment.")
        }
        faultListener?(fault, true)
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
                "\(port.node) has no interface \(port.interface) now.", remedy: "Its tunnel has to be up.", code: .wrongInput)
        }
        guard let usual = ledger.usualMTUs[port] ?? MTU(link.mtu) else {
            throw LabFailure("\(port)'s MTU of \(link.mtu) bytes cannot be kept.")
        }
        ledger.usualMTUs[port] = mtu == nil ? nil : usual
        if let mtu, mtu >= usual {
            ledger.usualMTUs[port] = nil
            throw LabFailure(
                "\(port) has an MTU of \(usual) bytes: \(mtu) is not less.", remedy: "Give a smaller one.", code: .wrongInput)
        }
        // Below 1280 bytes an interface loses its IPv6 addresses (addrconf_notify, net/ipv6/addrconf.c).
        try keepingRoutes(of: port.node) { try $0.sockets.setMTU(mtu ?? usual, on: port.interface) }
    }

    /// What a kernel without power forgets, besides what its links and daemons do.
    private func loseMemory(of node: String) throws {
        let sockets = try sandbox(node).sockets
        try sockets.flushConnections()
        for route in try sockets.routes() where route.protocol == .bird { try sockets.deleteRoute(route) }
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
            if daemon.kind == .pluto { try flushIPsec(of: daemon.node) }
        case (.stopped, .killed):
            try await startAgain(daemon)
            daemons[daemon.description]?.suspend()
        case (.stopped, _):
            process.suspend()
        case (nil, .killed):
            try await startAgain(daemon)
        case (nil, _):
            process.resume()
            if let connections = ledger.unread.removeValue(forKey: daemon) {
                try await takeUp(connections.sorted { $0.name < $1.name }, by: daemon)
            }
        }
    }

    /// As libreswan's unit has it after pluto's end (`ExecStopPost` of ipsec.service).
    private func flushIPsec(of node: String) throws {
        let sockets = try sandbox(node).sockets
        try sockets.flushSecurityPolicies()
        try sockets.flushSecurityAssociations()
    }

    /// Starts a daemon that has ended, and waits until it can be asked.
    private func startAgain(_ name: DaemonName) async throws {
        guard let daemon = daemons[name.description]?.daemon else { return }
        let sandbox = try sandbox(name.node)
        let leftovers =
            switch name.kind {
            case .pluto: [PlutoCommand.socketPath, PlutoCommand.processFile]
            case .charon: [StrongSwanConfiguration.socketPath]
            case .bird: [BirdConfiguration.socketPath]
            }
        for path in leftovers { try sandbox.removeFile(path) }
        try start(daemon)
        // It reads everything there is.
        ledger.unread[name] = nil
        let (isReady, seen) = try await wait(
            for: Condition(.daemon(node: name.node, name.kind)), within: .seconds(30))
        guard isReady else {
            throw LabFailure(
                "\(name) does not start again: \(seen).", remedy: "Its log has more: netlab logs \(topology.name).",
                details: DaemonProcess.logEnd(of: daemon))
        }
        if name.kind == .bird { try await shutSessions(of: name.node) }
    }

    private func shutSessions(of node: String) async throws {
        for session in disturbances.shutSessions(of: node) { try await tellBird(of: node, "disable '\(session)'") }
    }

    /// Has a daemon take up what has been written, or notes that it shall when it goes on.
    private func takeUp(_ connections: [ConfigurationChange.Connection], by daemon: DaemonName) async throws {
        guard answers(daemon.kind, at: daemon.node) else {
            ledger.unread[daemon, default: []].formUnion(connections)
            return
        }
        switch daemon.kind {
        case .bird:
            try await tellBird(of: daemon.node, "configure")
            // One whose parameters have changed is a new one, which nobody has shut.
            try await shutSessions(of: daemon.node)
        case .pluto: try await reload(connections, at: daemon.node)
        case .charon: try await reloadCharon(connections, at: daemon.node)
        }
    }

    /// Nothing where BIRD does not run: it is told when it starts.
    private func tellBird(of node: String, _ command: String) async throws {
        guard answers(.bird, at: node) else { return }
        let control = BirdControl(path: try sandbox(node).agentPath(of: BirdConfiguration.socketPath))
        _ = try await offThread { try control.reply(to: command) }
    }

    /// As `ipsec auto --replace` and `ipsec auto --up --asynchronous` do for each.
    private func reload(_ connections: [ConfigurationChange.Connection], at node: String) async throws {
        let sandbox = try sandbox(node)
        let socket = sandbox.agentPath(of: PlutoCommand.socketPath)
        try await run(PlutoCommand.readSecrets(socket: socket), at: node)
        for connection in connections {
            // It is none that pluto has to know: loading is what counts.
            _ = try await NodeProcess.run(PlutoCommand.unload(connection.name, socket: socket), in: nil)
            try await run(PlutoCommand.load(connection.name), at: node, in: sandbox)
            guard connection.isUsed else { continue }
            _ = try await NodeProcess.run(PlutoCommand.initiate(connection.name, socket: socket), in: nil)
        }
    }

    /// The same for charon, as an operator does it with swanctl(8): what it has is ended, the files are read, and what does not
    /// begin by that is begun.
    private func reloadCharon(_ connections: [ConfigurationChange.Connection], at node: String) async throws {
        let control = try charon(of: node)
        // It is none that charon has to know: loading is what counts.
        for connection in connections {
            _ = try await offThread { try? control.terminate(connection: connection.name) }
        }
        try await run(StrongSwanConfiguration.loadArguments, at: node, in: sandbox(node))
        for connection in connections where connection.isUsed {
            _ = try await offThread {
                // A connection that has changed is begun by loading it, if that is what its start_action says.
                guard try !control.associations().contains(where: { $0.name == connection.name }) else { return }
                try? control.initiate(child: connection.child)
            }
        }
    }

    private func run(_ command: [String], at node: String, in sandbox: NodeSandbox? = nil) async throws {
        let (code, output) = try await NodeProcess.run(command, in: sandbox)
        guard code == 0 else {
            throw LabFailure(
                "\(node): \(command.joined(separator: " ")) ended with code \(code).",
                details: output.split(whereSeparator: \.isNewline).suffix(8).map(String.init))
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
        let daemon = topology.keyDaemon(of: place.node)
        guard inbound.isEmpty || outbound.isEmpty, answers(daemon.kind, at: place.node) else { return }
        if daemon == .strongswan {
            let control = try charon(of: place.node)
            return try await offThread {
                do { try control.rekey(child: end.child) } catch { try? control.initiate(child: end.child) }
            }
        }
        let socket = try sandbox(place.node).agentPath(of: PlutoCommand.socketPath)
        for command in PlutoCommand.renewChild(end.connection, socket: socket) {
            let (code, _) = try await NodeProcess.run(command, in: nil)
            if code == 0 { return }
        }
        _ = try await NodeProcess.run(PlutoCommand.initiate(end.connection, socket: socket), in: nil)
    }
}
