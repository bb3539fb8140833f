import CNetlink
import Glibc
import NetworkTypes

/// A queue on an interface (`RTM_NEWQDISC`, tc(8)).
public struct QueueingDiscipline: Hashable, Sendable, Codable {
    public var interface: InterfaceName
    /// `netem`, `noqueue`, `pfifo_fast`...
    public var kind: String
    public var isRoot: Bool
    /// The settings, of a netem queue.
    public var netem: NetemSettings?
    /// What it let through since it was made.
    public var sentBytes: UInt64
    public var sentPackets: UInt64
    /// What it dropped: a netem queue's losses, and what found it full.
    public var drops: UInt64
    /// Packets in the queue now.
    public var queued: Int
}

extension NetlinkSocket {
    /// Makes a netem queue the interface's root queue, in the place of one of another kind; one that is a netem queue
    /// already only gets other settings, and keeps the packets in it.
    ///
    /// - Throws: `ENODEV`; `EINVAL` for a negative delay; `EOPNOTSUPP` or `ENOENT` where the kernel lacks netem.
    public func setNetem(_ settings: NetemSettings, on name: InterfaceName) throws {
        guard settings.delay >= .zero, settings.jitter >= .zero, settings.limit > 0 else {
            throw NetlinkError(
                errno: EINVAL, operation: "set netem on", object: "\(name)",
                kernelMessage: "delay and jitter must not be negative, and the limit at least one packet")
        }
        try withRoute { channel in
            var header = tcmsg()
            header.tcm_ifindex = try channel.index(of: name)
            header.tcm_parent = TC_H_ROOT
            let message = try Message(RTM_NEWQDISC, flags: Int32(NLM_F_CREATE | NLM_F_REPLACE), header)
            message.put(Int(TCA_KIND), text: "netem")
            settings.put(in: message)
            _ = try channel.request(message, "set netem on", "\(name)")
        }
    }

    /// Removes an interface's root queue; the kernel puts its default there. Throws `ENOENT` where that is all there is.
    public func removeQdisc(on name: InterfaceName) throws {
        try withRoute { channel in
            var header = tcmsg()
            header.tcm_ifindex = try channel.index(of: name)
            header.tcm_parent = TC_H_ROOT
            _ = try channel.request(try Message(RTM_DELQDISC, header), "remove queue from", "\(name)")
        }
    }

    /// All queues of the namespace.
    ///
    /// - Throws: ``NetlinkError``.
    public func qdiscs() throws -> [QueueingDiscipline] {
        try withRoute { channel in
            let names = try channel.names()
            let message = try Message(RTM_GETQDISC, flags: Int32(NLM_F_DUMP), tcmsg())
            return try channel.request(message, "list queues").compactMap { QueueingDiscipline($0, names: names) }
        }
    }
}

extension QueueingDiscipline {
    /// Reads an `RTM_NEWQDISC` message; nil where it is malformed or the interface unknown.
    init?(_ reply: Reply, names: [Int32: InterfaceName]) {
        guard let (header, attributes) = reply.split(tcmsg.self),
            let name = names[header.tcm_ifindex], let kind = attributes[Int(TCA_KIND)]?.text
        else { return nil }
        interface = name
        self.kind = kind
        isRoot = header.tcm_parent == TC_H_ROOT
        netem = kind == "netem" ? attributes[Int(TCA_OPTIONS)].flatMap(NetemSettings.init) : nil
        let statistics = attributes[Int(TCA_STATS2)]?.nested
        let basic = statistics?[Int(TCA_STATS_BASIC)]
        let queue = statistics?[Int(TCA_STATS_QUEUE)]?.structure(gnet_stats_queue.self)
        sentBytes = basic?.integer() ?? 0
        // Older kernels have only the 32-bit count.
        let packets = basic?.bytes.dropFirst(8).integer(UInt32.self)
        sentPackets = statistics?[Int(TCA_STATS_PKT64)]?.integer() ?? UInt64(packets ?? 0)
        drops = UInt64(queue?.drops ?? 0)
        queued = Int(queue?.qlen ?? 0)
    }
}
