import LabModel
import YAMLReading

/// What a tunnel or one of its ends is told beside its proposals.
struct OptionsSpec {
    /// Each changes what an end has.
    private let changes: [@Sendable (inout TunnelOptions) -> Void]
    /// The keys that are written, by their names.
    let written: [Located<String>]

    static let keys = [
        "ike-version", "aggressive", "force-encapsulation", "replay-window", "esn", "ike-fragmentation", "mobike",
        "rekey-margin",
    ]

    init(_ fields: YAMLFields) {
        written = Self.keys.compactMap { key in fields[key].map { Located(value: key, line: $0.line) } }
        var changes: [@Sendable (inout TunnelOptions) -> Void] = []
        func flag(_ key: String, _ path: any WritableKeyPath<TunnelOptions, Bool> & Sendable) {
            if let value = fields[key]?.flag()?.value { changes.append { $0[keyPath: path] = value } }
        }
        func choice(_ key: String, _ path: any WritableKeyPath<TunnelOptions, Bool?> & Sendable) {
            if let value = fields[key]?.flag()?.value { changes.append { $0[keyPath: path] = value } }
        }
        if let field = fields["ike-version"], let version = field.value(Int.self, "1 or 2")?.value {
            if [1, 2].contains(version) { changes.append { $0.ikeVersion = version } } else { field.wrong("1 or 2") }
        }
        flag("aggressive", \.isAggressive)
        flag("force-encapsulation", \.forcesEncapsulation)
        if let field = fields["replay-window"], let window = field.value(Int.self, "a number from 0 to 2048")?.value {
            if (0...2048).contains(window) {
                changes.append { $0.replayWindow = window }
            } else {
                field.wrong("a number from 0 to 2048")
            }
        }
        choice("esn", \.hasExtendedSequence)
        choice("ike-fragmentation", \.fragmentsIKE)
        flag("mobike", \.moves)
        if let field = fields["rekey-margin"], let margin = field.duration()?.value {
            if margin >= .seconds(1) {
                changes.append { $0.rekeyMargin = margin }
            } else {
                field.wrong("a time from 1s")
            }
        }
        self.changes = changes
    }

    /// The options with these put over them.
    func over(_ options: TunnelOptions) -> TunnelOptions {
        changes.reduce(into: options) { $1(&$0) }
    }
}
