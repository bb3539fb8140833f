import ConfigurationFormats
import NetworkTypes

/// A filter of a user's own bird.conf, as far as a route's prefix and origin decide what becomes of the route.
///
/// What else a filter looks at is not known before the lab runs; what hangs on that is not known either.
///
/// Source: the BIRD 2.0 user's guide, "Filters"; bird2 2.0.12, filter/config.Y (grammar, precedence), filter/f-inst.c (sets, `&&`, `||`).
public struct BirdFilter: Hashable, Sendable {
    let commands: [Command]
    let functions: [String: Function]

    struct Function: Hashable, Sendable {
        let parameters: [String]
        let commands: [Command]
    }

    indirect enum Command: Hashable, Sendable {
        case accept, reject, nothing, unknown
        case block([Command])
        case choice(Expression, Command, Command)
        case result(Expression)
        case evaluation(Expression)
    }

    indirect enum Expression: Hashable, Sendable {
        case value(Value)
        case name(String)
        case not(Expression)
        case comparison(String, Expression, Expression)
        case both(Expression, Expression)
        case either(Expression, Expression)
        case call(String, [Expression])
    }

    enum Value: Hashable, Sendable {
        case bool(Bool)
        case number(Int)
        case prefix(IPPrefix)
        case address(IPAddress)
        /// One of BIRD's constants, such as `RTS_STATIC`.
        case constant(String)
        case set([Member])
        case unknown
    }

    enum Member: Hashable, Sendable {
        /// Prefixes in one, of these lengths.
        case prefixes(IPPrefix, ClosedRange<Int>)
        case numbers(ClosedRange<Int>)
        case constant(String)
        case address(IPAddress)
    }

    /// Whether it lets a route through; nil where that is not known.
    ///
    /// - Parameters:
    ///   - prefix: Nil for any.
    ///   - source: BIRD's word for where the route is from, such as `RTS_STATIC`.
    public func lets(_ prefix: IPPrefix?, from source: String) -> Bool? {
        let run = Run(functions: functions, prefix: prefix, source: source)
        do throws(Run.End) {
            try run.play(commands, [:], depth: 0)
            // One that ends without a word rejects (filter/filter.c, `f_run`).
            return false
        } catch {
            switch error {
            case .accepted: return true
            case .rejected: return false
            case .result, .unknown: return nil
            }
        }
    }
}

// MARK: Playing it

/// One route that goes through a filter.
private struct Run {
    let functions: [String: BirdFilter.Function]
    let prefix: IPPrefix?
    let source: String

    /// What ends it, or the function that is being called.
    enum End: Error {
        case accepted, rejected, unknown
        case result(BirdFilter.Value)
    }

    /// BIRD's functions cannot call themselves, so that no filter is deeper than it is long; this is for those that BIRD refuses.
    private static let deepest = 32

    func play(_ commands: [BirdFilter.Command], _ names: [String: BirdFilter.Value], depth: Int) throws(End) {
        for command in commands { try play(command, names, depth: depth) }
    }

    private func play(_ command: BirdFilter.Command, _ names: [String: BirdFilter.Value], depth: Int) throws(End) {
        switch command {
        case .accept: throw .accepted
        case .reject: throw .rejected
        case .nothing: break
        case .unknown: throw .unknown
        case .block(let commands): try play(commands, names, depth: depth)
        case .choice(let condition, let one, let other):
            guard case .bool(let holds) = try value(of: condition, names, depth: depth) else { throw .unknown }
            try play(holds ? one : other, names, depth: depth)
        case .result(let expression): throw .result(try value(of: expression, names, depth: depth))
        case .evaluation(let expression): _ = try value(of: expression, names, depth: depth)
        }
    }

