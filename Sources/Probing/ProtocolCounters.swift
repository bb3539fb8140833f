import LabRecords
import NodeRuntime

/// What a network namespace's kernel has counted since it was made (proc(5), /proc/net/snmp, netstat, snmp6 and xfrm_stat).
public struct ProtocolCounters: Sendable {
    private var values: [String: Int] = [:]

    /// - Parameters:
    ///   - pairs: Pairs of lines, names above values: `Ip: ReasmReqds …` and `Ip: 0 …`.
    ///   - singles: A name and a value each line: `Ip6ReasmReqds 0`.
    init(pairs: String, singles: String) {
        let lines = pairs.split(separator: "\n").map { $0.split(separator: " ") }
        for (names, numbers) in zip(lines, lines.dropFirst())
        where names.first == numbers.first && names.count == numbers.count {
            guard let layer = names.first?.dropLast() else { continue }
            for (name, number) in zip(names, numbers).dropFirst() { values["\(layer)\(name)"] = Int(number) }
        }
        for line in singles.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2 { values[String(words[0])] = Int(words[1]) }
        }
    }

    /// Those of a node as they are now.
    ///
    /// - Throws: `NetlinkError` where its namespace cannot be entered.
    public init(of sandbox: NodeSandbox) throws {
        let text = { @Sendable (files: [String]) in
            files.map { GuestSystem.read("/proc/thread-self/net/\($0)") ?? "" }.joined(separator: "\n")
        }
        self = try sandbox.network.perform {
            ProtocolCounters(pairs: text(["snmp", "netstat"]), singles: text(["snmp6", "xfrm_stat"]))
        }
    }

    /// Which of the counters that stand for dropped packets have risen since an earlier look, and by how much.
    public func drops(since earlier: ProtocolCounters) -> [(counter: String, packets: Int, meaning: String)] {
        Self.meanings.compactMap { name, meaning in
            let rise = (values[name] ?? 0) - (earlier.values[name] ?? 0)
            return rise > 0 ? (name, rise, meaning) : nil
        }
    }

    /// What a counter counts. Sources: RFC 4293 (IP), `ip_error` (net/ipv4/route.c), Documentation/networking/xfrm_proc.rst.
    private static let meanings: KeyValuePairs = [
        "TcpExtIPReversePathFilter":
            "reverse path filtering: the way back to the source is not by where the packet came in",
        "IpInAddrErrors": "not forwarded: forwarding is off at the interface, or the address is nobody's",
        "IpExtInNoRoutes": "no route for a packet that came in", "IpOutNoRoutes": "no route for a packet of its own",
        "IpInHdrErrors": "a header that does not do, such as a time to live at its end",
        "IpFragFails": "longer than the next link takes, and not to be fragmented",
        "IpInDiscards": "discarded on the way in", "IpOutDiscards": "discarded on the way out",
        "Ip6InAddrErrors": "not forwarded: forwarding is off at the interface, or the address is nobody's",
        "Ip6InNoRoutes": "no route for a packet that came in", "Ip6OutNoRoutes": "no route for a packet of its own",
        "Ip6InHdrErrors": "a header that does not do, such as a hop limit at its end",
        "Ip6InTooBigErrors": "longer than the next link takes", "Ip6InDiscards": "discarded on the way in",
        "Ip6OutDiscards": "discarded on the way out",
        "XfrmInNoPols": "came through a tunnel, and no policy asks for that",
        "XfrmInPolBlock": "a policy that blocks", "XfrmInTmplMismatch": "not protected as the policy asks for",
        "XfrmInNoStates": "ESP for an association that the node does not have",
        "XfrmInStateProtoError": "ESP that does not open: another key",
        "XfrmInStateSeqError": "ESP outside the replay window",
        "XfrmInStateExpired": "ESP of an association at its end",
        "XfrmInStateMismatch": "outside the association's selector",
        "XfrmOutPolBlock": "a policy that blocks", "XfrmOutNoStates": "no association yet for what the policy asks for",
        "XfrmOutStateExpired": "the association has ended",
        "XfrmAcquireError": "no association, and none could be asked for",
    ]

    /// What has been counted since an earlier look, of both versions of IP together.
    func since(_ earlier: ProtocolCounters) -> BulkResult.Counters {
        let sum = { (names: [String]) in
            names.reduce(0) { $0 + (values[$1] ?? 0) - (earlier.values[$1] ?? 0) }
        }
        return BulkResult.Counters(
            fragmentsReceived: sum(["IpReasmReqds", "Ip6ReasmReqds"]),
            packetsReassembled: sum(["IpReasmOKs", "Ip6ReasmOKs"]),
            fragmentsCreated: sum(["IpFragCreates", "Ip6FragCreates"]),
            unreachablesReceived: sum(["IcmpInDestUnreachs", "Icmp6InPktTooBigs"]))
    }
}
