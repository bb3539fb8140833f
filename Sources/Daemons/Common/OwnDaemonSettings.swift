import DaemonProfiles
import LabModel
import NetworkTypes

/// What a user's own settings of a key daemon as a whole say.
public struct OwnDaemonSettings: Hashable, Sendable {
    /// How it repeats its requests; nil where they say nothing of it.
    public let retransmission: IKERetransmission?
    /// How long the kernel does not ask again when it has asked for associations; nil for the daemon's usual time.
    public let acquireExpiry: Duration?
    /// How long the daemon is silent behind NAT before it sends a keep-alive, zero for none; nil for its usual time.
    public let keepAlive: Duration?
    /// The settings that netlab computes with; those that netlab writes otherwise; those that are the daemon's affair alone; those that
    /// may decide and that nothing here computes, with their lines.
    public let taken: [String]
    public let overruled: [String]
    public let others: [String]
    public let open: [String]

    /// Why a text is not one of settings.
    public struct Unreadable: Error, Hashable, Sendable {
        public let line: Int
        public let reason: String

        public init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    public init(
        retransmission: IKERetransmission?, acquireExpiry: Duration?, keepAlive: Duration?, taken: [String],
        overruled: [String], others: [String], open: [String]
    ) {
        self.keepAlive = keepAlive
        self.retransmission = retransmission
        self.acquireExpiry = acquireExpiry
        self.taken = taken
        self.overruled = overruled
        self.others = others
        self.open = open
    }

    private struct Question: Hashable {
        let daemon: DaemonID
        let text: String
    }

    private static let answers = Memo<Question, OwnDaemonSettings?>(most: 64)

    fileprivate static func read(_ text: String, by daemon: DaemonID) -> OwnDaemonSettings? {
        answers(Question(daemon: daemon, text: text)) {
            try? DaemonRegistry.keyDaemon(daemon).readSettings(text).get()
        }
    }
}

extension Topology {
    /// What the user's own settings of a node's key daemon say; nil where netlab writes them.
    public func ownKeySettings(of node: String) -> OwnDaemonSettings? {
        guard let node = self.node(named: node), let text = node.keySettings else { return nil }
        return OwnDaemonSettings.read(text, by: node.keyDaemon)
    }

    /// How long an end may pause when what a packet has made it begin was in vain: until its kernel asks again.
    ///
    /// - Parameter version: Of its daemon.
    public func pauseBetweenAttempts(of end: TunnelEnd, version: DaemonVersion) -> Duration {
        guard let pause = end.own?.pauseBetweenAttempts, pause > .zero else {
            return end.keyDaemon.pauseBetweenAttempts(version)
        }
        return ownKeySettings(of: end.node)?.acquireExpiry ?? pause
    }
}
