import NetworkTypes

extension Fault: CustomStringConvertible {
    /// The text that reads as this fault.
    public var description: String {
        switch self {
        case .linkDown(let link): "link \(link) down"
        case .vlanDown(let link, let node): "vlan \(link) down\(node.map { " at \($0)" } ?? "")"
        case .impairment(let impairment, let link, let sender):
            "\(impairment.kind) \(link) \(impairment.amount)\(Self.text(sender: sender))"
        case .blackHole(let link, let sender): "blackhole \(link)\(Self.text(sender: sender))"
        case .drop(let traffic, let place, let sender):
            "drop \(traffic.rawValue) on \(place)\(Self.text(sender: sender))"
        case .mtu(let node, let interface, let mtu): "mtu \(node) \(interface) \(mtu)"
        case .natFlushed(let node): "nat \(node) flushed"
        case .natChanged(let node, let outside, let inside): "nat \(node) \(outside) to \(inside)"
        case .securityRuleRemoved(let node, let source, let transport):
            "security \(node) without \(source)\(transport.map { " \($0.rawValue)" } ?? "")"
        case .sourceDestinationCheck(let node): "source-destination-check \(node) on"
        case .daemon(let node, let kind, let fault): "daemon \(node)/\(kind.rawValue) \(fault.rawValue)"
        case .mismatch(let tunnel, .revoked, let node): "certificate \(tunnel) revoked at \(node)"
        case .mismatch(let tunnel, let parameter, let node): "mismatch \(tunnel) \(parameter.rawValue) at \(node)"
        case .associationsDeleted(let tunnel, let node): "sa \(tunnel) deleted at \(node)"
        case .maintenance(let tunnel, let node): "maintenance \(tunnel) at \(node)"
        case .sessionShut(let session, let node): "bgp \(session) shut at \(node)"
        case .holdTime(let session, let hold, let node): "bgp \(session) hold \(hold.exactText) at \(node)"
        case .wrongKey(let session, let node): "bgp \(session) md5 wrong at \(node)"
        case .bfdStopped(let session, let node): "bfd \(session) stopped at \(node)"
        case .nodeDown(let node): "node \(node) down"
        case .nodeRebooted(let node): "node \(node) rebooted"
        case .zoneDown(let zone): "zone \(zone) down"
        }
    }

    private static func text(sender: String?) -> String {
        sender.map { " from \($0)" } ?? ""
    }

    /// Every form that a fault's text may have.
    public static let forms = FaultReader.grammar.map(\.form)

    /// Reads a fault and looks up what it names.
    ///
    /// - Throws: ``FaultError`` that names what there is, for something that is not there.
    public init(_ text: String, in topology: Topology) throws(FaultError) {
        self = try FaultReader(text: text, topology: topology).fault()
    }
}

extension Fault.Impairment {
    /// The word for it.
    public var kind: String {
        switch self {
        case .loss: "loss"
        case .delay: "delay"
        case .jitter: "jitter"
        case .rate: "rate"
        case .corruption: "corruption"
        case .duplication: "duplication"
        case .reordering: "reordering"
        }
    }

    fileprivate var amount: String {
        switch self {
        case .loss(let share), .corruption(let share), .duplication(let share), .reordering(let share):
            share.description
        case .delay(let time), .jitter(let time): time.exactText
        case .rate(let rate): rate.description
        }
    }
}

extension Duration {
    /// Text that reads as this very time, to the nanosecond: the short one where that says it all.
    public var exactText: String {
        Duration(text: shortText) == self ? shortText : "\(wholeNanoseconds)ns"
    }
}
