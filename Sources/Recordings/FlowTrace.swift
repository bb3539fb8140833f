import CaptureFile
import LabModel
import LabRecords
import NetworkTypes
import PacketFormats

/// Where a script's requests and their replies were seen in its capture, and which tunnels they entered.
///
/// One pass over the file; memory grows with the requests, not with the file. What is inside ESP is not opened: a packet
/// that is on its way in a tunnel was seen entering it. Of a fragmented packet the first part stands for all.
public struct FlowTrace: Sendable {
    /// By the flow's name.
    public private(set) var flows: [String: FlowSightings] = [:]
    /// Packets of the file, whatever they are.
    public private(set) var packets = 0
    /// Packets that the file lacks because a buffer was full.
    public private(set) var dropped: UInt64 = 0
    public private(set) var isTruncated = false

    /// Why nothing follows from a packet that is not seen; nil where the capture is whole.
    public var doubt: String? {
        if isTruncated { return "the capture file breaks off after \(packets) packets" }
        return dropped > 0 ? "\(dropped) packets are missing from the capture" : nil
    }

    /// Reads all packets of a capture file.
    ///
    /// - Parameter descriptor: Open for reading, at the file's beginning. Its times are the lab's.
    /// - Throws: `CaptureFileError` for what is no capture file. One that breaks off is noted in ``isTruncated``.
    public init(descriptor: Int32, flows records: [FlowRecord], topology: Topology) throws(CaptureFileError) {
        var search = FlowSearch(records, topology: topology)
        var reader = CaptureFileReader(descriptor: descriptor)
        while let captured = try reader.next() {
            packets += 1
            if search.places.count < reader.interfaces.count { search.extend(with: reader.interfaces) }
            guard captured.direction != .inbound else { continue }
            let linkType = reader.interfaces[captured.interface].linkType
            reader.withBytes { search.take($0, captured, linkType) }
        }
        if case .truncated = reader.ending { isTruncated = true }
        for interface in reader.interfaces {
            dropped += (interface.statistics?.droppedByInterface ?? 0) + (interface.statistics?.droppedBySystem ?? 0)
        }
        for flow in search.flows { flows[flow.name] = flow }
    }
}

/// Where the packets of one flow were seen; a request is known by its number, from 0.
public struct FlowSightings: Sendable {
    public let name: String
    /// When the source put a request on its first link, or into a tunnel of its own.
    var left: Stamps
    /// When a request was sent to the destination by the node before it.
    var arrived: Stamps
    /// When the destination sent the reply.
    var replyLeft: Stamps
    /// When the reply was sent to the source by the node before it.
    var replyArrived: Stamps
    /// The tunnels that a request and its reply entered, as numbers in `ways`.
    var forth: [UInt16]
    var back: [UInt16]
    /// The places that sent a request and its reply last, as numbers in `places`, from 1.
    var lastForth: [UInt16]
    var lastBack: [UInt16]
    /// Each way that occurs; the first goes through no tunnel.
    var ways: [[String]] = [[]]
    var places: [String] = []
    /// Packets that were seen arriving again, and after a later one, there and back.
    public internal(set) var duplicatedForth = 0
    public internal(set) var duplicatedBack = 0
    public internal(set) var reorderedForth = 0
    public internal(set) var reorderedBack = 0
    /// Whether there is a place in the capture where arriving requests, the destination's replies as they leave, and arriving
    /// replies are seen in clear.
    public internal(set) var seesArrivals = false
    public internal(set) var seesReplies = false
    public internal(set) var seesReturns = false

    init(name: String, count: Int) {
        self.name = name
        left = Stamps(count: count)
        arrived = Stamps(count: count)
        replyLeft = Stamps(count: count)
        replyArrived = Stamps(count: count)
        forth = Array(repeating: 0, count: count)
        back = forth
        lastForth = forth
        lastBack = forth
    }

    /// One packet at one place.
    public struct Sighting: Hashable, Sendable, Codable {
        /// On the lab's clock.
        public let nanoseconds: Int64
        /// The packet's number in the capture file, from 1, as Wireshark counts.
        public let packet: Int

        public init(nanoseconds: Int64, packet: Int) {
            self.nanoseconds = nanoseconds
            self.packet = packet
        }
    }

    /// Sightings of all requests at one kind of place: twelve bytes each.
    struct Stamps: Sendable {
        private var nanoseconds: [Int64]
        private var packets: [UInt32]

        init(count: Int) {
            nanoseconds = Array(repeating: 0, count: count)
            packets = Array(repeating: 0, count: count)
        }

