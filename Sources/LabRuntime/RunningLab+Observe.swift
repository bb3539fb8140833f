import AgentProtocol
import DaemonDrivers
import DaemonProfiles
import Daemons
import Decryption
import LabModel
import LabPlan
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

// What expectations are held against: measurements, one after the other, with a capture beside them.
extension RunningLab {
    /// Makes every measurement of a request.
    ///
    /// - Parameter file: Where the capture goes, as the agent sees it.
    /// - Throws: ``LabFailure`` where the capture cannot be made. A measurement that fails is a finding.
    func observe(_ request: ObservationRequest, file: String) async throws -> Observation {
        let before = try dropCounters()
        guard let capture = request.capture else {
            let steps = try await measure(request.measurements)
            return Observation(steps: steps, capture: nil, drops: try drops(since: before))
        }
        let session = try await self.capture(capture, file: file) { _ in }
        do {
            let steps = try await measure(request.measurements)
            let drops = try drops(since: before)
            return Observation(steps: steps, capture: try await session.finish(), drops: drops)
        } catch {
            await session.abandon()
            throw error
        }
    }

    /// What all nodes have counted; of the packet filters those of nodes that filter by the lab file.
    private func dropCounters() throws -> [DropCounters] {
        try topology.nodes.compactMap { node in
            try sandboxes[node.name].map { try DropCounters($0, withRules: topology.filtersPackets(at: node)) }
        }
    }

    private func drops(since earlier: [DropCounters]) throws -> [DroppedPackets] {
        zip(try dropCounters(), earlier).flatMap { $0.drops(since: $1) }
    }

    private func measure(_ measurements: [Measurement]) async throws -> [Observation.Step] {
        var steps: [Observation.Step] = []
        for measurement in measurements {
            if case .probe = measurement { try forgetPathMTUs() }
            let start = LabClock.now
            let finding: Finding
            do {
                finding = try await self.finding(of: measurement)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                finding = .failed("\(error)")
            }
            steps.append(
                Observation.Step(
                    measurement: measurement, fromNanoseconds: start.nanoseconds,
                    toNanoseconds: LabClock.now.nanoseconds,
                    finding: finding))
        }
        return steps
    }

    /// What was measured before may have taught the kernels the MTUs of ways, which clamps and senders go by: each measurement finds the
    /// lab as a fresh one.
    private func forgetPathMTUs() throws {
        for node in topology.nodes {
            guard let sandbox = sandboxes[node.name] else { continue }
            try sandbox.network.setSysctls([("net.ipv4.route.flush", "1")])
            if topology.addresses(of: node.name).contains(where: { $0.bitWidth == 128 }) {
                try sandbox.sockets.forgetPathMTUs()
            }
        }
    }

    /// Starts a capture.
    ///
    /// - Parameter report: Called with the file's length whenever the host can read more of it.
    func capture(
        _ request: CaptureRequest, file: String, report: @escaping @Sendable (Int) -> Void
    ) async throws -> CaptureSession {
        let watch = request.withKeys ? try AssociationWatch(topology, sandboxes: sandboxes) : nil
        let points = try request.points.map { ($0, try sandbox($0.node)) }
        let ikeWatch = request.withIKEKeys ? ikeKeyWatch : nil
        let sources = keySources
        await ikeWatch?.begin { sources.map { $0() } }
        do {
            return try CaptureSession(
                request, points: points, lab: topology.name, watch: watch, ikeWatch: ikeWatch, file: file,
                report: report)
        } catch {
            _ = try await ikeWatch?.end()
            throw error
        }
    }

    /// What gathers IKE keys from each kind of key daemon that runs now.
    private var keySources: [@Sendable () -> any IKEKeySource] {
        DriverRegistry.keyDaemons.compactMap { kind, driver -> (@Sendable () -> any IKEKeySource)? in
            let running = daemons.values.compactMap { process -> (sandbox: NodeSandbox, log: String)? in
                guard process.daemon.kind == kind, process.isRunning, let sandbox = sandboxes[process.daemon.node]
                else {
                    return nil
                }
                return (sandbox, Daemon.logFile(node: process.daemon.node, kind: kind))
            }
            guard !running.isEmpty else { return nil }
            return { driver.keySource(running) }
        }
    }

