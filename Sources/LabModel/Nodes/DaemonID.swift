/// A daemon, by the name of its process, as logs, faults and conditions have it.
///
/// Which daemons there are, and what each can do, the module `Daemons` knows.
public struct DaemonID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public var description: String { rawValue }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A daemon of a node: `NODE/PROCESS`.
public struct DaemonName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let node: String
    public let kind: DaemonID

    public init(node: String, kind: DaemonID) {
        self.node = node
        self.kind = kind
    }

    public var description: String { "\(node)/\(kind)" }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
