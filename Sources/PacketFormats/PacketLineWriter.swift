import NetworkTypes

/// Puts a `PacketLine` together while a frame's layers are visited.
struct PacketLineWriter {
    /// What comes next according to the last header; it is named if it is not decoded.
    private enum Announced {
        case link(LinkType)
        case etherType(EtherType)
        case ip(IPProtocol)
    }
    private enum Family { case v4, v6 }

    private let isQuote: Bool
    private var words: [String] = []
    private var announced: Announced?
    /// The frame's header, until something better tells who talks to whom.
    private var ethernet: EthernetHeader?
    /// The family of the IP header that the next one would be tunnelled in.
    private var outer: Family?
    private var isInBGP = false
    private var isCut = false
    private var size: Int?
    private var notes: [String] = []
    private var verifier = ChecksumVerifier()

    init(linkType: LinkType, isQuote: Bool) {
        self.isQuote = isQuote
        announced = .link(linkType)
    }

    mutating func add(_ layer: Layer, _ header: Range<Int>, _ body: Range<Int>, in bytes: RawSpan) {
        switch layer {
        case .ethernet, .vlan, .linuxCooked, .arp: addLink(layer)
        case .ipv4, .ipv6, .hopByHopOptions, .destinationOptions, .routing, .fragment, .ah, .gre, .vxlan:
            addNetwork(layer)
        case .payload: break
        case .malformed(let malformation): notes.append("[malformed: \(malformation)]")
        case .truncated(let missing): addTruncation(missing, header, in: bytes)
        default: addMessage(layer, header, body, in: bytes)
        }
        addSize(layer, header, body)
        let status = verifier.status(of: layer, header: header, body: body, in: bytes)
        if !isQuote, status == .invalid, let name = layer.checksumName { notes.append("[bad \(name) checksum]") }
    }

    /// The whole line.
    func line() -> String {
        var line = words
        switch announced {
        case .link(let type): line.append("\(type)")
        case .etherType(let type):
            if let ethernet { line.append("\(ethernet.source) > \(ethernet.destination)") }
            line.append(type.text)
        case .ip(let number): line.append("\(number)")
        case nil: break
        }
        let text = line.joined(separator: " ")
        if isQuote { return isCut ? text + " …" : text }
        let sized = size.map { "\(text), \(Self.bytes($0))" } ?? text
        return ([sized] + notes).joined(separator: " ")
    }

    private mutating func addLink(_ layer: Layer) {
        announced = nil
        switch layer {
        case .ethernet(let header):
            ethernet = header
            announced = .etherType(header.etherType)
        case .vlan(let tag):
            words += ["VLAN \(tag.identifier)", "/"]
            announced = .etherType(tag.etherType)
        case .linuxCooked(let cooked):
            announced = .etherType(cooked.etherType)
        case .arp(let message):
            words.append(message.text)
        default: break
        }
    }

    private mutating func addNetwork(_ layer: Layer) {
        switch layer {
        case .ipv4(let ip):
            enterPacket(.v4, isISATAP: false)
            words.append("\(ip.source) > \(ip.destination)")
            if ip.isFragment { addFragment(ip.identification.hexadecimal, ip.fragmentOffset, ip.moreFragments) }
            announced = .ip(ip.nextProtocol)
        case .ipv6(let ip):
            enterPacket(.v6, isISATAP: ip.source.isatapAddress != nil || ip.destination.isatapAddress != nil)
            words.append("\(ip.source) > \(ip.destination)")
            announced = .ip(ip.nextHeader)
        case .hopByHopOptions(let options):
            announced = .ip(options.nextHeader)
        case .destinationOptions(let options):
            if let limit = options.tunnelEncapsulationLimit { words.append("encap-limit \(limit)") }
            announced = .ip(options.nextHeader)
        case .routing(let routing):
            words.append("routing type \(routing.type) segments-left \(routing.segmentsLeft)")
            announced = .ip(routing.nextHeader)
        case .fragment(let fragment):
            addFragment(fragment.identification.hexadecimal, fragment.fragmentOffset, fragment.moreFragments)
            announced = .ip(fragment.nextHeader)
        case .ah(let ah):
            words.append("AH spi \(ah.spi.hexadecimal) seq \(ah.sequence)")
            announced = .ip(ah.nextHeader)
        case .gre(let gre):
            words.append("GRE")
            if let key = gre.key { words.append("key \(key.hexadecimal)") }
            if let sequence = gre.sequence { words.append("seq \(sequence)") }
            words.append("/")
            outer = nil
            announced = .etherType(gre.protocolType)
        case .vxlan(let vxlan):
            words += ["VXLAN vni \(vxlan.networkIdentifier)", "/"]
            outer = nil
            announced = nil
        default: break
        }
    }

