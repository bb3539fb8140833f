import HeaderStacks
import LabModel
import NetworkTypes
import PacketFormats

/// Holds every packet of a capture against one encapsulation claim.
struct EncapsulationExaminer: Sendable {
    let claim: EncapsulationClaim
    let name: String
    /// For each of the topology's links whether the claim is about it.
    private let isClaimed: [Bool]
    private let ways: [Way]
    /// What entered each way's tunnel and was not yet seen outside.
    private var entered: [[UInt64: Int]]
    /// The ends of each way's tunnel where packets were seen entering it.
    private var watched: [Set<String>]
    private let probes: [(name: String, source: IPAddress, destination: IPAddress)]

    private(set) var objections = Objections()
    /// What is objected to because something was not seen, which a capture with gaps does not prove.
    private(set) var unproved = Objections()
    /// The tunnel's packets on the claim's links, and how many of them were opened.
    private(set) var examined = 0
    private(set) var opened = 0
    /// Packets that were opened and found among those that entered the tunnel, byte for byte.
    private(set) var matched = 0
    private(set) var fragments = 0
    private(set) var lengths: ClosedRange<Int>?
    /// The headers of the first packet that has as many of them in plain tunnels as any has.
    private(set) var headers: [HeaderBytes] = []
    /// How many bytes stood before the packet within.
    private var longestHeaders = 0
    /// Messages of WireGuard's, which nothing opens.
    private(set) var sealed = SealedMessages()
    /// The probes' packets that crossed as claimed, by probe; of WireGuard's those that entered.
    private(set) var carried: [Int]

    /// The last sequence number by place and SPI.
    private var sequences: [UInt64: UInt32] = [:]
    /// Where each SPI is held against what entered the tunnel: where it is first seen.
    private var comparedAt: [UInt32: Int] = [:]
    /// What was under way when the capture began was not seen entering.
    private let grace: Int64

    /// One of the claim's ways.
    private struct Way: Sendable {
        let claim: EncapsulationClaim.Way
        let tunnel: Int?
        /// The declared wrappings, and those of them up to ESP.
        let form: Wrappings
        let formOutside: Wrappings
        let esp: (v4: ESPEncapsulation, v6: ESPEncapsulation)?
        /// Nil where the associations are not known.
        let knownSPIs: Set<UInt32>?

        init(_ claim: EncapsulationClaim.Way, topology: Topology, knownSPIs: [String: Set<UInt32>]?)
            throws(EncapsulationError)
        {
            self.claim = claim
            self.knownSPIs = knownSPIs.flatMap { known in claim.tunnel.map { known[$0] ?? [] } }
            form = Wrappings(claim.wrappings)
            formOutside = form.prefix(
                (claim.wrappings.firstIndex { $0 == .esp || $0 == .espInUDP } ?? form.count) + 1)
            tunnel = claim.tunnel.flatMap { name in topology.tunnels.firstIndex { $0.name == name } }
            guard let algorithms = claim.algorithms,
                claim.wrappings.contains(where: { $0 == .esp || $0 == .espInUDP })
            else {
                esp = nil
                return
            }
            let transform = try ESPOverhead(cipher: algorithms.encryption.cipher, integrity: algorithms.integrity)
            let isEncapsulated = claim.wrappings.contains(.espInUDP)
            let mode = claim.tunnel.flatMap(topology.tunnel(named:))?.mode ?? .tunnel
            esp = (
                ESPEncapsulation(transform: transform, mode: mode, family: .ipv4, isUDPEncapsulated: isEncapsulated),
                ESPEncapsulation(transform: transform, mode: mode, family: .ipv6, isUDPEncapsulated: isEncapsulated)
            )
        }

        var algorithms: String { claim.algorithms?.description ?? "its algorithms" }

        func arithmetic(for packet: WirePacket) -> ESPEncapsulation? {
            guard let outer = packet.outer else { return nil }
            let form = outer.source.bitWidth == 32 ? esp?.v4 : esp?.v6
            return packet.keptLength.flatMap { form?.protecting(behind: $0) } ?? form
        }
    }

