/// What has to be said to FRR so that the settings of its neighbours, as it runs, become those of a file.
struct FrrChange: Hashable, Sendable {
    /// The lines to say in configuration mode.
    let commands: [String]
    /// Whose settings change.
    let neighbors: [String]

    init(from running: String, to wanted: String) {
        let (before, after) = (Self.settings(running), Self.settings(wanted))
        guard let router = Self.router(in: wanted) else {
            (commands, neighbors) = ([], [])
            return
        }
        let gone = before.filter { !after.contains($0) }
        let new = after.filter { !before.contains($0) }
        // A line that another of the same setting takes the place of need not be taken back.
        let taken = gone.filter { line in !new.contains { Self.setting($0) == Self.setting(line) } }
        commands =
            gone.isEmpty && new.isEmpty
            ? [] : [router] + taken.map { "no \(Self.setting($0).joined(separator: " "))" } + new
        neighbors = Set((gone + new).compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
            .sorted()
    }

    /// `router bgp NUMBER`, as the line stands.
    static func router(in configuration: String) -> String? {
        configuration.split(whereSeparator: \.isNewline).first { $0.hasPrefix("router bgp ") }.map(String.init)
    }

    /// The lines of a neighbour's that a fault changes: its key and its timers.
    private static func settings(_ configuration: String) -> [String] {
        configuration.split(whereSeparator: \.isNewline).map(\.trimmedWords).filter { line in
            let words = line.split(separator: " ")
            guard words.count > 3, words[0] == "neighbor" else { return false }
            return words[2] == "password" || words[2] == "timers" && words[3] != "connect"
        }
    }

    /// Whose setting a line is, and which.
    private static func setting(_ line: String) -> [Substring] { Array(line.split(separator: " ").prefix(3)) }
}
