import LabModel
import NetworkTypes
import YAMLReading

/// What a session or one of its speakers is told of BFD: `{interval: 300ms, multiplier: 3}`, or `transmit:` and `receive:` where they
/// differ.
struct BFDSpec {
    let timers: BFDTimers
    let line: Int

    /// FRR's limits, within BIRD's (FRR 8.4.4, bfdd/bfdd_cli.c): 10 ms to 60 s, and 2 to 255 packets.
    private static let limits = Window(.milliseconds(10), .seconds(60))
    private static let usual = Duration.milliseconds(300)

    init?(_ value: YAMLValue) {
        guard let fields = value.fields(["interval", "transmit", "receive", "multiplier"]) else { return nil }
        func time(_ key: String) -> Duration? {
            guard let field = fields[key], let time = field.duration()?.value else { return nil }
            let isWhole = time.components.attoseconds % 1_000_000_000_000_000 == 0
            if !isWhole || time < Self.limits.earliest || time > Self.limits.latest {
                field.wrong("a time from 10ms to 60s in whole milliseconds")
            }
            return time
        }
        let interval = time("interval")
        if interval != nil, fields["transmit"] != nil, fields["receive"] != nil {
            value.collector.error(
                value.line, "\(value.path) has an `interval:` beside `transmit:` and `receive:`",
                "`interval:` is both of them: leave it out.")
        }
        let multiplier = fields["multiplier"]?.value(Int.self, "a number from 2 to 255")?.value ?? 3
        if !(2...255).contains(multiplier) { fields["multiplier"]?.wrong("a number from 2 to 255") }
        timers = BFDTimers(
            transmit: time("transmit") ?? interval ?? Self.usual, receive: time("receive") ?? interval ?? Self.usual,
            multiplier: multiplier)
        line = value.line
    }
}