    private func value(
        of expression: BirdFilter.Expression, _ names: [String: BirdFilter.Value], depth: Int
    ) throws(End) -> BirdFilter.Value {
        switch expression {
        case .value(let value): return value
        case .name(let name): return names[name] ?? value(of: name)
        case .not(let operand):
            guard case .bool(let holds) = try value(of: operand, names, depth: depth) else { return .unknown }
            return .bool(!holds)
        // The second is looked at only where the first leaves it open, and an error in the first ends the filter.
        case .both(let one, let other):
            guard case .bool(let holds) = try value(of: one, names, depth: depth) else { return .unknown }
            return holds ? try value(of: other, names, depth: depth) : .bool(false)
        case .either(let one, let other):
            guard case .bool(let holds) = try value(of: one, names, depth: depth) else { return .unknown }
            return holds ? .bool(true) : try value(of: other, names, depth: depth)
        case .comparison(let sign, let one, let other):
            let one = try value(of: one, names, depth: depth)
            let other = try value(of: other, names, depth: depth)
            return Self.compare(one, sign, other).map { .bool($0) } ?? .unknown
        case .call(let name, let arguments):
            guard let function = functions[name], function.parameters.count == arguments.count, depth < Self.deepest
            else {
                throw .unknown
            }
            var given: [String: BirdFilter.Value] = [:]
            for (parameter, argument) in zip(function.parameters, arguments) {
                given[parameter] = try value(of: argument, names, depth: depth)
            }
            do throws(End) {
                try play(function.commands, given, depth: depth + 1)
            } catch {
                if case .result(let value) = error { return value }
                throw error
            }
            return .unknown
        }
    }

    /// What a route has under a name; what is a session's, and attributes, are not known.
    private func value(of name: String) -> BirdFilter.Value {
        switch name {
        case "net": prefix.map { .prefix($0) } ?? .unknown
        case "net.len": prefix.map { .number($0.length) } ?? .unknown
        case "net.ip": prefix.map { .address($0.address) } ?? .unknown
        case "net.type": prefix.map { .constant($0.address.bitWidth == 32 ? "NET_IP4" : "NET_IP6") } ?? .unknown
        case "source": .constant(source)
        default: .unknown
        }
    }

    private static func compare(_ one: BirdFilter.Value, _ sign: String, _ other: BirdFilter.Value) -> Bool? {
        switch sign {
        case "=", "!=":
            guard one != .unknown, other != .unknown, one.kind == other.kind else { return nil }
            return (one == other) == (sign == "=")
        case "<", ">", "<=", ">=":
            guard case .number(let one) = one, case .number(let other) = other else { return nil }
            return switch sign {
            case "<": one < other
            case ">": one > other
            case "<=": one <= other
            default: one >= other
            }
        case "~": return isIn(one, other)
        case "!~": return isIn(one, other).map(!)
        default: return nil
        }
    }

    private static func isIn(_ value: BirdFilter.Value, _ whole: BirdFilter.Value) -> Bool? {
        switch (value, whole) {
        case (.prefix(let inner), .prefix(let outer)):
            return outer.length <= inner.length && outer.contains(inner.address)
        case (.address(let address), .prefix(let outer)): return outer.contains(address)
        case (.prefix(let prefix), .set(let members)):
            let ranges = members.compactMap { member in
                if case .prefixes(let outer, let lengths) = member { (outer, lengths) } else { nil }
            }
            guard ranges.count == members.count else { return nil }
            return ranges.contains { outer, lengths in
                outer.address.bitWidth == prefix.address.bitWidth && lengths.contains(prefix.length)
                    && Self.agree(outer, prefix)
            }
        case (.number(let number), .set(let members)):
            return members.contains { if case .numbers(let range) = $0 { range.contains(number) } else { false } }
        case (.constant(let constant), .set(let members)): return members.contains(.constant(constant))
        case (.address(let address), .set(let members)):
            // An address stands in a set for itself; a range of addresses is not read.
            return members.contains(.address(address))
        default: return nil
        }
    }

    /// Whether two prefixes are alike in the bits that both have.
    private static func agree(_ one: IPPrefix, _ other: IPPrefix) -> Bool {
        one.length <= other.length ? one.contains(other.address) : other.contains(one.address)
    }
}

