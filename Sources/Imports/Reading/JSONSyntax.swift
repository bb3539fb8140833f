/// Where a text that is no JSON begins to be none: Foundation's decoder does not say.
struct JSONSyntax {
    private let bytes: [UInt8]
    private var place = 0

    /// Why a value cannot be read any further.
    private struct Failure: Error {
        let reason: String
    }

    /// The line and the column, from 1, of the first byte that cannot stand there (RFC 8259), and why; nil for a text in which there is none.
    static func firstError(in text: String) -> String? {
        var syntax = JSONSyntax(bytes: Array(text.utf8))
        do throws(Failure) {
            try syntax.value(depth: 0)
            syntax.skipSpace()
            guard syntax.place < syntax.bytes.count else { return nil }
            throw Failure(reason: "there is something behind its end")
        } catch {
            let before = syntax.bytes[..<min(syntax.place, syntax.bytes.count)]
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0) + 1
            return "line \(line), column \(column): \(error.reason)"
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func peek() -> UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = peek(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { place += 1 }
    }

    private mutating func expect(_ byte: UInt8, _ what: String) throws(Failure) {
        guard let found = peek() else { throw Failure(reason: "it ends, and \(what) is missing") }
        guard found == byte else { throw Failure(reason: "\(what) is missing") }
        place += 1
    }

    private mutating func value(depth: Int) throws(Failure) {
        guard depth <= JSONValue.mostLevels else {
            throw Failure(reason: "lists and objects lie in each other more than \(JSONValue.mostLevels) levels deep")
        }
        skipSpace()
        switch peek() {
        case nil: throw Failure(reason: "it ends, and a value is missing")
        case UInt8(ascii: "{"): try members(to: UInt8(ascii: "}"), areNamed: true, depth: depth)
        case UInt8(ascii: "["): try members(to: UInt8(ascii: "]"), areNamed: false, depth: depth)
        case UInt8(ascii: "\""): try string()
        default:
            let start = place
            while let byte = peek(), byte > 0x20, !",]}:{[\"".utf8.contains(byte) { place += 1 }
            let word = String(decoding: bytes[start..<place], as: UTF8.self)
            guard ["true", "false", "null"].contains(word) || Double(word) != nil else {
                place = start
                throw Failure(reason: "a value is missing")
            }
        }
    }

    private mutating func members(to end: UInt8, areNamed: Bool, depth: Int) throws(Failure) {
        place += 1
        skipSpace()
        if peek() == end {
            place += 1
            return
        }
        while true {
            if areNamed {
                skipSpace()
                guard peek() == UInt8(ascii: "\"") else {
                    throw Failure(reason: "a member's name in quotes is missing")
                }
                try string()
                skipSpace()
                try expect(UInt8(ascii: ":"), "`:`")
            }
            try value(depth: depth + 1)
            skipSpace()
            if peek() == UInt8(ascii: ",") {
                place += 1
                continue
            }
            return try expect(end, "`,` or `\(areNamed ? "}" : "]")`")
        }
    }

    private mutating func string() throws(Failure) {
        place += 1
        while let byte = peek() {
            guard byte >= 0x20 else { throw Failure(reason: "a text is not closed on its line") }
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw Failure(reason: "it ends within a text")
    }
}
