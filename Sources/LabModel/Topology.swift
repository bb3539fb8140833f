import NetworkTypes
import Synchronization

/// A lab that can be built: every reference in it resolves, every address is on its link, every algorithm is known.
///
/// The only way to make one is ``LabFile/resolve()`` (or to decode one that was), so whoever holds it need not check again.
public struct Topology: Hashable, Sendable, Codable {
    /// The lab's name: lower-case letters, digits and hyphens, 1 to 32 of them.
    public let name: String
    public let title: String
    public let summary: String
    /// Where the lab departs from what it reproduces, each with its reason.
    public let deviations: [String]
    public let clouds: [Cloud]
    public var nodes: [Node]
    public let links: [Link]
    /// Those of IPsec.
    public var tunnels: [Tunnel]
    public var plainTunnels: [PlainTunnel] = []
    public var sessions: [BGPSession]
    /// Those that are to stay down, for only one side has them.
    public var oneSidedSessions: [OneSidedSession] = []
    public var ospf: [OSPFDomain] = []
    public var probes: [Probe] = []
    public var expectations: [Expectation] = []
    /// Those that are played in this variant of the lab.
    public var scenarios: [Scenario] = []
    /// Those of every variant, in the file's order.
    public var scenarioNames: [ScenarioName] = []
    public var variants: [Variant] = []
    /// The variant that this is; nil for the lab as it stands.
    public var variant: String?
    /// The probes that `netlab soak` pings unless told otherwise.
    public var soak: [SoakProbe] = []
    /// Of `links`, which do not change.
    private var linkIndex = NameIndex()
    /// Of `nodes`, of which one may be changed where it is.
    private var nodeIndex = NameIndex()

    private enum CodingKeys: CodingKey {
        case name, title, summary, deviations, clouds, nodes, links, tunnels, plainTunnels, sessions, oneSidedSessions,
            ospf, probes
        case expectations, scenarios, scenarioNames, variants, variant, soak
    }

    public init(
        name: String, title: String, summary: String, deviations: [String], clouds: [Cloud], nodes: [Node],
        links: [Link], tunnels: [Tunnel], sessions: [BGPSession]
    ) {
        self.name = name
        self.title = title
        self.summary = summary
        self.deviations = deviations
        self.clouds = clouds
        self.nodes = nodes
        self.links = links
        self.tunnels = tunnels
        self.sessions = sessions
    }

    public func node(named name: String) -> Node? {
        let place = nodeIndex.places(of: name) { nodes.indices.map { (nodes[$0].name, $0) } }.first
        if let place, place < nodes.count, nodes[place].name == name { return nodes[place] }
        return nodes.first { $0.name == name }
    }

    public func tunnel(named name: String) -> Tunnel? {
        tunnels.first { $0.name == name }
    }

    public func session(named name: String) -> BGPSession? {
        sessions.first { $0.name == name }
    }

    /// Of those that come up and of those that do not, in that order.
    public var sessionNames: [String] { sessions.map(\.name) + oneSidedSessions.map(\.name) }

    public func oneSidedSession(named name: String) -> OneSidedSession? {
        oneSidedSessions.first { $0.name == name }
    }

    public func link(named name: String) -> Link? {
        links.first { $0.name == name }
    }

    public func scenario(named name: String) -> Scenario? {
        scenarios.first { $0.name == name }
    }

    public func probe(named name: String) -> Probe? {
        probes.first { $0.name == name }
    }

    /// The links that join two clouds: where others can listen.
    public var underlayLinks: [Link] {
        links.filter { link in Set(link.ends.map { node(named: $0.node)?.cloud ?? $0.node }).count == 2 }
    }

    /// Each link end at the node, with the link it belongs to, in the file's order.
    public func linkEnds(of node: String) -> [(link: Link, end: LinkEnd)] {
        let places = linkIndex.places(of: node) {
            links.indices.flatMap { place in Set(links[place].ends.map(\.node)).map { ($0, place) } }
        }
        return places.map { links[$0] }.flatMap { link in
            link.ends.filter { $0.node == node }.map { (link, $0) }
        }
    }

    /// Each end of a tunnel at the node, with its tunnel, in the file's order.
    public func tunnelEnds(of node: String) -> [(tunnel: Tunnel, end: TunnelEnd)] {
        tunnels.flatMap { tunnel in tunnel.ends.filter { $0.node == node }.map { (tunnel, $0) } }
    }

