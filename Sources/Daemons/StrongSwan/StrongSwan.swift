import ConfigurationFormats
import DaemonProfiles
import Glibc
import LabModel
import LabRecords
import NetworkTypes

/// strongSwan: charon, which leads its tunnels through XFRM interfaces unless told otherwise.
public struct StrongSwan: KeyDaemon {
    public init() {}

    /// Debian's packages, unpacked: they conflict with libreswan's.
    public static let tree = DaemonTree(
        name: "strongswan", programs: ["usr/sbin/charon-systemd", "usr/sbin/swanctl"],
        packages: [
            "charon-systemd", "strongswan-swanctl", "strongswan-libcharon", "libstrongswan",
            "libstrongswan-standard-plugins",
        ])

    public let id = DaemonID.charon
    public let keyword = "strongswan"
    public let product = "strongSwan"
    public let measuredVersion = DaemonVersion(major: 5, minor: 9, patch: 8)
    public let versionSource = DaemonVersionSource.tree(Self.tree)
    public let programs: [DaemonProgram] = []
    public let runDirectory = "/run/strongswan"
    // Who is trusted here is not whom the machine trusts.
    public let emptiedDirectories = ["swanctl"]
    public let socketPath = StrongSwanConfiguration.socketPath

    public let usualInterface = TunnelInterfaceKind.xfrm
    public let hasConnectionForEachChild = false
    public let keepsSecretsApart = false
    public let startSetting = "start_action = start"
    public let certificateSetting = "certs = "
    /// strongswan.service flushes nothing.
    public let flushesAtItsEnd = false
    /// strongswan.conf(5): `retransmit_tries` and its kin are the daemon's.
    /// What is cleared is gone, whatever started it; measured with 5.9.8.
    public let beginsAfterClear = false
    public let hasOneSchedule = true
    public let renewsWithGroupOfIKE = false
    public let narrowsUnlessTold = true
    /// Only for traps ("trap not found, unable to acquire"; measured with 5.9.8).
    public let answersAcquires = false
    public let usualExtendedSequence: Bool? = false
    public let followsInitiatorInIKEv1 = false

    public func setUp(at node: String, in topology: Topology) -> DaemonSetUp {
        DaemonSetUp(
            files: StrongSwanConfiguration.files(
                for: node, in: topology, logFile: Daemon.logFile(node: node, kind: id)),
            arguments: StrongSwanConfiguration.charonArguments)
    }