        /// Notes the first sighting.
        ///
        /// - Returns: Whether it was the first.
        mutating func note(_ request: Int, _ captured: CapturedPacket) -> Bool {
            guard packets[request] == 0 else { return false }
            nanoseconds[request] = Int64(clamping: captured.timestamp)
            packets[request] = UInt32(clamping: captured.number)
            return true
        }

        subscript(_ request: Int) -> Sighting? {
            guard packets.indices.contains(request), packets[request] != 0 else { return nil }
            return Sighting(nanoseconds: nanoseconds[request], packet: Int(packets[request]))
        }
    }

    public func left(_ request: Int) -> Sighting? { left[request] }
    public func arrived(_ request: Int) -> Sighting? { arrived[request] }
    public func replyLeft(_ request: Int) -> Sighting? { replyLeft[request] }
    public func replyArrived(_ request: Int) -> Sighting? { replyArrived[request] }

    /// The tunnels that a request entered, in order; nil where it was not seen at all.
    public func forth(_ request: Int) -> [String]? {
        lastForth.indices.contains(request) && lastForth[request] != 0 ? ways[Int(forth[request])] : nil
    }

    /// The tunnels that the reply to a request entered, in order; nil where it was not seen at all.
    public func back(_ request: Int) -> [String]? {
        lastBack.indices.contains(request) && lastBack[request] != 0 ? ways[Int(back[request])] : nil
    }

    /// `NODE:INTERFACE` that was the last to send a request in clear; nil where none was seen to.
    public func lastForth(_ request: Int) -> String? { place(lastForth, request) }
    public func lastBack(_ request: Int) -> String? { place(lastBack, request) }

    private func place(_ numbers: [UInt16], _ request: Int) -> String? {
        numbers.indices.contains(request) && numbers[request] != 0 ? places[Int(numbers[request]) - 1] : nil
    }
}

/// Tells each packet of a capture whose it is.
struct FlowSearch {
    /// One of the capture's interfaces.
    struct Place {
        let node: String
        /// The node at the other end of the link; nil for a tunnel's interface.
        let next: String?
        /// The tunnel whose inside it leads to; nil for a link's end.
        let tunnel: String?
    }

    /// A flow while it is being searched for.
    private struct Wanted {
        let source: String
        let destination: String?
        let address: IPAddress
        let sourceAddress: IPAddress?
        let identifier: UInt16
        let hasMarker: Bool
        let sentAt: [Int64]
        /// Whether policies of the destination, or of the source, take what it sends itself to the other, so that no place shows in clear
        /// what goes there or comes from there.
        let hidesReplies: Bool
        let hidesReturns: Bool
        /// The last request that had been sent when the packet before was captured.
        var reached = -1
        var latestArrival = -1
        var latestReturn = -1
        /// The number of the way that goes on from one into a tunnel, by both.
        var extensions: [WayStep: UInt16] = [:]

        /// The request with a sequence number that was sent last before a time; sequence numbers count from 1 and wrap.
        mutating func request(_ sequence: UInt16, at nanoseconds: Int64) -> Int? {
            if sentAt.count < 1 << 16 {
                let request = Int(sequence) - 1
                return sentAt.indices.contains(request) ? request : nil
            }
            while reached + 1 < sentAt.count, sentAt[reached + 1] <= nanoseconds { reached += 1 }
            let request = reached - Int(UInt16(truncatingIfNeeded: reached + 1) &- sequence)
            return sentAt.indices.contains(request) ? request : nil
        }
    }

    private struct WayStep: Hashable {
        let way: UInt16
        let tunnel: String
    }

    private let topology: Topology
    private let nodesWithPolicies: Set<String>
    private(set) var flows: [FlowSightings]
    private var wanted: [Wanted]
    private var byMarker: [UInt64: Int] = [:]
    private var byIdentifier: [UInt16: [Int]] = [:]
    /// By the capture's number of the interface; nil for one that the lab does not have.
    private(set) var places: [Place?] = []

