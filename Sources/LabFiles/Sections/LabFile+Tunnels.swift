import Daemons
import LabModel
import NetworkTypes
import Providers
import YAMLReading

struct TunnelSpec {
    struct End {
        let node: Located<String>
        let address: Located<IPAddress>?
        let interface: Located<InterfaceName>?
        let inside: Located<InterfaceAddress>?
        let mtu: MTU?
        let routes: [Located<IPPrefix>]
        let withdrawal: TunnelEnd.RouteWithdrawal
        let metric: UInt32
        let deadPeerDetection: DeadPeerDetection?
        let startup: TunnelEnd.Startup
        let deadPeerAction: TunnelEnd.DeadPeerAction
        let configuration: Located<String>?
        let secrets: Located<String>?
        let connection: Located<String>?
        let line: Int
    }

    let name: Located<String>
    let summary: String
    let isUnused: Bool
    let ike: IKEProposal?
    let esp: ESPProposal?
    let deadPeerDetection: DeadPeerDetection?
    let presharedKey: Secret?
    /// Those that not every daemon has.
    let algorithms: [AlgorithmChoice]
    /// Which lifetimes the lab file gives.
    let writtenLifetimes: Set<ProviderDefault.Key>
    /// Which of the parts a generated tunnel needs are not there; what is there and wrong has been reported.
    let missing: [String]
    let mtu: MTU?
    let mss: MSSClamp
    let ends: [End]
    /// Whether every end that is written could be read; if not, that has been reported.
    let isComplete: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["summary", "unused", "ike", "esp", "dpd", "psk", "mtu", "mss", "ends"]),
            let ends = fields.required("ends", "the two nodes it joins")
        else { return nil }
        name = key
        summary = fields["summary"]?.text()?.value ?? ""
        isUnused = fields["unused"]?.flag()?.value ?? false
        ike = fields["ike"].flatMap(Self.ike)
        esp = fields["esp"].flatMap(Self.esp)
        deadPeerDetection = fields["dpd"].flatMap(Self.deadPeerDetection)
        presharedKey = fields["psk"].flatMap(Self.presharedKey)
        algorithms = Self.algorithms(fields, ike: ike, esp: esp)
        let hasLifetime = { (phase: String) in fields[phase]?.entry("lifetime") != nil }
        writtenLifetimes = Set(
            [hasLifetime("ike") ? .ikeLifetime : nil, hasLifetime("esp") ? .espLifetime : nil].compactMap { $0 })
        missing = ["ike", "esp", "psk"].filter { fields[$0] == nil }
        mtu = fields["mtu"]?.value(MTU.self, "an MTU from 68 to 65535")?.value
        mss = fields["mss"]?.mssClamp() ?? .off
        let written = ends.entries("a mapping of nodes to their end")
        self.ends = written.compactMap(End.init)
        isComplete = ends.node.mapping != nil && written.count == self.ends.count
    }

    private static func ike(_ value: YAMLValue) -> IKEProposal? {
        guard let fields = value.fields(["encryption", "integrity", "group", "lifetime"]),
            let encryption = fields.required("encryption", "for example aes-256-cbc")?
                .choice(EncryptionAlgorithm.self, noun: "encryption algorithms"),
            let integrity = fields.required("integrity", "for example sha2-384; also the pseudo-random function")?
                .choice(IntegrityAlgorithm.self, noun: "integrity algorithms"),
            let group = fields.required("group", "the Diffie-Hellman group's number").flatMap(group)
        else { return nil }
        return IKEProposal(
            encryption: encryption.value, integrity: integrity.value, group: group,
            lifetime: lifetime(fields, default: .seconds(28800)))
    }

    private static func esp(_ value: YAMLValue) -> ESPProposal? {
        guard let fields = value.fields(["encryption", "integrity", "pfs-group", "lifetime"]),
            let algorithms = fields.espAlgorithms()
        else { return nil }
        return ESPProposal(
            encryption: algorithms.encryption, integrity: algorithms.integrity,
            group: fields["pfs-group"].flatMap(group),
            lifetime: lifetime(fields, default: .seconds(3600)))
    }

    private static func algorithms(
        _ fields: YAMLFields, ike: IKEProposal?, esp: ESPProposal?
    ) -> [AlgorithmChoice] {
        let choice = { (algorithm: KeyDaemonAlgorithm?, section: String, key: String) in
            algorithm.flatMap { algorithm in
                fields[section]?.entry(key).map { AlgorithmChoice(algorithm: algorithm, line: $0.line, path: $0.path) }
            }
        }
        return [
            choice((ike?.encryption).map { .ikeCipher($0) }, "ike", "encryption"),
            choice((ike?.group).map { .group($0) }, "ike", "group"),
            choice((esp?.group).map { .group($0) }, "esp", "pfs-group"),
        ].compactMap { $0 }
    }

    private static func lifetime(_ fields: YAMLFields, default standard: Duration) -> Duration {
        guard let value = fields["lifetime"], let lifetime = value.duration() else { return standard }
        guard lifetime.value >= .seconds(60), lifetime.value <= .seconds(86400) else {
            value.wrong("a lifetime from 60s to 24h")
            return standard
        }
        return lifetime.value
    }

    private static func group(_ value: YAMLValue) -> DiffieHellmanGroup? {
        guard let number = value.value(Int.self, "a Diffie-Hellman group's number") else { return nil }
        let known = DiffieHellmanGroup.names.keys.sorted().map(String.init).joined(separator: ", ")
        guard let group = DiffieHellmanGroup(number: number.value) else {
            value.collector.error(
                value.line, "\(value.path): Diffie-Hellman group \(number.value) is not supported",
                "Known groups: \(known).")
            return nil
        }
        return group
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

    private static func presharedKey(_ value: YAMLValue) -> Secret? {
        guard let text = value.text("a pre-shared key") else { return nil }
        // A key with one of these could end its line in ipsec.secrets and begin another.
        guard (8...64).contains(text.value.utf8.count),
            text.value.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 })
        else {
            value.collector.error(
                value.line, "\(value.path) is not a usable pre-shared key",
                "Write 8 to 64 printable ASCII characters without spaces and double quotes.")
            return nil
        }
        return Secret(text.value)
    }
}

