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
    public var description: String { sinceStart.shortText }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    public static func + (time: Self, duration: Duration) -> Self {
        LabTime(nanoseconds: time.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds).partialValue)
    }
    public static func - (left: Self, right: Self) -> Duration { .nanoseconds(left.nanoseconds - right.nanoseconds) }
}
