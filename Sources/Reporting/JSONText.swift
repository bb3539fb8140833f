import FoundationEssentials

/// JSON for programs: keys in snake_case and in order, one value.
///
/// Each object says by `version` which ``version`` of the schemas it is of, which are in `Labs/schemas`; of a list, each of its objects does.
public enum JSONText {
    /// What the schemas of outputs have for `version`. A key that is added leaves it as it is; one that goes away, or means something
    /// else, raises it.
    public static let version = 1

    /// An object.
    ///
    /// - Parameter value: What encodes itself with keys.
    /// - Parameter onOneLine: Without line ends and indentation.
    /// - Throws: `EncodingError`, which no value of netlab's own brings about.
    public static func of(_ value: some Encodable, onOneLine: Bool = false) throws -> String {
        try text(Versioned(value: value), onOneLine: onOneLine)
    }

    /// A list of objects.
    ///
    /// - Throws: as ``of(_:onOneLine:)``.
    public static func of(_ list: [some Encodable]) throws -> String {
        try text(list.map { Versioned(value: $0) })
    }

    /// A list of words, which has no place for a version.
    ///
    /// - Throws: as ``of(_:onOneLine:)``.
    public static func of(_ words: [String]) throws -> String { try text(words) }

    private static func text(_ value: some Encodable, onOneLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !onOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private struct Versioned<Value: Encodable>: Encodable {
        let value: Value

        private enum Key: CodingKey {
            case version
        }

        func encode(to encoder: any Encoder) throws {
            try value.encode(to: encoder)
            // The value's own keys stay: it is the same object.
            var own = encoder.container(keyedBy: Key.self)
            try own.encode(JSONText.version, forKey: .version)
        }
    }
}