    /// - Parameter knownSPIs: By the tunnel's name; nil where the associations are not known.
    init(_ claim: EncapsulationClaim, name: String, topology: Topology, knownSPIs: [String: Set<UInt32>]?)
        throws(EncapsulationError)
    {
        self.claim = claim
        // A link's delay lies between entering the tunnel and being seen outside; queues hold little when traffic begins.
        grace = (topology.links.map(\.delay).max() ?? .zero).wholeNanoseconds + 20_000_000
        self.name = name
        isClaimed = topology.marks(ofLinks: claim.links)
        var ways: [Way] = []
        for way in claim.ways { ways.append(try Way(way, topology: topology, knownSPIs: knownSPIs)) }
        self.ways = ways
        entered = ways.map { _ in [:] }
        watched = ways.map { _ in [] }
        probes = claim.probes.compactMap { name in
            guard let probe = topology.probe(named: name), let source = topology.sourceAddress(of: probe) else {
                return nil
            }
            return (name, source, probe.destination)
        }
        carried = probes.map { _ in 0 }
    }

    var silentProbes: [String] { zip(probes, carried).filter { $0.1 == 0 }.map(\.0.name) }

    /// - Parameter hash: What tells the packet inside a tunnel from others; nil where it is not known.
    mutating func take(
        _ packet: WirePacket, frame: RawSpan, linkType: LinkType, hash: UInt64?, at places: WirePlaces,
        since start: Int64
    ) {
        guard let place = places[packet.point] else { return }
        if let inside = place.tunnel {
            if ways.contains(where: { $0.claim.plainTunnels == [inside] && $0.claim.wrappings == [.wireGuard] }),
                !packet.isInbound, let whole = packet.outer
            {
                sealed.note(length: whole.length, entering: inside, at: place.node)
                if let inner = packet.inner { count(inner) }
            }
            guard let hash, !packet.isInbound else { return }
            for way in ways.indices where ways[way].claim.tunnel == inside {
                note(hash, entering: way, at: place.node)
            }
            return
        }
        if let hash, let entrance = place.entrance(of: packet) {
            for way in ways.indices where ways[way].tunnel == entrance.tunnel {
                note(hash, entering: way, at: entrance.node)
            }
        }
        guard let number = place.linkNumber, isClaimed[number] else { return }
        if let inner = packet.inner, inner.start > longestHeaders, probe(of: inner) != nil,
            ways.contains(where: { !$0.claim.plainTunnels.isEmpty && packet.wrappings == $0.form })
        {
            longestHeaders = inner.start
            headers = HeaderBytes.all(of: frame, linkType: linkType)
        }
        if let message = packet.wireGuard, let (tunnel, sender) = places.wireGuard(packet),
            ways.contains(where: { $0.claim.plainTunnels == [tunnel.name] && $0.form == packet.wrappings })
        {
            examined += 1
            if let outer = packet.outer { note(length: outer.length) }
            guard packet.nanoseconds - start > grace else { return }
            sealed.take(message, of: tunnel.name, from: sender.node, on: number)
        } else if let esp = packet.esp {
            take(esp, packet, at: place, hash: packet.nanoseconds - start > grace ? hash : nil, among: places)
        } else if packet.outer?.isLaterFragment == true {
            // The first one shows what it is.
            let fragmented = places.tunnel(of: packet)?.tunnel
            if fragmented != nil, ways.contains(where: { $0.tunnel == fragmented }) { fragments += 1 }
        } else {
            takeUnprotected(packet, at: place, among: places)
        }
    }

    private mutating func note(_ hash: UInt64, entering way: Int, at node: String) {
        watched[way].insert(node)
        entered[way][hash, default: 0] += 1
    }

    private mutating func takeUnprotected(
        _ packet: WirePacket, at place: WirePlaces.Place, among places: WirePlaces
    ) {
        guard let inner = packet.inner, probe(of: inner) != nil else { return }
        guard let way = ways.first(where: { $0.tunnel == nil && packet.wrappings == $0.form }) else {
            objections.add(
                packet.wrappings.count == 0 ? "in clear" : "wrapped otherwise", packet,
                "\(inner.source) > \(inner.destination) crosses \(place.linkName) \(packet.wrappings), expected \(forms)"
            )
            return
        }
        examined += 1
        checkHeaders(of: packet, by: way.claim, at: place, among: places)
        count(inner)
    }