extension TunnelSpec.End {
    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields([
                "address", "interface", "inside", "mtu", "routes", "withdraw", "metric", "startup", "dpd", "dpd-action",
                "config", "secrets", "connection",
            ])
        else { return nil }
        node = key
        address = fields["address"]?.value(IPAddress.self, "an address of the node")
        interface = fields.required("interface", "the name of the interface that leads into the tunnel")?
            .value(InterfaceName.self, "an interface's name of 1 to 15 bytes")
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
        line = key.line
    }
}

struct SessionSpec {
    struct Speaker {
        let node: Located<String>
        let asn: ASN
        let keepalive: Duration
        let hold: Duration
        /// Whether the lab file says anything about the two.
        let hasTimers: Bool
        let advertised: [IPPrefix]
        /// Of a session that one side alone has configured: its own address, and whom it tries to reach.
        let address: Located<IPAddress>?
        let peer: Located<IPAddress>?
        let peerASN: Located<ASN>?
        let passesOn: Bool
        let prepended: Int
        let keepsTimers: Bool
        let password: Secret?
    }

    /// What is to become of it, where it is not to come up.
    enum Outlook: String, CaseIterable { case connecting }

    let name: Located<String>
    /// Nil only where it is one-sided.
    let over: Located<String>?
    let outlook: Located<Outlook>?
    let reason: Located<String>?
    let password: Secret?
    let speakers: [Speaker]
    /// Whether every speaker that is written could be read; if not, that has been reported.
    let isComplete: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["over", "password", "speakers", "expect", "because"]) else { return nil }
        let outlook = fields["expect"]?.choice(Outlook.self, noun: "outlooks")
        let isOneSided = fields["expect"] != nil
        let over =
            isOneSided
            ? fields["over"]?.text()
            : fields.required("over", "the tunnel or link that joins the speakers")?.text()
        let reason =
            isOneSided
            ? fields.required("because", "why the other side has not configured it")?.text() : fields["because"]?.text()
        guard
            let speakers = fields.required("speakers", isOneSided ? "the node that tries" : "the two nodes that speak"),
            isOneSided || over != nil, !isOneSided || outlook != nil && reason != nil
        else { return nil }
        name = key
        self.over = over
        self.outlook = outlook
        self.reason = reason
        password = fields.key("password")
        let written = speakers.entries("a mapping of nodes to what they speak")
        self.speakers = written.compactMap(Speaker.init)
        isComplete = speakers.node.mapping != nil && written.count == self.speakers.count
    }
}

