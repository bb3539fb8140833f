/// What a test was made with, as its page says it.
public struct TestedWith: Hashable, Sendable, Codable {
    /// netlab and the kernel, each with its version.
    public let platform: [String]
    /// Those that labs ran, each with its version.
    public let daemons: Set<String>
    /// What predictions were made with figures of another version for.
    public let caveats: Set<String>

    public init(platform: [String], daemons: Set<String>, caveats: some Sequence<String>) {
        self.platform = platform
        self.daemons = daemons
        self.caveats = Set(caveats)
    }

    /// All that any of several was made with.
    init(all: [TestedWith]) {
        platform = all.flatMap(\.platform).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        daemons = all.reduce(into: []) { $0.formUnion($1.daemons) }
        caveats = all.reduce(into: []) { $0.formUnion($1.caveats) }
    }

    /// A sentence with all versions, and the caveats.
    public var lines: [String] { ["With \((platform + daemons.sorted()).joined(separator: ", "))."] + caveats.sorted() }
}
