import LabModel

/// A file of a node's own /etc.
public struct ConfigurationFile: Hashable, Sendable, Codable {
    public let path: String
    public let contents: Secret
    /// Whether the contents are shown in a printed plan.
    public let isSecret: Bool

    public init(path: String, contents: String, isSecret: Bool = false) {
        self.path = path
        self.contents = Secret(contents)
        self.isSecret = isSecret
    }
}

/// A program that serves a node as long as the lab runs.
public struct Daemon: Hashable, Sendable, Codable {
    public typealias Kind = DaemonID

    public let node: String
    public let kind: Kind
    public let arguments: [String]

    public init(node: String, kind: Kind, arguments: [String]) {
        self.node = node
        self.kind = kind
        self.arguments = arguments
    }

    /// `NODE/KIND`, as `netlab logs` takes it.
    public var name: String { "\(node)/\(kind.rawValue)" }
}

extension Daemon {
    /// Where a daemon writes its log, as its node sees it; the host sees the same file in the lab's log directory.
    public static func logFile(node: String, kind: Kind) -> String {
        "/var/log/netlab/\(node).\(kind.rawValue).log"
    }
}