    private func finding(of measurement: Measurement) async throws -> Finding {
        switch measurement {
        case .probe(let request):
            return .probe(try await run(request))
        case .routes(let node):
            return .routes(try sandbox(node).sockets.routes().map(ObservedRoute.init))
        case .session(let name):
            guard let session = topology.session(named: name) else { return .failed("there is no BGP session \(name)") }
            return .session(try await status(of: session).speakers.map(ObservedSpeaker.init))
        case .bgpRoutes(let node):
            let keys = topology.sessionNames.compactMap { topology.sessionKey($0, at: node) }
            guard let routes = try await routingDriver(of: node)?.bgpRoutes(of: keys) else {
                return .failed("what speaks BGP at \(node) is not asked for its routes' attributes")
            }
            return .bgpRoutes(routes)
        case .connecting(let name):
            guard let session = topology.oneSidedSession(named: name) else {
                return .failed("there is no BGP session \(name)")
            }
            try await LabSleep.wait(until: LabClock.now + topology.routingHabits(of: session.node).retry)
            return .session(try await status(of: session).speakers.map(ObservedSpeaker.init))
        case .flaps(let name, let time):
            guard let session = topology.session(named: name) else { return .failed("there is no BGP session \(name)") }
            return .flaps(try await flaps(of: session, in: time))
        case .condition(let condition):
            let (holds, seen) = try await wait(for: condition, within: .zero)
            return .condition(holds: holds, seen: seen)
        case .refresh(let names):
            for speaker in names.compactMap(topology.session(named:)).flatMap({ session in
                session.speakers.map { (session.name, $0.node) }
            }) {
                guard let key = topology.sessionKey(speaker.0, at: speaker.1) else { continue }
                try await routingDriver(of: speaker.1)?.refresh(key)
            }
            try await LabSleep.wait(for: Self.refreshing)
            return .done
        case .tunnel(let name):
            guard let tunnel = topology.tunnel(named: name) else { return .failed("there is no tunnel \(name)") }
            var ends: [ObservedTunnelEnd] = []
            for end in tunnel.ends { ends.append(try await observed(end, of: tunnel)) }
            return .tunnel(ends)
        }
    }

    /// A request, its answer and TCP's delayed acknowledgement (0.2 s at most, `TCP_DELACK_MAX`) over the slowest links.
    private static let refreshing = Duration.seconds(1)

    /// How often each speaker logs that a session which was up ends.
    private func flaps(of session: BGPSession, in time: Duration) async throws -> [String: Int] {
        let logs = session.speakers.compactMap { speaker in
            topology.routingDaemon(of: speaker.node).map {
                (speaker.node, Daemon.logFile(node: speaker.node, kind: $0))
            }
        }
        let before = logs.map { GuestSystem.read($0.1)?.utf8.count ?? 0 }
        var isUp: [String: Bool] = [:]
        for (node, _) in logs { isUp[node] = try await isEstablished(session.name, at: node) }
        try await LabSleep.wait(until: LabClock.now + time)
        var counts: [String: Int] = [:]
        for ((node, path), length) in zip(logs, before) {
            guard let text = GuestSystem.read(path) else { continue }
            let fresh = String(decoding: text.utf8.dropFirst(length), as: UTF8.self)
            var count = 0
            let events =
                topology.routingDaemonProfile(of: node)?.events(in: fresh, of: node, in: topology, realTimeOffset: 0)
                ?? []
            for event in events {
                guard case .session(session.name, let what) = event.kind else { continue }
                switch what {
                case .up: isUp[node] = true
                case .stopping, .givingUpRoutes, .changing:
                    if isUp[node] == true { count += 1 }
                    isUp[node] = false
                case .failed: break
                }
            }
            counts[node] = count
        }
        return counts
    }

    private func observed(_ end: TunnelEnd, of tunnel: Tunnel) async throws -> ObservedTunnelEnd {
        let keys = try await keyDriver(of: end.node)?.connections()?.state(of: end)
        let (inbound, outbound) = try associations(of: end)
        let known = { (associations: [SecurityAssociation], isOutbound: Bool) in
            associations.compactMap(ESPAssociation.init).map {
                TunnelAssociation(tunnel: tunnel.name, node: end.node, isOutbound: isOutbound, association: $0)
            }
        }
        return ObservedTunnelEnd(
            node: end.node, ike: keys?.ike,
            ikeReplacedIn: keys?.ikeReplacedIn,
            childReplacedIn: keys?.childReplacedIn,
            associations: known(inbound, false) + known(outbound, true),
            missing: outbound.isEmpty ? nil : try sandbox(end.node).missing(of: tunnel, at: end, among: outbound))
    }
}

extension ObservedRoute {
    init(_ route: Route) {
        self.init(
            prefix: route.destination, gateways: route.nexthops.compactMap(\.gateway),
            interfaces: route.nexthops.compactMap(\.interface), text: route.description)
    }
}

extension ObservedSpeaker {
    init(_ speaker: SessionStatus.Speaker) {
        self.init(
            node: speaker.node, state: speaker.state, hold: speaker.holdSeconds.map { .seconds($0) },
            keepalive: speaker.keepaliveSeconds.map { .seconds($0) }, learned: speaker.imported,
            lastError: speaker.lastError)
        bfd = speaker.bfd
        // Daemons tell it in whole milliseconds, which a number of seconds is not for sure.
        bfdDetection = speaker.bfdDetectionSeconds.map { .milliseconds(Int64(($0 * 1000).rounded())) }
    }
}