    /// Holds the headers of plain tunnels against their ends' configuration.
    private mutating func checkHeaders(
        of packet: WirePacket, by claim: EncapsulationClaim.Way, at place: WirePlaces.Place, among places: WirePlaces
    ) {
        guard !claim.plainTunnels.isEmpty, let inner = packet.inner else { return }
        if claim.tunnel == nil, let outer = packet.wrappers.first { note(length: outer.length) }
        for (position, (wrapper, name)) in zip(packet.wrappers, claim.plainTunnels).enumerated() {
            guard case .plain(let tunnel, let sender)? = places.passage(of: wrapper), tunnel.name == name else {
                objections.add(
                    "between other addresses", packet,
                    "\(wrapper.form) from \(wrapper.source) to \(wrapper.destination): not the ends of \(name)")
                continue
            }
            let within = packet.wrappers.dropFirst(position + 1).first
            // As it leaves its end; each router on the way takes one.
            if place.node == sender.node && position == 0
                ? wrapper.hopLimit != sender.hopLimit : wrapper.hopLimit > sender.hopLimit
            {
                objections.add(
                    "with another hop limit", packet,
                    "\(wrapper.hopLimit) in the header of \(name), expected \(sender.hopLimit)")
            }
            // The lower two bits are ECN's (RFC 6040).
            if wrapper.trafficClass >> 2 != 0 {
                objections.add(
                    "with another traffic class", packet, "\(wrapper.trafficClass) in the header of \(name), expected 0"
                )
            }
            // A packet that says so itself may enter one fewer (RFC 2473, section 4.1.1).
            let limit = within?.encapsulationLimit.map { $0 &- 1 } ?? sender.encapsulationLimit
            if tunnel.kind.hasEncapsulationLimit, wrapper.encapsulationLimit != limit {
                objections.add(
                    "with another encapsulation limit", packet,
                    "\(wrapper.encapsulationLimit.map(String.init) ?? "none") in the header of \(name), expected \(limit.map(String.init) ?? "none")"
                )
            }
            if wrapper.greKey != sender.gre.key, tunnel.kind.isGRE {
                objections.add(
                    "with another key", packet,
                    "\(wrapper.greKey.map(String.init) ?? "none") in the header of \(name), expected \(sender.gre.key.map(String.init) ?? "none")"
                )
            }
            let length = (within?.length ?? inner.length) + sender.encapsulation(tunnel.kind).headerLength
            if !wrapper.isFragment, !inner.isFragment || within != nil, wrapper.length != length {
                objections.add(
                    "of another length", packet, "\(wrapper.length) bytes in \(name), expected \(length)")
            }
        }
    }

    private mutating func note(length: Int) {
        lengths = lengths.map { min($0.lowerBound, length)...max($0.upperBound, length) } ?? length...length
    }

    /// Counts a packet for every probe between its addresses: one may go the other's way back.
    private mutating func count(_ inner: IPSummary) {
        for (number, probe) in probes.enumerated() where inner.isBetween(probe.source, probe.destination) {
            carried[number] += 1
        }
    }

    private mutating func take(
        _ esp: WirePacket.ESPSummary, _ packet: WirePacket, at place: WirePlaces.Place, hash: UInt64?,
        among places: WirePlaces
    ) {
        guard ways.contains(where: { $0.tunnel != nil }) else {
            return takeUnprotected(packet, at: place, among: places)
        }
        guard let outer = packet.outer else { return }
        guard let addresses = places.tunnel(of: packet) else {
            // Another tunnel's, perhaps: only what is known to be this one's, or cannot be known, is objected to.
            if ways.contains(where: { $0.tunnel != nil && $0.knownSPIs?.contains(esp.spi) ?? true }) {
                objections.add(
                    "between other addresses", packet,
                    "ESP from \(outer.source) to \(outer.destination): no tunnel has these addresses here")
            }
            return
        }
        // Two ways through one tunnel differ in what is inside.
        let candidates = ways.indices.filter { ways[$0].tunnel == addresses.tunnel }
        guard let number = candidates.first(where: { ways[$0].form == packet.wrappings }) ?? candidates.first else {
            if case .opened = esp.state, let inner = packet.inner, let probe = probe(of: inner) {
                objections.add(
                    "in another tunnel", packet,
                    "\(probes[probe].name) crosses in tunnel \(places.topology.tunnels[addresses.tunnel].name)")
            }
            return
        }
        examined += 1
        let way = ways[number]
        let isWrappedRight = checkForm(esp, packet, way)
        if let knownSPIs = way.knownSPIs, !knownSPIs.contains(esp.spi) {
            objections.add(
                "of an unknown SPI", packet,
                "SPI \(esp.spi.hexadecimal) belongs to no security association of \(way.claim.tunnel ?? "")")
        }
        checkHeaders(of: packet, by: way.claim, at: place, among: places)
        let isNew = checkSequence(esp, packet)
        guard !outer.isFragment else {
            fragments += 1
            return
        }
        note(length: outer.length)
        // Another form has other lengths, and what is sent again entered once.
        check(
            esp, packet, outer, by: number, arithmetic: isWrappedRight ? way.arithmetic(for: packet) : nil,
            hash: isNew && watched[number].contains(addresses.sender) && wasSeen(packet, from: addresses, among: places)
                ? hash : nil)
    }

