import LabModel
import LabRecords
import NetworkTypes
import PacketFormats

extension WirePacket {
    /// Reads a captured frame.
    init(_ frame: RawSpan, linkType: LinkType) {
        self.init()
        frameLength = frame.byteCount
        var reader = Reader(isOpened: false)
        Dissection.walk(frame, linkType: linkType) { layer, header, body in
            reader.take(layer, header, body, in: frame, packet: &self)
        }
        reader.finish(&self)
    }

    /// Reads the packet that came out of this one's ESP.
    mutating func open(_ payload: RawSpan) {
        esp?.state = .opened(length: payload.byteCount)
        var reader = Reader(isOpened: true)
        inner = nil
        Dissection.walkPacket(payload, in: 0..<payload.byteCount) { layer, header, body in
            reader.take(layer, header, body, in: payload, packet: &self)
        }
        reader.finish(&self)
    }
}

/// Follows the layers of one packet from the outside in.
private struct Reader {
    /// Whether the packet was inside ESP: its wrappings are known already.
    let isOpened: Bool
    private var current: IPSummary?
    /// What else the header of ``current`` says.
    private var hopLimit: UInt8 = 0
    private var trafficClass: UInt8 = 0
    private var encapsulationLimit: UInt8?
    private var isInUDP = false
    private var isInGRE = false
    private var greKey: UInt32?
    /// Of a VXLAN header since ``current``.
    private var vni: UInt32?

    init(isOpened: Bool) {
        self.isOpened = isOpened
    }

    mutating func take(
        _ layer: Layer, _ header: Range<Int>, _ body: Range<Int>, in bytes: RawSpan, packet: inout WirePacket
    ) -> Bool {
        switch layer {
        case .ethernet, .linuxCooked, .hopByHopOptions, .routing, .ah, .nonESPMarker:
            break
        case .destinationOptions(let options):
            encapsulationLimit = options.tunnelEncapsulationLimit ?? encapsulationLimit
        case .vlan(let tag):
            packet.wrappings.append(.vlan(Int(tag.identifier)))
        case .arp:
            packet.control = .arp
            return false
        case .ipv4(let ip):
            var summary = IPSummary(
                source: .v4(ip.source), destination: .v4(ip.destination), length: ip.totalLength,
                start: header.lowerBound)
            summary.isFragment = ip.isFragment
            summary.isLaterFragment = ip.fragmentOffset > 0
            enter(summary, packet: &packet)
            (hopLimit, trafficClass) = (ip.timeToLive, ip.trafficClass)
        case .ipv6(let ip):
            enter(
                IPSummary(
                    source: .v6(ip.source), destination: .v6(ip.destination),
                    length: IPv6Header.length + ip.payloadLength,
                    start: header.lowerBound), packet: &packet)
            (hopLimit, trafficClass) = (ip.hopLimit, ip.trafficClass)
        case .fragment(let fragment):
            current?.isFragment = fragment.isFragment
            current?.isLaterFragment = fragment.fragmentOffset > 0
        case .gre(let gre):
            isInGRE = true
            greKey = gre.key
            packet.wrappings.append(.gre)
        case .vxlan(let vxlan):
            vni = vxlan.networkIdentifier
            packet.wrappings.append(.vxlan)
        case .udp(let udp):
            isInUDP = true
            current?.transport = .udp(source: udp.sourcePort, destination: udp.destinationPort)
            packet.marker = ProbeMarker.id(at: body, in: bytes) ?? packet.marker
        case .tcp(let tcp):
            current?.transport = .tcp(
                source: tcp.sourcePort, destination: tcp.destinationPort, flags: tcp.flags, mss: tcp.maximumSegmentSize)
            packet.isSigned = tcp.hasMD5Signature
            if tcp.sourcePort == 179 || tcp.destinationPort == 179 { packet.control = .bgp }
        case .bgp:
            packet.control = .bgp
        case .bfd:
            packet.control = .bfd
        case .ospf:
            packet.control = .ospf
        case .ike, .natKeepalive:
            packet.control = .ike
        case .icmp(let icmp):
            let transport = transport(of: icmp)
            current?.transport = transport
            if !isOpened, packet.wrappings.count == 0 { packet.control = icmp.quotesPacket ? .icmpErrors : .icmp }
            packet.marker = ProbeMarker.id(at: body, in: bytes) ?? packet.marker
        case .icmpv6(let icmp):
            let transport = transport(of: icmp)
            current?.transport = transport
            switch icmp.content {
            case .neighborSolicitation, .neighborAdvertisement, .routerSolicitation, .routerAdvertisement:
                packet.control = .neighbourDiscovery
            // Nodes join the groups of their solicited addresses (RFC 4861, section 7.2.1; RFC 3810, section 5).
            case .other where [130, 131, 132, 143].contains(icmp.type):
                packet.control = .neighbourDiscovery
            default:
                if !isOpened, packet.wrappings.count == 0 { packet.control = icmp.quotesPacket ? .icmpErrors : .icmp }
            }
            packet.marker = ProbeMarker.id(at: body, in: bytes) ?? packet.marker
        case .esp(let esp):
            // ESP within ESP is the outer one's payload.
            guard packet.esp == nil else { return false }
            packet.wrappings.append(isInUDP ? .espInUDP : .esp)
            packet.esp = .init(
                spi: esp.spi, sequence: esp.sequence, range: header.lowerBound..<body.upperBound,
                depth: packet.wrappings.count)
            packet.outer = current
            return false
        case .wireGuard(let message):
            packet.wrappings.append(.wireGuard)
            packet.wireGuard = message
            packet.outer = current
            return false
        case .payload:
            packet.marker = ProbeMarker.id(at: header.lowerBound..<body.upperBound, in: bytes) ?? packet.marker
        case .truncated, .malformed:
            packet.isDamaged = true
            return false
        }
        return true
    }

