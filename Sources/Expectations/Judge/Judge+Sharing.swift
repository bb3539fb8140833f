import LabModel
import LabRecords
import NetworkTypes

extension CheckPlan {
    /// A connection for each flow, to ports from here on.
    static let firstSharedPort: UInt16 = 20_000

    func flows(of claim: SharingClaim) -> [Measurement] {
        guard let probe = topology.probe(named: claim.probe) else { return [] }
        return (0..<claim.flows).map { number in
            .probe(
                ProbeRequest(
                    source: probe.source, sourceAddress: probe.sourceAddress, destination: probe.destination,
                    kind: .handshake(
                        port: Self.firstSharedPort + UInt16(clamping: number), listens: true, timeout: .seconds(10))))
        }
    }
}

// A verdict on flows that several ways share, from the packets of each.
extension Judge {
    /// The packets of one flow that were seen on the shared ways, by way, in each direction.
    private struct FlowWays {
        let port: UInt16
        /// The port it comes from; 0 where no packet was seen.
        var origin: UInt16 = 0
        var forth: [String: [WirePacket]] = [:]
        var back: [String: [WirePacket]] = [:]

        var words: String { "\(origin) > \(port) there by \(Self.words(forth)), back by \(Self.words(back))" }

        /// `zone-a (3 packets)`.
        private static func words(_ ways: [String: [WirePacket]]) -> String {
            guard !ways.isEmpty else { return "none of them" }
            return ways.sorted { $0.key < $1.key }.map { way, packets in
                "\(way) (\(packets.count) packet\(packets.count == 1 ? "" : "s"))"
            }.joined(separator: " and ")
        }
    }

    func sharing(_ claim: SharingClaim) -> Judgement {
        let names = claim.ways.joined(separator: " and ")
        let expected =
            "\(claim.flows) connections of \(claim.probe) over \(names): each by one of them in each direction, and some by each"
        let rule = "RFC 2992: the hash of a flow's addresses and ports chooses among routes of equal cost"
        var flows: [FlowWays] = []
        for measurement in plan.flows(of: claim) {
            switch result(of: measurement) {
            case .failure(let missing): return .inconclusive(expected, rule, missing.reason)
            case .success(let probe):
                guard case .handshake(let handshake) = probe.outcome,
                    case .probe(let request) = measurement, case .handshake(let port, _, _) = request.kind
                else { return .inconclusive(expected, rule, "it was not measured") }
                guard handshake.outcome == .established else {
                    return Judgement(
                        outcome: .fail, expected: expected, rule: rule,
                        seen: "the connection to port \(port) was not established: \(handshake.outcome.rawValue)")
                }
                flows.append(ways(of: port, during: measurement, among: claim.ways))
            }
        }
        var faults: [String] = []
        var guilty: [FlowWays] = []
        for flow in flows where flow.forth.count != 1 || flow.back.count != 1 {
            guilty.append(flow)
            faults.append(flow.words)
        }
        for (direction, path) in [("there", \FlowWays.forth), ("back", \FlowWays.back)] {
            let idle = claim.ways.filter { way in !flows.contains { $0[keyPath: path][way] != nil } }
            if !idle.isEmpty { faults.append("no flow goes \(direction) by \(idle.joined(separator: " or "))") }
        }
        return Judgement(
            outcome: faults.isEmpty ? .pass : .fail, expected: expected, rule: rule,
            seen: faults.isEmpty ? summary(of: flows, claim) : faults.prefix(4).joined(separator: "; "),
            notes: (guilty.isEmpty ? flows : guilty).compactMap { flow in
                let all = flow.forth.values.flatMap(\.self) + flow.back.values.flatMap(\.self)
                let first = all.min { $0.number < $1.number }
                return first.map { Objections.Note($0, flow.words) }
            })
    }

    private func ways(of port: UInt16, during measurement: Measurement, among ways: [String]) -> FlowWays {
        var flow = FlowWays(port: port)
        for packet in packets(during: measurement) {
            guard case .tcp(let source, let destination, _, _)? = packet.inner?.transport,
                source == port || destination == port,
                let place = examination.places[packet.point], let way = place.tunnel ?? place.link?.name,
                ways.contains(way)
            else { continue }
            if destination == port {
                flow.origin = source
                flow.forth[way, default: []].append(packet)
            } else {
                flow.back[way, default: []].append(packet)
            }
        }
        return flow
    }

    private func summary(of flows: [FlowWays], _ claim: SharingClaim) -> String {
        let counts = { (path: KeyPath<FlowWays, [String: [WirePacket]]>) in
            claim.ways.map { way in "\(way) \(flows.count { $0[keyPath: path][way] != nil })" }.joined(separator: ", ")
        }
        let asymmetric = flows.count { Set($0.forth.keys) != Set($0.back.keys) }
        return
            "\(flows.count) flows, each by one way: there \(counts(\.forth)), back \(counts(\.back)); \(asymmetric) of them not by the same there and back"
    }
}
