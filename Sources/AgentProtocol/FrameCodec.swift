import FoundationEssentials

/// One message on its way: four bytes of length, four bytes of its header's length, both most significant first, the header and the body,
/// each JSON. The header says what the message is; the body, which most have not, is of a type that follows from that.
///
/// Both the serial line of a lab kernel and the supervisor's Unix socket carry this.
public struct Frame: Sendable, Hashable {
    /// The longest frame that is sent or believed, without its length; a longer length means that the stream is out of step.
    public static let maximumLength = 16 << 20

    public let header: [UInt8]
    public let body: [UInt8]

    init(header: [UInt8], body: [UInt8]) {
        self.header = header
        self.body = body
    }

    /// Of a message that came from nowhere.
    public static let empty = Frame(header: [], body: [])

    /// - Throws: ``FrameError`` where the message cannot be written, or is too long.
    public init(_ header: some Encodable) throws(FrameError) {
        self.init(header: try Self.json(header), body: [])
        try checkLength()
    }

    /// - Throws: ``FrameError`` where the message cannot be written, or is too long.
    public init(_ header: some Encodable, body: some Encodable) throws(FrameError) {
        self.init(header: try Self.json(header), body: try Self.json(body))
        try checkLength()
    }

    /// As it is sent.
    public var bytes: [UInt8] { Self.number(4 + header.count + body.count) + Self.number(header.count) + header + body }

    /// - Throws: ``FrameError`` where the header is none of the type.
    public func header<Header: Decodable>(as type: Header.Type = Header.self) throws(FrameError) -> Header {
        try Self.value(of: header, as: type)
    }

    /// - Throws: ``FrameError`` where the body is none of the type.
    public func body<Body: Decodable>(as type: Body.Type = Body.self) throws(FrameError) -> Body {
        try Self.value(of: body, as: type)
    }

    private func checkLength() throws(FrameError) {
        let length = 4 + header.count + body.count
        guard length <= Self.maximumLength else { throw .tooLong(length) }
    }

    private static func json(_ value: some Encodable) throws(FrameError) -> [UInt8] {
        do { return Array(try JSONEncoder().encode(value)) } catch {
            throw .unwritable("\(type(of: value))", "\(error)")
        }
    }

    private static func value<Value: Decodable>(of json: [UInt8], as type: Value.Type) throws(FrameError) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(json)) } catch {
            throw .unreadable("\(type)", "\(error)")
        }
    }

    private static func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(value).bigEndian) { Array($0) } }
}

/// Cuts a byte stream into frames.
public struct FrameDecoder: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame; nil until all its bytes are there.
    ///
    /// - Throws: ``FrameError`` when the stream cannot be frames; it is of no use from then on.
    public mutating func next() throws(FrameError) -> Frame? {
        guard buffer.count - start >= 8 else { return nil }
        let length = number(at: start)
        guard length <= Frame.maximumLength else { throw .tooLong(length) }
        let headerLength = number(at: start + 4)
        guard length >= 4, headerLength <= length - 4 else { throw .outOfStep }
        guard buffer.count - start - 4 >= length else { return nil }
        let header = start + 8
        let frame = Frame(
            header: Array(buffer[header..<(header + headerLength)]),
            body: Array(buffer[(header + headerLength)..<(start + 4 + length)]))
        start += 4 + length
        if start > 1 << 16 || start == buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        return frame
    }

    private func number(at place: Int) -> Int { buffer[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
}

/// A message that cannot be sent, or one that cannot be understood.
public enum FrameError: Error, Sendable, Hashable, CustomStringConvertible {
    /// So many bytes.
    case tooLong(Int)
    /// A header longer than its frame.
    case outOfStep
    /// A value of this type, and why it cannot be written as JSON.
    case unwritable(String, String)
    /// What no value of this type could be read from, and why.
    case unreadable(String, String)

    public var description: String {
        switch self {
        case .tooLong(let length):
            "a message of \(length) bytes is longer than the \(Frame.maximumLength) that one may have"
        case .outOfStep: "what came is no message: its header is longer than all of it"
        case .unwritable(let type, let reason): "a \(type) cannot be written as JSON: \(reason)"
        case .unreadable(let type, let reason): "what came is no \(type): \(reason)"
        }
    }
}