    public func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent] {
        CharonLog.events(log, node: node, realTimeOffset: realTimeOffset)
    }

    public func complaints(in log: String, about name: String?) -> [String] {
        CharonLog.complaints(in: log, connection: name)
    }

    public func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect {
        switch fault {
        case .killed:
            DaemonFaultEffect(
                isSilent: true,
                note:
                    "charon at \(node) is gone, and its kernel goes on with the associations it has until they expire: strongswan.service flushes none. Peers that hear ESP do not ask whether it lives."
            )
        case .restarted:
            DaemonFaultEffect(
                associations: .renewed,
                note: "charon at \(node) ends, tells its peers to delete their associations, and starts anew.")
        case .stopped: .standstill(of: id, at: node)
        }
    }

    public let settingsFile: String? = "strongswan.conf"

    public func readSettings(_ text: String) -> Result<OwnDaemonSettings, OwnDaemonSettings.Unreadable> {
        do throws(StrongSwanSettings.ParseError) {
            return .success(try CharonSettings(text).settings)
        } catch {
            return .failure(OwnDaemonSettings.Unreadable(line: error.line, reason: error.message))
        }
    }

    public func number(of interface: InterfaceName, _ kind: TunnelInterfaceKind) -> InterfaceNumber { .free }

    /// Measured with `swanctl --list-algs` of strongSwan 5.9.8-5+deb12u6 with the plugins that netlab has it load.
    public func lacksInIKEv1(_ group: DiffieHellmanGroup) -> Bool { false }

    public func reason(against algorithm: KeyDaemonAlgorithm) -> String? {
        if case .ikeCipher(.null) = algorithm { "strongSwan does not protect IKE with null" } else { nil }
    }

    public func read(_ file: OwnFile, connection name: String?) -> (
        connection: OwnConnection?, problems: [OwnFile.Problem]
    ) {
        let settings: StrongSwanSettings
        do {
            settings = try StrongSwanSettings(file.text)
        } catch {
            // Each of its sections begins in the first column.
            let isOlder = file.text.split(whereSeparator: \.isNewline).contains { line in
                ["conn", "config", "ca"].contains(line.split(separator: " ").first ?? "") && !line.contains("{")
            }
            if isOlder {
                let problem = OwnFile.Problem(
                    .file,
                    "\(file.name) is in strongSwan's older format, ipsec.conf, which charon-systemd does not read",
                    "Write it as swanctl.conf(5) has it: `connections { NAME { … children { NAME { … } } } }`; strongSwan's documentation, \"Migrating from ipsec.conf to swanctl.conf\", has each setting's new name."
                )
                return (nil, [problem])
            }
            let problem = OwnFile.Problem(
                .file, "\(file.name), line \(error.line): \(error.message)",
                "Mend it as strongswan.conf(5) and swanctl.conf(5) say.")
            return (nil, [problem])
        }
        guard let name, let connection = SwanctlConnection(name, in: settings) else {
            let written = settings[section: "connections"]?.sectionNames ?? []
            let problem = OwnFile.Problem(
                .connection, "\(file.name) has no connection \"\(name ?? "…")\" in `connections`",
                Suggestion.remedy(for: name ?? "", among: written, noun: "connections there"))
            return (nil, [problem])
        }
        var problems = Self.problems(of: settings, in: file.name, connection: name)
        if connection.child == nil {
            problems.append(
                OwnFile.Problem(
                    .file, "\(file.name): connection \(name) has no child, so it carries no traffic",
                    "Add `children { \(name) { … } }` to it, on lines of their own."))
        }
        for (path, word) in connection.wrongActions {
            let place = connection.lines[path].map { ", line \($0)" } ?? ""
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(file.name)\(place): \(path.split(separator: ".").last ?? "") = \(word) is no action of charon's, which takes no connection with it",
                    "Write `none`, `trap` or `start` (swanctl.conf(5))."))
        }
        func place(_ path: String) -> String {
            "\(file.name)\(connection.lines[path].map { ", line \($0)" } ?? ""): connection \(name)"
        }
        problems += connection.complaints.map { OwnFile.Problem(.file, "\(place($0.path)): \($0.message)", $0.remedy) }
        problems += connection.portRanges.map { path, word in
            OwnFile.Problem(
                .file, isWarning: true,
                "\(place(path)): \(word) has a range of ports, of which the kernel's policy has the first alone",
                "Write a child for each port, or no port.")
        }
        if connection.lacksPolicies {
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(place("children.\(connection.child ?? "").policies")) installs no policies, so that nothing is sent by it",
                    "Remove `policies = no`, or make policies in an `updown` script."))
        }
        if connection.dropsExtendedSequences {
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(place("children.\(connection.child ?? "").replay_window")): with replay_window = 0 and `esn` the kernel drops all that comes in",
                    "Remove `replay_window`, or `esn` at both ends."))
        }
        if let remote = connection.remote ?? Optional("%any"), remote.hasPrefix("%any"), connection.initiates,
            !connection.waitsForTraffic
        {
            problems.append(
                OwnFile.Problem(
                    .file,
                    "\(place("remote_addrs")) is to begin, and has no address to begin with (remote_addrs: \(remote))",
                    "Write `remote_addrs`, or no `start_action`."))
        }
        if let problem = connection.renewalProblem {
            problems.append(
                OwnFile.Problem(
                    .file, isWarning: true, "\(file.name): the child SA of connection \(name) \(problem)",
                    "Write `rekey_time` as well, a tenth below `life_time` (swanctl.conf(5))."))
        }
        if connection.interface == nil, connection.wantsInterface {
            problems.append(
                OwnFile.Problem(
                    .file, "\(file.name): the numbers of connection \(name)'s policies are not the same both ways",
                    "Give it one number above 0 as `if_id_in` and `if_id_out`, or as `mark_in` and `mark_out`."))
        }
        let own = OwnConnection(
            localAddress: connection.localAddress, remote: connection.remote, remoteKey: "remote_addrs",
            interfaceKind: connection.interface?.kind ?? (connection.wantsInterface ? .xfrm : nil),
            number: connection.interface?.number, makesInterface: false,
            selectors: connection.selectors, mostPairsInChild: connection.mostPairsInChild, mode: connection.mode,
            child: connection.child,
            ike: connection.ikeAlgorithms,
            esp: connection.espAlgorithms, ikeLifetime: connection.lifetimes.ike, espLifetime: connection.lifetimes.esp,
            forcesEncapsulation: connection.forcesEncapsulation, initiates: connection.initiates,
            waitsForTraffic: connection.waitsForTraffic, pauseBetweenAttempts: connection.pauseBetweenAttempts,
            ikeVersion: connection.ikeVersion, comesBackAfterDelete: connection.comesBackAfterDelete,
            comesBackAfterSilence: connection.comesBackAfterSilence, waitsAfterDelete: connection.waitsAfterDelete,
            attempts: connection.attempts,
            deadPeerDelay: connection.deadPeerDelay, deadPeerAction: connection.deadPeerAction,
            moves: connection.moves, taken: connection.taken, open: connection.open, settings: connection.flattened,
            lines: connection.lines,
            terms: connection.terms)
        return (own, problems)
    }

    /// What the file as a whole has against it.
    private static func problems(
        of settings: StrongSwanSettings, in file: String, connection name: String
    ) -> [OwnFile.Problem] {
        let repeated = settings.flattenedRepetitions.filter { $0.setting.hasPrefix("connections.\(name).") }
        let warnings = repeated.map { twice in
            OwnFile.Problem(
                .file, isWarning: true,
                "\(file), lines \(twice.first) and \(twice.again): \(twice.setting) stands twice, and the later counts",
                "Remove one of them.")
        }
        let includes = settings.flattenedIncludes.sorted { $0.value < $1.value }.filter { $0.key != "conf.d/*.conf" }
        return warnings
            + includes.map { pattern, line in
                // swanctl reads on without end (measured with 5.9.8); its patterns are relative to the file.
                let own = pattern.split(separator: "/").last.map(String.init) ?? pattern
                let isHere = !pattern.contains("/") || pattern.hasPrefix("\(StrongSwanConfiguration.directory)/")
                guard isHere, fnmatch(own, file, 0) == 0 else {
                    return OwnFile.Problem(
                        .file, isWarning: true,
                        "\(file), line \(line): it includes \(pattern), which is not beside the lab file",
                        "Put it there, a pattern's directory as well, or copy what is needed of it into \(file).")
                }
                return OwnFile.Problem(
                    .file, "\(file), line \(line): it includes itself (\(pattern)), and swanctl never comes to an end",
                    "Remove the line.")
            }
    }

    public func converted(_ text: String, keys: String?) -> (name: String, text: String, leftOut: [String])? {
        guard var older = OlderConfiguration(text, keys: keys) else { return nil }
        let text = older.converted()
        return ("swanctl.conf", text, older.leftOut)
    }

    public func connections(in text: String) -> [String] {
        (try? StrongSwanSettings(text))?[section: "connections"]?.sectionNames ?? []
    }

    public func hasKeys(in text: String) -> Bool {
        !((try? StrongSwanSettings(text))?[section: "secrets"]?.sectionNames.isEmpty ?? true)
    }

    public func file(withKey key: String) -> String {
        "secrets {\n    ike-imported {\n        secret = \"\(key)\"\n    }\n}\n"
    }

    public func mistaking(_ parameter: Fault.Parameter, in files: ConnectionFiles, of end: TunnelEnd) -> ConnectionFiles
    {
        files.mistakenSwanctl(parameter, of: end)
    }

    /// Where the files have one pre-shared key alone.
    public func presharedKey(in files: ConnectionFiles, of end: TunnelEnd) -> Secret? {
        let texts = [files.configuration, files.secrets.reveal()]
        let sections = texts.compactMap { (try? StrongSwanSettings($0))?[section: "secrets"] }
        let keys = sections.flatMap { file in
            file.sectionNames.filter { $0.hasPrefix("ike") }.map { file[section: $0]?.values["secret"] }
        }
        // Other encodings than plain text are not read here (0x…, 0s…).
        guard keys.count == 1, let key = keys[0], !key.hasPrefix("0x"), !key.hasPrefix("0s") else { return nil }
        return Secret(key)
    }

    public func refusal(of end: TunnelEnd, beside ends: [TunnelEnd]) -> OwnFile.Problem? { nil }

    /// A key is for whoever its `id` settings name, and for all where it has none; one of the two is enough.
    public func lacksKey(in files: ConnectionFiles, for local: String, and remote: String) -> Bool {
        let texts = [files.configuration, files.secrets.reveal()]
        let sections = texts.compactMap { (try? StrongSwanSettings($0))?[section: "secrets"] }
        // A file that includes others, or has other kinds of keys, is not all that there is.
        let names = sections.flatMap(\.sectionNames)
        guard !names.isEmpty, !texts.contains(where: { $0.contains("include ") }) else { return false }
        let ends = [local, remote].map { $0.lowercased() }
        return !sections.contains { file in
            file.sectionNames.filter { $0.hasPrefix("ike") || $0.hasPrefix("ppk") }.contains { name in
                let ids = (file[section: name]?.values ?? [:]).filter { $0.key.hasPrefix("id") }.values
                    .map { $0.lowercased() }
                return ids.isEmpty
                    || ids.contains { id in
                        // What is typed, or a pattern, may stand for more than is read here.
                        id.contains(":") || id.contains("*") || id.contains("%") || id.contains("=")
                            || ends.contains { $0 == id || $0 == "@\(id)" || "@\($0)" == id }
                    }
            }
        }
    }

    public func secrets(in files: ConnectionFiles, of end: TunnelEnd) -> [String] {
        [files.configuration, files.secrets.reveal()].map { (try? StrongSwanSettings($0)) }.map { file in
            file?[section: "secrets"]?.flattened.map { "\($0.key) \($0.value)" }.sorted().joined(separator: "\n") ?? ""
        }
    }

    /// Source: strongswan.conf(5); src/libcharon/sa/ike_sa.c (`send_dpd`) and ikev2/task_manager_v2.c.
    public func retransmission(
        of end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, version: DaemonVersion
    ) -> IKERetransmission {
        topology.ownKeySettings(of: end.node)?.retransmission
            ?? IKERetransmission(waits: topology.charonRetransmission(of: end.node).waits)
    }

    /// charon looks again when the last packet that it knows of is as old as the delay; it counts whole seconds.
    public func latestQuestion(after delay: Duration) -> Duration { delay + .seconds(1) }

    /// `keep_alive` of strongswan.conf(5).
    public func keepAlive(of end: TunnelEnd, in topology: Topology) -> Duration? {
        let written = topology.ownKeySettings(of: end.node)?.keepAlive ?? .seconds(20)
        return written > .zero ? written : nil
    }

    /// Each follows when nothing has been sent since the one before (`send_keepalive`, src/libcharon/sa/ike_sa.c of 5.9.8).
    public var keepsAliveUnfailingly: Bool { true }

    /// The kernel tells it of the first ESP packet from there (`XFRM_MSG_MAPPING`; src/libcharon/processing/jobs/update_sa_job.c), and a
    /// request of IKE's counts as well (`process_message`, src/libcharon/sa/ikev2/task_manager_v2.c of 5.9.8).
    public func reasonAgainstNewPort(_ version: DaemonVersion) -> String? { nil }

    public let unknownKeys: String? = nil

    public func renewalHint(connection: String, prefix: String) -> String {
        """
        no IKE keys: daemons tell them only when an IKE SA is made, and none was during this capture. While one runs,
          \(prefix) swanctl --rekey --ike \(connection)
        makes a new IKE SA and traffic goes on.
        """
    }
}

extension DaemonID {
    public static let charon = DaemonID(rawValue: "charon")
}
