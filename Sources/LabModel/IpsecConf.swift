/// The `conn` sections of a libreswan configuration, as far as netlab must know them.
///
/// Follows ipsec.conf(5): a section starts in the first column, its parameters are indented `key=value`, `#` begins a
/// comment, `also=` takes in another section, and `conn %default` speaks for all.
public struct IpsecConf: Hashable, Sendable {
    /// The parameters of each connection by its name, `also=` and `%default` worked in.
    public let connections: [String: [String: String]]

    public init(_ text: String) {
        var sections: [String: [(key: String, value: String)]] = [:]
        var current: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let code = line.prefix { $0 != "#" }
            guard let first = code.first else { continue }
            let words = code.split(whereSeparator: \.isWhitespace)
            if !first.isWhitespace {
                current = words.count == 2 && words[0] == "conn" ? String(words[1]) : nil
                if let current { sections[current] = sections[current] ?? [] }
            } else if let current, let equals = code.firstIndex(of: "=") {
                let key = code[..<equals].trimmed.lowercased()
                let value = code[code.index(after: equals)...].trimmed
                sections[current, default: []].append((key, value.unquoted))
            }
        }
        var connections: [String: [String: String]] = [:]
        for name in sections.keys where name != "%default" {
            var parameters: [String: String] = [:]
            var seen: Set<String> = []
            func take(_ section: String) {
                guard seen.insert(section).inserted, let pairs = sections[section] else { return }
                for (key, value) in pairs where key != "also" {
                    parameters[key] = parameters[key] ?? value
                }
                for (key, value) in pairs where key == "also" {
                    take(value)
                }
            }
            take(name)
            take("%default")
            connections[name] = parameters
        }
        self.connections = connections
    }
}

extension StringProtocol {
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// Without one pair of double quotes around it.
    var unquoted: String {
        count >= 2 && first == "\"" && last == "\"" ? String(dropFirst().dropLast()) : String(self)
    }
}