extension BirdFilter.Value {
    fileprivate var kind: Int {
        switch self {
        case .bool: 0
        case .number: 1
        case .prefix: 2
        case .address: 3
        case .constant: 4
        case .set: 5
        case .unknown: 6
        }
    }
}

// MARK: Reading it

extension BirdFile {
    /// The filter that stands after `import` or `export`: of that name, in braces, or what `where` lets through.
    ///
    /// - Returns: Nil for a name that none has.
    func filter(after word: String, in setting: Statement) -> BirdFilter? {
        let functions = functions
        guard setting.begins(word), let kind = setting.words.dropFirst().first?.text else { return nil }
        if kind == "where" {
            let condition = BirdFilterTokens(setting.words.dropFirst(2)).expression
            return BirdFilter(commands: [.choice(condition, .accept, .reject)], functions: functions)
        }
        guard kind == "filter" else { return nil }
        if let body = setting.body { return BirdFilter(commands: Self.commands(body), functions: functions) }
        guard let name = setting.words.dropFirst(2).first?.text,
            let body = statements.last(where: { $0.begins("filter") && $0.words.dropFirst().first?.text == name })?.body
        else { return nil }
        return BirdFilter(commands: Self.commands(body), functions: functions)
    }

    private var functions: [String: BirdFilter.Function] {
        var functions: [String: BirdFilter.Function] = [:]
        var rest = statements[...]
        while let statement = rest.popFirst() {
            guard statement.begins("function") else { continue }
            var tokens = BirdFilterTokens(statement.words.dropFirst()).tokens
            var body = statement.body
            // A semicolon parts parameters, as it ends statements elsewhere.
            while body == nil, !tokens.contains(.sign(")")), let next = rest.popFirst() {
                tokens += [.sign(",")] + BirdFilterTokens(next.words).tokens
                body = next.body
            }
            guard let body, case .word(let name)? = tokens.first, tokens.dropFirst().first == .sign("("),
                let close = tokens.firstIndex(of: .sign(")"))
            else { continue }
            let parameters = tokens[2..<close].split(separator: .sign(",")).compactMap { part -> String? in
                if case .word(let name)? = part.last, part.count > 1 { name } else { nil }
            }
            functions[name] = BirdFilter.Function(parameters: parameters, commands: Self.commands(body))
        }
        return functions
    }

    private static func commands(_ statements: [Statement]) -> [BirdFilter.Command] {
        var reader = BirdCommandReader(rest: statements[...])
        return reader.commands()
    }
}

private struct BirdCommandReader {
    var rest: ArraySlice<BirdFile.Statement>

    mutating func commands() -> [BirdFilter.Command] {
        var commands: [BirdFilter.Command] = []
        while let statement = rest.popFirst() {
            commands.append(command(BirdFilterTokens(statement.words).tokens[...], statement.body))
        }
        return commands
    }

    /// - Parameter body: What stands in braces after the words.
    private mutating func command(
        _ tokens: ArraySlice<BirdFilterTokens.Token>, _ body: [BirdFile.Statement]?
    ) -> BirdFilter.Command {
        guard let first = tokens.first else {
            guard let body else { return .nothing }
            var reader = BirdCommandReader(rest: body[...])
            return .block(reader.commands())
        }
        guard case .word(let word) = first else { return .unknown }
        switch word {
        case "if": return choice(tokens.dropFirst(), body)
        case _ where body != nil: return .unknown
        case "accept": return .accept
        case "reject": return .reject
        case "print", "printn": return .nothing
        case "return": return .result(BirdFilterTokens(tokens.dropFirst()).expression)
        // bgp_med = 100; bgp_path.prepend(65001);
        case _ where Self.isAttribute(word) && (tokens.dropFirst().first == .sign("=") || word.contains(".")):
            return .nothing
        case "unset": return .nothing
        case _ where tokens.dropFirst().first == .sign("("): return .evaluation(BirdFilterTokens(tokens).expression)
        default: return .unknown
        }
    }