    init(_ records: [FlowRecord], topology: Topology) {
        self.topology = topology
        nodesWithPolicies = Set(topology.tunnels.flatMap(\.ends).filter { $0.steering == .policy }.map(\.node))
        flows = records.map { FlowSightings(name: $0.request.name, count: $0.sentAtNanoseconds.count) }
        wanted = records.map { record in
            let (source, destination) = (record.request.source, topology.node(behind: record.request.destination))
            return Wanted(
                source: source, destination: destination,
                address: record.request.destination, sourceAddress: record.request.sourceAddress,
                identifier: record.identifier,
                hasMarker: record.request.transport != .icmp || record.request.payload >= ProbeMarker.length,
                sentAt: record.sentAtNanoseconds,
                hidesReplies: destination.map { topology.hides(whatSends: $0, to: source) } ?? false,
                hidesReturns: destination.map { topology.hides(whatSends: source, to: $0) } ?? false)
        }
        for (number, record) in records.enumerated() {
            if wanted[number].hasMarker { byMarker[record.id] = number }
            if record.request.transport == .icmp { byIdentifier[record.identifier, default: []].append(number) }
        }
    }

    /// Looks up the interfaces that the file has got since the last call.
    mutating func extend(with interfaces: [CaptureInterface]) {
        for interface in interfaces.dropFirst(places.count) {
            let place = place(interface.name)
            places.append(place)
            for number in flows.indices {
                flows[number].places.append(interface.name)
                guard let place else { continue }
                let (source, destination) = (wanted[number].source, wanted[number].destination)
                if place.node == destination, !wanted[number].hidesReplies { flows[number].seesReplies = true }
                guard let next = place.next else { continue }
                if next == destination, !wanted[number].hidesReplies { flows[number].seesArrivals = true }
                if next == source, !wanted[number].hidesReturns { flows[number].seesReturns = true }
            }
        }
    }

    private func place(_ name: String) -> Place? {
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let interface = InterfaceName(parts[1]) else { return nil }
        if let (link, end) = topology.linkEnds(of: parts[0]).first(where: { $0.end.interface == interface }) {
            return Place(node: parts[0], next: link.peer(of: end)?.node, tunnel: nil)
        }
        return topology.tunnelEntrance(interface, of: parts[0]).map {
            Place(node: parts[0], next: nil, tunnel: $0.tunnel)
        }
    }

    /// Looks at a packet that an interface sent.
    mutating func take(_ frame: RawSpan, _ captured: CapturedPacket, _ linkType: LinkType) {
        guard let place = places[captured.interface], let echo = Echo(frame, linkType: linkType),
            let number = owner(of: echo),
            let request = wanted[number].request(echo.sequence, at: Int64(clamping: captured.timestamp))
        else { return }
        let tunnel = place.tunnel ?? place.next.flatMap { self.tunnel(behind: $0, takes: echo) }
        if echo.isRequest {
            noteRequest(request, of: number, at: place, into: tunnel, captured, isWrapped: echo.isWrapped)
        } else {
            noteReply(request, of: number, at: place, into: tunnel, captured, isWrapped: echo.isWrapped)
        }
    }

    /// The tunnel that a node's policies alone lead a packet into that comes in there; nil where they do not.
    private func tunnel(behind node: String, takes echo: Echo) -> String? {
        guard nodesWithPolicies.contains(node) else { return nil }
        return topology.policyEnd(at: node, from: echo.source, to: echo.destination, upper: echo.upper)?.tunnel.name
    }

    /// The flow that an echo belongs to: by its marker, or by its identifier and one of its addresses, as the other may be
    /// translated on the way.
    private func owner(of echo: Echo) -> Int? {
        if let marker = echo.marker { return byMarker[marker] }
        return byIdentifier[echo.identifier]?.first { number in
            guard !wanted[number].hasMarker else { return false }
            let (asked, asker) = echo.isRequest ? (echo.destination, echo.source) : (echo.source, echo.destination)
            return asked == wanted[number].address || asker == wanted[number].sourceAddress
        }
    }

    /// - Parameter isWrapped: Whether it is inside of a tunnel already, so that the place is none of its own way.
    private mutating func noteRequest(
        _ request: Int, of number: Int, at place: Place, into tunnel: String?, _ captured: CapturedPacket,
        isWrapped: Bool
    ) {
        flows[number].lastForth[request] = UInt16(clamping: captured.interface + 1)
        if place.node == wanted[number].source { _ = flows[number].left.note(request, captured) }
        if let tunnel, !isWrapped {
            flows[number].forth[request] = way(flows[number].forth[request], into: tunnel, of: number)
        }
        guard let next = place.next, next == wanted[number].destination else { return }
        if !flows[number].arrived.note(request, captured) {
            flows[number].duplicatedForth += 1
        } else if request < wanted[number].latestArrival {
            flows[number].reorderedForth += 1
        }
        wanted[number].latestArrival = max(wanted[number].latestArrival, request)
    }

