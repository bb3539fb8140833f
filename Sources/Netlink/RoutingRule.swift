import NetworkTypes

/// Which table a packet's route is looked for in: policy routing (ip-rule(8)).
public struct RoutingRule: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The family of a rule; one without prefixes still belongs to one.
    public enum Family: String, Hashable, Sendable, Codable {
        case v4, v6
    }

    /// What a rule does (`FR_ACT_*`, linux/fib_rules.h).
    public enum Action: UInt8, Hashable, Sendable, Codable {
        case lookup = 1
        case goto, nop
        case blackhole = 6
        case unreachable, prohibit
    }

    public var family: Family
    /// Rules are tried from the smallest on. Nil leaves it to the kernel, which puts the rule before those with a priority.
    public var priority: UInt32?
    public var source: IPPrefix?
    public var destination: IPPrefix?
    public var inputInterface: InterfaceName?
    public var outputInterface: InterfaceName?
    public var mark: PacketMark?
    /// 0 where the action is not `lookup`, or the table is the VRF's.
    public var table: UInt32
    public var action: Action
    /// Whether it sends the packets of every VRF to the VRF's table.
    public var isForVRF: Bool

    public init(
        family: Family = .v4, priority: UInt32? = nil, source: IPPrefix? = nil, destination: IPPrefix? = nil,
        inputInterface: InterfaceName? = nil, outputInterface: InterfaceName? = nil, mark: PacketMark? = nil,
        table: UInt32 = Route.mainTable, action: Action = .lookup, isForVRF: Bool = false
    ) {
        self.family = family
        self.priority = priority
        self.source = source
        self.destination = destination
        self.inputInterface = inputInterface
        self.outputInterface = outputInterface
        self.mark = mark
        self.table = table
        self.action = action
        self.isForVRF = isForVRF
    }

    public var description: String {
        let words = [
            priority.map { "\($0):" }, "from \(source.map(\.description) ?? "all")", destination.map { "to \($0)" },
            mark.map { "fwmark \($0.value)/\($0.mask)" }, inputInterface.map { "iif \($0)" },
            outputInterface.map { "oif \($0)" },
            isForVRF ? "lookup of the VRF" : action == .lookup ? "lookup \(table)" : "\(action)",
        ]
        return words.compactMap { $0 }.joined(separator: " ")
    }
}
