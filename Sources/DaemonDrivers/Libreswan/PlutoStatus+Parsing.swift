import NetworkTypes

extension PlutoStatus {
    /// Reads whack's text; lines that say nothing of connections and their associations are passed over, and so are
    /// lines that are cut off.
    public init(_ text: String) {
        var connections: [(name: String, head: String, details: [String: String], flags: Set<String>)] = []
        var states: [State] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let body = Self.body(line) else { continue }
            if body.hasPrefix("#") {
                guard let (number, rest) = Self.numbered(body) else { continue }
                if let index = states.firstIndex(where: { $0.number == number }) {
                    states[index].add(rest)
                } else if var state = State(number: number, text: rest) {
                    state.add(rest)
                    states.append(state)
                }
            } else if let (name, rest) = Self.quoted(body), rest.hasPrefix(": ") {
                let text = rest.dropFirst(2)
                if text.first != " " {
                    connections.append((name, String(text), [:], []))
                } else if let last = connections.indices.last, connections[last].name == name {
                    for part in text.split(separator: ";").map(\.trimmedWords) {
                        if let colon = part.firstIndex(of: ":") {
                            connections[last].details[String(part[..<colon])] =
                                part[part.index(after: colon)...].trimmedWords
                        } else {
                            connections[last].flags.insert(part)
                        }
                    }
                }
            }
        }
        self.connections = connections.map {
            IPsecConnection(name: $0.name, head: $0.head, details: $0.details, flags: $0.flags)
        }
        ikeSAs = states.filter { !$0.isChild }.map(\.ikeSA)
        childSAs = states.filter(\.isChild).map(\.childSA)
    }

    /// A line without its three-digit code, which whack has left out since libreswan 5.
    private static func body(_ line: Substring) -> Substring? {
        if line.first == "#" || line.first == "\"" { return line }
        let code = line.utf8.prefix(3)
        guard code.count == 3, code.allSatisfy({ (48...57).contains($0) }), line.dropFirst(3).first == " " else {
            return nil
        }
        return line.dropFirst(4)
    }

    /// Splits `#12: REST`.
    private static func numbered(_ body: Substring) -> (number: Int, rest: Substring)? {
        let digits = body.dropFirst().prefix(while: \.isNumber)
        let rest = body[digits.endIndex...]
        guard let number = Int(digits), rest.hasPrefix(": ") else { return nil }
        return (number, rest.dropFirst(2))
    }

    /// Splits `"NAME"REST`; an instance's `"NAME"[1]` counts as the name's.
    fileprivate static func quoted(_ text: Substring) -> (name: String, rest: Substring)? {
        guard text.first == "\"", let end = text.dropFirst().firstIndex(of: "\"") else { return nil }
        var rest = text[text.index(after: end)...]
        if rest.first == "[", let bracket = rest.firstIndex(of: "]") { rest = rest[rest.index(after: bracket)...] }
        return (String(text[text.index(after: text.startIndex)..<end]), rest)
    }
}

extension IPsecConnection {
    fileprivate init(name: String, head: String, details: [String: String], flags: Set<String>) {
        let parts = head.split(separator: ";").map(\.trimmedWords)
        let number = { (text: String?) in text.flatMap { Int($0.drop { $0 == "#" }) }.flatMap { $0 == 0 ? nil : $0 } }
        self.name = name
        isOriented = flags.contains("oriented") || details["host"] == "oriented"
        routing = parts.count > 1 ? parts[1] : ""
        newestIKESA = number(details["newest IKE SA"] ?? details["newest ISAKMP SA"] ?? details["established IKE SA"])
        newestChildSA = number(details["newest IPsec SA"] ?? details["established Child SA"])
        ikeAlgorithms = details["IKEv2 algorithm newest"] ?? details["IKEv1 algorithm newest"]
        espAlgorithms = details["ESP algorithm newest"]
        configuredESPAlgorithms = details["ESP algorithms"]
    }
}

/// One numbered state, gathered from the lines that begin with its number.
private struct State {
    let number: Int
    let connection: String
    var name = ""
    var explanation = ""
    /// What is to come, as `REKEY in 28529s`.
    var events: [String: Duration] = [:]
    var parent: Int?
    /// Outbound first.
    var spis: [UInt32] = []
    /// `add_time=…, inBytes=…` of the traffic line.
    var traffic: [String: String] = [:]

    init?(number: Int, text: Substring) {
        guard let (connection, _) = PlutoStatus.quoted(text) else { return nil }
        self.number = number
        self.connection = connection
    }

    /// IKEv1 has quick mode where IKEv2 has children.
    var isChild: Bool { name.contains("CHILD") || name.contains("QUICK") || (name.isEmpty && !traffic.isEmpty) }

    mutating func add(_ text: Substring) {
        guard let (_, rest) = PlutoStatus.quoted(text) else { return }
        if rest.hasPrefix(":") {
            addState(rest)
        } else if rest.hasPrefix(",") {
            for pair in rest.split(separator: ",") {
                guard let equals = pair.firstIndex(of: "=") else { continue }
                traffic[pair[..<equals].trimmedWords] = pair[pair.index(after: equals)...].trimmedWords
            }
        } else {
            // esp.SPI@PEER esp.SPI@OWN, hexadecimal without leading zeros
            spis = rest.split(separator: " ").filter { $0.hasPrefix("esp.") }.compactMap {
                UInt32($0.dropFirst(4).prefix { $0 != "@" }, radix: 16)
            }
        }
    }

    /// `:500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); …`; since libreswan 5 `:500 ESTABLISHED_CHILD_SA (established Child SA); REKEY in 3329s; newest; IKE SA #1; idle;`
    private mutating func addState(_ text: Substring) {
        let parts = text.split(separator: ";")
        guard let words = parts.first?.split(separator: " ", maxSplits: 2), words.count >= 2 else { return }
        name = String(words[1])
        if words.count == 3 { explanation = String(words[2].drop { $0 == "(" }.prefix { $0 != ")" }) }
        for part in parts.dropFirst() {
            let words = part.split(separator: " ")
            if words.count == 3, words[1] == "in", let seconds = Int(words[2].prefix { $0 != "s" }) {
                events[String(words[0])] = .seconds(seconds)
            } else if words.count == 3, ["IKE", "ISAKMP"].contains(words[0]), words[1] == "SA" {
                parent = Int(words[2].dropFirst())
            }
        }
    }

    var ikeSA: IKESecurityAssociation {
        IKESecurityAssociation(
            number: number, connection: connection, state: name, explanation: explanation, rekeyIn: events["REKEY"],
            replaceIn: events["REPLACE"])
    }

    var childSA: ChildSecurityAssociation {
        ChildSecurityAssociation(
            number: number, connection: connection, state: name, explanation: explanation, parent: parent,
            rekeyIn: events["REKEY"], replaceIn: events["REPLACE"],
            inboundSPI: spis.count > 1 ? spis[1] : nil, outboundSPI: spis.first,
            addedAt: traffic["add_time"].flatMap(Int.init), inboundBytes: traffic["inBytes"].flatMap(UInt64.init),
            outboundBytes: traffic["outBytes"].flatMap(UInt64.init))
    }
}
