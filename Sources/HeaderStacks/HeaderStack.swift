import NetworkTypes

/// The headers a packet gets on its way onto a link, and what is left of the link's MTU within them.
///
/// A stack that could be made has room for a packet and only layers that can stand within each other.
public struct HeaderStack: Hashable, Sendable {
    /// Outermost first.
    public let layers: [Encapsulation]
    public let linkMTU: MTU
    /// The longest packet that fits into the link's MTU with all its headers.
    public let mtu: Int
    /// The families of the packets within.
    public let carried: Set<EncapsulationFamily>

    /// - Parameter layers: Outermost first; VLAN tags before all others.
    /// - Throws: For layers that cannot stand within each other, and for a link without room for a packet within.
    public init(_ layers: [Encapsulation], linkMTU: MTU = .ethernet) throws(EncapsulationError) {
        var placed = Self.placed(layers)
        self.linkMTU = linkMTU
        carried = try Self.carried(by: layers)
        let shortest = Self.shortestPacket(of: carried)
        var room: Int? = linkMTU.bytes
        for (position, layer) in placed.enumerated() {
            room = room.flatMap(layer.largestInner)
            guard case .tunnel(var tunnel) = layer, tunnel.kind.pads else { continue }
            // The largest that its interface may have.
            tunnel.interfaceMTU = room
            placed[position] = .tunnel(tunnel)
        }
        self.layers = placed
        guard let room, room >= shortest else {
            let needed = Self.outerLength(ofInner: shortest, in: self.layers)
            throw EncapsulationError(
                message:
                    "A link MTU of \(linkMTU) has no room for a packet within \(layers.map(\.name).joined(separator: ", ")).",
                remedy: "The shortest packet, an IP header of \(shortest) bytes, needs a link MTU of \(needed).")
        }
        mtu = room
    }

    /// The largest TCP segment over IPv4: 20 bytes of IP header and 20 of TCP's less (RFC 6691); nil where no IPv4 is
    /// carried or none fits.
    public var mss4: Int? { segmentSize(.ipv4) }

    /// The largest TCP segment over IPv6: 40 bytes of IP header and 20 of TCP's less; nil where no IPv6 is carried or
    /// none fits.
    public var mss6: Int? { segmentSize(.ipv6) }

    /// Whether an IPv6 packet of 1280 bytes fits, as every link must let through (RFC 8200, section 5). Otherwise a layer
    /// below has to fragment.
    public var hasMinimumOfIPv6: Bool { mtu >= 1280 }

    /// The bytes of an IP header alone.
    public var shortestPacket: Int { Self.shortestPacket(of: carried) }

    /// The bytes of the outermost IP packet around a packet of that many.
    public func outerLength(ofInner length: Int) -> Int {
        Self.outerLength(ofInner: length, in: layers)
    }

    private func segmentSize(_ family: EncapsulationFamily) -> Int? {
        let size = mtu - family.headerLength - 20
        return carried.contains(family) && size > 0 ? size : nil
    }

    private static func outerLength(ofInner length: Int, in layers: [Encapsulation]) -> Int {
        layers.reversed().reduce(length) { $1.outerLength(ofInner: $0) }
    }

    private static func shortestPacket(of families: Set<EncapsulationFamily>) -> Int {
        families.map(\.headerLength).min() ?? 0
    }

    /// The same layers, outermost first, with ESP in transport mode told how long the IP header before it is, where a tunnel within makes
    /// that header.
    public static func placed(_ layers: [Encapsulation]) -> [Encapsulation] {
        var ipLength: Int?
        let inwards = layers.reversed().map { layer in
            switch layer {
            case .vlanTag:
                return layer
            case .tunnel(let tunnel):
                ipLength = tunnel.ipHeaders.reduce(0) { $0 + $1.bytes }
                return layer
            case .esp(let esp) where esp.mode == .transport:
                return .esp(esp.protecting(behind: ipLength ?? esp.family.headerLength))
            case .esp(let esp):
                ipLength = esp.family.headerLength
                return layer
            }
        }
        return inwards.reversed()
    }

    /// The families that packets within the layers can have.
    private static func carried(by layers: [Encapsulation]) throws(EncapsulationError) -> Set<EncapsulationFamily> {
        var families = Set(EncapsulationFamily.allCases)
        var outer: Encapsulation?
        for layer in layers {
            if let family = layer.family {
                guard families.contains(family) else {
                    throw EncapsulationError(
                        message: "\(layer.name) over \(family.name) cannot stand within \(outer?.name ?? "the link"), "
                            + "which carries \(families.map(\.name).sorted().joined(separator: " and ")) here.",
                        remedy:
                            "Put the layers into the order of the wire, outermost first, or take a kind for that family."
                    )
                }
                families = layer.carried
            } else if let outer, outer != .vlanTag {
                throw EncapsulationError(
                    message: "A VLAN tag cannot stand within \(outer.name), which carries IP packets.",
                    remedy: "Put vlan before all other layers.")
            }
            outer = layer
        }
        return families
    }
}
