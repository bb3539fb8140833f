import Foundation
import Testing

/// What a node is like, as its own programs show it: everything that a fault can change, without what counts, and
/// without what is chosen anew each time.
struct NodeView: Equatable {
    let lines: [String]

    /// What only one of two has, in words; nil where both are alike.
    func difference(from other: NodeView) -> String? {
        let gone = other.lines.filter { !lines.contains($0) }.map { "- \($0)" }
        let new = lines.filter { !other.lines.contains($0) }.map { "+ \($0)" }
        return self == other ? nil : (gone + new).joined(separator: "\n")
    }

    private static let script = """
        ip -o link; ip -o address
        ip -4 route show table all | sort; ip -6 route show table all | sort; ip rule
        tc qdisc; nft list ruleset
        for file in /etc/bird/* /etc/ipsec.conf /etc/ipsec.secrets /etc/ipsec.d/*.*; do
            [ -f $file ] && stat -c '%a %n' $file && cat $file
        done
        ls /run/pluto /run/bird
        """

    fileprivate init(_ text: String) {
        lines = text.split(separator: "\n").map { line in
            String(line).replacing(#/counter packets \d+ bytes \d+/#, with: "counter")
                .replacing(#/ seed \d+/#, with: "").replacing(#/qlen \d+/#, with: "")
                // An interface that is made anew has the next number.
                .replacing(#/^\d+: /#, with: "")
        }
    }

    static func all(_ nodes: [String], of lab: RunningLab) async throws -> [String: NodeView] {
        var views: [String: NodeView] = [:]
        for node in nodes {
            let result = try await lab.exec(node, "sh", "-c", script)
            try #require(result.output.contains("qdisc"), result.account)
            views[node] = NodeView(result.output)
        }
        return views
    }
}

/// A fault as `netlab status --format json` and `netlab faults --format json` show it.
struct FaultView: Decodable, Equatable {
    private struct Time: Decodable, Equatable { let nanoseconds: Int64 }
    let text: String
    private let _since: Time
    private let _until: Time?

    var since: Duration { .nanoseconds(_since.nanoseconds) }
    var until: Duration? { _until.map { .nanoseconds($0.nanoseconds) } }

    private enum CodingKeys: String, CodingKey {
        case text
        case _since = "since"
        case _until = "until"
    }
}

extension RunningLab {
    /// Brings faults about, each an argument of its own.
    @discardableResult
    func fail(
        _ faults: [String], for duration: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [FaultView] {
        let limit = duration.map { ["--for", $0] } ?? []
        return try await faultCommand(["fail", name] + faults + limit, sourceLocation)
    }

    /// Heals faults, or with none given all there are.
    @discardableResult
    func heal(
        _ faults: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [FaultView] {
        try await faultCommand(["heal", name] + (faults.isEmpty ? ["--all"] : faults), sourceLocation)
    }

    func activeFaults() async throws -> [FaultView] {
        try await faultCommand(["faults", name], #_sourceLocation)
    }

    private func faultCommand(_ arguments: [String], _ sourceLocation: SourceLocation) async throws -> [FaultView] {
        let result = try await netlab.execute(Netlab.program, arguments + ["--format", "json"])
        try #require(result.code == 0, result.account, sourceLocation: sourceLocation)
        return try StatusView.decoder.decode([FaultView].self, from: Data(result.output.utf8))
    }
}