    /// Names the tunnel if the packet is in one.
    private mutating func enterPacket(_ family: Family, isISATAP: Bool) {
        switch (outer, family) {
        case (.v4, .v4): words += ["IPIP", "/"]
        case (.v4, .v6): words += [isISATAP ? "ISATAP" : "6in4", "/"]
        case (.v6, .v4): words += ["IPv4 in IPv6", "/"]
        case (.v6, .v6): words += ["IPv6 in IPv6", "/"]
        case (nil, _): break
        }
        outer = family
        ethernet = nil
    }

    private mutating func addFragment(_ identification: String, _ offset: Int, _ more: Bool) {
        words.append("fragment \(identification) offset \(offset) \(more ? "more" : "last")")
    }

    private mutating func addMessage(_ layer: Layer, _ header: Range<Int>, _ body: Range<Int>, in bytes: RawSpan) {
        announced = nil
        switch layer {
        case .icmp(let message):
            words.append("ICMP \(message.text)")
            if message.quotesPacket { addQuote(body, in: bytes) }
        case .icmpv6(let message):
            words.append("ICMPv6 \(message.text)")
            if message.quotesPacket { addQuote(body, in: bytes) }
        case .udp(let udp):
            words.append("UDP \(udp.sourcePort) > \(udp.destinationPort)")
        case .tcp(let tcp):
            words.append(tcp.text)
        case .esp(let esp):
            words.append("ESP spi \(esp.spi.hexadecimal) seq \(esp.sequence)")
        case .wireGuard(let message): words.append(message.text)
        case .natKeepalive:
            words.append("NAT keepalive")
        case .ike(let ike):
            words.append(ike.text)
            if ike.majorVersion == 2 { addPayloads(of: ike, header, body, in: bytes) }
        case .bfd(let control): words.append(control.text)
        case .ospf(let packet): words.append(packet.text)
        case .bgp(let message):
            if isInBGP { words.append("+") }
            words.append("BGP \(message.content.text)")
            isInBGP = true
        default: break
        }
    }

    private mutating func addQuote(_ range: Range<Int>, in bytes: RawSpan) {
        // A quote within a quote would say nothing new.
        guard !isQuote, !range.isEmpty else { return }
        words.append("(\(PacketLine(packet: bytes, in: range, isQuote: true)))")
    }

    private mutating func addPayloads(
        of ike: IKEHeader, _ header: Range<Int>, _ body: Range<Int>, in bytes: RawSpan
    ) {
        var names: [String] = []
        do throws(Malformation) {
            try IKEPayload.forEach(in: bytes.extracting(body), first: ike.firstPayload) { payload, _ in
                if let name = payload.name { names.append(name) }
                return true
            }
        } catch  where ike.messageLength == header.count + body.count {
            notes.append("[malformed: \(error)]")
        } catch {
            // The rest of the message is elsewhere: in another fragment, or not captured.
        }
        if !names.isEmpty { words.append("[\(names.joined(separator: " "))]") }
    }

    private mutating func addTruncation(_ missing: Int, _ header: Range<Int>, in bytes: RawSpan) {
        if case .ip(.tcp) = announced, header.count >= 4 {
            // A router may quote no more of a segment than its first eight bytes.
            let source = bytes.uint16(at: header.lowerBound)
            words.append("TCP \(source) > \(bytes.uint16(at: header.lowerBound + 2))")
            announced = nil
        }
        isCut = true
        notes.append("[truncated: \(Self.bytes(missing)) missing]")
    }

    private mutating func addSize(_ layer: Layer, _ header: Range<Int>, _ body: Range<Int>) {
        switch layer {
        // What is in a segment's data does not change how much it is.
        case .truncated, .bgp: break
        case .payload where isInBGP: break
        case .malformed where isInBGP: break
        case .arp, .natKeepalive: size = nil
        case .malformed: size = header.count
        case .icmp, .icmpv6, .esp, .ike: size = header.count + body.count
        default: size = body.count
        }
    }

    private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
}
