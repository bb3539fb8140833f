extension HeaderStack {
    /// A stretch of a packet on the wire.
    public struct Part: Hashable, Sendable, Codable {
        /// The layer it belongs to, by its name in ``Encapsulation/name``; `packet` for the packet within.
        public let layer: String
        public let name: String
        public let bytes: Int
        /// Whether it counts against the link's MTU, as all does but VLAN tags.
        public let isInMTU: Bool

        init(layer: String, name: String, bytes: Int, isInMTU: Bool = true) {
            self.layer = layer
            self.name = name
            self.bytes = bytes
            self.isInMTU = isInMTU
        }
    }

    /// What a packet of that many bytes looks like on the wire, in the order of the wire.
    ///
    /// Headers without bytes are left out, such as the initialization vector of a null cipher; padding and payload are not.
    public func parts(ofInner length: Int) -> [Part] {
        var packet = Packet(parts: [Part(layer: "packet", name: "inner packet", bytes: length)])
        for layer in layers.reversed() { packet.wrap(in: layer) }
        return packet.parts
    }

    /// A packet while it is being wrapped.
    private struct Packet {
        var parts: [Part]
        /// How many parts at the front are its IP header; 0 while the header is inside the first part.
        var ipHeaders = 0

        mutating func wrap(in layer: Encapsulation) {
            switch layer {
            case .vlanTag:
                parts.insert(
                    Part(layer: layer.name, name: "VLAN tag", bytes: Encapsulation.vlanTagLength, isInMTU: false), at: 0
                )
            case .tunnel(let tunnel):
                parts = tunnel.ipHeaders + tunnel.ownHeaders + parts
                ipHeaders = tunnel.ipHeaders.count
            case .esp(let esp):
                wrap(in: esp, named: layer.name)
            }
        }

        private mutating func wrap(in esp: ESPEncapsulation, named name: String) {
            let header = esp.family.headerLength
            if esp.mode == .transport, ipHeaders == 0, let inner = parts.first {
                parts.replaceSubrange(
                    0..<1,
                    with: [
                        Part(layer: inner.layer, name: "\(esp.family.name) header", bytes: header),
                        Part(layer: inner.layer, name: "payload", bytes: inner.bytes - header),
                    ])
                ipHeaders = 1
            } else if esp.mode == .tunnel {
                parts.insert(Part(layer: name, name: "\(esp.family.name) header", bytes: header), at: 0)
                ipHeaders = 1
            }
            let payload = parts[ipHeaders...].reduce(0) { $0 + $1.bytes }
            let transform = esp.transform
            let before = [
                ("UDP header", esp.isUDPEncapsulated ? Encapsulation.udpHeaderLength : 0),
                ("ESP header", ESPOverhead.headerLength), ("initialization vector", transform.ivLength),
            ]
            let after = [
                ("padding", transform.paddingLength(payload: payload)),
                ("pad length, next header", ESPOverhead.trailerLength), ("integrity check value", transform.icvLength),
            ]
            parts.insert(
                contentsOf: before.filter { $0.1 > 0 }.map { Part(layer: name, name: $0.0, bytes: $0.1) }, at: ipHeaders
            )
            parts += after.map { Part(layer: name, name: $0.0, bytes: $0.1) }
        }
    }
}
