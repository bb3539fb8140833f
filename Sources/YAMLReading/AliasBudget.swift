import LabModel
import Yams

/// How many values a YAML file may have with its aliases written out.
///
/// A few hundred bytes of aliases of aliases stand for more values than any machine can look at; reading such a file into
/// nodes is done at once, and only looking at them never ends.
enum AliasBudget {
    static let values = 100_000

    /// Of Unicode's private use; it stands in for the asterisk, which begins an alias and nothing else.
    private static let mark = "\u{E000}"

    /// The line at which the file has had too many; nil where it has not.
    ///
    /// Read once with every alias as a plain text, which takes no longer than the file is long.
    static func lineThatExceeds(_ text: String) throws -> Int? {
        guard text.utf8.contains(UInt8(ascii: "*")) else { return nil }
        var marked: [UInt8] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "*") { marked += mark.utf8 } else { marked.append(byte) }
        }
        let parser = try Parser(yaml: String(decoding: marked, as: UTF8.self), resolver: .basic)
        // Nodes know their anchors only as long as there is the parser.
        return try withExtendedLifetime(parser) { try parser.singleRoot().flatMap(lineThatExceeds) }
    }

    private static func lineThatExceeds(_ root: Yams.Node) -> Int? {
        var sizes: [String: Int] = [:]
        var line: Int?
        /// Counts in the order of the file, in which an anchor comes before its aliases.
        func size(of node: Yams.Node) -> Int {
            let own: Int
            let anchor: Anchor?
            switch node {
            case .scalar(let scalar):
                // What is one text with the marks may be several aliases with the asterisks: {*a:*b}.
                // Few texts have the first byte of a mark, and only to look for that is quick.
                let text = scalar.string.utf8.contains(0xEE) ? scalar.string : ""
                let aliases = text.split(separator: mark, omittingEmptySubsequences: false).dropFirst()
                own = aliases.reduce(1) { sum($0, sizes[String($1.prefix(while: isNamePart))] ?? 0) }
                anchor = scalar.anchor
            case .sequence(let sequence):
                own = sequence.reduce(1) { sum($0, size(of: $1)) }
                anchor = sequence.anchor
            case .mapping(let mapping):
                own = mapping.reduce(1) { sum(sum($0, size(of: $1.key)), size(of: $1.value)) }
                anchor = mapping.anchor
            case .alias:
                own = 1
                anchor = nil
            }
            if let anchor { sizes[anchor.rawValue] = own }
            if own > values, line == nil { line = node.mark?.line ?? 1 }
            return own
        }
        return size(of: root) > values ? line ?? 1 : nil
    }

    /// What libyaml takes for a part of an anchor's name.
    private static func isNamePart(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == "-")
    }

    /// Large numbers only grow, they need not be exact.
    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
