import LabModel
import LabRecords
import NetworkTypes

/// What has to be measured to judge expectations, each measurement once, however many expectations need it.
public struct CheckPlan: Sendable {
    public let topology: Topology
    public let expectations: [Expectation]

    public init(topology: Topology, expectations: [Expectation]) {
        self.topology = topology
        self.expectations = expectations
    }

    /// Whether the expectations' conditions hold: to be found out first.
    public var conditions: [Measurement] {
        unique(expectations.flatMap(\.when).map { .condition($0) })
    }

    /// What is captured: a probe's packets, those of the tunnels among them.
    public var captured: ObservationRequest {
        ObservationRequest(
            measurements: unique(expectations.flatMap(measurements)),
            capture: CaptureRequest(
                points: CaptureRequest.allPoints(of: topology), ringBytes: Self.ring, gathering: Self.gathering,
                withKeys: true))
    }

    /// For each of some forty places: 1 MiB holds more than arrives until it is read, at 1 Gbit/s half of it.
    private static let ring = 1 << 20
    private static let gathering = Duration.milliseconds(4)

    /// What is measured without a capture beside it: transfers so long that the packets would fill files, and pings so long
    /// that buffers would be looked at for nothing, thousands of times.
    public var uncaptured: ObservationRequest {
        ObservationRequest(
            measurements: unique(
                expectations.compactMap { expectation in
                    switch expectation.claim {
                    case .rate(let claim): transfer(of: claim)
                    case .rtt(let claim): manyEchoes(of: claim)
                    default: nil
                    }
                }))
    }

    /// The plan for those expectations whose conditions hold.
    public func applicable(_ observation: Observation) -> CheckPlan {
        CheckPlan(
            topology: topology,
            expectations: expectations.filter { expectation in
                expectation.when.allSatisfy { condition in
                    guard case .condition(let holds, _)? = observation.finding(of: .condition(condition)) else {
                        return false
                    }
                    return holds
                }
            })
    }

    private func unique(_ measurements: [Measurement]) -> [Measurement] {
        var seen: Set<Measurement> = []
        return measurements.filter { seen.insert($0).inserted }
    }

    // MARK: What each expectation needs

    func measurements(for expectation: Expectation) -> [Measurement] {
        switch expectation.claim {
        case .encapsulation(let claim): claim.probes.flatMap(sizes)
        case .confidentiality(let claim): claim.probes.flatMap(sizes)
        case .mtu(let claim): mtu(claim)
        case .mss(let claim): [echoes(claim.probe), handshake(claim), bulk(claim)].compactMap { $0 }
        case .path(let claim): [echoes(claim.probe)].compactMap { $0 }
        case .rtt(let claim): [echoes(claim.probe)].compactMap { $0 }
        case .traceroute(let claim): traces(claim)
        case .md5(let claim): [.refresh(claim.sessions)]
        case .routes(let claim): [.routes(node: claim.node)]
        case .bgp(let claim): [session(claim)]
        case .securityAssociation(let claim): [.tunnel(claim.tunnel)]
        case .rate(let claim): [echoes(claim.probe)].compactMap { $0 }
        case .security(let claim): [packet(claim)]
        case .sharing(let claim): flows(of: claim)
        case .best(let claim): [.bgpRoutes(node: claim.node)]
        case .symmetric(let claim): [echoes(claim.probe)].compactMap { $0 }
        case .ospf(let claim): [.condition(claim.condition)]
        case .bfd(let claim): [.session(claim.session)]
        }
    }

    /// Some lives of a session with the usual hold times.
    static let flapping = Duration.seconds(120)

    func session(_ claim: BGPClaim) -> Measurement {
        if claim.isFlapping { return .flaps(claim.session, Self.flapping) }
        return topology.oneSidedSession(named: claim.session) == nil
            ? .session(claim.session) : .connecting(claim.session)
    }

    func transfer(of claim: RateClaim) -> Measurement? {
        request(claim.probe, .bulk(bytes: claim.transfer, port: Self.transferPort, deadline: .seconds(120)))
    }

    /// Where transfers go; netperf's, for want of one of ours.
    public static let transferPort: UInt16 = 12865

