/// The `conn` sections of a libreswan configuration, as far as netlab must know them.
///
/// Follows ipsec.conf(5): a section starts in the first column, its parameters are indented `key=value`, `#` begins a
/// comment, `also=` takes in another section, and `conn %default` speaks for all.
public struct IpsecConf: Sendable {
    private let sections: [String: [Parameter]]

    private struct Parameter: Hashable {
        let key: String
        let value: String
        let line: Int
    }

    /// The lines in which connections of a name begin.
    private let beginnings: [String: [Int]]
    /// The files that it includes, by their patterns, and in which lines.
    public let includes: [(pattern: String, line: Int)]

    /// What its `config setup` sections say, in their order.
    public let setup: [(key: String, value: String)]

    /// How far `also=` leads from section to section.
    private static let depth = 32

    /// The names of all connections.
    public var connectionNames: [String] { sections.keys.filter { $0 != "%default" } }

    public init(_ text: String) {
        var sections: [String: [Parameter]] = [:]
        var setup: [(key: String, value: String)] = []
        var beginnings: [String: [Int]] = [:]
        var includes: [(pattern: String, line: Int)] = []
        var current: String?
        var isSetup = false
        let lines = IncludedText.Lines(of: text)
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let number = lines[index + 1]
            let code = line.prefix { $0 != "#" }
            guard let first = code.first else { continue }
            let words = code.split(whereSeparator: \.isWhitespace)
            if !first.isWhitespace {
                current = words.count == 2 && words[0] == "conn" ? String(words[1]) : nil
                isSetup = words == ["config", "setup"]
                if let current {
                    sections[current] = sections[current] ?? []
                    beginnings[current, default: []].append(number)
                }
                if words.count == 2, words[0] == "include" {
                    includes.append((String(words[1]).unquoted, number))
                }
            } else if current != nil || isSetup, let equals = code.firstIndex(of: "=") {
                let key = code[..<equals].trimmed.lowercased()
                let value = code[code.index(after: equals)...].trimmed.unquoted
                if let current {
                    sections[current, default: []].append(Parameter(key: key, value: value, line: number))
                } else {
                    setup.append((key, value))
                }
            }
        }
        self.sections = sections
        self.setup = setup
        self.beginnings = beginnings
        self.includes = includes
    }

    /// The lines in which connections of a name begin, from 1.
    public func beginnings(of name: String) -> [Int] { beginnings[name] ?? [] }

    /// The parameters that a connection has twice, also by `also=`, with both lines; what `%default` says may be said again.
    public func repetitions(in name: String) -> [Repetition] {
        var repeated: [Repetition] = []
        _ = parameters(of: name) { repeated.append($0) }
        return repeated
    }

    /// The parameters of a connection, `also=` and `%default` worked in; nil where there is none of that name.
    public subscript(connection name: String) -> [String: String]? { parameters(of: name)?.mapValues(\.value) }

    /// The lines of those parameters, from 1.
    public func lines(of name: String) -> [String: Int] { parameters(of: name)?.mapValues(\.line) ?? [:] }

    /// - Parameter repeated: Called for each parameter that is there twice.
    private func parameters(
        of name: String, repeated: (Repetition) -> Void = { _ in }
    ) -> [String: Parameter]? {
        guard name != "%default", sections[name] != nil else { return nil }
        var parameters: [String: Parameter] = [:]
        var seen: Set<String> = []
        func take(_ section: String, depth: Int) {
            guard depth > 0, seen.insert(section).inserted, let pairs = sections[section] else { return }
            for pair in pairs where pair.key != "also" {
                if section != "%default", let first = parameters[pair.key] {
                    repeated(
                        Repetition(
                            setting: pair.key, first: first.line, again: pair.line, isSame: first.value == pair.value))
                }
                parameters[pair.key] = parameters[pair.key] ?? pair
            }
            for pair in pairs where pair.key == "also" {
                take(pair.value, depth: depth - 1)
            }
        }
        take(name, depth: Self.depth)
        take("%default", depth: Self.depth)
        return parameters
    }
}

extension StringProtocol {
    /// Without space around it.
    public var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// Without one pair of double quotes around it.
    public var unquoted: String {
        count >= 2 && first == "\"" && last == "\"" ? String(dropFirst().dropLast()) : String(self)
    }
}