    /// Whether a packet was to be seen as it entered the tunnel. Where policies alone lead in, what their node sends itself is not, and
    /// what it changes on the way, a clamped SYN, was another one.
    private func wasSeen(
        _ packet: WirePacket, from addresses: WirePlaces.Addresses, among places: WirePlaces
    ) -> Bool {
        let tunnel = places.topology.tunnels[addresses.tunnel]
        guard tunnel.isEnteredByPolicy(at: addresses.sender), let inner = packet.inner else { return true }
        guard places.surrounded.contains(addresses.sender) else { return false }
        if case .tcp(_, _, let flags, _) = inner.transport, flags.contains(.syn) { return false }
        return !places.topology.addresses(of: addresses.sender).contains(inner.source)
    }

    /// Holds a packet's wrappings against the declared ones: all of them up to ESP, and those inside ESP where it is a
    /// probe's and can be read.
    private mutating func checkForm(_ esp: WirePacket.ESPSummary, _ packet: WirePacket, _ way: Way) -> Bool {
        let seen = packet.wrappings.prefix(esp.depth)
        var kind = "wrapped otherwise"
        if seen == way.formOutside {
            guard packet.wrappings != way.form, case .opened = esp.state, let inner = packet.inner,
                probe(of: inner) != nil
            else { return true }
        } else if way.claim.wrappings.contains(.espInUDP), seen.array.last == .esp {
            kind += " (NAT-T expected but absent)"
        } else if way.claim.wrappings.contains(.esp), seen.array.last == .espInUDP {
            kind += " (NAT-T not expected but present)"
        }
        objections.add(kind, packet, "seen as \(packet.wrappings), expected \(way.form)")
        return false
    }

    /// What is expected of a packet that is in none of the tunnels.
    private var forms: String { ways.map { "\($0.form)" }.joined(separator: ", or ") }

    private func probe(of inner: IPSummary) -> Int? {
        probes.firstIndex { inner.isBetween($0.source, $0.destination) }
    }

    /// Numbers rise with each packet of an association (RFC 4303, section 2.2): one that does not was sent again.
    ///
    /// - Returns: Whether it is new.
    private mutating func checkSequence(_ esp: WirePacket.ESPSummary, _ packet: WirePacket) -> Bool {
        let key = UInt64(packet.point) << 32 | UInt64(esp.spi)
        // Extended numbers wrap around in their lower half.
        if let last = sequences[key], esp.sequence <= last, last - esp.sequence < UInt32.max / 2 {
            objections.add(
                "with a sequence number that does not rise", packet,
                "sequence \(esp.sequence) after \(last) of SPI \(esp.spi.hexadecimal)")
            return false
        }
        sequences[key] = esp.sequence
        return true
    }

    private mutating func check(
        _ esp: WirePacket.ESPSummary, _ packet: WirePacket, _ outer: IPSummary, by way: Int,
        arithmetic: ESPEncapsulation?, hash: UInt64?
    ) {
        let algorithms = ways[way].algorithms
        switch esp.state {
        case .closed:
            if let arithmetic, !arithmetic.isPossible(outerLength: outer.length) {
                objections.add(
                    "of an impossible length", packet, "\(outer.length) bytes, which no packet makes with \(algorithms)"
                )
            }
        case .notAuthentic:
            objections.add(
                "not authentic", packet, "the integrity check value of SPI \(esp.spi.hexadecimal) does not fit")
        case .malformed:
            objections.add(
                "malformed inside", packet, "what is inside is not as RFC 4303 section 2.4 has it")
        case .opened(let length):
            opened += 1
            if let arithmetic, arithmetic.outerLength(ofInner: length) != outer.length {
                objections.add(
                    "of another length", packet,
                    "\(outer.length) bytes around \(length), expected \(arithmetic.outerLength(ofInner: length)) with \(algorithms)"
                )
            }
            if let inner = packet.inner { count(inner) }
            compare(esp, packet, by: way, hash: hash)
        }
    }

    private mutating func compare(_ esp: WirePacket.ESPSummary, _ packet: WirePacket, by way: Int, hash: UInt64?) {
        guard let hash, comparedAt[esp.spi, default: packet.point] == packet.point else { return }
        comparedAt[esp.spi] = packet.point
        if let count = entered[way][hash] {
            entered[way][hash] = count > 1 ? count - 1 : nil
            matched += 1
        } else {
            unproved.add(
                "that never entered the tunnel", packet,
                "what is inside is no packet that \(ways[way].claim.tunnel ?? "") was given")
        }
    }
}
