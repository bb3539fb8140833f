import ConfigurationFormats
import LabModel
import NetworkTypes

/// A user's own strongswan.conf, as far as it bears on tunnels: what its sections `charon` and `charon-systemd` say, of which the latter
/// goes before the former (strongswan.conf(5), "charon-systemd").
struct CharonSettings {
    private let values: [String: String]
    private let lines: [String: Int]
    private let includes: [String: Int]

    init(_ text: String) throws(StrongSwanSettings.ParseError) {
        let file = try StrongSwanSettings(text)
        var values: [String: String] = [:]
        var lines: [String: Int] = [:]
        for section in ["charon", "charon-systemd"].compactMap({ file[section: $0] }) {
            values.merge(section.flattened) { $1 }
            lines.merge(section.flattenedLines) { $1 }
        }
        self.values = values
        self.lines = lines
        includes = file.flattenedIncludes
    }

    /// What it says, in terms that are no daemon's.
    var settings: OwnDaemonSettings {
        let written = values.keys.sorted()
        let own = written.filter { Self.netlabsOwn.contains($0) || $0.hasPrefix("filelog.netlab.") }
        let open = written.filter { !own.contains($0) && isOpen($0) }
        let foreign = includes.filter { !Self.followed.contains($0.key) }.sorted { $0.value < $1.value }
        return OwnDaemonSettings(
            retransmission: IKERetransmission(waits: retransmission.waits), acquireExpiry: acquireExpiry,
            keepAlive: keepAlive,
            taken: written.filter(Self.taken.contains), overruled: own,
            others: written.filter { !Self.taken.contains($0) && !own.contains($0) && !open.contains($0) },
            open: open.map { "\($0) = \(values[$0] ?? "")" + (lines[$0].map { " (line \($0))" } ?? "") }
                + foreign.map { "include \($0.key) (line \($0.value))" })
    }

    private var retransmission: CharonRetransmission {
        let usual = CharonRetransmission.standard
        let limit = values["retransmit_limit"].flatMap(Double.init).flatMap { $0 > 0 ? Duration.seconds($0) : nil }
        return CharonRetransmission(
            tries: values["retransmit_tries"].flatMap(Int.init).map { min(max($0, 0), Self.mostTries) } ?? usual.tries,
            firstWait: values["retransmit_timeout"].flatMap(Double.init).map { .seconds($0) } ?? usual.firstWait,
            base: values["retransmit_base"].flatMap(Double.init) ?? usual.base, limit: limit)
    }

    /// More are never waited for, and their waits would be no numbers any more.
    private static let mostTries = 60

    private var acquireExpiry: Duration? {
        values["plugins.kernel-netlink.xfrm_acq_expires"].flatMap(Int.init).map { .seconds($0) }
    }

    private var keepAlive: Duration? {
        values["keep_alive"].flatMap { Int($0.hasSuffix("s") ? String($0.dropLast()) : $0) }.map { .seconds($0) }
    }

    /// Whether a setting may decide something and is not computed with, or is written in a way that is not read.
    private func isOpen(_ key: String) -> Bool {
        let value = values[key] ?? ""
        if Self.taken.contains(key) {
            guard let number = Double(value), number.isFinite else { return true }
            return !(0...86_400).contains(number)
        }
        if Self.harmless.contains(key) { return false }
        let parts = key.split(separator: ".").map(String.init)
        switch parts[0] {
        case "retransmit_jitter": return value != "0"
        // Mappings of NATs live longer than the 20 s that are usual.
        case "keep_alive": return !["20", "20s"].contains(value)
        case "filelog", "syslog", "processor", "host_resolver", "tls", "x509", "crypto_test", "imcv", "tnc":
            return false
        case "plugins" where parts.count > 2:
            let (plugin, setting) = (parts[1], parts[2...].joined(separator: "."))
            if setting == "load" { return Self.deciding.contains(plugin) && value != "no" }
            guard StrongSwanConfiguration.plugins.contains(plugin) else { return false }
            return !Self.harmlessOfPlugins.contains("\(plugin).\(setting)")
        default: return true
        }
    }

    private static let taken: Set = [
        "retransmit_tries", "retransmit_timeout", "retransmit_base", "retransmit_limit",
        "plugins.kernel-netlink.xfrm_acq_expires",
    ]

    /// What netlab writes itself, and what counts then.
    private static let netlabsOwn: Set = [
        "load", "load_modular", "install_routes", "install_virtual_ip", "plugins.vici.socket", "journal.default",
    ]

    /// Those that decide neither when a tunnel comes or goes nor whether a ping gets through (strongswan.conf(5)).
    private static let harmless: Set = [
        "threads", "make_before_break", "delete_rekeyed_delay", "fragment_size", "max_packet",
        "send_vendor_id", "hash_and_url", "cert_cache", "cache_crls", "flush_auth_cfg", "dns1", "dns2", "nbns1",
        "nbns2", "i_dont_care_about_security_and_use_aggressive_mode_psk", "ikesa_table_size",
        "ikesa_table_segments", "ikesa_limit", "half_open_timeout", "integrity_test", "leak_detective.detailed",
        "leak_detective.usage_threshold", "leak_detective.usage_threshold_count", "prefer_previous_dh_group", "rsa_pss",
        "rsa_pss_trailerfield", "signature_authentication",
        "signature_authentication_constraints", "dos_protection", "cookie_threshold",
        "cookie_threshold_ip", "block_threshold", "init_limit_half_open", "init_limit_job_load",
    ]

    private static let harmlessOfPlugins: Set = [
        "kernel-netlink.buflen", "kernel-netlink.force_receive_buffer_size", "kernel-netlink.receive_buffer_size",
        "kernel-netlink.retries", "kernel-netlink.timeout", "kernel-netlink.ignore_retransmit_errors",
        "kernel-netlink.mss", "kernel-netlink.mtu", "kernel-netlink.install_routes_xfrmi",
        "kernel-netlink.parallel_route", "kernel-netlink.parallel_xfrm", "random.random", "random.urandom",
        "random.strong_equals_true", "openssl.engine_id", "updown.dns_handler",
    ]

    /// Plugins that netlab does not load, and that would change what becomes of packets or negotiations.
    private static let deciding: Set = [
        "bypass-lan", "attr", "attr-sql", "unity", "dhcp", "farp", "connmark", "forecast", "ha", "whitelist",
        "ext-auth", "selinux", "duplicheck", "kernel-libipsec", "kernel-pfkey", "kernel-pfroute", "resolve",
        "socket-dynamic", "addrblock", "load-tester",
    ]

    /// Debian's own, whose files say nothing but which plugins are loaded.
    private static let followed: Set = ["strongswan.d/*.conf", "strongswan.d/charon/*.conf"]
}
