import LabRecords
import NodeRuntime

/// What a network namespace's kernel has counted since it was made (proc(5), /proc/net/snmp and snmp6).
struct ProtocolCounters {
    private var values: [String: Int] = [:]

    /// - Parameters:
    ///   - snmp: Pairs of lines, names above values: `Ip: ReasmReqds …` and `Ip: 0 …`.
    ///   - snmp6: A name and a value each line: `Ip6ReasmReqds 0`.
    init(snmp: String, snmp6: String) {
        let lines = snmp.split(separator: "\n").map { $0.split(separator: " ") }
        for (names, numbers) in zip(lines, lines.dropFirst())
        where names.first == numbers.first && names.count == numbers.count {
            guard let layer = names.first?.dropLast() else { continue }
            for (name, number) in zip(names, numbers).dropFirst() { values["\(layer)\(name)"] = Int(number) }
        }
        for line in snmp6.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2 { values[String(words[0])] = Int(words[1]) }
        }
    }

    init(of sandbox: NodeSandbox) throws {
        self = try sandbox.network.perform {
            ProtocolCounters(
                snmp: GuestSystem.read("/proc/thread-self/net/snmp") ?? "",
                snmp6: GuestSystem.read("/proc/thread-self/net/snmp6") ?? "")
        }
    }

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
