import NetworkTypes

/// Where a walk through a frame has come to.
@usableFromInline
struct LayerCursor {
    private enum Stage {
        case ethernet, linuxCooked, ip, ipv4, ipv6, natTraversal, ike, bgp, bfd, vxlan, payload, end
        case wireGuard(length: Int)
        case etherType(EtherType)
        case transport(IPProtocol)
    }

    // The layer come to is kept here and not returned: copying it about would cost more than decoding it.
    @usableFromInline private(set) var layer = Layer.payload
    @usableFromInline private(set) var header = 0..<0
    @usableFromInline private(set) var body = 0..<0

    private var stage: Stage
    /// Where the next header begins.
    private var start: Int
    /// Where the bytes end that belong to it.
    private var end: Int
    private var depth = 0
    /// Whether the bytes end before the packet does, or nothing says how long the packet is.
    private var isCut = true
    /// How many bytes headers claim beyond the end.
    private var missing = 0
    /// In the first fragment of a packet: lengths from here on are those of the whole, and nothing is missing.
    private var isFragment = false

    @usableFromInline
    init(linkType: LinkType, range: Range<Int>) {
        start = range.lowerBound
        end = range.upperBound
        stage =
            switch linkType {
            case .ethernet: .ethernet
            case .linuxCooked: .linuxCooked
            case .raw: .ip
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            default: .payload
            }
    }

    /// Goes on to the next layer; false after the last. `bytes` are the same each time.
    @usableFromInline
    mutating func advance(in bytes: RawSpan) -> Bool {
        do throws(Malformation) {
            return try decode(bytes)
        } catch .shortHeader where isCut {
            return last(.truncated(missing: max(missing, 1)))
        } catch {
            return last(.malformed(error))
        }
    }

    private mutating func decode(_ bytes: RawSpan) throws(Malformation) -> Bool {
        if case .end = stage { return finish() }
        // Each layer but BGP stands within the one before.
        if case .bgp = stage {} else { depth += 1 }
        guard depth <= Dissection.maximumDepth else { throw .tooDeep }
        let rest = bytes.extracting(start..<end)
        switch stage {
        case .ethernet:
            return try decodeEthernet(rest)
        case .linuxCooked:
            let header = try LinuxCookedHeader(rest)
            return step(.linuxCooked(header), LinuxCookedHeader.length, .etherType(header.etherType))
        case .etherType(let type):
            return try decode(type, rest)
        case .ip:
            try rest.require(1)
            return rest.uint8(at: 0) >> 4 == 6 ? try decodeIPv6(rest) : try decodeIPv4(rest)
        case .ipv4:
            return try decodeIPv4(rest)
        case .ipv6:
            return try decodeIPv6(rest)
        case .transport(let number):
            return try decode(number, rest)
        case .natTraversal:
            return try decodeNATTraversal(rest)
        case .ike:
            let header = try IKEHeader(rest)
            claim(header.messageLength)
            return step(.ike(header), IKEHeader.length, .end)
        case .bgp:
            return try decodeBGP(rest)
        case .vxlan:
            return step(.vxlan(try VXLANHeader(rest)), VXLANHeader.length, .ethernet)
        case .wireGuard(let length):
            let message = try WireGuardMessage(rest, length: length)
            return step(.wireGuard(message), message.headerLength, .end)
        case .bfd:
            return step(.bfd(try BFDControl(rest)), BFDControl.length, .end)
        case .payload, .end:
            return payload()
        }
    }

    private mutating func decode(_ type: EtherType, _ rest: RawSpan) throws(Malformation) -> Bool {
        switch type {
        case .ipv4:
            return try decodeIPv4(rest)
        case .ipv6:
            return try decodeIPv6(rest)
        case .vlan, .serviceVLAN:
            let tag = try VLANTag(rest)
            return step(.vlan(tag), VLANTag.length, .etherType(tag.etherType))
        case .arp:
            let message = try ARPMessage(rest)
            end = start + ARPMessage.length
            return step(.arp(message), ARPMessage.length, .end)
        case .bridgedEthernet:
            return try decodeEthernet(rest)
        default:
            return payload()
        }
    }

    private mutating func decodeEthernet(_ rest: RawSpan) throws(Malformation) -> Bool {
        let header = try EthernetHeader(rest)
        return step(.ethernet(header), EthernetHeader.length, .etherType(header.etherType))
    }

    private mutating func decodeIPv4(_ rest: RawSpan) throws(Malformation) -> Bool {
        let header = try IPv4Header(rest)
        claim(header.totalLength)
        return step(
            .ipv4(header), header.headerLength,
            after(fragment: header.isFragment, offset: header.fragmentOffset, header.nextProtocol))
    }

    private mutating func decodeIPv6(_ rest: RawSpan) throws(Malformation) -> Bool {
        let header = try IPv6Header(rest)
        claim(IPv6Header.length + header.payloadLength)
        return step(.ipv6(header), IPv6Header.length, .transport(header.nextHeader))
    }