    private mutating func choice(
        _ tokens: ArraySlice<BirdFilterTokens.Token>, _ body: [BirdFile.Statement]?
    ) -> BirdFilter.Command {
        guard let then = tokens.firstIndex(of: .word("then")) else { return .unknown }
        let one = command(tokens[(then + 1)...], body)
        var other = BirdFilter.Command.nothing
        if let next = rest.first, next.begins("else") {
            rest.removeFirst()
            other = command(BirdFilterTokens(next.words.dropFirst()).tokens[...], next.body)
        }
        return .choice(BirdFilterTokens(tokens[..<then]).expression, one, other)
    }

    /// What a filter may give a route without deciding over it.
    private static func isAttribute(_ word: String) -> Bool {
        word.hasPrefix("bgp_") || word.hasPrefix("krt_") || word.hasPrefix("ospf_")
            || ["preference", "gw", "dest", "ifname", "igp_metric", "weight", "from"].contains(word)
    }
}

/// The words of a statement in a filter, taken apart.
private struct BirdFilterTokens {
    enum Token: Hashable {
        case word(String)
        case sign(String)
        case set(String)
        case string
    }

    let tokens: [Token]

    init(_ tokens: ArraySlice<Token>) { self.tokens = Array(tokens) }

    init(_ words: some Sequence<BirdFile.Word>) {
        var tokens: [Token] = []
        for word in words {
            // A set is one word, also by its name.
            if word.text.hasPrefix("[") {
                tokens.append(.set(word.text))
            } else {
                tokens += word.isQuoted ? [.string] : Self.parts(of: word.text)
            }
        }
        // An equals sign is a word of its own.
        var joined: [Token] = []
        for token in tokens {
            if token == .sign("="), case .sign(let sign)? = joined.last, ["!", "<", ">"].contains(sign) {
                joined[joined.count - 1] = .sign("\(sign)=")
            } else {
                joined.append(token)
            }
        }
        self.tokens = joined
    }

    private static let pairs: Set<String> = ["&&", "||", "!~", "++"]

    private static func parts(of text: String) -> [Token] {
        var parts: [Token] = []
        var rest = Substring(text)
        while let first = rest.first {
            let word = rest.prefix { $0.isLetter || $0.isNumber || "_.:/".contains($0) }
            if !word.isEmpty {
                parts.append(.word(String(word)))
                rest = rest.dropFirst(word.count)
            } else {
                let pair = String(rest.prefix(2))
                let sign = pairs.contains(pair) ? pair : String(first)
                parts.append(.sign(sign))
                rest = rest.dropFirst(sign.count)
            }
        }
        return parts
    }

    /// All of them as one expression; one that is not read has an unknown value.
    var expression: BirdFilter.Expression {
        var rest = tokens[...]
        let expression = Self.either(&rest, depth: 0)
        return rest.isEmpty ? expression : .value(.unknown)
    }

    private static let deepest = 64

    private static func either(_ rest: inout ArraySlice<Token>, depth: Int) -> BirdFilter.Expression {
        var expression = both(&rest, depth: depth)
        while rest.first == .sign("||") {
            rest.removeFirst()
            expression = .either(expression, both(&rest, depth: depth))
        }
        return expression
    }

    private static func both(_ rest: inout ArraySlice<Token>, depth: Int) -> BirdFilter.Expression {
        var expression = comparison(&rest, depth: depth)
        while rest.first == .sign("&&") {
            rest.removeFirst()
            expression = .both(expression, comparison(&rest, depth: depth))
        }
        return expression
    }

    private static func comparison(_ rest: inout ArraySlice<Token>, depth: Int) -> BirdFilter.Expression {
        let one = operand(&rest, depth: depth)
        guard case .sign(let sign)? = rest.first, ["=", "!=", "<", ">", "<=", ">=", "~", "!~"].contains(sign) else {
            return one
        }
        rest.removeFirst()
        return .comparison(sign, one, operand(&rest, depth: depth))
    }