    private func request(_ probe: String, _ kind: ProbeRequest.Kind) -> Measurement? {
        topology.probe(named: probe).map {
            .probe(
                ProbeRequest(
                    source: $0.source, sourceAddress: $0.sourceAddress, destination: $0.destination, kind: kind))
        }
    }

    /// Packets of all lengths modulo 16, by which ciphers' blocks differ, and some large ones.
    private func sizes(_ probe: String) -> [Measurement] {
        (Array(100..<116) + [576, 1280, 1400]).compactMap {
            request(probe, .oneEcho(length: $0, dontFragment: true, timeout: .seconds(1)))
        }
    }

    func echoes(_ probe: String) -> Measurement? {
        request(
            probe, .echo(count: 5, interval: .milliseconds(100), payload: 56, dontFragment: true, timeout: .seconds(1)))
    }

    /// Nil for a claim that is about a few echoes, which are captured.
    func manyEchoes(of claim: RTTClaim) -> Measurement? {
        claim.count.flatMap { count in
            request(
                claim.probe,
                .echo(count: count, interval: .seconds(1), payload: 56, dontFragment: true, timeout: .seconds(1)))
        }
    }

    /// As many as traceroute(8) sends to each hop, each with ports of its own: where traffic is shared by flow, they may
    /// take different ways.
    func traces(_ claim: TracerouteClaim) -> [Measurement] {
        guard let probe = topology.probe(named: claim.probe) else { return [] }
        return (0..<3).map { number in
            .probe(
                ProbeRequest(
                    source: probe.source, sourceAddress: probe.sourceAddress, destination: probe.destination,
                    kind: .trace(method: .udp, maximumHops: claim.hops.count + 1, timeout: .seconds(1)),
                    id: Self.firstTrace + UInt64(number)))
        }
    }

    /// Beyond what a lab numbers its probes with.
    private static let firstTrace: UInt64 = 1 << 40

    func mtu(_ claim: MTUClaim) -> [Measurement] {
        [echoes(claim.probe), pathMTU(claim), beyond(claim)].compactMap { $0 }
    }

    func pathMTU(_ claim: MTUClaim) -> Measurement? {
        request(claim.probe, .pathMTU(limit: nil, tries: 2, timeout: .seconds(1)))
    }

    /// For what is fragmented, a packet as large as the source's link takes, which may be fragmented.
    func beyond(_ claim: MTUClaim) -> Measurement? {
        guard claim.beyond == .fragmentedOutside || claim.beyond == .fragmentedInside,
            let probe = topology.probe(named: claim.probe),
            let link = topology.linkEnds(of: probe.source).first?.link
        else { return nil }
        return request(claim.probe, .oneEcho(length: link.mtu.bytes, dontFragment: false, timeout: .seconds(1)))
    }

    func handshake(_ claim: MSSClaim) -> Measurement? {
        request(claim.probe, .handshake(port: Self.transferPort, listens: true, timeout: .seconds(10)))
    }

    func bulk(_ claim: MSSClaim) -> Measurement? {
        request(claim.probe, .bulk(bytes: claim.transfer, port: Self.transferPort, deadline: .seconds(60)))
    }

    func packet(_ claim: SecurityClaim) -> Measurement {
        let packet: ProbeRequest.ProbePacket =
            switch (claim.transport, claim.port) {
            case (.tcp, let port?): .tcpSYN(sourcePort: 50_022, destinationPort: port)
            case (.udp, let port?): .udp(sourcePort: 50_022, destinationPort: port)
            default: .echo
            }
        return .probe(
            ProbeRequest(
                source: claim.source, sourceAddress: claim.sourceAddress, destination: claim.destination,
                kind: .packet(packet, wait: .seconds(1))))
    }
}

extension CaptureRequest {
    /// Where each packet of a lab is seen once on each link, as its sender puts it there, and once as it enters a tunnel.
    public static func allPoints(of topology: Topology) -> [Point] {
        let tunnels = topology.tunnels.filter { !$0.isUnused }.flatMap(\.ends)
        return topology.links.flatMap(\.ends).map {
            Point(node: $0.node, interface: $0.interface, direction: .outbound)
        }
            + tunnels.compactMap { end in
                end.interface.map { Point(node: end.node, interface: $0, direction: .outbound) }
            }
            + topology.plainTunnels.flatMap(\.ends).map {
                Point(node: $0.node, interface: $0.interface, direction: .outbound)
            }
    }
}
