import ConfigurationFormats
import DaemonProfiles
import LabModel
import LabRecords
import NetworkTypes

/// libreswan: pluto, which leads its tunnels through VTIs unless told otherwise.
public struct Libreswan: KeyDaemon {
    public init() {}

    public let id = DaemonID.pluto
    public let keyword = "libreswan"
    public let product = "libreswan"
    public let measuredVersion = DaemonVersion(major: 4, minor: 10)
    public let versionSource = DaemonVersionSource.program("/usr/sbin/ipsec")
    public let parser: DaemonParser? = DaemonParser(
        product: "libreswan", program: "/usr/libexec/ipsec/addconn", arguments: ["--checkconfig", "--config"])
    public let programs = [
        DaemonProgram(
            name: "pluto", purpose: "IKE daemon of libreswan", package: "libreswan",
            elsewhere: ["/usr/libexec/ipsec", "/usr/lib/ipsec"]),
        DaemonProgram(name: "ipsec", purpose: "speaks to pluto", package: "libreswan"),
        DaemonProgram(name: "certutil", purpose: "makes pluto's key database", package: "libnss3-tools"),
        DaemonProgram(name: "pk12util", purpose: "puts keys of certificates into it", package: "libnss3-tools"),
    ]
    public let files = ["pluto", "whack", "addconn"].map { "usr/libexec/ipsec/\($0)" }
    public let runDirectory = "/run/pluto"
    public let emptiedDirectories = ["ipsec.d"]
    public let socketPath = PlutoCommand.socketPath
    public let leftovers = [PlutoCommand.socketPath, PlutoCommand.processFile]
    // libevent reads a clock of whole ticks unless told otherwise (event.h): which tick, is chance.
    public let seededEnvironment = ["EVENT_PRECISE_TIMER": "1"]

    public let usualInterface = TunnelInterfaceKind.vti
    /// libreswan 5.2 says of others that they are not valid ("IFLA_XFRM_LINK attribute is zero").
    public let tiesInterfaces = true
    public let hasConnectionForEachChild = true
    public let keepsSecretsApart = true
    public let startSetting = "auto=start"
    public let certificateSetting = "leftcert="
    /// `ExecStopPost` of ipsec.service.
    public let flushesAtItsEnd = true
    /// A connection with `auto=start` is revived (programs/pluto/revival.c).
    public let beginsAfterClear = true
    public let hasOneSchedule = false
    public let narrowsUnlessTold = false
    /// It goes by the packet's addresses (`find_connection_for_clients`; 4.10 began another connection for all addresses).
    public let answersAcquires = true
    public let usualExtendedSequence: Bool? = nil
    /// Measured with 4.10.
    public let followsInitiatorInIKEv1 = true
    /// Since 4.5 (its issues 1265 and 1347); measured with 4.10.
    public let renewsWithGroupOfIKE = true

    public func setUp(at node: String, in topology: Topology) -> DaemonSetUp {
        let directory = LibreswanConfiguration.defaultNSSDirectory
        return DaemonSetUp(
            files: LibreswanConfiguration.files(
                for: node, in: topology, logFile: Daemon.logFile(node: node, kind: id), nssDirectory: directory),
            keyStore: NSSDatabase.contents(for: node, in: topology, directory: directory),
            arguments: LibreswanConfiguration.plutoArguments)
    }

