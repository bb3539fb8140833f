/// A piece of a page in HTML or SVG, of which every text that was put in has become text and nothing else.
///
/// Write it as a literal: `"<td>\(name)</td>"`. Whatever is put in is escaped, unless it is markup itself.
struct Markup: Sendable {
    fileprivate(set) var text: String

    static let empty = Markup(stringLiteral: "")
    var isEmpty: Bool { text.isEmpty }

    static func + (left: Markup, right: Markup) -> Markup { Markup(text: left.text + right.text) }

    fileprivate init(text: String) {
        self.text = text
    }
}

extension Markup: ExpressibleByStringInterpolation {
    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
        mutating func appendInterpolation(_ parts: [Markup]) { for part in parts { text += part.text } }
        mutating func appendInterpolation(_ number: Int) { text += "\(number)" }

        /// A place or a length in a figure, to a tenth.
        mutating func appendInterpolation(_ number: Double) {
            let tenths = (number * 10).rounded()
            text += tenths == (tenths / 10).rounded() * 10 ? "\(Int(tenths / 10))" : "\(tenths / 10)"
        }

        mutating func appendInterpolation(_ value: String) { text += value.escaped }
        mutating func appendInterpolation(_ value: some CustomStringConvertible) { text += value.description.escaped }
    }

    init(stringLiteral value: String) {
        text = value
    }

    init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }
}

extension [Markup] {
    func joined(by separator: Markup = .empty) -> Markup {
        Markup(text: map(\.text).joined(separator: separator.text))
    }
}

extension String {
    /// With everything that begins or ends markup, and without what no page may contain (HTML, "Preprocessing the input stream").
    fileprivate var escaped: String {
        var result = ""
        result.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As the name of a place on the page, or in a path of a link: letters, digits and a few more as they are, all else by its bytes.
    var urlEncoded: String {
        let digits = Array("0123456789ABCDEF")
        return utf8.reduce(into: "") { text, byte in
            let scalar = Unicode.Scalar(byte)
            if scalar.properties.isAlphabetic && byte < 128 || ("0"..."9").contains(scalar)
                || "-._~/".unicodeScalars.contains(scalar)
            {
                text.unicodeScalars.append(scalar)
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
