/// A message of vici, strongSwan's control protocol: a tree of sections with values and lists, all of them text here.
///
/// Source: src/libcharon/plugins/vici/README.md of strongSwan 5.9.8.
public struct ViciMessage: Hashable, Sendable {
    public enum Element: Hashable, Sendable {
        case value(String)
        case list([String])
        case section(ViciMessage)
    }

    /// In the order in which they come; names are unique in a section.
    public private(set) var elements: [(name: String, element: Element)] = []

    public init(_ elements: [(name: String, element: Element)] = []) {
        self.elements = elements
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.elements.elementsEqual(right.elements) { $0.name == $1.name && $0.element == $1.element }
    }

    public func hash(into hasher: inout Hasher) {
        for (name, element) in elements {
            hasher.combine(name)
            hasher.combine(element)
        }
    }

    /// A value by its name.
    public subscript(name: String) -> String? {
        guard case .value(let text)? = element(name) else { return nil }
        return text
    }

    public func list(_ name: String) -> [String] {
        guard case .list(let items)? = element(name) else { return [] }
        return items
    }

    public func section(_ name: String) -> ViciMessage? {
        guard case .section(let section)? = element(name) else { return nil }
        return section
    }

    /// The sections in this one.
    public var sections: [(name: String, section: ViciMessage)] {
        elements.compactMap { name, element in if case .section(let section) = element { (name, section) } else { nil }
        }
    }

    private func element(_ name: String) -> Element? { elements.first { $0.name == name }?.element }
}

// MARK: - Bytes

extension ViciMessage {
    private enum Kind: UInt8 {
        case sectionStart = 1
        case sectionEnd, value, listStart, listItem, listEnd
    }

    /// More nested than anything charon says.
    private static let greatestDepth = 32

    /// The message as it is sent. A name has 255 bytes at most and a value 65535; what is longer is cut.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        for (name, element) in elements {
            switch element {
            case .value(let text):
                bytes.append(Kind.value.rawValue)
                Self.append(name: name, to: &bytes)
                Self.append(value: text, to: &bytes)
            case .list(let items):
                bytes.append(Kind.listStart.rawValue)
                Self.append(name: name, to: &bytes)
                for item in items {
                    bytes.append(Kind.listItem.rawValue)
                    Self.append(value: item, to: &bytes)
                }
                bytes.append(Kind.listEnd.rawValue)
            case .section(let section):
                bytes.append(Kind.sectionStart.rawValue)
                Self.append(name: name, to: &bytes)
                section.append(to: &bytes)
                bytes.append(Kind.sectionEnd.rawValue)
            }
        }
    }

    static func append(name: String, to bytes: inout [UInt8]) {
        let name = name.utf8.prefix(255)
        bytes.append(UInt8(name.count))
        bytes += name
    }

    private static func append(value: String, to bytes: inout [UInt8]) {
        let value = value.utf8.prefix(65535)
        bytes += [UInt8(value.count >> 8), UInt8(value.count & 0xFF)]
        bytes += value
    }

    /// Reads a message; nil for what is none.
    public init?(bytes: some Collection<UInt8>) {
        var reader = Reader(rest: Array(bytes)[...])
        guard let message = reader.message() else { return nil }
        self = message
    }

    /// What is left of a message or a packet to be read.
    fileprivate struct Reader {
        var rest: ArraySlice<UInt8>

        /// All that is left, as one message.
        mutating func message() -> ViciMessage? { elements(depth: 0).map(ViciMessage.init) }

        /// Up to the section's end, or outside of all sections to the message's.
        private mutating func elements(depth: Int) -> [(name: String, element: Element)]? {
            guard depth < ViciMessage.greatestDepth else { return nil }
            var elements: [(name: String, element: Element)] = []
            while let byte = rest.popFirst() {
                switch Kind(rawValue: byte) {
                case .sectionEnd?: return depth > 0 ? elements : nil
                case .value?:
                    guard let name = name(), let value = value() else { return nil }
                    elements.append((name, .value(value)))
                case .listStart?:
                    guard let name = name(), let items = items() else { return nil }
                    elements.append((name, .list(items)))
                case .sectionStart?:
                    guard let name = name(), let inner = self.elements(depth: depth + 1) else { return nil }
                    elements.append((name, .section(ViciMessage(inner))))
                case .listItem?, .listEnd?, nil: return nil
                }
            }
            return depth == 0 ? elements : nil
        }

        private mutating func items() -> [String]? {
            var items: [String] = []
            while let byte = rest.popFirst() {
                switch Kind(rawValue: byte) {
                case .listEnd?: return items
                case .listItem?:
                    guard let value = value() else { return nil }
                    items.append(value)
                default: return nil
                }
            }
            return nil
        }

        /// A name, after its length in one byte.
        mutating func name() -> String? {
            guard let length = rest.popFirst() else { return nil }
            return text(Int(length))
        }

        private mutating func value() -> String? {
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return text(Int(high) << 8 | Int(low))
        }

        /// Values may be any bytes: of those that are no UTF-8, what is not ASCII is read as a question mark, so that the
        /// text is as long as they are and can be sent again.
        private mutating func text(_ length: Int) -> String? {
            guard rest.count >= length else { return nil }
            defer { rest.removeFirst(length) }
            let bytes = rest.prefix(length)
            return String(validating: bytes, as: UTF8.self)
                ?? String(decoding: bytes.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        }
    }
}

