import FoundationEssentials

/// A value of a JSON text (RFC 8259).
///
/// Members of objects are found by their names without regard to case, hyphens and underscores: clouds, their command lines and Terraform
/// spell one name in three ways (`outsideIpAddress`, `outside-ip-address`, `outside_ip_address`).
enum JSONValue: Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    /// By folded name: the name as it is written, and the value.
    case object([String: (name: String, value: JSONValue)])

    /// How deeply lists and objects may lie in each other; what clouds print has some ten levels.
    static let mostLevels = 64

    static func folded(_ name: String) -> String { name.filter { $0 != "-" && $0 != "_" }.lowercased() }
}

extension JSONValue: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count <= Self.mostLevels else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: Array(decoder.codingPath.prefix(3)),
                    debugDescription: "lists and objects lie in each other more than \(Self.mostLevels) levels deep"))
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let text = try? single.decode(String.self) {
            self = .text(text)
        } else if let flag = try? single.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? single.decode(Double.self) {
            self = .number(number)
        } else if let members = try? decoder.container(keyedBy: Key.self) {
            var object: [String: (name: String, value: JSONValue)] = [:]
            // Of two names that fold to one, the first in the alphabet counts.
            for key in members.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                let name = Self.folded(key.stringValue)
                if object[name] == nil {
                    object[name] = (key.stringValue, try members.decode(JSONValue.self, forKey: key))
                }
            }
            self = .object(object)
        } else {
            var members = try decoder.unkeyedContainer()
            var list: [JSONValue] = []
            while !members.isAtEnd { list.append(try members.decode(JSONValue.self)) }
            self = .list(list)
        }
    }
}

/// A value in a file of JSON, which knows where it stands.
struct JSONNode {
    let value: JSONValue
    let file: String
    /// As jq(1) has it, without the point before it: `VpnConnections[0].VpnConnectionId`.
    let path: String

    init(_ value: JSONValue, file: String, path: String = "") {
        self.value = value
        self.file = file
        self.path = path
    }

    /// Reads a whole text.
    ///
    /// - Throws: ``ImportError`` for what is no JSON, with the place.
    init(text: String, file: String) throws(ImportError) {
        do {
            self.init(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)), file: file)
        } catch {
            throw ImportError(
                message: "\(file) is no JSON that can be read: \(Self.reason(of: error, in: text))",
                remedy: "Have the tool write the whole of it again, with nothing before or behind it: `… > FILE`.")
        }
    }

    private static func reason(of error: any Error, in text: String) -> String {
        if let place = JSONSyntax.firstError(in: text) { return place }
        guard case .dataCorrupted(let context) = error as? DecodingError else { return "\(error)" }
        return context.debugDescription
    }

    var origin: Origin { .read(file: file, path: path) }

    /// The first of these members that is there and is not null.
    subscript(_ names: String...) -> JSONNode? {
        guard case .object(let members) = value else { return nil }
        for name in names {
            guard let member = members[JSONValue.folded(name)] else { continue }
            if case .null = member.value { continue }
            return JSONNode(member.value, file: file, path: path.isEmpty ? member.name : "\(path).\(member.name)")
        }
        return nil
    }

    var isObject: Bool { if case .object = value { true } else { false } }
    var isList: Bool { if case .list = value { true } else { false } }

    /// The members of a list; the value itself where it is none, for tools leave out the list around one member.
    var members: [JSONNode] {
        switch value {
        case .null: []
        case .list(let list): list.enumerated().map { JSONNode($1, file: file, path: "\(path)[\($0)]") }
        default: [self]
        }
    }

    /// The names of an object's members as they are written, in the alphabet's order.
    var names: [String] {
        guard case .object(let members) = value else { return [] }
        return members.values.map(\.name).sorted()
    }

    /// A text that is not empty, or a whole number as text.
    var text: Sourced<String>? {
        switch value {
        case .text(let text): text.isEmpty ? nil : Sourced(text, origin)
        case .number(let number): Int(exactly: number).map { Sourced("\($0)", origin) }
        default: nil
        }
    }

    /// A whole number, also one that is written as text.
    var number: Sourced<Int>? { text?.map { Int($0) } }

    var flag: Bool? {
        switch value {
        case .flag(let flag): flag
        case .text(let text): ["true": true, "false": false][text.lowercased()]
        default: nil
        }
    }

    /// The texts of a list whose members are texts or, as AWS has it, objects with a `Value`.
    var texts: [Sourced<String>] { members.compactMap { $0["Value"]?.text ?? $0.text } }
}
