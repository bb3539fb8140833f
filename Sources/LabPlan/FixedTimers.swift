import LabModel

/// nftables rules that keep a speaker from learning which hold time its peer proposes, so that its own is what counts there.
///
/// No routing daemon at hand keeps its timers against a smaller proposal: RFC 4271, section 4.2 has them take the smaller
/// one, and those in use do. So the two bytes of the hold time in OPEN messages that arrive are written over;
/// nft(8) mends TCP's checksum. An OPEN is the first that a connection carries: its type is byte 18 of the segment, and
/// the hold time bytes 22 and 23 (RFC 4271, section 4.2).
enum FixedTimers {
    static let table = "inet netlab-timers"

    /// The table's text; nil for a node without such a speaker.
    static func text(for node: String, in topology: Topology) -> String? {
        let rules = topology.sessions.flatMap { session -> [String] in
            guard let own = session.speakers.first(where: { $0.node == node }), own.keepsTimers,
                let peer = session.peer(of: own)
            else { return [] }
            let family = peer.address.bitWidth == 32 ? "ip" : "ip6"
            return ["sport", "dport"].map { port in
                "\(family) saddr \(peer.address) tcp \(port) 179 @ih,144,8 1 @ih,176,16 set \(own.hold.components.seconds) counter"
            }
        }
        guard !rules.isEmpty else { return nil }
        let lines = ["type filter hook input priority 0; policy accept;"] + rules
        return "table \(table) {\n    chain opens {\n" + lines.map { "        \($0)\n" }.joined() + "    }\n}"
    }
}