    private mutating func enter(_ summary: IPSummary, packet: inout WirePacket) {
        if let current {
            let form: Wrapping =
                switch (current.source, summary.source) {
                case _ where isInGRE: .gre
                case _ where vni != nil: .vxlan
                case (.v4, .v4): .ipv4InIPv4
                case (.v4, .v6): .ipv6InIPv4
                case (.v6, .v4): .ipv4InIPv6
                case (.v6, .v6): .ipv6InIPv6
                }
            // GRE's and VXLAN's headers have been told of already.
            if !isInGRE, vni == nil { packet.wrappings.append(form) }
            packet.wrappers.append(
                WirePacket.Wrapper(
                    form: form, source: current.source, destination: current.destination, length: current.length,
                    hopLimit: hopLimit, trafficClass: trafficClass, encapsulationLimit: encapsulationLimit,
                    greKey: isInGRE ? greKey : nil, vni: vni,
                    isFragment: current.isFragment, start: current.start))
        }
        encapsulationLimit = nil
        if packet.outer == nil { packet.outer = summary }
        let isFragment = summary.isFragment || current?.isFragment ?? false
        current = summary
        current?.isFragment = isFragment
        isInUDP = false
        isInGRE = false
        vni = nil
    }

    func finish(_ packet: inout WirePacket) {
        packet.inner = current
        // The outermost header is also the innermost where nothing is wrapped: both know what follows.
        if !isOpened, packet.outer?.start == current?.start { packet.outer = current }
    }

    private func transport(of icmp: ICMPMessage) -> IPSummary.Transport {
        switch icmp.content {
        case .echoRequest(let identifier, let sequence):
            .echo(isRequest: true, identifier: identifier, sequence: sequence)
        case .echoReply(let identifier, let sequence):
            .echo(isRequest: false, identifier: identifier, sequence: sequence)
        case .fragmentationNeeded(let mtu): .tooBig(mtu: UInt32(mtu))
        default: .otherICMP
        }
    }

    private func transport(of icmp: ICMPv6Message) -> IPSummary.Transport {
        switch icmp.content {
        case .echoRequest(let identifier, let sequence):
            .echo(isRequest: true, identifier: identifier, sequence: sequence)
        case .echoReply(let identifier, let sequence):
            .echo(isRequest: false, identifier: identifier, sequence: sequence)
        case .packetTooBig(let mtu): .tooBig(mtu: mtu)
        default: .otherICMP
        }
    }
}