    private mutating func decode(_ number: IPProtocol, _ rest: RawSpan) throws(Malformation) -> Bool {
        switch number {
        case .esp:
            return step(.esp(try ESPHeader(rest)), ESPHeader.length, .end)
        case .udp:
            let header = try UDPHeader(rest)
            claim(header.datagramLength)
            let isBFD =
                BFDControl.ports.contains(header.destinationPort)
                && BFDControl.begins(rest.extracting(UDPHeader.length...))
            let isVXLAN =
                VXLANHeader.ports.contains(header.destinationPort)
                && VXLANHeader.begins(rest.extracting(UDPHeader.length...))
            let length = header.datagramLength - UDPHeader.length
            let isWireGuard =
                (WireGuardMessage.ports.contains(header.destinationPort)
                    || WireGuardMessage.ports.contains(header.sourcePort))
                && WireGuardMessage.begins(rest.extracting(UDPHeader.length...), length: length)
            let next: Stage =
                header.uses(port: 4500)
                ? .natTraversal
                : header.uses(port: 500)
                    ? .ike
                    : isBFD ? .bfd : isVXLAN ? .vxlan : isWireGuard ? .wireGuard(length: length) : .payload
            return step(.udp(header), UDPHeader.length, next)
        case .tcp:
            let header = try TCPHeader(rest)
            let data = rest.extracting(header.headerLength...)
            let isBGP = header.uses(port: BGPMessage.port) && BGPMessage.begins(data)
            return step(.tcp(header), header.headerLength, isBGP ? .bgp : .payload)
        case .icmp:
            return step(.icmp(try ICMPMessage(rest)), ICMPMessage.headerLength, .end)
        case .icmpv6:
            let message = try ICMPv6Message(rest)
            return step(.icmpv6(message), message.headerLength, .end)
        case .ipv4:
            return try decodeIPv4(rest)
        case .ipv6:
            return try decodeIPv6(rest)
        case .ospf:
            guard OSPFHeader.begins(rest) else { return payload() }
            return step(.ospf(try OSPFHeader(rest)), OSPFHeader.length, .end)
        case .gre:
            let header = try GREHeader(rest)
            return step(.gre(header), header.headerLength, .etherType(header.protocolType))
        case .ah:
            let header = try AuthenticationHeader(rest)
            return step(.ah(header), header.headerLength, .transport(header.nextHeader))
        case .hopByHopOptions:
            let header = try IPv6OptionsHeader(rest)
            return step(.hopByHopOptions(header), header.headerLength, .transport(header.nextHeader))
        case .destinationOptions:
            let header = try IPv6OptionsHeader(rest)
            return step(.destinationOptions(header), header.headerLength, .transport(header.nextHeader))
        case .routing:
            let header = try IPv6RoutingHeader(rest)
            return step(.routing(header), header.headerLength, .transport(header.nextHeader))
        case .fragment:
            let header = try IPv6FragmentHeader(rest)
            return step(
                .fragment(header), IPv6FragmentHeader.length,
                after(fragment: header.isFragment, offset: header.fragmentOffset, header.nextHeader))
        default:
            return payload()
        }
    }

    /// What is in UDP at port 4500 (RFC 3948, 2).
    private mutating func decodeNATTraversal(_ rest: RawSpan) throws(Malformation) -> Bool {
        if rest.byteCount == 0 { return payload() }
        if rest.byteCount == 1, rest.uint8(at: 0) == 0xFF { return step(.natKeepalive, 1, .end) }
        if rest.byteCount >= 4, rest.uint32(at: 0) == 0 { return step(.nonESPMarker, 4, .ike) }
        return step(.esp(try ESPHeader(rest)), ESPHeader.length, .end)
    }

    /// One message of a segment, or what the segment has of the one that the next segment continues.
    private mutating func decodeBGP(_ rest: RawSpan) throws(Malformation) -> Bool {
        guard rest.byteCount >= BGPMessage.headerLength else { return payload() }
        let message = try BGPMessage(rest)
        _ = step(.bgp(message), BGPMessage.headerLength, .bgp)
        body = start..<min(header.lowerBound + message.messageLength, end)
        start = body.upperBound
        return true
    }

    /// Ends the current range where a length field says; what it claims beyond the frame is missing.
    private mutating func claim(_ length: Int) {
        let claimed = start + length
        isCut = claimed > end
        if isCut {
            if !isFragment { missing = max(missing, claimed - end) }
        } else {
            end = claimed
        }
    }

    private mutating func after(fragment: Bool, offset: Int, _ number: IPProtocol) -> Stage {
        isFragment = isFragment || fragment
        return offset > 0 ? .payload : .transport(number)
    }

    /// A header of `length` bytes, which are there; the next begins after it.
    private mutating func step(_ layer: Layer, _ length: Int, _ next: Stage) -> Bool {
        self.layer = layer
        header = start..<start + length
        start += length
        body = start..<end
        stage = next
        return true
    }

    /// All that is left, where there is something.
    private mutating func payload() -> Bool {
        start < end ? step(.payload, 0, .end) : finish()
    }

    /// Whether bytes are missing, once; then nil.
    private mutating func finish() -> Bool {
        start = end
        stage = .end
        return missing > 0 && last(.truncated(missing: missing))
    }

    /// What ends the walk early; its header is what is left.
    private mutating func last(_ layer: Layer) -> Bool {
        missing = 0
        return step(layer, end - start, .end)
    }
}
