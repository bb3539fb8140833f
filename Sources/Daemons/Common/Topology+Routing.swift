import LabModel
import NetworkTypes
import RoutingDaemons

extension Topology {
    /// What the user's own configuration of a node's routing daemon says; nil for a generated one.
    public func ownRouting(of node: String) -> OwnRouting? {
        guard let node = self.node(named: node), let text = node.routingConfiguration else { return nil }
        return DaemonRegistry.routingDaemon(node.routingDaemon).own(text)
    }

    /// What a session of a user's own configuration tells by itself, beside what it passes on; nil where that is not read.
    public func told(in session: OwnSession, at node: String) -> [IPPrefix]? {
        ownRouting(of: node)?.told(in: session, networks(of: node), beside: mainRoutes(of: node))
    }

    /// The networks that a user's own configuration has a node tell of, and to which the node has no route.
    public func unroutedNetworks(of node: String) -> [IPPrefix] {
        ownRouting(of: node)?.unroutedNetworks(networks(of: node).map(\.prefix), beside: mainRoutes(of: node)) ?? []
    }

    private func mainRoutes(of node: String) -> [IPPrefix] {
        self.node(named: node)?.routes.filter { $0.table == 254 }.map(\.destination) ?? []
    }

    /// The networks that a node is connected to, each with the interface that leads there.
    public func networks(of node: String) -> [(interface: InterfaceName, prefix: IPPrefix)] {
        let links = linkEnds(of: node).flatMap { _, end in
            end.addresses.map { (interface: end.routedInterface, prefix: $0.prefix) }
        }
        let tunnels = tunnelEnds(of: node).compactMap { _, end in
            end.interface.flatMap { interface in end.inside.map { (interface: interface, prefix: $0.prefix) } }
        }
        let plain = plainTunnelEnds(of: node).compactMap { _, end in
            end.inside.map { (interface: end.interface, prefix: $0.prefix) }
        }
        return links + tunnels + plain
    }

    /// What in the user's own configuration of a node's routing daemon may decide what becomes of its routes and is not computed with.
    public func openRouting(of node: String) -> [String] {
        guard let own = ownRouting(of: node) else { return [] }
        var open = own.open + own.sessions.flatMap(\.open)
        for session in own.sessions where session.hold == .zero {
            open.append("the hold time of \(session.name) in line \(session.line), which is 0")
        }
        // Which routes come in is the lab file's, and what is not taken of these leads nobody.
        for session in sessions {
            guard let peer = session.speakers.first(where: { $0.node != node }),
                let speaker = session.speakers.first(where: { $0.node == node }),
                let told = own.session(with: peer.address)
            else { continue }
            if let source = told.source, source != speaker.address {
                open.append(
                    "the source address \(source) of \(told.name) in line \(told.line), which is not \(speaker.address)"
                )
            }
            if let interface = told.interface, interface != speaker.interface.description {
                open.append(
                    "the interface \(interface) of \(told.name) in line \(told.line), which is not \(speaker.interface)"
                )
            }
            guard let imports = told.imports[peer.address.bitWidth],
                peer.advertised.contains(where: { imports.filter.lets($0, from: OwnFilter.learned) != true })
            else { continue }
            open.append("what \(told.name) in line \(imports.line) takes in, which is not all of \(peer.node)'s")
        }
        let speakers = sessions.compactMap { session in session.speakers.first { $0.node == node } }
        if speakers.contains(where: { $0.prepended > 0 }) != own.prepends {
            open.append(
                own.prepends
                    ? "it prepends to paths, and the lab file does not" : "it prepends nothing, and the lab file does")
        }
        if speakers.count > 1, !own.mergesPaths {
            open.append(
                "it has several sessions, and which of equally good routes it takes, or whether it shares traffic among them"
            )
        }
        for session in sessions where session.speakers.contains(where: { $0.node == node }) {
            if ownSession(of: session, at: node) == nil {
                open.append("it says nothing of the neighbour of \(session.name)")
            }
        }
        for session in sessions {
            guard let speaker = session.speakers.first(where: { $0.node == node }),
                let peer = session.peer(of: speaker),
                peer.gracefulRestart != nil, ownSession(of: session, at: node)?.helpsRestart ?? false
            else { continue }
            // It may take more for a restart than netlab's own speakers do, such as the end of a hold timer (RFC 8538, RFC 9494).
            open.append("it does not say what of \(peer.node)'s graceful restart it goes by in \(session.name)")
        }
        let peers = sessions.flatMap(\.speakers).map(\.address) + oneSidedSessions.map(\.peer)
        for session in own.sessions {
            guard let neighbor = session.neighbor else {
                open.append("\(session.name) in line \(session.line) has no neighbour that is read here")
                continue
            }
            if !peers.contains(neighbor), owner(of: neighbor).map({ routingDaemon(of: $0) != nil }) ?? false {
                open.append("the lab file has no session with the neighbour \(neighbor) of \(session.name)")
            }
        }
        return open
    }

