/// An element of an XML document, as far as AWS's `CustomerGatewayConfiguration` needs it: elements and their text, without namespaces.
///
/// Foundation's reader would bring libxml2 into netlab's package; this document has no attribute that counts, and no
/// document type, which is refused.
struct XMLElement {
    let name: String
    var text = ""
    var children: [XMLElement] = []

    /// Why a text is none.
    struct ParseError: Error, Hashable {
        let line: Int
        let reason: String
    }

    /// Reads a document's one element.
    init(document: String) throws(ParseError) {
        var reader = XMLReader(document)
        self = try reader.document()
    }

    fileprivate init(name: String) { self.name = name }

    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the element at a path of names: `ike/lifetime`.
    func text(at path: String) -> String? {
        var element: XMLElement? = self
        for name in path.split(separator: "/") { element = element?[String(name)] }
        let text = element.map { $0.text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}

private struct XMLReader {
    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    private static let mostLevels = 32

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func document() throws(XMLElement.ParseError) -> XMLElement {
        try skipMisc()
        guard peek() == UInt8(ascii: "<") else { throw error("it does not begin with an element") }
        let element = try element(depth: 0)
        try skipMisc()
        guard place == bytes.count else { throw error("there is something behind its end") }
        return element
    }

    private func error(_ reason: String) -> XMLElement.ParseError { .init(line: line, reason: reason) }
    private func peek() -> UInt8? { place < bytes.count ? bytes[place] : nil }
    private func begins(with text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[place...].starts(with: $0) }
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count where place < bytes.count {
            if bytes[place] == UInt8(ascii: "\n") { line += 1 }
            place += 1
        }
    }

    private mutating func skip(past end: StaticString) throws(XMLElement.ParseError) {
        while !begins(with: end) {
            guard place < bytes.count else { throw error("`\(end)` is missing") }
            step()
        }
        step(end.utf8CodeUnitCount)
    }

    /// Space, comments and instructions between elements.
    private mutating func skipMisc() throws(XMLElement.ParseError) {
        while let byte = peek() {
            if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
                step()
            } else if begins(with: "<!--") {
                try skip(past: "-->")
            } else if begins(with: "<?") {
                try skip(past: "?>")
            } else if begins(with: "<!") {
                throw error("it has a document type, which is not read")
            } else {
                return
            }
        }
    }

    private mutating func element(depth: Int) throws(XMLElement.ParseError) -> XMLElement {
        guard depth < Self.mostLevels else {
            throw error("elements lie in each other more than \(Self.mostLevels) levels deep")
        }
        step()
        var element = XMLElement(name: try name())
        // Attributes are passed over, values with a `>` in them too.
        var quote: UInt8?
        while let byte = peek(), quote != nil || byte != UInt8(ascii: ">") {
            if quote == nil, begins(with: "/>") {
                step(2)
                return element
            }
            if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            }
            step()
        }
        step()
        var text: [UInt8] = []
        while true {
            guard let byte = peek() else { throw error("<\(element.name)> is not closed") }
            if begins(with: "</") {
                step(2)
                let closed = try name()
                guard closed == element.name else { throw error("<\(element.name)> is closed by </\(closed)>") }
                try skip(past: ">")
                element.text = String(decoding: text, as: UTF8.self)
                return element
            } else if begins(with: "<![CDATA[") {
                step(9)
                while place < bytes.count, !begins(with: "]]>") {
                    text.append(bytes[place])
                    step()
                }
                try skip(past: "]]>")
            } else if begins(with: "<!") || begins(with: "<?") {
                try skipMisc()
            } else if byte == UInt8(ascii: "<") {
                element.children.append(try self.element(depth: depth + 1))
            } else if byte == UInt8(ascii: "&") {
                text += try entity()
            } else {
                text.append(byte)
                step()
            }
        }
    }

    private mutating func name() throws(XMLElement.ParseError) -> String {
        let start = place
        while let byte = peek(), byte > 0x20, ![UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "<")].contains(byte)
        {
            step()
        }
        guard place > start else { throw error("an element has no name") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func entity() throws(XMLElement.ParseError) -> [UInt8] {
        let start = place + 1
        let end = bytes[start...].prefix(12).firstIndex(of: UInt8(ascii: ";"))
        guard let end else { throw error("`&` begins no entity") }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        step(end + 1 - place)
        if let character = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"][name] {
            return Array(character.utf8)
        }
        let number =
            name.hasPrefix("#x")
            ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
        guard let scalar = number.flatMap(Unicode.Scalar.init) else { throw error("&\(name); is not known") }
        return Array(String(Character(scalar)).utf8)
    }
}
