import PacketFormats

/// WireGuard's messages held against what entered its interfaces: by their lengths, for nothing opens them.
///
/// What is inside is padded to a multiple of 16, and not beyond the interface's MTU (`calculate_skb_padding`, drivers/net/wireguard/send.c): a
/// packet and its message are alike in the next multiple.
struct SealedMessages: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        let tunnel: String
        let node: String
        let units: Int
    }
    private struct Crossing: Sendable, Hashable {
        let entry: Entry
        let link: Int
    }

    private var entered: [Entry: Int] = [:]
    private var crossed: [Crossing: Int] = [:]
    /// Messages with a packet inside.
    private(set) var data = 0
    /// Those of a length of which fewer packets were seen entering than messages on that link.
    private(set) var unknown = 0

    mutating func note(length: Int, entering tunnel: String, at node: String) {
        entered[Entry(tunnel: tunnel, node: node, units: Self.units(length)), default: 0] += 1
    }

    /// - Parameter link: The number of the link that it crosses; several may be looked at.
    mutating func take(_ message: WireGuardMessage, of tunnel: String, from node: String, on link: Int) {
        guard let length = message.contentLength, length > 0 else { return }
        data += 1
        let entry = Entry(tunnel: tunnel, node: node, units: Self.units(length))
        crossed[Crossing(entry: entry, link: link), default: 0] += 1
        if crossed[Crossing(entry: entry, link: link), default: 0] > entered[entry, default: 0] { unknown += 1 }
    }

    private static func units(_ length: Int) -> Int { (length + 15) / 16 }
}
