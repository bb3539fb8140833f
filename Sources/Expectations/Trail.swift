import LabModel
import NetworkTypes

/// The way that one packet took through the lab, as captures show it.
struct Trail {
    /// One crossing of a link, or entry into a tunnel.
    struct Hop {
        let packet: WirePacket
        let node: String
        let link: Link?
        /// The tunnel entered here.
        let entered: String?
        /// The tunnel it is inside of while it crosses the link.
        let inside: String?

        /// The bytes of the frame that carries a packet of so many here; the link header counts, as netem counts it.
        func frameLength(of packet: Int, in topology: Topology) -> Int? {
            let header = link?.headerLength ?? 14
            guard let inside else { return packet + header }
            return topology.tunnel(named: inside)?.espEncapsulation.map { $0.outerLength(ofInner: packet) + header }
        }
    }

    let hops: [Hop]

    init(_ packets: [WirePacket], at places: WirePlaces) {
        hops = packets.compactMap { packet in
            guard let place = places[packet.point] else { return nil }
            let inside =
                packet.esp == nil ? nil : places.tunnel(of: packet).map { places.topology.tunnels[$0.tunnel].name }
            return Hop(packet: packet, node: place.node, link: place.link, entered: place.tunnel, inside: inside)
        }
    }

    /// Nodes and tunnels between the source and the destination, in order: of nodes, those that see the packet in clear.
    var places: [String] {
        var names: [String] = []
        for hop in hops where hop.inside == nil {
            if names.last != hop.node { names.append(hop.node) }
            if let tunnel = hop.entered { names.append(tunnel) }
        }
        return Array(names.dropFirst())
    }

    /// The time that the links alone take: delay and, for each byte of the frames, their rate.
    var linkTime: Duration {
        hops.reduce(.zero) { time, hop in
            guard let link = hop.link else { return time }
            let nanoseconds = Double(hop.packet.frameLength) * 8e9 / Double(link.rate.bitsPerSecond)
            return time + link.delay + .nanoseconds(Int64(nanoseconds.rounded()))
        }
    }

    /// The largest packet that fits through all links and tunnels on the way, and what sets the limit.
    func mtu(in topology: Topology) -> (bytes: Int, limit: String)? {
        var limits: [(bytes: Int, limit: String)] = []
        for hop in hops {
            guard let link = hop.link else {
                // A tunnel's interface may have an MTU of its own.
                guard let name = hop.entered,
                    let end = topology.tunnel(named: name)?.ends.first(where: { $0.node == hop.node }),
                    let mtu = end.mtu
                else { continue }
                limits.append((mtu.bytes, "MTU of \(end.node):\(end.interface)"))
                continue
            }
            if let name = hop.inside {
                guard let tunnel = topology.tunnel(named: name), let bytes = tunnel.largestPacket(over: link.mtu) else {
                    return nil
                }
                limits.append(
                    (
                        bytes,
                        "MTU \(link.mtu) of \(link.name) less \(tunnel.isUDPEncapsulated ? "UDP and " : "")ESP of tunnel \(name)"
                    ))
            } else {
                limits.append((link.mtu.bytes, "MTU of \(link.name)"))
            }
        }
        return limits.min { $0.bytes < $1.bytes }
    }

    /// The payload rate that links let through when every packet is full: the smallest share of a link's rate.
    ///
    /// - Parameters:
    ///   - acknowledgements: The way back. Where it shares a link's direction with this one, they take their part of its
    ///     rate: one for two segments (RFC 9293, section 3.8.6.3).
    ///   - acknowledgement: The length of one, in bytes.
    func goodput(
        payload: Int, packet length: Int, acknowledgements: Trail, acknowledgement: Int, in topology: Topology
    ) -> (bitsPerSecond: Double, limit: String)? {
        hops.compactMap { hop -> (bitsPerSecond: Double, limit: String)? in
            guard let link = hop.link, let frame = hop.frameLength(of: length, in: topology) else { return nil }
            let shared = acknowledgements.hops.filter { $0.link == link && $0.node == hop.node }
            let halves = shared.compactMap { $0.frameLength(of: acknowledgement, in: topology) }.reduce(0, +)
            let used = Double(frame) + Double(halves) / 2
            let words =
                "\(link.rate) of \(link.name), \(payload) of \(frame) bytes of each frame"
                + (halves > 0 ? ", shared with acknowledgements" : "")
            return (Double(link.rate.bitsPerSecond) * Double(payload) / used, words)
        }.min { $0.bitsPerSecond < $1.bitsPerSecond }
    }
}

extension Tunnel {
    /// What it makes of a packet's length; nil where its algorithms are not known.
    public var espEncapsulation: ESPEncapsulation? {
        guard let algorithms,
            let transform = try? ESPTransform(cipher: algorithms.encryption.cipher, integrity: algorithms.integrity),
            let end = ends.first
        else { return nil }
        let family: EncapsulationFamily = if case .v4 = end.localAddress { .ipv4 } else { .ipv6 }
        return ESPEncapsulation(transform: transform, family: family, isUDPEncapsulated: isUDPEncapsulated)
    }

    func largestPacket(over mtu: MTU) -> Int? {
        espEncapsulation?.largestInner(within: mtu.bytes)
    }
}
