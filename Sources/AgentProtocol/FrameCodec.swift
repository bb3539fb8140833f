import FoundationEssentials
import NetworkTypes

/// Cuts a byte stream into frames and back: four bytes of length, most significant first, then that many bytes of JSON.
///
/// Both the serial line of a lab kernel and the supervisor's Unix socket carry this.
public struct FrameDecoder: Sendable {
    /// The longest frame that is believed; a longer length means that the stream is out of step.
    public static let maximumLength = 16 << 20

    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame; nil until all its bytes are there.
    ///
    /// - Throws: ``FrameError`` when the stream cannot be frames; it is of no use from then on.
    public mutating func next() throws(FrameError) -> [UInt8]? {
        guard buffer.count - start >= 4 else { return nil }
        let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.maximumLength else { throw FrameError(length: length) }
        guard buffer.count - start - 4 >= length else { return nil }
        let frame = Array(buffer[(start + 4)..<(start + 4 + length)])
        start += 4 + length
        if start > 1 << 16 || start == buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        return frame
    }

    /// The bytes of a frame around a message.
    public static func encode(_ message: some Encodable) throws -> [UInt8] {
        let body = try JSONEncoder().encode(message)
        let length = UInt32(body.count).bigEndian
        return withUnsafeBytes(of: length) { Array($0) } + body
    }

    public static func decode<Message: Decodable>(_ type: Message.Type, from frame: [UInt8]) throws -> Message {
        try JSONDecoder().decode(type, from: Data(frame))
    }
}

/// A byte stream that is out of step with its frames.
public struct FrameError: Error, Sendable, CustomStringConvertible {
    public let length: Int
    public var description: String { "a frame claims \(length) bytes; the other side does not speak this protocol" }
}

/// A point of the lab's own clock: nanoseconds since its kernel started.
public struct LabTime: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public var sinceStart: Duration { .nanoseconds(nanoseconds) }

    /// Below a minute the seconds, else hours, minutes and seconds to the millisecond: `2.097s`, `1:00:04.250`.
    public var description: String {
        guard nanoseconds >= 60_000_000_000 else { return sinceStart.shortText }
        let padded = { (value: Int64, width: Int) in
            String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
        }
        let milliseconds = nanoseconds / 1_000_000
        let (hours, minutes, seconds) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60)
        return "\(hours):\(padded(minutes, 2)):\(padded(seconds, 2)).\(padded(milliseconds % 1000, 3))"
    }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    /// Saturating: the end of time is not its beginning.
    public static func + (time: Self, duration: Duration) -> Self {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return LabTime(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }
    public static func - (left: Self, right: Self) -> Duration { left.sinceStart - right.sinceStart }
}
