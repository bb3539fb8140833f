import Daemons
import LabModel
import NetworkTypes
import Providers
import YAMLReading

struct TunnelSpec {
    struct End {
        let node: Located<String>
        let address: Located<IPAddress>?
        /// The DNS name that it calls itself with a pre-shared key.
        let identity: Located<String>?
        /// Nil for an end that policies alone lead into.
        let interface: Located<InterfaceName>?
        let interfaceKind: Located<TunnelInterfaceKind>?
        /// Nil for those of the tunnel.
        let selectors: [SelectorSpec]?
        let inside: Located<InterfaceAddress>?
        let mtu: MTU?
        let routes: [Located<IPPrefix>]
        let withdrawal: TunnelEnd.RouteWithdrawal
        let metric: UInt32
        let proposal: ProposalSpec
        let options: OptionsSpec
        let deadPeerDetection: DeadPeerDetection?
        let startup: TunnelEnd.Startup
        let deadPeerAction: TunnelEnd.DeadPeerAction
        let configuration: Located<String>?
        let secrets: Located<String>?
        let connection: Located<String>?
        let addressing: Located<TunnelEnd.Addressing>?
        /// The keys that are written of those that only an interface can have.
        let ofInterface: [Located<String>]
        let line: Int
    }

    let name: Located<String>
    let summary: String
    let isUnused: Bool
    /// For ends that have none of their own.
    let proposal: ProposalSpec
    let options: OptionsSpec
    let deadPeerDetection: DeadPeerDetection?
    let mtu: Located<MTU>?
    let mss: MSSClamp
    let mode: Located<Tunnel.Mode>?
    /// Nil where the tunnel names none.
    let selectors: [SelectorSpec]?
    let ends: [End]
    /// Whether every end that is written could be read; if not, that has been reported.
    let isComplete: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields(
                [
                    "summary", "unused", "dpd", "mtu", "mss", "mode", "selectors", "ends",
                ] + ProposalSpec.keys + OptionsSpec.keys),
            let ends = fields.required("ends", "the two nodes it joins")
        else { return nil }
        name = key
        summary = fields["summary"]?.text()?.value ?? ""
        isUnused = fields["unused"]?.flag()?.value ?? false
        proposal = ProposalSpec(fields)
        if let certificate = proposal.certificate, certificate.isOfFiles {
            value.collector.error(
                certificate.line, "\(certificate.path): a key belongs to one end, and this one would be both ends'",
                "Write `certificate: {file: …, key: …, ca: …}` under each end.")
        }
        options = OptionsSpec(fields)
        deadPeerDetection = fields["dpd"].flatMap(Self.deadPeerDetection)
        mtu = fields["mtu"]?.value(MTU.self, "an MTU from 68 to 65535")
        mss = fields["mss"]?.mssClamp() ?? .off
        mode = fields["mode"]?.choice(Tunnel.Mode.self, noun: "modes of ESP")
        let written = ends.entries("a mapping of nodes to their end")
        let nodes = written.map(\.key.value)
        selectors = fields["selectors"].map { SelectorSpec.all($0, nodes: nodes) }
        self.ends = written.compactMap { End(key: $0.key, value: $0.value, nodes: nodes) }
        isComplete = ends.node.mapping != nil && written.count == self.ends.count
    }

    fileprivate static func deadPeerDetection(_ value: YAMLValue) -> DeadPeerDetection? {
        guard let fields = value.fields(["delay", "timeout"]),
            let delay = fields.required("delay", "the silence after which the peer is asked")?.duration(),
            let timeout = fields.required("timeout", "the silence after which the peer is dead")?.duration()
        else { return nil }
        guard delay.value >= .seconds(1), timeout.value > delay.value else {
            value.collector.error(
                timeout.line,
                "\(value.path): the timeout \(timeout.value.shortText) is not after the delay \(delay.value.shortText)",
                "The delay is 1s or more, and the timeout longer than the delay.")
            return nil
        }
        return DeadPeerDetection(delay: delay.value, timeout: timeout.value)
    }
}