    public func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent] {
        PlutoLog.events(log, node: node, realTimeOffset: realTimeOffset)
    }

    public func complaints(in log: String, about name: String?) -> [String] {
        PlutoLog.failures(in: log, connection: name)
    }

    public func masked(_ log: [UInt8]) -> [UInt8] { PlutoDebugging.masked(log) }

    public func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect {
        switch fault {
        case .killed:
            DaemonFaultEffect(
                associations: .lost, isSilent: true,
                note:
                    "With pluto's end \(node) loses its associations and policies (ipsec.service flushes both), and does not tell its peers."
            )
        case .restarted:
            DaemonFaultEffect(
                associations: .renewed,
                note: "pluto at \(node) ends, tells its peers to delete their associations, and starts anew.")
        case .stopped: .standstill(of: id, at: node)
        }
    }

    /// `ipsec-interface=5` is an interface of the name ipsec5 (ipsec.conf(5)).
    public func number(of interface: InterfaceName, _ kind: TunnelInterfaceKind) -> InterfaceNumber {
        guard kind == .xfrm else { return .free }
        let name = interface.description
        guard name.hasPrefix("ipsec"), let number = UInt32(name.dropFirst(5)), number > 0, name == "ipsec\(number)"
        else {
            return .impossible(
                "libreswan's XFRM interfaces are called ipsecNUMBER, and \(name) is not",
                remedy: "Write `interface: ipsec5`, with a number above 1.")
        }
        // pluto tries with an interface of that name whether its kernel has any (measured with 4.10).
        guard number > 1 else {
            return .impossible(
                "libreswan takes no interface ipsec1 that is there before it (\"conflict ipsec1 already exist\")",
                remedy: "Write `interface: ipsec5`, with a number above 1.")
        }
        return .fixed(number)
    }

    /// Measured with `ipsec algparse` of libreswan 4.10-2+deb12u1.
    public func reason(against algorithm: KeyDaemonAlgorithm) -> String? {
        switch algorithm {
        case .ikeCipher(.null): "libreswan does not protect IKE with null"
        case .ikeCipher(let encryption):
            encryption.cipher.isCCM ? "libreswan does not protect IKE with \(encryption.rawValue)" : nil
        // `authby` of ipsec.conf(5) in 4.10 knows RSA and ECDSA; EdDSA came with 5.
        case .signature(.ed25519): "libreswan 4.10 signs IKE with RSA and ECDSA alone"
        case .signature: nil
        case .group(let group):
            group.number == 2 ? "group 2 (modp1024) is not in Debian's libreswan: it is built without it" : nil
        }
    }

    /// Those of elliptic curves: measured with 4.10, groups 19, 20, 21 and 31.
    public func lacksInIKEv1(_ group: DiffieHellmanGroup) -> Bool { group.number >= 19 }

    public func read(_ file: OwnFile, connection name: String?) -> (
        connection: OwnConnection?, problems: [OwnFile.Problem]
    ) {
        let written = IpsecConf(file.text)
        guard let name, let asWritten = written[connection: name] else {
            let problem = OwnFile.Problem(
                .connection, "\(file.name) has no `conn \(name ?? "…")` section",
                Suggestion.remedy(for: name ?? "", among: written.connectionNames, noun: "connections there"))
            return (nil, [problem])
        }
        let isTurned = Self.isTurned(asWritten, at: file.addresses)
        let parameters = isTurned ? Self.turned(asWritten) : asWritten
        var problems: [OwnFile.Problem] = []
        let (kind, named, number) = Self.interface(parameters)
        if let interface = file.interface, let named, named != interface.description {
            let setting = kind == .vti ? "vti-interface=\(named)" : "an ipsec-interface= of the name \(named)"
            problems.append(
                OwnFile.Problem(
                    .interface, "\(file.name) says \(setting), the lab file \(interface)",
                    "Write `interface: \(named)`."))
        }
        problems += Self.problems(of: parameters, in: file.name, connection: name)
        problems += Self.problems(of: written, in: file.name, connection: name)
        if kind == .vti, number == nil {
            problems.append(
                OwnFile.Problem(
                    .file, Self.markProblem(parameters, in: file.name),
                    "Write `mark=5/0xffffffff` in conn \(name), with a number of its own."))
        }
        let first = { (keys: String...) in keys.lazy.compactMap { parameters[$0] }.first }
        let starts = ["start", "up", "ondemand", "route"].contains(parameters["auto"] ?? "")
        let connection = OwnConnection(
            localAddress: parameters["left"].flatMap(IPAddress.init), remote: parameters["right"], remoteKey: "right",
            interfaceKind: kind, interfaceName: named, number: number, makesInterface: kind != nil,
            selectors: Self.selectors(parameters),
            mode: parameters["type"] == "transport" ? .transport : .tunnel,
            ike: parameters["ike"].flatMap(IKEAlgorithms.init(libreswan:)),
            esp: first("phase2alg", "esp").flatMap(ESPAlgorithms.init(libreswan:)),
            ikeLifetime: first("ikelifetime").flatMap(Self.duration),
            espLifetime: first("salifetime", "keylife", "lifetime").flatMap(Self.duration),
            forcesEncapsulation: Self.isOn(parameters["encapsulation"]) || Self.isOn(parameters["forceencaps"]),
            initiates: starts, waitsForTraffic: ["ondemand", "route"].contains(parameters["auto"]),
            // It goes on by itself (measured with 4.10, cuts of 5 and of 12 minutes).
            pauseBetweenAttempts: .zero,
            ikeVersion: Self.ikeVersion(parameters), comesBackAfterDelete: starts,
            comesBackAfterSilence: starts, waitsAfterDelete: ["ondemand", "route"].contains(parameters["auto"]),
            attempts: nil,
            deadPeerDelay: parameters["dpddelay"].flatMap(Self.duration).flatMap { $0 > .zero ? $0 : nil },
            deadPeerAction: parameters["dpdaction"].flatMap(TunnelEnd.DeadPeerAction.init(rawValue:)) ?? .hold,
            moves: Self.isOn(parameters["mobike"]), taken: parameters.keys.filter(Self.taken.contains).sorted(),
            open: Self.open(parameters),
            settings: parameters, lines: isTurned ? Self.turned(written.lines(of: name)) : written.lines(of: name),
            terms: Self.terms(parameters))
        var scripted = connection
        // `_updown.xfrm`, and `_updown` with vti-routing=, make a route to each network behind the peer; one to all addresses would
        // take the peer's own with it.
        if kind == .xfrm || kind == .vti && Self.isOn(parameters["vti-routing"] ?? "yes") {
            scripted.scriptedRoutes = (connection.selectors ?? []).map(\.remote).filter { !$0.isDefault }
        }
        return (scripted, problems)
    }

    /// What the file as a whole has against a connection; each measured with `ipsec addconn` of 4.10.
    private static func problems(of conf: IpsecConf, in file: String, connection name: String) -> [OwnFile.Problem] {
        var problems: [OwnFile.Problem] = []
        let beginnings = conf.beginnings(of: name)
        if beginnings.count > 1 {
            let lines = beginnings.map(String.init).joined(separator: " and ")
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(file), lines \(lines): there are \(beginnings.count) sections conn \(name), of which pluto takes one",
                    "Give each a name of its own, or remove what is old."))
        } else {
            problems += conf.repetitions(in: name).map { twice in
                let isLoaded = twice.isSame && repeatable.contains(twice.setting)
                return OwnFile.Problem(
                    .file, isWarning: isLoaded,
                    "\(file), lines \(twice.first) and \(twice.again): conn \(name) has \(twice.setting)= twice, "
                        + (isLoaded
                            ? "of which pluto complains (\"duplicate key\")"
                            : "and pluto does not load it (\"duplicate key\")"),
                    "Remove one of them: what `also=` takes in must not say it again; only `conn %default` may.")
            }
        }
        problems += conf.includes.filter { !usualIncludes.contains($0.pattern) }.map { pattern, line in
            OwnFile.Problem(
                .file, isWarning: true,
                "\(file), line \(line): it includes \(pattern), which is not beside the lab file",
                "Put it there, a pattern's directory as well, or copy what is needed of it into \(file).")
        }
        return problems
    }

    /// Debian's own, of what is in a node anyway.
    private static let usualIncludes: Set = ["/etc/ipsec.d/*.conf"]

    /// The parameters that are computed with (ipsec.conf(5)).
    private static let taken: Set = [
        "auto", "ikev2", "keyexchange", "authby", "left", "right", "leftid", "rightid", "leftsubnet", "rightsubnet",
        "leftsubnets", "rightsubnets", "ike", "phase2alg", "esp", "pfs", "ikelifetime", "salifetime", "keylife",
        "lifetime", "dpddelay", "dpdaction", "dpdtimeout", "retransmit-timeout", "retransmit-interval",
        "encapsulation", "forceencaps", "type", "esn", "sha2-truncbug", "leftauth", "leftprotoport", "rightprotoport",
        "mark", "mark-in", "mark-out",
        "vti-interface",
        "vti-routing", "ipsec-interface", "narrowing", "leftcert",
    ]

    /// Those that decide neither when a tunnel comes or goes nor whether a ping gets through, whatever they say.
    private static let harmless: Set = [
        "also", "phase2", "connaddrfamily", "hostaddrfamily", "clientaddrfamily", "compress", "fragmentation",
        "replay-window", "nat-keepalive", "nat-ikev1-method", "initial-contact", "rightauth",
        "leftnexthop", "rightnexthop", "priority", "reqid", "rekeymargin", "rekeyfuzz", "vti-shared", "mtu", "metric",
        "leftvti", "rightvti", "aggressive", "aggrmode", "overlapip", "decap-dscp", "encap-dscp", "nopmtudisc",
        "nic-offload", "sendca", "leftsendcert", "rightsendcert", "send-vendorid", "fake-strongswan", "debug",
        "plutodebug", "connalias", "leftrsasigkey", "rightrsasigkey", "leftca", "rightca",
    ]

    /// What is neither, unless it says what is so without it.
    private static func open(_ parameters: [String: String]) -> [String] {
        parameters.filter { key, value in
            switch key {
            case "rekey", "reauth": isOn(value) != (key == "rekey")
            case "keyingtries": !["0", "%forever"].contains(value)
            case "mobike": false
            default: !taken.contains(key) && !harmless.contains(key)
            }
        }.map { "\($0)=\($1)" }.sorted()
    }

    /// What a connection may have twice if it says the same: pluto keeps these as numbers or addresses, and refuses a text that it has
    /// already, also the same one (measured with `ipsec addconn` of 4.10).
    private static let repeatable: Set = [
        "left", "right", "auto", "ikev2", "keyexchange", "type", "pfs", "rekey", "reauth", "keyingtries", "ikelifetime",
        "salifetime", "keylife", "lifetime", "dpddelay", "dpdtimeout", "dpdaction", "rekeymargin", "rekeyfuzz",
        "encapsulation", "forceencaps", "narrowing", "esn", "aggressive", "aggrmode", "compress", "replay-window",
        "retransmit-timeout", "retransmit-interval", "sha2-truncbug", "initial-contact", "fragmentation", "mobike",
        "vti-routing", "vti-shared", "leftauth", "rightauth", "nat-keepalive", "priority", "reqid", "mtu", "metric",
        "overlapip", "connaddrfamily", "hostaddrfamily", "decap-dscp", "leftsendcert", "rightsendcert",
        "send-vendorid",
    ]

    public func refusal(of end: TunnelEnd, beside ends: [TunnelEnd]) -> OwnFile.Problem? {
        guard case .own(let files) = end.configuration, let own = end.own else { return nil }
        let name = end.connection
        let auto = own.settings["auto"] ?? "ignore"
        if auto == "ignore" {
            let line = own.lines["auto"].map { "\(files.configurationName), line \($0)" } ?? files.configurationName
            let said = own.settings["auto"] == nil ? "has no auto=, which means `ignore`" : "has auto=ignore"
            return OwnFile.Problem(
                .file, "\(line): conn \(name) \(said): pluto does not load it (ipsec.conf(5))",
                "Write `auto=start` at the end that begins, `auto=add` at the other.")
        }
        let setup = IpsecConf(files.configuration).setup
        if let listen = setup.last(where: { $0.key == "listen" })?.value, let address = IPAddress(listen),
            address != end.localAddress
        {
            return OwnFile.Problem(
                .file,
                "\(files.configurationName): `config setup` has listen=\(listen), so that pluto has no socket at \(end.localAddress), the address of conn \(name)",
                "Remove listen=, or write that address.")
        }
        if own.settings["encapsulation"] == "no", end.localAddress != end.identity {
            return OwnFile.Problem(
                .file,
                "\(files.configurationName): conn \(name) has encapsulation=no, and \(end.node) is behind NAT, which ESP does not get through without UDP",
                "Remove encapsulation=.")
        }
        // `0x`, `0s` and `0t` begin numbers (ipsec.secrets(5)).
        let secrets = files.secrets.reveal()
        if KeyLine.all(in: files).isEmpty, secrets.contains(#/:\s*PSK\s+(?!0[xst])[^\s"']/#) {
            return OwnFile.Problem(
                .file,
                "\(files.secretsName ?? "the secrets") of \(end.node): the key after `PSK` is not in quotes, so that pluto finds none",
                "Write `: PSK \"…\"`.")
        }
        let isTaken = ends.contains { other in
            switch other.configuration {
            case .generated: other.proposal != nil && other.options.ikeVersion == 1
            case .own(let files):
                IpsecConf(files.configuration).setup.last { $0.key == "ikev1-policy" }?.value == "accept"
            }
        }
        guard own.ikeVersion == 1, !isTaken else { return nil }
        return OwnFile.Problem(
            .file,
            "\(files.configurationName): conn \(name) is of IKEv1, and pluto does not load it: \"global ikev1-policy does not allow IKEv1 connections\"",
            "Write `ikev1-policy=accept` in `config setup` of \(files.configurationName), or `ikev2=insist` at both ends."
        )
    }

    /// What keeps a connection from leading through an interface, or has no effect.
    private static func problems(
        of parameters: [String: String], in file: String, connection: String
    ) -> [OwnFile.Problem] {
        var problems: [OwnFile.Problem] = []
        if let type = parameters["type"], !["tunnel", "transport"].contains(type) {
            problems.append(
                OwnFile.Problem(
                    .file, "\(file): conn \(connection) has type=\(type), and protects nothing",
                    "Write `type=tunnel` or `type=transport`."))
        }
        if parameters["vti-interface"] != nil, parameters["leftupdown"] == "%disabled" {
            problems.append(
                OwnFile.Problem(
                    .file, "\(file): with leftupdown=%disabled nobody makes the interface of conn \(connection)",
                    "Remove leftupdown=: pluto's own script makes what vti-interface= names."))
        }
        // A route to networks that the peer is not in leaves its own as it is.
        let leadsToPeer = (selectors(parameters) ?? []).contains { pair in
            parameters["right"].flatMap(IPAddress.init).map(pair.remote.contains) ?? pair.remote.isDefault
        }
        let signs = parameters["authby"]?.split { "|,".contains($0) }.contains("rsasig") ?? false
        if signs, parameters["authby"]?.contains("secret") ?? false,
            !["leftcert", "leftrsasigkey", "leftckaid"].contains(where: { parameters[$0] != nil })
        {
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(file): conn \(connection) has authby=\(parameters["authby"] ?? "") and nothing to sign with, and pluto then ends the exchange instead of taking the secret",
                    "Write `authby=secret`."))
        }
        if interface(parameters).kind == .xfrm, leadsToPeer, parameters["leftnexthop"] == nil,
            parameters["left"] != "%defaultroute"
        {
            problems.append(
                OwnFile.Problem(
                    .file, isWarning: true,
                    "\(file): with ipsec-interface= and no leftnexthop=, pluto's script sends ESP straight to its peer, past the node's gateway (table 50), so nothing arrives unless the peer is on the node's own link",
                    "Write `leftnexthop=` with the gateway's address in conn \(connection)."))
        }
        // Measured with 4.10: "either all or no ESP proposals should specify DH".
        let offers = (parameters["phase2alg"] ?? parameters["esp"])?.split(separator: ",").map {
            $0.contains(";") || $0.contains("-modp") || $0.contains("-dh") || $0.contains("-ecp")
        }
        if let offers, Set(offers).count > 1 {
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(file): conn \(connection) gives some of its proposals for ESP a group and others none, and pluto does not load it",
                    "Give all of them the same group, or none."))
        }
        for side in ["leftid", "rightid"] {
            guard let id = parameters[side], id.first?.isLetter == true, !id.contains("=") else { continue }
            problems.append(
                OwnFile.Problem(
                    .file, isWarning: true,
                    "\(file): \(side)=\(id) of conn \(connection) is a name without `@`, for which pluto looks up an address (ipsec.conf(5)); a lab has no DNS",
                    "Write `\(side)=@\(id)`, as the peer calls it."))
        }
        if ikeVersion(parameters) == 1 {
            problems.append(
                OwnFile.Problem(
                    .file, isWarning: true,
                    "\(file): conn \(connection) is of IKEv1, which nobody should use any more (RFC 9395)",
                    "Write `ikev2=insist` at both ends. What a fault does to an IKEv1 tunnel is not predicted."))
        } else if parameters["dpdtimeout"] != nil {
            problems.append(
                OwnFile.Problem(
                    .file, isWarning: true, "\(file): dpdtimeout= has no effect with IKEv2 (ipsec.conf(5))",
                    "A silent peer is given up after retransmit-timeout=, 60s unless it says otherwise."))
        }
        return problems
    }

    private static func ikeVersion(_ parameters: [String: String]) -> Int {
        ["never", "no"].contains(parameters["ikev2"] ?? "") || parameters["keyexchange"] == "ikev1" ? 1 : 2
    }

    private static func terms(_ parameters: [String: String]) -> ConnectionTerms {
        let espKey = parameters["phase2alg"] == nil ? "esp" : "phase2alg"
        var terms = ConnectionTerms(
            ike: ConnectionTerms.list(parameters["ike"], IKEAlgorithms.init(libreswan:)),
            // The group of a renewal is the IKE SA's: what stands here is not what is used.
            esp: ConnectionTerms.list(parameters[espKey]) { text in
                ESPAlgorithms(libreswan: text).map { ESPProposal(algorithms: $0, group: nil) }
            },
            narrows: Self.isOn(parameters["narrowing"]),
            localID: identity(parameters["leftid"] ?? parameters["left"]),
            remoteID: identity(parameters["rightid"] ?? parameters["right"]),
            keys: .init(
                ike: "ike", esp: espKey, local: parameters["leftsubnets"] == nil ? "leftsubnet" : "leftsubnets",
                remote: parameters["rightsubnets"] == nil ? "rightsubnet" : "rightsubnets", start: "auto",
                version: parameters["keyexchange"] == nil ? "ikev2" : "keyexchange", localID: "leftid",
                remoteID: "rightid"))
        terms.hasForwardSecrecy = parameters["pfs"].map(Self.isOn) ?? true
        let esn = parameters["esn"].flatMap { $0 == "either" ? nil : Self.isOn($0) }
        terms.extendedSequences = esn.map { [$0] } ?? [true, false]
        terms.cutsSHA256 = Self.isOn(parameters["sha2-truncbug"])
        terms.certificate = parameters["leftcert"]
        let ways = (parameters["leftauth"] ?? parameters["authby"])?.split { "|,".contains($0) }
        if !(ways.map { $0.contains("secret") || $0.contains("null") } ?? false) {
            terms.keyless =
                ways.map { "authenticates by \($0.joined(separator: ", "))" }
                ?? "has no authby=, which means signatures (ipsec.conf(5))"
        }
        return terms
    }

    public func connections(in text: String) -> [String] { IpsecConf(text).connectionNames.sorted() }

    public func hasKeys(in text: String) -> Bool { text.contains(/:\s*PSK\s/) }

    public func file(withKey key: String) -> String { ": PSK \"\(key)\"\n" }

    public func mistaking(_ parameter: Fault.Parameter, in files: ConnectionFiles, of end: TunnelEnd) -> ConnectionFiles
    {
        files.mistakenIpsecConf(parameter, of: end)
    }

    /// That of the line which fits the two identities best; nil where several do, or none.
    public func presharedKey(in files: ConnectionFiles, of end: TunnelEnd) -> Secret? {
        let terms = end.own?.terms
        let keys = KeyLine.fitting(
            terms?.localID ?? "\(end.localAddress)", terms?.remoteID ?? "\(end.remoteAddress)",
            among: KeyLine.all(in: files))
        return Set(keys.map(\.key)).count == 1 ? keys.first.map { Secret($0.key) } : nil
    }

    public func lacksKey(in files: ConnectionFiles, for local: String, and remote: String) -> Bool {
        let lines = KeyLine.all(in: files)
        return !lines.isEmpty && KeyLine.fitting(local, remote, among: lines).isEmpty
    }

    public func secrets(in files: ConnectionFiles, of end: TunnelEnd) -> [String] {
        let lines = files.secrets.reveal().split(separator: "\n").map(String.init)
        let own = lines.filter { $0.contains("\(end.remoteAddress)") }
        return own.isEmpty ? lines : own
    }

    /// Source: ipsec.conf(5); programs/pluto/ikev2_liveness.c and retransmit.c.
    public func retransmission(
        of end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, version: DaemonVersion
    ) -> IKERetransmission {
        if case .generated = end.configuration, let generated = end.deadPeerDetection?.retransmission {
            return IKERetransmission(interval: generated.interval, timeout: generated.timeout)
        }
        let parameters = end.own?.settings ?? [:]
        return IKERetransmission(
            interval: parameters["retransmit-interval"].flatMap(Self.milliseconds) ?? .milliseconds(500),
            timeout: parameters["retransmit-timeout"].flatMap(Self.duration) ?? Self.defaultTimeout(version))
    }

    /// 60 s; 30 s from libreswan 5.4 on.
    static func defaultTimeout(_ version: DaemonVersion) -> Duration {
        version < DaemonVersion(major: 5, minor: 4) ? .seconds(60) : .seconds(30)
    }

    /// What changed with libreswan 5 was seen with 5.2, between which and 4.10 netlab has run none.
    private static let five = DaemonVersion(major: 5, minor: 0)

    /// libreswan 5 ignores `dpdaction` ("obsolete keyword ignored"): what is to be up comes back, and nothing else does.
    public func hasDeadPeerActions(_ version: DaemonVersion) -> Bool { version < Self.five }

    /// libreswan 4 goes on at once. libreswan 5 tries again 5 s later, then 10, 15 and so on up to 300 s ("revival attempt 4
    /// scheduled in 15 seconds"); a packet for the tunnel makes it begin before that, of which its kernel tells it once in
    /// `xfrmlifetime`, 30 s (ipsec.conf(5)).
    public func pauseBetweenAttempts(_ version: DaemonVersion) -> Duration {
        version < Self.five ? .zero : .seconds(30)
    }

    /// pluto looks once in a delay whether a packet came in since it looked last.
    public func latestQuestion(after delay: Duration) -> Duration { delay * 2 }

    /// `DEFAULT_KEEP_ALIVE_SECS` of programs/pluto/nat_traversal.c (4.10, 5.2); `keep-alive` and `nat-keepalive` of ipsec.conf(5).
    public func keepAlive(of end: TunnelEnd, in topology: Topology) -> Duration? {
        guard case .own(let files) = end.configuration else { return .seconds(20) }
        guard end.own?.settings["nat-keepalive"] != "no" else { return nil }
        let written = IpsecConf(files.configuration).setup.last { $0.key == "keep-alive" }?.value
        return written.flatMap(Int.init).map { .seconds($0) } ?? .seconds(20)
    }

    /// Its timer is not set again when it comes within 20 s of a message of IKE's (`nat_traversal_ka_event`,
    /// programs/pluto/nat_traversal.c, 4.10 and 5.2).
    public var keepsAliveUnfailingly: Bool { false }

    /// Nothing in pluto listens for the kernel's `XFRM_MSG_MAPPING`. `complete_v2_state_transition` (programs/pluto/ikev2.c) takes a
    /// request's new port for the IKE SA alone in 4.10, and not even for that in 5.2, whose comment says that the ESP SAs' was never
    /// written (its issues 1492 and 1529).
    public func reasonAgainstNewPort(_ version: DaemonVersion) -> String? {
        "libreswan goes on sending ESP to the port that it knew when the associations were made"
    }

    public let unknownKeys: String? = "(libreswan) only for AES-CBC with HMAC-SHA1 or HMAC-SHA2"

    public func renewalHint(connection: String, prefix: String) -> String {
        """
        no IKE keys: libreswan tells them only when an IKE SA is made, and none was during this capture. While one runs,
          \(prefix) ipsec whack --name \(connection) --rekey-ike
        makes a new IKE SA and traffic goes on; to see IKE_AUTH too, at the price of an outage:
          \(prefix) sh -c 'ipsec auto --down \(connection); ipsec auto --up \(connection)'
        """
    }

    /// Whether `right` is the side of the node itself: pluto finds out by its addresses (ipsec.conf(5), "left and right").
    private static func isTurned(_ parameters: [String: String], at addresses: [IPAddress]) -> Bool {
        let isOwn = { (side: String) in
            parameters[side].flatMap(IPAddress.init).map(addresses.contains) ?? false
        }
        return isOwn("right") && !isOwn("left")
    }

    /// The same with the sides' names exchanged.
    private static func turned<Value>(_ parameters: [String: Value]) -> [String: Value] {
        Dictionary(
            uniqueKeysWithValues: parameters.map { key, value in
                let other =
                    key.hasPrefix("left")
                    ? "right\(key.dropFirst(4))" : key.hasPrefix("right") ? "left\(key.dropFirst(5))" : key
                return (other, value)
            })
    }

    /// The interface that a connection leads through, its name where the file has it, and the number of its policies.
    ///
    /// `ipsec-interface=yes` stands for 1, and 0 for no number above it that a policy could have (ipsec.conf(5)).
    private static func interface(
        _ parameters: [String: String]
    ) -> (kind: TunnelInterfaceKind?, name: String?, number: UInt32?) {
        if let name = parameters["vti-interface"] { return (.vti, name, mark(parameters)) }
        switch parameters["ipsec-interface"] {
        case nil, "no": return (nil, nil, nil)
        case "yes": return (.xfrm, "ipsec1", 1)
        case let text?: return (.xfrm, "ipsec\(text)", UInt32(text))
        }
    }

    /// Every pair of what stands at the sides; a side without a prefix has its address alone.
    private static func selectors(_ parameters: [String: String]) -> [SelectorPair]? {
        let prefixes = { (side: String) -> [IPPrefix]? in
            guard let text = parameters["\(side)subnets"] ?? parameters["\(side)subnet"] else {
                return parameters[side].flatMap(IPPrefix.init).map { [$0] }
            }
            let parts = text.split { "{}, \t".contains($0) }.map(String.init)
            let read = parts.compactMap(IPPrefix.init)
            return read.isEmpty || read.count != parts.count ? nil : read
        }
        let ports = ["left", "right"].map { parameters["\($0)protoport"] }
        let read = ports.map { $0.map(protoport) ?? (upper: nil, port: nil) }
        guard let local = prefixes("left"), let remote = prefixes("right"), let near = read[0], let far = read[1],
            near.upper == far.upper
        else { return nil }
        return local.flatMap { local in
            remote.map {
                SelectorPair(
                    local: local, remote: $0, upper: near.upper, localPort: near.port, remotePort: far.port)
            }
        }
    }

    /// Reads `tcp/443`, `17/%any`, `icmp`; nil for what is not known here.
    private static func protoport(_ text: String) -> (upper: IPProtocol?, port: UInt16?)? {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard let first = parts.first, let upper = IPProtocol(keyword: first) else { return nil }
        guard parts.count == 2, parts[1] != "%any", parts[1] != "0" else { return (upper, nil) }
        return UInt16(parts[1]).map { (upper, $0) }
    }

    /// The number before the mask of `mark=5/0xffffffff`, or of `mark-in=` and `mark-out=` where they are alike.
    private static func mark(_ parameters: [String: String]) -> UInt32? {
        let numbers = ["mark-in", "mark-out"].map { key -> UInt32? in
            guard let text = (parameters[key] ?? parameters["mark"])?.split(separator: "/").first else { return nil }
            // Measured with 4.10, whose manual page promises a number of its own.
            if text == "-1" { return .max }
            return text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
        }
        return numbers[0] == numbers[1] ? numbers[0] : nil
    }

    /// What is wrong where ``mark(_:)`` finds none.
    private static func markProblem(_ parameters: [String: String], in file: String) -> String {
        let written = ["mark", "mark-in", "mark-out"].compactMap { key in parameters[key].map { "\(key)=\($0)" } }
        guard !written.isEmpty else {
            return "\(file): vti-interface= needs mark=, or mark-in= and mark-out= (ipsec.conf(5))"
        }
        return "\(file): \(written.joined(separator: ", ")): netlab makes interfaces of one number for both directions"
    }

    /// Nil for a name without `@`, which is looked up for an address.
    private static func identity(_ text: String?) -> String? {
        guard let text, text.hasPrefix("@") || IPAddress(text) != nil else { return nil }
        return ConnectionTerms.identity(text)
    }

    /// The words of a switch (ipsec.conf(5)).
    private static func isOn(_ text: String?) -> Bool { ["yes", "on", "true", "1", "y"].contains(text) }

    /// A bare number is one of seconds.
    static func duration(_ text: String) -> Duration? { Duration(text: text) ?? Duration(text: text + "s") }

    /// A bare number is one of milliseconds.
    static func milliseconds(_ text: String) -> Duration? { Duration(text: text) ?? Duration(text: text + "ms") }
}