    /// The sessions that go straight through an end's interface, whose routes lead into its tunnel.
    public func sessions(through end: TunnelEnd) -> [BGPSession] {
        sessions.filter { session in
            session.speakers.contains { $0.node == end.node && $0.interface == end.interface }
        }
    }

    /// The daemons that serve a node: that which negotiates at the ends of tunnels, and that which speaks BGP where there is something
    /// for it to speak.
    public func daemons(of node: String) -> [DaemonID] {
        [keyDaemon(of: node), routingDaemon(of: node)].compactMap(\.self)
    }

    /// What negotiates the tunnels that end at a node; nil where none does.
    public func keyDaemon(of node: String) -> DaemonID? {
        tunnelEnds(of: node).isEmpty ? nil : self.node(named: node)?.keyDaemon
    }

    /// What speaks BGP or OSPF at a node; nil where nothing does.
    public func routingDaemon(of node: String) -> DaemonID? {
        guard let known = self.node(named: node) else { return nil }
        let speaks =
            sessions.contains { $0.speakers.contains { $0.node == node } }
            || oneSidedSessions.contains { $0.node == node } || ospfDomain(of: node) != nil
        return speaks || known.routingConfiguration != nil ? known.routingDaemon : nil
    }

    /// The nodes of a zone, or of the cloud of that name.
    public func nodes(inZone zone: String) -> [Node] {
        nodes.filter { $0.zone == zone || $0.cloud == zone }
    }

    /// The router's port that an instance is plugged into: where its cloud filters, checks and translates.
    public func fabricPort(of instance: Node) -> LinkEnd? {
        guard let (link, end) = linkEnds(of: instance.name).first else { return nil }
        return link.peer(of: end)
    }

    /// The address that stands for a node: the first one on its first link.
    public func address(of node: String) -> IPAddress? {
        linkEnds(of: node).lazy.compactMap { $0.end.addresses.first?.address }.first
    }

    /// All addresses of a node, on links and inside tunnels.
    public func addresses(of node: String) -> [IPAddress] {
        linkEnds(of: node).flatMap(\.end.addresses).map(\.address)
            + tunnelEnds(of: node).compactMap(\.end.inside?.address)
            + plainTunnelEnds(of: node).compactMap(\.end.inside?.address)
    }

    /// The node that owns an address, on a link or inside a tunnel.
    public func owner(of address: IPAddress) -> String? {
        for link in links {
            for end in link.ends where end.addresses.contains(where: { $0.address == address }) { return end.node }
        }
        for tunnel in tunnels {
            for end in tunnel.ends where end.inside?.address == address { return end.node }
        }
        for tunnel in plainTunnels {
            for end in tunnel.ends where end.inside?.address == address { return end.node }
        }
        return nil
    }

    /// The gateway that changes an address on its way out, and what it makes of it; nil for an address that nobody changes.
    ///
    /// A masquerade is for those in the gateway's own cloud, and where there are no clouds, for those that it names; also for other
    /// gateways' outside addresses (a NAT behind a NAT) that it names, or that are at the other end of a link of its own.
    public func translator(of address: IPAddress) -> (node: Node, outside: IPAddress)? {
        for node in nodes {
            guard let nat = node.nat else { continue }
            if let mapping = nat.mappings.first(where: { $0.inside == address }) { return (node, mapping.outside) }
            let masquerade = nat.masqueraded.first {
                $0.inside.contains(address) && (node.cloud != nil || !$0.inside.isDefault)
            }
            let gateway = gateway(withOutside: address)
            guard let masquerade, let owner = owner(of: address) ?? gateway?.name,
                owner != node.name,
                self.node(named: owner)?.cloud == node.cloud
                    || gateway.map({ !masquerade.inside.isDefault || isBehind($0, node) }) ?? false,
                let outside = masquerade.outside
                    ?? linkEnds(of: node.name).first(where: { $0.end.routedInterface == nat.interface })?.end.addresses
                    .map(\.address).first(where: { $0.bitWidth == address.bitWidth })
            else { continue }
            return (node, outside)
        }
        return nil
    }

    /// A gateway that gives others' packets an address.
    private func gateway(withOutside address: IPAddress) -> Node? {
        nodes.first { node in
            guard let nat = node.nat else { return false }
            if nat.mappings.contains(where: { $0.outside == address }) { return true }
            return nat.masqueraded.contains { masquerade in
                masquerade.outside.map { $0 == address }
                    ?? linkEnds(of: node.name).contains { _, end in
                        end.routedInterface == nat.interface && end.addresses.contains { $0.address == address }
                    }
            }
        }
    }

