import Expectations

/// A captured packet as a line of a terminal: time, place, direction, and all of its layers.
public enum PacketText {
    /// - Parameter place: Where it was captured, in a column of its own; nil for none.
    public static func line(_ packet: PacketRecord, number: Bool = false, place: String?) -> String {
        let head = number ? "#\(packet.number)".padded(to: 8) : ""
        let column = place.map { $0.padded(to: 24) } ?? ""
        return "\(head)\(seconds(packet.nanoseconds))  \(column)\(packet.isInbound ? "<" : ">") \(packet.line)"
    }

    /// Seconds of the lab's clock with microseconds, in a column.
    private static func seconds(_ nanoseconds: UInt64) -> String {
        let micro = nanoseconds / 1000
        let digits = String(micro % 1_000_000)
        let text = "\(micro / 1_000_000).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
        return String(repeating: " ", count: max(0, 12 - text.count)) + text
    }
}
