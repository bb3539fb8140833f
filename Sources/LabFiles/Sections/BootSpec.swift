import LabModel
import NetworkTypes
import YAMLReading

/// How a node starts.
struct BootSpec {
    static let keys = ["boot", "boot-time", "boot-takes"]

    /// The name of its script.
    let script: Located<String>?
    let takes: Window?
    let time: Duration

    init(_ fields: YAMLFields) {
        script = fields["boot"]?.text("the name of a file beside the lab file")
        takes = fields["boot-takes"].flatMap(Self.takes)
        time = fields["boot-time"].flatMap(Self.time) ?? Node.usualBootTime
        if let field = fields["boot-takes"], fields["boot"] == nil {
            field.collector.error(
                field.line, "\(field.path): the node has no script that could take so long",
                "Add `boot: FILE`, or remove `boot-takes:`.")
        }
    }

    /// SIGTERM has five seconds, and the rest of a shutdown none: what a daemon says at its end is said before the links go.
    private static func time(_ value: YAMLValue) -> Duration? {
        guard let time = value.duration()?.value else { return nil }
        guard time >= .seconds(10), time <= BootScript.longest else {
            value.wrong("a time from 10s to 1h")
            return nil
        }
        return time
    }

    /// `30s..31s`, or `31s` for so long at most.
    private static func takes(_ value: YAMLValue) -> Window? {
        let expected = "a time such as 31s for so long at most, or two such as 30s..31s, up to 1h"
        guard let text = value.text(expected)?.value else { return nil }
        let times = text.split(separator: "..", omittingEmptySubsequences: false).map { Duration(text: String($0)) }
        guard (1...2).contains(times.count), let latest = times.last ?? nil, let first = times.first ?? nil,
            case let earliest = times.count == 1 ? .zero : first, earliest <= latest, latest > .zero,
            latest <= BootScript.longest
        else {
            value.wrong(expected)
            return nil
        }
        return Window(earliest, latest)
    }
}