    private mutating func noteReply(
        _ request: Int, of number: Int, at place: Place, into tunnel: String?, _ captured: CapturedPacket,
        isWrapped: Bool
    ) {
        flows[number].lastBack[request] = UInt16(clamping: captured.interface + 1)
        if place.node == wanted[number].destination { _ = flows[number].replyLeft.note(request, captured) }
        if let tunnel, !isWrapped {
            flows[number].back[request] = way(flows[number].back[request], into: tunnel, of: number)
        }
        guard place.next == wanted[number].source else { return }
        if !flows[number].replyArrived.note(request, captured) {
            flows[number].duplicatedBack += 1
        } else if request < wanted[number].latestReturn {
            flows[number].reorderedBack += 1
        }
        wanted[number].latestReturn = max(wanted[number].latestReturn, request)
    }

    /// The number of the way that goes on into a tunnel. A copy of a packet that was there already changes nothing.
    private mutating func way(_ way: UInt16, into tunnel: String, of number: Int) -> UInt16 {
        if flows[number].ways[Int(way)].contains(tunnel) { return way }
        let step = WayStep(way: way, tunnel: tunnel)
        if let known = wanted[number].extensions[step] { return known }
        let made = UInt16(clamping: flows[number].ways.count)
        flows[number].ways.append(flows[number].ways[Int(way)] + [tunnel])
        wanted[number].extensions[step] = made
        return made
    }
}

extension Topology {
    /// Whether policies alone lead into a tunnel what a node sends itself to another: it leaves in ESP, and so do the answers arrive.
    fileprivate func hides(whatSends node: String, to other: String) -> Bool {
        let (own, others) = (addresses(of: node), addresses(of: other))
        return tunnelEnds(of: node).contains { tunnel, end in
            end.steering == .policy && !tunnel.isUnused
                && tunnel.carried(at: end).contains { pair in
                    own.contains(where: pair.local.contains) && others.contains(where: pair.remote.contains)
                }
        }
    }
}

/// An echo message of ICMP, or a datagram of a probe's from or to the echo port, that can be read: in clear, or in tunnels
/// without encryption.
struct Echo {
    /// Whether there are headers of tunnels around it.
    var isWrapped = false
    var isRequest = false
    var identifier: UInt16 = 0
    var sequence: UInt16 = 0
    var marker: UInt64?
    var upper = IPProtocol.icmp
    var source = IPAddress.v4(IPv4Address(rawValue: 0))
    var destination = IPAddress.v4(IPv4Address(rawValue: 0))

    /// Reads a frame; nil for anything else, and for parts of packets other than the first.
    init?(_ frame: RawSpan, linkType: LinkType) {
        var isEcho = false
        var headers = 0
        Dissection.walk(frame, linkType: linkType) { layer, _, body in
            switch layer {
            case .ethernet, .linuxCooked, .vlan, .hopByHopOptions, .destinationOptions, .routing:
                return true
            case .fragment(let fragment):
                return fragment.fragmentOffset == 0
            case .ipv4(let ip):
                (source, destination) = (.v4(ip.source), .v4(ip.destination))
                headers += 1
                return ip.fragmentOffset == 0 && [.icmp, .udp, .ipv4, .ipv6].contains(ip.nextProtocol)
            case .ipv6(let ip):
                (source, destination) = (.v6(ip.source), .v6(ip.destination))
                headers += 1
                return true
            case .icmp(let icmp):
                switch icmp.content {
                case .echoRequest(let identifier, let sequence): take(true, identifier, sequence)
                case .echoReply(let identifier, let sequence): take(false, identifier, sequence)
                default: return false
                }
            case .icmpv6(let icmp):
                upper = .icmpv6
                switch icmp.content {
                case .echoRequest(let identifier, let sequence): take(true, identifier, sequence)
                case .echoReply(let identifier, let sequence): take(false, identifier, sequence)
                default: return false
                }
            case .udp(let udp):
                upper = .udp
                let isRequest = udp.destinationPort == FlowRequest.echoPort
                guard isRequest || udp.sourcePort == FlowRequest.echoPort,
                    let number = ProbeMarker.sequence(at: body, in: frame)
                else { return false }
                take(isRequest, isRequest ? udp.sourcePort : udp.destinationPort, number)
            default:
                return false
            }
            isEcho = true
            marker = ProbeMarker.id(at: body, in: frame)
            return false
        }
        guard isEcho else { return nil }
        isWrapped = headers > 1
    }

    private mutating func take(_ isRequest: Bool, _ identifier: UInt16, _ sequence: UInt16) {
        self.isRequest = isRequest
        self.identifier = identifier
        self.sequence = sequence
    }
}
