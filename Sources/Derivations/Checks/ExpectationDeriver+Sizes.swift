import LabModel
import NetworkTypes
import Predictions

// How large packets and segments may be, and what a transfer reaches.
extension ExpectationDeriver {
    mutating func deriveSizes(_ one: Answered) {
        let name = one.probe.name
        if let link = lossyLink(one) {
            leaveOut("\(name)-mtu", .mtu, "\(link) loses packets by itself")
            return
        }
        add(
            "\(name)-mtu", .mtu(MTUClaim(probe: name, bytes: nil, beyond: .fragNeeded)),
            from: "the links and tunnels on the way of \(name)")
        guard takesTCP(one.probe) else {
            leaveOut("\(name)-mss", .mss, "no connection of \(name) gets through")
            return
        }
        if !isClamped(one), case .tooLong(let place) = predictor.segmentFit(of: one.probe) {
            leaveOut(
                "\(name)-mss", .mss,
                "nobody clamps segments on the way, and full ones are too long for \(place): TCP depends on \"fragmentation needed\""
            )
            return
        }
        add(
            "\(name)-mss", .mss(MSSClaim(probe: name, bytes: nil, transfer: Self.transfer)),
            from: "the links, tunnels and clamps on the way of \(name)")
    }

    /// Of what a claim about segments transfers, in bytes: some hundreds of them.
    private static let transfer = 1_000_000

    private func lossyLink(_ one: Answered) -> String? {
        let links = Set(one.courses.all.flatMap(\.crossings).map(\.link))
        return topology.links.first { links.contains($0.name) && $0.loss.fraction > 0 }?.name
    }

    /// Whether somebody on the way writes segment sizes, in either direction.
    private func isClamped(_ one: Answered) -> Bool {
        let places = one.courses.all.flatMap(\.places)
        return places.contains { place in
            let clamps =
                [topology.tunnel(named: place)?.mss, topology.node(named: place)?.mss]
                + (topology.plainTunnel(named: place)?.ends.map(\.mss) ?? [])
            return clamps.contains { $0 != nil && $0 != .off }
        }
    }

    /// What TCP reaches when it has found the rate of the slowest link.
    ///
    /// A transfer begins slowly: after as many bytes as are on the way at once it is at its rate, and what it sent too much by then
    /// is lost and sent again, for some round trips (RFC 9293, RFC 5681). Its second half is judged, so all of that has to be over by
    /// then. Where more is on the way at once than ``mostUnderWay``, a connection's buffers may be its limit, and nothing is claimed.
    mutating func deriveRate(_ one: Answered) {
        let name = one.probe.name
        guard lossyLink(one) == nil, takesTCP(one.probe) else { return }
        guard one.courses.forth.count == 1, one.courses.back.count == 1 else {
            return leaveOut(
                "\(name)-rate", .rate, "flows of \(name) share ways, and which one a transfer takes is chance")
        }
        let ends = [one.probe.source, topology.owner(of: one.probe.destination)]
        if let tuned = topology.nodes.first(where: { node in
            ends.contains(node.name) && node.sysctls.contains { $0.key.hasPrefix("net.ipv4.tcp_") }
        }) {
            return leaveOut("\(name)-rate", .rate, "\(tuned.name) has settings of its own for TCP")
        }
        let crossings = one.courses.all.flatMap(\.crossings)
        if let sealing = topology.plainTunnels.first(where: { tunnel in
            tunnel.kind.isWireGuard && one.courses.all.contains { $0.uses(tunnel.name) }
        }) {
            return leaveOut(
                "\(name)-rate", .rate, "packets are not followed within \(sealing.name), which encrypts them")
        }
        let rates = crossings.compactMap { topology.link(named: $0.link)?.rate }
        let roundTrip = crossings.reduce(Duration.zero) { $0 + (topology.link(named: $1.link)?.delay ?? .zero) }
        guard let slowest = rates.min(), let tolerance = Percentage(fraction: Self.tolerance) else { return }
        let underWay = Double(slowest.bitsPerSecond) / 8 * Double(roundTrip.wholeNanoseconds) / 1e9
        guard underWay <= Double(Self.mostUnderWay) else {
            let kilobytes = Int(underWay / 1000)
            return leaveOut(
                "\(name)-rate", .rate,
                "\(kilobytes) kB are on the way at once, \(slowest) for \(roundTrip.shortText), and one connection's buffers may not hold as much"
            )
        }
        let transfer = max(8_000_000, Int(underWay * 16) / 1000 * 1000)
        add(
            "\(name)-rate",
            .rate(
                RateClaim(
                    probe: name, expected: nil, tolerance: tolerance, transfer: transfer, published: nil)),
            from: "the rates of the links on the way of \(name)")
    }

    /// In bytes. Linux lets a sender's buffer grow to 4 MiB, of which the packets' administration takes more than half
    /// (tcp(7), `tcp_wmem`).
    private static let mostUnderWay = 1_000_000
    /// A queue that overflows costs a sender some of its rate for some round trips.
    private static let tolerance = 0.15
}