    /// What a speaker's own configuration says of a session; nil for a generated one, or where it says nothing.
    public func ownSession(of session: BGPSession, at node: String) -> OwnSession? {
        guard let own = ownRouting(of: node), let peer = session.speakers.first(where: { $0.node != node }) else {
            return nil
        }
        return own.session(with: peer.address)
    }

    /// The habits of what speaks BGP at a node, in one of its sessions.
    public func routingHabits(of session: BGPSession, at node: String) -> RoutingHabits {
        let daemon = DaemonRegistry.routingDaemon(
            self.node(named: node)?.routingDaemon ?? DaemonRegistry.usualRoutingDaemon.id)
        let habits = ownSession(of: session, at: node).map(daemon.habits(in:)) ?? daemon.habits
        let neighbors =
            ownRouting(of: node)?.sessions.count
            ?? sessions.count { $0.speakers.contains { $0.node == node } }
            + oneSidedSessions.count { $0.node == node }
        return habits.among(neighbors: neighbors)
    }

    /// When a speaker notices by BFD that it hears nothing of its peer any more; nil where not both have BFD.
    public func bfdDetection(of session: BGPSession, at speaker: BGPSpeaker) -> BFDDetection? {
        guard let peer = session.peer(of: speaker), let own = bfdTimers(of: session, at: speaker),
            let others = bfdTimers(of: session, at: peer)
        else { return nil }
        return BFDDetection(interval: max(own.receive, others.transmit), multiplier: others.multiplier)
    }

    /// How long a speaker goes on by the routes of a peer whose connection has broken off without a word: as long as the peer has told it
    /// (RFC 4724, section 4.2); nil where it takes them back at once.
    public func restartTime(of session: BGPSession, at speaker: BGPSpeaker) -> Duration? {
        let own = ownRouting(of: speaker.node).map { _ in
            ownSession(of: session, at: speaker.node)?.helpsRestart ?? false
        }
        return own ?? (speaker.gracefulRestart != nil) ? session.peer(of: speaker)?.gracefulRestart : nil
    }

    private func bfdTimers(of session: BGPSession, at speaker: BGPSpeaker) -> BFDTimers? {
        guard let own = ownRouting(of: speaker.node) else { return speaker.bfd }
        guard let wanted = ownSession(of: session, at: speaker.node) else { return nil }
        return own.timers(of: wanted, on: speaker.interface)
    }

    /// The habits of what speaks BGP at a node, where netlab has written its configuration.
    public func routingHabits(of node: String) -> RoutingHabits {
        DaemonRegistry.routingDaemon(self.node(named: node)?.routingDaemon ?? DaemonRegistry.usualRoutingDaemon.id)
            .habits
    }

    /// The metric that a node's kernel has for routes of BGP.
    public func routeMetric(of node: String) -> Int {
        ownRouting(of: node)?.metric ?? routingHabits(of: node).routeMetric
    }

    /// Why a session cannot stay up; nil where it can.
    public func holdConflict(of session: BGPSession) -> HoldConflict? {
        session.holdConflict { routingHabits(of: session, at: $0) }
    }
}
