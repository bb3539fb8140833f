/// A user's own frr.conf, as lines of words, each with the block that it stands in.
///
/// A line that no longer belongs to its block belongs to one around it, as FRR itself goes up until a command fits: which lines begin a
/// block, and where, is all that this goes by.
/// Source: FRR 8.4.4, lib/command.c (`command_config_read_one_line`, `cmd_make_strvec`), vtysh/vtysh.c.
public struct FrrFile {
    public struct Statement: Hashable {
        public let words: [String]
        public let line: Int
        /// Whether `no` stands before it.
        public let isNegated: Bool
        /// The words of the lines that it stands below, outermost first.
        public let blocks: [[String]]

        /// Whether its first words are these.
        public func begins(_ beginning: String...) -> Bool { words.starts(with: beginning) }

        /// Whether it stands directly in a block that begins so; in none for no words.
        public func stands(in beginning: String...) -> Bool {
            beginning.isEmpty ? blocks.isEmpty : blocks.last?.starts(with: beginning) ?? false
        }

        /// Its first words, as they are named in a sentence.
        public func beginning(_ count: Int) -> String {
            ((isNegated ? ["no"] : []) + words.prefix(count)).joined(separator: " ")
        }
    }

    public let statements: [Statement]

    public init(_ text: String) {
        var statements: [Statement] = []
        var blocks: [[String]] = []
        // A carriage return and a line feed are one character to Swift, and one line's end to FRR.
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let first = words.first, first.first != "!", first.first != "#" else { continue }
            if first == "end" {
                blocks = []
                continue
            }
            if ["exit", "quit"].contains(first) || first.hasPrefix("exit-") {
                blocks = blocks.dropLast()
                continue
            }
            let isNegated = first == "no" && words.count > 1
            if isNegated { words.removeFirst() }
            if !isNegated {
                if Self.beginsBlock(words) { blocks = [] }
                while let block = blocks.last, Self.beginsBlock(words, within: nil),
                    !Self.beginsBlock(words, within: block)
                {
                    blocks = blocks.dropLast()
                }
            }
            statements.append(Statement(words: words, line: index + 1, isNegated: isNegated, blocks: blocks))
            let isNested = blocks.last.map { Self.beginsBlock(words, within: $0) } ?? false
            if !isNegated, isNested || Self.beginsBlock(words) { blocks.append(words) }
        }
        self.statements = statements
    }

    /// Whether a line begins a block outside of all others.
    private static func beginsBlock(_ words: [String]) -> Bool {
        switch words[0] {
        case "router", "interface", "vrf", "nexthop-group", "pbr-map", "rpki", "segment-routing", "pseudowire": true
        case "route-map": words.count > 3
        case "bfd": words.count == 1
        case "line", "key", "mpls", "l2vpn": words.count > 1
        default: false
        }
    }

    /// Whether a line begins a block within another; within any where that is nil.
    private static func beginsBlock(_ words: [String], within block: [String]?) -> Bool {
        switch words[0] {
        case "address-family", "vni": block.map { $0.starts(with: ["router"]) } ?? true
        case "peer", "profile": block.map { $0 == ["bfd"] } ?? true
        default: false
        }
    }
}
