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

/// A program that serves a node as long as the lab runs, or several that are one to those who use it.
public struct Daemon: Hashable, Sendable, Codable {
    public typealias Kind = DaemonID

    public let node: String
    public let kind: Kind
    public let arguments: [String]
    /// What it stands on: started before it in this order, and ended with it.
    public let foundations: [DaemonPart]
    /// What is run to a good end once it listens, before it counts as started; empty for nothing.
    public let loading: [String]

    public init(
        node: String, kind: Kind, arguments: [String], foundations: [DaemonPart] = [], loading: [String] = []
    ) {
        self.node = node
        self.kind = kind
        self.arguments = arguments
        self.foundations = foundations
        self.loading = loading
    }

    /// `NODE/KIND`, as `netlab logs` takes it.
    public var name: String { "\(node)/\(kind.rawValue)" }
}

/// One of the programs of a daemon that is several.
public struct DaemonPart: Hashable, Sendable, Codable {
    public let arguments: [String]
    /// Where it listens when the next may be started, as its node sees it.
    public let socketPath: String
    /// Whether a node whose system has no such program does without.
    public let isOptional: Bool

    public init(arguments: [String], socketPath: String, isOptional: Bool = false) {
        self.arguments = arguments
        self.socketPath = socketPath
        self.isOptional = isOptional
    }
}

extension Daemon {
    /// Where a daemon writes its log, as its node sees it; the host sees the same file in the lab's log directory.
    public static func logFile(node: String, kind: Kind) -> String {
        "/var/log/netlab/\(node).\(kind.rawValue).log"
    }
}