/// A packet of vici: a message with what it is for.
public enum ViciPacket: Hashable, Sendable {
    case request(String, ViciMessage)
    case response(ViciMessage)
    /// There is no such command.
    case unknownCommand
    case register(String)
    case unregister(String)
    case confirmation
    /// There is no such event.
    case unknownEvent
    case event(String, ViciMessage)

    /// The most that a packet may have (vici_socket.h).
    public static let greatestLength = 512 * 1024

    /// The packet as it is sent, its length first.
    public var bytes: [UInt8] {
        var body: [UInt8] = []
        switch self {
        case .request(let name, let message):
            body = [0]
            ViciMessage.append(name: name, to: &body)
            body += message.bytes
        case .response(let message): body = [1] + message.bytes
        case .unknownCommand: body = [2]
        case .register(let name):
            body = [3]
            ViciMessage.append(name: name, to: &body)
        case .unregister(let name):
            body = [4]
            ViciMessage.append(name: name, to: &body)
        case .confirmation: body = [5]
        case .unknownEvent: body = [6]
        case .event(let name, let message):
            body = [7]
            ViciMessage.append(name: name, to: &body)
            body += message.bytes
        }
        let length = UInt32(body.count)
        return [UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + body
    }

    /// Takes the first packet off what has come; nil where it is not all there yet.
    ///
    /// - Throws: ``Malformed`` for what is no packet.
    public static func next(from received: inout [UInt8]) throws(Malformed) -> ViciPacket? {
        guard received.count >= 4 else { return nil }
        let length = received[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= greatestLength else { throw Malformed() }
        guard received.count >= 4 + length else { return nil }
        let body = received[4..<(4 + length)]
        guard let packet = ViciPacket(body: body) else { throw Malformed() }
        received.removeFirst(4 + length)
        return packet
    }

    public struct Malformed: Error, Hashable, Sendable {}

    private init?(body: ArraySlice<UInt8>) {
        guard let kind = body.first else { return nil }
        var reader = ViciMessage.Reader(rest: body.dropFirst())
        switch kind {
        case 0, 7:
            guard let name = reader.name(), let message = reader.message() else { return nil }
            self = kind == 0 ? .request(name, message) : .event(name, message)
        case 1:
            guard let message = reader.message() else { return nil }
            self = .response(message)
        case 2: self = .unknownCommand
        case 3, 4:
            guard let name = reader.name() else { return nil }
            self = kind == 3 ? .register(name) : .unregister(name)
        case 5: self = .confirmation
        case 6: self = .unknownEvent
        default: return nil
        }
        guard reader.rest.isEmpty else { return nil }
    }
}
