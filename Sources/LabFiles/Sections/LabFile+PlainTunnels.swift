import LabModel
import NetworkTypes
import YAMLReading

/// A tunnel with a `kind:`, as the lab file has it.
struct PlainTunnelSpec {
    struct End {
        let node: Located<String>
        let address: Located<IPAddress>?
        let interface: Located<InterfaceName>?
        let inside: Located<InterfaceAddress>?
        let mtu: Located<MTU>?
        let mss: MSSClamp?
        let routes: [Located<IPPrefix>]
        let shape: Shape
        let potentialRouters: [Located<IPv4Address>]
        /// Where `routers:` stands; nil where it does not.
        let routersLine: Int?
        let line: Int
    }

    /// What may be written for a tunnel, and at an end for that end.
    struct Shape {
        /// Nil where it is not written; `.some(nil)` for none.
        let encapsulationLimit: Located<UInt8?>?
        let hopLimit: UInt8?
        let hopLimitLine: Int?
        /// GRE's, of the tunnel alone.
        let gre: PlainTunnel.GREOptions
        /// The keys of those that are written.
        let ofGRE: [Located<String>]
        /// VXLAN's, of the tunnel alone.
        let vni: Located<UInt32>?
        let port: Located<UInt16>?
        /// WireGuard's; seconds.
        let keepalive: Located<UInt16>?
        /// WireGuard's, of the tunnel alone.
        let presharedKey: Located<Bool>?

        init(_ fields: YAMLFields) {
            encapsulationLimit = fields["encapsulation-limit"].flatMap { value in
                if value.node.scalar?.string == "none" { return Located(value: nil, line: value.line) }
                return value.value(UInt8.self, "none, or a number from 0 to 255")
                    .map { Located(value: $0.value, line: $0.line) }
            }
            hopLimit = fields["hop-limit"].flatMap { value in
                guard let limit = value.value(UInt8.self, "a number from 1 to 255")?.value else { return nil }
                if limit == 0 { value.wrong("a number from 1 to 255") }
                return limit
            }
            hopLimitLine = fields["hop-limit"]?.line
            gre = PlainTunnel.GREOptions(
                key: fields["key"]?.value(UInt32.self, "a number below 2^32")?.value,
                hasSequenceNumbers: fields["sequence-numbers"]?.flag()?.value ?? false,
                hasChecksum: fields["checksum"]?.flag()?.value ?? false)
            ofGRE = ["key", "sequence-numbers", "checksum"].compactMap { key in
                fields[key].map { Located(value: key, line: $0.line) }
            }
            vni = fields["vni"].flatMap { value in
                let number = "a number from 0 to 16777215"
                guard let vni = value.value(UInt32.self, number) else { return nil }
                if vni.value >= 1 << 24 { value.wrong(number) }
                return Located(value: vni.value, line: vni.line)
            }
            let isWireGuard = fields["kind"]?.node.scalar?.string.hasPrefix("wireguard") ?? false
            port = fields["port"].flatMap { value in
                let ports =
                    isWireGuard
                    ? "a number from 51820 to 51835, at which captures are read as WireGuard"
                    : "4789 or 8472, at which captures are read as VXLAN"
                guard let port = value.value(UInt16.self, ports) else { return nil }
                let isKnown =
                    isWireGuard
                    ? WireGuardOptions.ports.contains(port.value)
                    : PlainTunnel.VXLANOptions.ports.contains(port.value)
                if !isKnown { value.wrong(ports) }
                return Located(value: port.value, line: port.line)
            }
            keepalive = fields["keepalive"].flatMap { value in
                let times = "whole seconds from 1s to 65535s"
                guard let time = value.duration(times) else { return nil }
                let (seconds, rest) = time.value.components
                guard rest == 0, (1...65535).contains(seconds) else {
                    value.wrong(times)
                    return nil
                }
                return Located(value: UInt16(seconds), line: time.line)
            }
            presharedKey = fields["preshared-key"]?.flag()
        }
    }

    let name: Located<String>
    let summary: String
    let kind: Located<PlainTunnel.Kind>
    let mtu: Located<MTU>?
    let mss: MSSClamp
    let shape: Shape
    let ends: [End]
    /// Whether every end that is written could be read; if not, that has been reported.
    let isComplete: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields([
                "kind", "summary", "mtu", "mss", "encapsulation-limit", "hop-limit", "key", "sequence-numbers",
                "checksum", "vni", "port", "keepalive", "preshared-key",
                "ends",
            ]),
            let kind = fields["kind"]?.choice(PlainTunnel.Kind.self, noun: "kinds of tunnels without IPsec"),
            let ends = fields.required("ends", "the two nodes it joins")
        else { return nil }
        name = key
        self.kind = kind
        summary = fields["summary"]?.text()?.value ?? ""
        mtu = fields["mtu"]?.value(MTU.self, "an MTU from 68 to 65535")
        mss = fields["mss"]?.mssClamp() ?? .off
        shape = Shape(fields)
        let written = ends.entries("a mapping of nodes to their end")
        self.ends = written.compactMap(End.init)
        isComplete = ends.node.mapping != nil && written.count == self.ends.count
    }
}

extension PlainTunnelSpec.End {
    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields([
                "address", "interface", "inside", "mtu", "mss", "routes", "routers", "encapsulation-limit", "hop-limit",
                "keepalive",
            ])
        else { return nil }
        node = key
        address = fields.required("address", "one of the node's own, which the outer packets carry")?
            .value(IPAddress.self, "an address of the node")
        interface = fields.required("interface", "the name of the interface that leads into the tunnel")?
            .value(InterfaceName.self, "an interface's name of 1 to 15 bytes")
        inside = fields["inside"]?.value(InterfaceAddress.self, "an address such as 192.168.9.1/30 or 2001:db8::1/64")
        mtu = fields["mtu"]?.value(MTU.self, "an MTU from 68 to 65535")
        mss = fields["mss"]?.mssClamp()
        routes =
            fields["routes"]?.members.compactMap { $0.value(IPPrefix.self, "a prefix such as 10.0.0.0/8") } ?? []
        shape = PlainTunnelSpec.Shape(fields)
        potentialRouters =
            fields["routers"]?.members.compactMap { $0.value(IPv4Address.self, "a router's IPv4 address") } ?? []
        routersLine = fields["routers"]?.line
        line = key.line
    }
}
