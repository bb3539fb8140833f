import LabModel
import NetworkTypes
import PolicyReading
import YAMLReading

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
        let policy: SpeakerPolicySpec
        let bfd: BFDSpec?
        /// Whether its peer is its client, as a route reflector.
        let reflects: Located<Bool>?
        let gracefulRestart: Located<Duration>?
    }

    /// What is to become of it, where it is not to come up.
    enum Outlook: String, CaseIterable { case connecting }

    let name: Located<String>
    /// Nil only where it is one-sided.
    let over: Located<String>?
    let outlook: Located<Outlook>?
    let reason: Located<String>?
    let password: Secret?
    let bfd: BFDSpec?
    let gracefulRestart: Located<Duration>?
    let speakers: [Speaker]
    /// Whether every speaker that is written could be read; if not, that has been reported.
    let isComplete: Bool

    init?(key: Located<String>, value: YAMLValue) {
        guard
            let fields = value.fields([
                "over", "password", "bfd", "graceful-restart", "speakers", "expect", "because",
            ])
        else { return nil }
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
        bfd = fields["bfd"].flatMap(BFDSpec.init)
        gracefulRestart = fields.restartTime
        let written = speakers.entries("a mapping of nodes to what they speak")
        self.speakers = written.compactMap(Speaker.init)
        isComplete = speakers.node.mapping != nil && written.count == self.speakers.count
    }
}

extension YAMLFields {
    /// How long a speaker may be away: 12 bits of seconds (RFC 4724, section 3).
    fileprivate var restartTime: Located<Duration>? {
        self["graceful-restart"].flatMap { field in
            guard let time = field.duration() else { return nil }
            guard time.value >= .seconds(1), time.value <= .seconds(4095), time.value.components.attoseconds == 0 else {
                field.wrong("a time from 1s to 4095s in whole seconds")
                return nil
            }
            return time
        }
    }

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
            let fields = value.fields(
                [
                    "asn", "keepalive", "hold", "advertise", "transit", "prepend", "negotiate", "password", "address",
                    "peer", "peer-asn", "bfd", "reflect", "graceful-restart",
                ] + SpeakerPolicySpec.keys),
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
        policy = SpeakerPolicySpec(fields)
        bfd = fields["bfd"].flatMap(BFDSpec.init)
        reflects = fields["reflect"]?.flag()
        gracefulRestart = fields.restartTime
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