    private static func operand(_ rest: inout ArraySlice<Token>, depth: Int) -> BirdFilter.Expression {
        guard depth < deepest, let first = rest.popFirst() else { return .value(.unknown) }
        switch first {
        case .sign("!"): return .not(operand(&rest, depth: depth + 1))
        case .sign("("):
            let inner = either(&rest, depth: depth + 1)
            return rest.popFirst() == .sign(")") ? inner : .value(.unknown)
        case .sign, .string: return .value(.unknown)
        case .set(let text): return .value(BirdFilter.Value(set: text))
        case .word(let word):
            guard rest.first == .sign("(") else { return Self.value(of: word) }
            rest.removeFirst()
            var arguments: [BirdFilter.Expression] = []
            while let next = rest.first, next != .sign(")") {
                if next == .sign(",") { rest.removeFirst() }
                arguments.append(either(&rest, depth: depth + 1))
                guard [.sign(","), .sign(")")].contains(rest.first) else { return .value(.unknown) }
            }
            return rest.popFirst() == nil ? .value(.unknown) : .call(word, arguments)
        }
    }

    private static func value(of word: String) -> BirdFilter.Expression {
        switch word {
        case "true", "yes", "on": .value(.bool(true))
        case "false", "no", "off": .value(.bool(false))
        default:
            if let number = Int(word) {
                .value(.number(number))
            } else if let prefix = IPPrefix(word) {
                .value(.prefix(prefix))
            } else if let address = IPAddress(word) {
                .value(.address(address))
            } else if word.hasPrefix("RTS_") || word.hasPrefix("NET_") {
                .value(.constant(word))
            } else {
                .name(word)
            }
        }
    }
}

extension BirdFilter.Value {
    /// Reads `[10.0.0.0/8{16,24}, 192.168.0.0/16+]`, `[1, 3..5]`, `[RTS_STATIC, RTS_DEVICE]`.
    fileprivate init(set text: String) {
        var members: [BirdFilter.Member] = []
        // A comma within braces parts lengths.
        var parts: [String] = [""]
        var isBraced = false
        for character in text.dropFirst().dropLast() where !character.isWhitespace {
            if character == "{" { isBraced = true }
            if character == "}" { isBraced = false }
            if character == ",", !isBraced {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        for part in parts {
            guard let member = BirdFilter.Member(part) else {
                self = .unknown
                return
            }
            members.append(member)
        }
        self = .set(members)
    }
}

extension BirdFilter.Member {
    fileprivate init?(_ text: String) {
        if text.hasPrefix("RTS_") || text.hasPrefix("NET_") {
            self = .constant(text)
            return
        }
        if let range = text.firstRange(of: "..") {
            guard let low = Int(text[..<range.lowerBound]), let high = Int(text[range.upperBound...]), low <= high
            else { return nil }
            self = .numbers(low...high)
            return
        }
        if let number = Int(text) {
            self = .numbers(number...number)
            return
        }
        if let address = IPAddress(text) {
            self = .address(address)
            return
        }
        let base = text.prefix { $0 != "{" && $0 != "+" && $0 != "-" }
        guard let prefix = IPPrefix(String(base)) else { return nil }
        let most = prefix.address.bitWidth
        switch text.dropFirst(base.count) {
        case "": self = .prefixes(prefix, prefix.length...prefix.length)
        case "+": self = .prefixes(prefix, prefix.length...most)
        case "-": self = .prefixes(prefix, 0...prefix.length)
        case let lengths:
            let numbers = lengths.dropFirst().dropLast().split(separator: ",").map { Int($0) }
            guard lengths.first == "{", lengths.last == "}", numbers.count == 2, let low = numbers[0],
                let high = numbers[1],
                0 <= low, low <= high, high <= most
            else { return nil }
            self = .prefixes(prefix, low...high)
        }
    }
}