extension TunnelSpec.End {
    /// - Parameter nodes: Those that the tunnel joins.
    init?(key: Located<String>, value: YAMLValue, nodes: [String]) {
        guard
            let fields = value.fields(
                [
                    "address", "identity", "interface", "interface-kind", "selectors", "inside", "mtu", "routes",
                    "withdraw",
                    "metric", "startup", "dpd", "dpd-action",
                    "config", "secrets", "connection", "addressed-by",
                ] + ProposalSpec.keys + OptionsSpec.keys)
        else { return nil }
        node = key
        address = fields["address"]?.value(IPAddress.self, "an address of the node")
        identity = fields["identity"].flatMap(Self.identity)
        interface = fields["interface"]?.value(InterfaceName.self, "an interface's name of 1 to 15 bytes")
        interfaceKind = fields["interface-kind"]?.choice(TunnelInterfaceKind.self, noun: "kinds of tunnel interfaces")
        selectors = fields["selectors"].map { SelectorSpec.all($0, nodes: nodes) }
        inside = fields["inside"]?.value(InterfaceAddress.self, "an address such as 169.254.100.1/30")
        mtu = fields["mtu"]?.value(MTU.self, "an MTU from 68 to 65535")?.value
        routes = fields["routes"]?.members.compactMap { $0.value(IPPrefix.self, "a prefix such as 10.0.0.0/8") } ?? []
        withdrawal =
            fields["withdraw"]?.choice(TunnelEnd.RouteWithdrawal.self, noun: "route withdrawals")?.value ?? .never
        if withdrawal == .whenDown, let field = fields["withdraw"], fields["routes"] == nil {
            field.collector.error(
                field.line, "\(value.path) has no routes to withdraw", "Add `routes: PREFIX`, or remove `withdraw:`.")
        }
        metric = fields["metric"]?.value(UInt32.self, "a route's metric: the smallest is used")?.value ?? 0
        if withdrawal == .never, let field = fields["metric"] {
            field.collector.error(
                field.line, "\(field.path): a route that stays for ever leaves no use for others to its prefix",
                "Add `withdraw: when-down`, or remove `metric:`.")
        }
        proposal = ProposalSpec(fields)
        options = OptionsSpec(fields)
        for key in ProposalSpec.keys + OptionsSpec.keys where fields["config"] != nil && key != "certificate" {
            guard let field = fields[key] else { continue }
            field.collector.error(
                field.line, "\(field.path) is not used: the end brings its own configuration",
                "Write it into that file, and remove `\(key):` here.")
        }
        deadPeerDetection = fields["dpd"].flatMap(TunnelSpec.deadPeerDetection)
        if let field = fields["dpd"], fields["config"] != nil {
            field.collector.error(
                field.line, "\(field.path) is not used: the end brings its own configuration",
                "Write dpddelay= into that file, and remove `dpd:` here.")
        }
        startup = fields["startup"]?.choice(TunnelEnd.Startup.self, noun: "startup modes")?.value ?? .initiate
        deadPeerAction =
            fields["dpd-action"]?.choice(TunnelEnd.DeadPeerAction.self, noun: "dead peer actions")?.value ?? .restart
        configuration = fields["config"]?.text("the name of a file beside the lab file")
        secrets = fields["secrets"]?.text("the name of a file beside the lab file")
        connection = fields["connection"]?.text("the name of a `conn` section")
        if let identity, configuration != nil || fields["certificate"] != nil {
            value.collector.error(
                identity.line, "\(value.path): `identity:` is for a pre-shared key of netlab's configuration",
                configuration == nil ? "Write it under `certificate:`." : "Write it into \(configuration?.value ?? "")."
            )
        }
        line = key.line
        addressing = fields["addressed-by"]?.choice(TunnelEnd.Addressing.self, noun: "ways to get addresses")
        ofInterface = ["interface-kind", "inside", "mtu", "routes", "withdraw", "metric", "addressed-by"].compactMap {
            key in
            fields[key].map { Located(value: key, line: $0.line) }
        }
    }

    private static func identity(_ value: YAMLValue) -> Located<String>? {
        guard let text = value.text("a DNS name") else { return nil }
        guard IKEIdentity.isHostName(text.value) else {
            value.wrong("a DNS name in small letters, such as west.example.net")
            return nil
        }
        return text
    }
}

struct ProbeSpec {
    let name: Located<String>
    let source: Located<String>
    let sourceAddress: Located<IPAddress>?
    let destination: Located<String>
    let interval: Duration?
    let alarm: AlarmRule?
    let isAwaited: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["from", "source", "to", "every", "alarm", "awaited"]),
            let source = fields.required("from", "the node that asks")?.text(),
            let destination = fields.required("to", "the node or address that is asked")?.text()
        else { return nil }
        name = key
        self.source = source
        sourceAddress = fields["source"]?.value(IPAddress.self, "an address of the node that asks")
        self.destination = destination
        let interval = fields["every"]?.duration().flatMap { every -> Duration? in
            if every.value < .milliseconds(1) { fields["every"]?.wrong("a time of at least 1ms, such as 1m") }
            return every.value
        }
        self.interval = interval
        isAwaited = fields["awaited"]?.flag()?.value ?? true
        alarm = Self.alarm(fields, every: interval)
    }

    /// When the probe goes on asking: as written, or after one question without an answer within a second, or before the
    /// next question.
    private static func alarm(_ fields: YAMLFields, every interval: Duration?) -> AlarmRule? {
        let written = fields["alarm"]?.fields(["after", "timeout"])
        guard let interval else {
            if let alarm = fields["alarm"], fields["every"] == nil {
                alarm.collector.error(
                    alarm.line, "\(alarm.path) needs a probe that goes on asking", "Add `every: 1m` to the probe.")
            }
            return nil
        }
        var failures = 1
        if let field = written?["after"], let number = field.value(Int.self, "a number from 1 to 1000") {
            failures = number.value
            if !(1...1000).contains(failures) { field.wrong("a number from 1 to 1000") }
        }
        var timeout = min(.seconds(1), interval)
        if let field = written?["timeout"], let time = field.duration() {
            timeout = time.value
            if timeout < .milliseconds(1) || timeout > interval {
                field.wrong("a time from 1ms to the \(interval.shortText) between two questions")
            }
        }
        return AlarmRule(failures: failures, timeout: timeout)
    }
}
