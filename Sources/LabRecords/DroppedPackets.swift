/// Packets that a node's kernel has counted as dropped for one reason during some time, whoever's they were.
public struct DroppedPackets: Hashable, Sendable, Codable, CustomStringConvertible {
    public let node: String
    /// The kernel's name of the counter (proc(5)), or the rule of the packet filter.
    public let counter: String
    public let packets: Int
    /// What the counter counts, in words.
    public let meaning: String

    public init(node: String, counter: String, packets: Int, meaning: String) {
        self.node = node
        self.counter = counter
        self.packets = packets
        self.meaning = meaning
    }

    /// `gw counted 2 dropped meanwhile: …`.
    public var description: String { "\(node) counted \(packets) dropped meanwhile: \(meaning) (\(counter))" }
}