    /// Whether a gateway's outside interface is on a link with another gateway that is not outside of that one.
    private func isBehind(_ gateway: Node, _ other: Node) -> Bool {
        linkEnds(of: gateway.name).contains { link, end in
            end.routedInterface == gateway.nat?.interface
                && link.peer(of: end).map { $0.node == other.name && $0.routedInterface != other.nat?.interface }
                    ?? false
        }
    }

    /// What one gateway makes of an address.
    public struct Translation: Hashable, Sendable {
        public let gateway: Node
        public let inside: IPAddress
        public let outside: IPAddress

        /// Whether it lets nothing in to the inside address that has not begun there.
        public var isMasquerade: Bool { gateway.nat?.mappings.contains { $0.inside == inside } == false }
    }

    /// The gateways that change an address one after the other on its way out, the nearest first; none for an address that nobody
    /// changes.
    public func translations(of address: IPAddress) -> [Translation] {
        var chain: [Translation] = []
        var current = address
        while let (gateway, outside) = translator(of: current),
            !chain.contains(where: { $0.gateway.name == gateway.name })
        {
            chain.append(Translation(gateway: gateway, inside: current, outside: outside))
            current = outside
        }
        return chain
    }

    /// The node that packets to an address come to: its owner, or the one that a one-to-one translation stands for.
    public func node(behind address: IPAddress) -> String? {
        let mapping = nodes.lazy.compactMap(\.nat).flatMap(\.mappings).first { $0.outside == address }
        return owner(of: mapping?.inside ?? address)
    }
}

/// Where in a list something has to do with a name, found when it is asked for first: a lab may have a thousand nodes.
///
/// It says nothing that the list does not say, so any two are equal.
private final class NameIndex: Sendable, Hashable {
    private let places = Mutex<[String: [Int]]?>(nil)

    /// The places of a name in the list, in its order.
    ///
    /// - Parameter list: Every name with each of its places; called once.
    func places(of name: String, in list: () -> [(name: String, place: Int)]) -> [Int] {
        places.withLock { places in
            if let places { return places[name] ?? [] }
            let found = Dictionary(grouping: list(), by: \.name).mapValues { $0.map(\.place).sorted() }
            places = found
            return found[name] ?? []
        }
    }

    static func == (left: NameIndex, right: NameIndex) -> Bool { true }
    func hash(into hasher: inout Hasher) {}
}

/// Who runs a part of the lab: a provider's region, a carrier, a site.
public struct Cloud: Hashable, Sendable, Codable {
    public let name: String
    public let title: String
    /// The provider whose rules and defaults hold for its routers.
    public let provider: String?

    public init(name: String, title: String, provider: String?) {
        self.name = name
        self.title = title
        self.provider = provider
    }
}

/// A measurement the lab makes of itself.
public struct Probe: Hashable, Sendable, Codable {
    public let name: String
    /// The node that asks.
    public let source: String
    /// The address it asks from; nil leaves that to the node's routes.
    public let sourceAddress: IPAddress?
    /// The address asked.
    public let destination: IPAddress
    /// The time between two questions in virtual time; nil asks once, when the lab comes up.
    public let interval: Duration?
    /// When to raise an alarm; nil for a probe that does not go on asking.
    public let alarm: AlarmRule?
    /// Whether the lab is up only when it has been answered.
    public var isAwaited = true

    public init(
        name: String, source: String, sourceAddress: IPAddress?, destination: IPAddress, interval: Duration?,
        alarm: AlarmRule?,
        isAwaited: Bool = true
    ) {
        self.name = name
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.interval = interval
        self.alarm = alarm
        self.isAwaited = isAwaited
    }
}

/// A probe that is pinged for long, and what somebody measured on the real thing, in words.
public struct SoakProbe: Hashable, Sendable, Codable {
    public let probe: String
    public let published: String?

    public init(probe: String, published: String?) {
        self.probe = probe
        self.published = published
    }
}

/// When a monitor raises its alarm; the first answer clears it.
public struct AlarmRule: Hashable, Sendable, Codable {
    /// After so many questions in a row without an answer.
    public let failures: Int
    /// How long an answer may take.
    public let timeout: Duration

    public init(failures: Int, timeout: Duration) {
        self.failures = failures
        self.timeout = timeout
    }
}
