/// What examiners have against packets: how often, and the first packets of each kind.
struct Objections: Sendable {
    /// A packet and what it shows.
    struct Note: Sendable, Hashable {
        let packet: Int
        let nanoseconds: Int64
        let point: Int
        let remark: String

        init(_ packet: WirePacket, _ remark: String) {
            self.packet = packet.number
            nanoseconds = packet.nanoseconds
            point = packet.point
            self.remark = remark
        }
    }

    struct Kind: Sendable {
        let name: String
        var count = 0
        var first: [Note] = []
    }

    private static let kept = 3
    private(set) var kinds: [Kind] = []

    var isEmpty: Bool { kinds.isEmpty }

    /// - Parameter remark: In words about this packet.
    mutating func add(_ kind: String, _ packet: WirePacket, _ remark: String) {
        let position: Int
        if let known = kinds.firstIndex(where: { $0.name == kind }) {
            position = known
        } else {
            position = kinds.count
            kinds.append(Kind(name: kind))
        }
        kinds[position].count += 1
        if kinds[position].first.count < Self.kept { kinds[position].first.append(Note(packet, remark)) }
    }

    var notes: [Note] { kinds.flatMap(\.first) }

    /// `2 packets in clear, 1 packet not authentic`.
    var summary: String {
        kinds.map { "\($0.count) \($0.count == 1 ? "packet" : "packets") \($0.name)" }.joined(separator: ", ")
    }
}