extension YAMLFields {
    /// The key of the TCP MD5 signature option, which takes 80 bytes in Linux (`TCP_MD5SIG_MAXKEYLEN`, tcp(7)).
    fileprivate func key(_ name: String) -> Secret? {
        self[name]?.text("a key").flatMap { text in
            guard (1...80).contains(text.value.utf8.count),
                text.value.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 })
            else {
                owner.collector.error(
                    text.line, "\(owner.path).\(name) is not a usable key",
                    "Write 1 to 80 printable ASCII characters without spaces and double quotes.")
                return nil
            }
            return Secret(text.value)
        }
    }
}

extension SessionSpec.Speaker {
    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields([
                "asn", "keepalive", "hold", "advertise", "transit", "prepend", "negotiate", "password", "address",
                "peer", "peer-asn",
            ]),
            let asn = fields.required("asn", "the autonomous system's number")?
                .value(ASN.self, "an AS number from 1 to 4294967295")
        else { return nil }
        address = fields["address"]?.value(IPAddress.self, "an address of the node's own")
        peer = fields["peer"]?.value(IPAddress.self, "the address that it tries to reach")
        peerASN = fields["peer-asn"]?.value(ASN.self, "an AS number from 1 to 4294967295")
        let unread =
            (fields["address"] != nil && address == nil) || (fields["peer"] != nil && peer == nil)
            || (fields["peer-asn"] != nil && peerASN == nil)
        guard !unread else { return nil }
        node = key
        self.asn = asn.value
        hasTimers = fields["hold"] != nil || fields["keepalive"] != nil
        hold = fields["hold"]?.duration()?.value ?? .seconds(180)
        keepalive = fields["keepalive"]?.duration()?.value ?? .seconds(hold.components.seconds / 3)
        advertised =
            fields["advertise"]?.members.compactMap { $0.value(IPPrefix.self, "a prefix such as 10.0.0.0/8")?.value }
            ?? []
        passesOn = fields["transit"]?.flag()?.value ?? false
        keepsTimers = !(fields["negotiate"]?.flag()?.value ?? true)
        password = fields.key("password")
        let times = fields["prepend"]?.value(Int.self, "a number from 0 to 10")
        prepended = times?.value ?? 0
        if !(0...10).contains(prepended) { fields["prepend"]?.wrong("a number from 0 to 10") }
        // RFC 4271, section 4.2: a hold time is zero or at least three seconds, in whole ones to 65535.
        let whole = hold.components.attoseconds == 0 && keepalive.components.attoseconds == 0
        if hold < .seconds(3) || hold > .seconds(65535) || keepalive >= hold || !whole {
            value.collector.error(
                value.line, "\(value.path): keepalive \(keepalive.shortText) and hold \(hold.shortText) are not usable",
                "Hold is 3s to 65535s in whole seconds, and keepalive less than hold, usually a third (RFC 4271, section 4.4)."
            )
        }
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
