/// What a test was made with, as its page says it.
public struct TestedWith: Hashable, Sendable, Codable {
    /// netlab and the kernel, each with its version.
    public let platform: [String]
    /// Those that labs ran, each with its version; in ascending order.
    public let daemons: [String]
    /// What predictions were made with figures of another version for; in ascending order.
    public let caveats: [String]

    public init(platform: [String], daemons: some Sequence<String>, caveats: some Sequence<String>) {
        self.platform = platform
        self.daemons = Set(daemons).sorted()
        self.caveats = Set(caveats).sorted()
    }

    /// All that any of several was made with.
    init(all: [TestedWith]) {
        self.init(
            platform: all.flatMap(\.platform).reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
            daemons: all.flatMap(\.daemons), caveats: all.flatMap(\.caveats))
    }

    /// A sentence with all versions, and the caveats.
    public var lines: [String] { ["With \((platform + daemons).joined(separator: ", "))."] + caveats }
}
