import HeaderStacks
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
        /// The tunnels it is inside of here, outermost first.
        let inside: [WirePlaces.Passage]

        /// The bytes of the frame that carries a packet of so many here; the link header counts, as netem counts it.
        func frameLength(of packet: Int) -> Int? {
            guard let encapsulations else { return nil }
            let length = encapsulations.reversed().reduce(packet) { $1.outerLength(ofInner: $0) }
            return length + (link?.headerLength ?? 14)
        }

        /// What fits within the tunnels where this many bytes fit around them; nil where that is not known.
        func room(within bytes: Int) -> Int? {
            encapsulations.flatMap { layers in
                layers.reduce(Optional(bytes)) { room, layer in room.flatMap { layer.largestInner(within: $0) } }
            }
        }

        /// Nil where one is not known.
        private var encapsulations: [Encapsulation]? {
            let known = inside.compactMap(\.encapsulation)
            return known.count == inside.count ? HeaderStack.placed(known) : nil
        }
    }

    let hops: [Hop]

    init(_ packets: [WirePacket], at places: WirePlaces) {
        hops = packets.compactMap { packet in
            guard let place = places[packet.point] else { return nil }
            return Hop(
                packet: packet, node: place.node, link: place.link, entered: place.tunnel,
                inside: places.passages(of: packet))
        }
    }

    /// Nodes and tunnels between the source and the destination, in order: of nodes, those that see the packet in clear.
    var places: [String] {
        var names: [String] = []
        for hop in hops {
            if hop.inside.isEmpty {
                if names.last != hop.node { names.append(hop.node) }
                if let tunnel = hop.entered { names.append(tunnel) }
            } else if hop.inside.count == 1, case .secured(let tunnel, let sender)? = hop.inside.first,
                tunnel.isEnteredByPolicy(at: sender),
                names.last != tunnel.name
            {
                if names.last != sender { names.append(sender) }
                names.append(tunnel.name)
            }
        }
        return Array(names.dropFirst())
    }

    /// The tunnels entered that no other carries, in order.
    var tunnels: [String] {
        var names: [String] = []
        for hop in hops {
            if hop.inside.isEmpty, let tunnel = hop.entered { names.append(tunnel) }
            if hop.inside.count == 1, case .secured(let tunnel, let sender)? = hop.inside.first,
                tunnel.isEnteredByPolicy(at: sender),
                names.last != tunnel.name
            {
                names.append(tunnel.name)
            }
        }
        return names
    }

    /// The WireGuard tunnel that it goes through, in which it is not seen; nil where it goes through none.
    func sealing(in topology: Topology) -> String? {
        hops.lazy.compactMap(\.entered).first { topology.plainTunnel(named: $0)?.kind.isWireGuard ?? false }
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
            guard
                let (bytes, words) = hop.link.map({ ($0.mtu.bytes, "MTU \($0.mtu) of \($0.name)") })
                    ?? hop.entered.flatMap({ ownMTU(of: $0, at: hop.node, in: topology) })
            else { continue }
            guard let room = hop.room(within: bytes) else { return nil }
            // What an MTU that is not lessened is, the figure itself tells.
            let limit =
                hop.inside.isEmpty
                ? words.replacing("MTU \(bytes) of", with: "MTU of", maxReplacements: 1)
                : "\(words) less " + hop.inside.map(\.words).joined(separator: " and ")
            limits.append((room, limit))
        }
        return limits.min { $0.bytes < $1.bytes }
    }

    /// The MTU that a tunnel's interface has of its own, and not from what is below it; nil where it has none.
    private func ownMTU(of tunnel: String, at node: String, in topology: Topology) -> (bytes: Int, words: String)? {
        if let end = topology.tunnel(named: tunnel)?.ends.first(where: { $0.node == node }), let mtu = end.mtu,
            let interface = end.interface
        {
            return (mtu.bytes, "MTU \(mtu) of \(node):\(interface)")
        }
        guard let plain = topology.plainTunnel(named: tunnel), let end = plain.ends.first(where: { $0.node == node })
        else { return nil }
        // Its messages are fragmented where they do not fit (`send4` and `send6`, drivers/net/wireguard/socket.c).
        if plain.kind.isWireGuard {
            let mtu = topology.mtu(of: end, in: plain.kind)
            return (mtu, "MTU \(mtu) of \(node):\(end.interface)")
        }
        if let mtu = end.mtu { return (mtu.bytes, "MTU \(mtu) of \(node):\(end.interface)") }
        // Linux gives ISATAP's interface Ethernet's MTU less the header, whatever its link takes.
        guard plain.kind == .isatap else { return nil }
        return (topology.mtu(of: end, in: .isatap), "MTU 1500 - 20 of \(node):\(end.interface)")
    }

    /// The payload rate that links let through when every packet is full: the smallest share of a link's rate.
    ///
    /// - Parameters:
    ///   - acknowledgements: The way back. Where it shares a link's direction with this one, they take their part of its
    ///     rate: one for two segments (RFC 9293, section 3.8.6.3). Nil leaves them out.
    ///   - acknowledgement: The length of one, in bytes.
    func goodput(
        payload: Int, packet length: Int, acknowledgements: Trail? = nil, acknowledgement: Int = 0
    ) -> (bitsPerSecond: Double, limit: String)? {
        hops.compactMap { hop -> (bitsPerSecond: Double, limit: String)? in
            guard let link = hop.link, let frame = hop.frameLength(of: length) else { return nil }
            let shared = acknowledgements?.hops.filter { $0.link == link && $0.node == hop.node } ?? []
            let halves = shared.compactMap { $0.frameLength(of: acknowledgement) }.reduce(0, +)
            let used = Double(frame) + Double(halves) / 2
            let words =
                "\(link.rate) of \(link.name), \(payload) of \(frame) bytes of each frame"
                + (halves > 0 ? ", shared with acknowledgements" : "")
            return (Double(link.rate.bitsPerSecond) * Double(payload) / used, words)
        }.min { $0.bitsPerSecond < $1.bitsPerSecond }
    }
}

extension Tunnel {
    /// Whether policies alone lead into it at a node.
    func isEnteredByPolicy(at node: String) -> Bool { ends.contains { $0.node == node && $0.steering == .policy } }
}