/// A line `IDENTITY … : PSK "KEY"` (ipsec.secrets(5)).
private struct KeyLine {
    let identities: [String]
    let key: String

    static func all(in files: ConnectionFiles) -> [KeyLine] {
        files.secrets.reveal().split(separator: "\n").compactMap { line in
            guard !line.trimmed.hasPrefix("#"),
                let match = line.firstMatch(of: #/^(.*?)\s*:\s*PSK\s+(?:"([^"]*)"|'([^']*)')/#),
                let key = match.2 ?? match.3
            else { return nil }
            return KeyLine(
                identities: match.1.split(whereSeparator: \.isWhitespace).map {
                    ConnectionTerms.identity(String($0)) ?? String($0)
                }, key: String(key))
        }
    }

    /// Those that fit best: for both identities, for one and anybody, for one's own alone, for everybody
    /// (lib/libswan/secrets.c, `lsw_find_secret_by_id`).
    static func fitting(_ local: String, _ remote: String, among lines: [KeyLine]) -> [KeyLine] {
        let ranked = lines.map { line -> (rank: Int, line: KeyLine) in
            let isAny = line.identities.contains { $0.hasPrefix("%any") }
            switch (line.identities.contains(local), line.identities.contains(remote)) {
            case (true, true): return (4, line)
            case (true, false), (false, true):
                return (isAny ? 3 : line.identities == [local] ? 2 : 0, line)
            case (false, false): return (isAny || line.identities.isEmpty ? 1 : 0, line)
            }
        }
        let best = ranked.map(\.rank).max() ?? 0
        return best == 0 ? [] : ranked.filter { $0.rank == best }.map(\.line)
    }
}

extension DaemonID {
    public static let pluto = DaemonID(rawValue: "pluto")
}

extension Cipher {
    fileprivate var isCCM: Bool { self == .aesCCM8 || self == .aesCCM12 || self == .aesCCM16 }
}
