import NetworkTypes

/// Something about a running lab that holds or does not hold, which a plan or a person can wait for.
///
/// Text, for `netlab clock LAB until`: `tunnel NAME up`, `bgp NAME down`, `ospf NAME up`, `interface NODE NAME up`,
/// `route NODE PREFIX present`, `ping NODE ADDRESS up`, `daemon NODE/KIND up`.
public struct Condition: Hashable, Sendable, Codable {
    public enum Subject: Hashable, Sendable, Codable {
        /// Both ends have a security association in use for the tunnel, in each direction.
        case tunnel(String)
        /// Both speakers are in state Established, or the one that a one-sided session has.
        case session(String)
        /// The routers at both ends of a link, or of each of a domain's links, take each other for fully adjacent by OSPF (RFC 2328,
        /// section 10.1).
        case ospf(String)
        /// The interface exists and is up.
        case interface(node: String, InterfaceName)
        /// The node's route tables have this very prefix, and by this gateway where one is given.
        case route(node: String, IPPrefix, via: IPAddress? = nil)
        /// The node gets an echo reply from the address.
        case echo(node: String, IPAddress)
        /// The daemon answers on its control socket.
        case daemon(node: String, DaemonID)
    }

    public let subject: Subject
    /// Whether the subject is to hold, or not to.
    public let holds: Bool

    public init(_ subject: Subject, holds: Bool = true) {
        self.subject = subject
        self.holds = holds
    }
}

/// Why a condition's text cannot be used.
public struct ConditionError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// The name that nothing has; nil for what is not a condition at all.
    public let unknownName: String?

    fileprivate init(_ description: String, unknownName: String? = nil) {
        self.description = description
        self.unknownName = unknownName
    }
}

extension Condition: CustomStringConvertible {
    public var description: String {
        switch subject {
        case .tunnel(let name): "tunnel \(name) \(holds ? "up" : "down")"
        case .session(let name): "bgp \(name) \(holds ? "up" : "down")"
        case .ospf(let name): "ospf \(name) \(holds ? "up" : "down")"
        case .interface(let node, let name): "interface \(node) \(name) \(holds ? "up" : "down")"
        case .route(let node, let prefix, let gateway):
            "route \(node) \(prefix) \(gateway.map { "via \($0) " } ?? "")\(holds ? "present" : "absent")"
        case .echo(let node, let address): "ping \(node) \(address) \(holds ? "up" : "down")"
        case .daemon(let node, let kind): "daemon \(node)/\(kind.rawValue) \(holds ? "up" : "down")"
        }
    }

    /// Every form that a condition's text may have.
    public static let forms = [
        "tunnel NAME up|down", "bgp NAME up|down", "ospf NAME up|down", "interface NODE NAME up|down",
        "route NODE PREFIX [via ADDRESS] present|absent",
        "ping NODE ADDRESS up|down", "daemon NODE/KIND up|down",
    ]

    /// Reads a condition and looks up what it names.
    public init(_ text: String, in topology: Topology) throws(ConditionError) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let last = words.last, let holds = ["up": true, "present": true, "down": false, "absent": false][last],
            let subject = try Self.subject(words.dropLast(), in: topology)
        else {
            throw ConditionError("\"\(text)\" is not a condition. Write one of: \(Self.forms.joined(separator: "; ")).")
        }
        self.init(subject, holds: holds)
    }

    private static func subject(_ words: ArraySlice<String>, in topology: Topology) throws(ConditionError) -> Subject? {
        let arguments = Array(words.dropFirst())
        switch (words.first, arguments.count) {
        case ("tunnel", 1):
            return .tunnel(try known(arguments[0], among: topology.tunnels.map(\.name), noun: "tunnels"))
        case ("bgp", 1):
            return .session(try known(arguments[0], among: topology.sessionNames, noun: "BGP sessions"))
        case ("ospf", 1):
            return .ospf(try known(arguments[0], among: topology.ospfPlaces, noun: "OSPF domains and their links"))
        case ("interface", 2):
            let node = try self.node(arguments[0], in: topology)
            return InterfaceName(arguments[1]).map { .interface(node: node, $0) }
        case ("route", 2):
            let node = try self.node(arguments[0], in: topology)
            return IPPrefix(arguments[1]).map { .route(node: node, $0) }
        case ("route", 4) where arguments[2] == "via":
            let node = try self.node(arguments[0], in: topology)
            guard let prefix = IPPrefix(arguments[1]), let gateway = IPAddress(arguments[3]) else { return nil }
            return .route(node: node, prefix, via: gateway)
        case ("ping", 2):
            let node = try self.node(arguments[0], in: topology)
            if let address = IPAddress(arguments[1]) { return .echo(node: node, address) }
            let asked = try self.node(arguments[1], in: topology)
            return topology.address(of: asked).map { .echo(node: node, $0) }
        case ("daemon", 1):
            let parts = arguments[0].split(separator: "/").map(String.init)
            guard parts.count == 2 else { return nil }
            let name = try node(parts[0], in: topology)
            let daemons = topology.daemons(of: name).map(\.rawValue)
            return .daemon(
                node: name, DaemonID(rawValue: try known(parts[1], among: daemons, noun: "daemons at \(name)")))
        default:
            return nil
        }
    }

    private static func node(_ name: String, in topology: Topology) throws(ConditionError) -> String {
        try known(name, among: topology.nodes.map(\.name), noun: "nodes")
    }

    private static func known(_ name: String, among names: [String], noun: String) throws(ConditionError) -> String {
        guard names.contains(name) else {
            throw ConditionError(
                "There is no \"\(name)\". \(Suggestion.remedy(for: name, among: names, noun: noun))", unknownName: name)
        }
        return name
    }
}
