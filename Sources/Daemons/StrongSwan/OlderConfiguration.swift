import ConfigurationFormats
import NetworkTypes

/// A text in strongSwan's older format, the ipsec.conf of its starter, as swanctl.conf(5) has the same.
///
/// Follows ipsec.conf(5) of strongSwan 5.9 and its documentation, "Migrating from ipsec.conf to swanctl.conf". The format is libreswan's
/// in its form; what tells it apart are settings and values that only strongSwan has.
struct OlderConfiguration {
    private let conf: IpsecConf
    private let keys: String?
    private(set) var leftOut: [String] = []

    /// Nil for a text that does not tell that it is strongSwan's.
    init?(_ text: String, keys: String?) {
        conf = IpsecConf(text)
        self.keys = keys
        let names = conf.connectionNames
        let isOlder =
            conf.setup.contains { ["charondebug", "strictcrlpolicy", "cachecrls"].contains($0.key) }
            || names.contains { name in
                (conf[connection: name] ?? [:]).contains { key, value in
                    switch key {
                    case "leftfirewall", "rightfirewall", "closeaction", "lefthostaccess", "eap_identity", "inactivity":
                        true
                    case "ike", "esp": value.hasSuffix("!") || value.contains("-modp") || value.contains("-ecp")
                    case "leftauth", "rightauth", "authby": ["psk", "pubkey"].contains(value)
                    default: false
                    }
                }
            }
        guard !names.isEmpty, isOlder else { return nil }
    }

    /// Settings that have the same meaning under another name.
    private static let renamed = [
        "left": "local_addrs", "right": "remote_addrs", "ike": "proposals", "keyingtries": "keyingtries",
        "mobike": "mobike", "fragmentation": "fragmentation", "forceencaps": "encap", "aggressive": "aggressive",
    ]
    private static let renamedInChild = [
        "leftsubnet": "local_ts", "rightsubnet": "remote_ts", "esp": "esp_proposals", "type": "mode",
        "replay_window": "replay_window", "reqid": "reqid", "mark_in": "mark_in", "mark_out": "mark_out",
        "if_id_in": "if_id_in", "if_id_out": "if_id_out", "inactivity": "inactivity",
    ]
    /// What is worked in below, or what a lab does anyway.
    private static let known: Set = [
        "auto", "authby", "leftauth", "rightauth", "leftid", "rightid", "keyexchange", "ikelifetime", "lifetime",
        "keylife", "margintime", "rekeymargin", "rekeyfuzz", "rekey", "reauth", "dpdaction", "dpddelay", "dpdtimeout",
        "closeaction", "mark", "compress",
    ]

    /// - Returns: The text of a swanctl.conf, with the keys of the file beside it.
    mutating func converted() -> String {
        var lines = ["# Converted from an ipsec.conf of strongSwan's starter.", "connections {"]
        for name in conf.connectionNames.sorted() {
            guard let settings = conf[connection: name], settings["auto"] != "ignore" else { continue }
            lines += connection(Self.plain(name), settings)
        }
        lines.append("}")
        lines += secrets()
        return lines.joined(separator: "\n") + "\n"
    }

    /// Names of sections cannot have all characters that those of a `conn` may.
    private static func plain(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) ? $0 : "_" })
    }

    private static func quoted(_ value: String) -> String {
        value.contains(where: { "#{}\"=:, ".contains($0) }) && !value.contains(",")
            ? "\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
            : value.filter { !$0.isNewline }
    }

    private mutating func connection(_ name: String, _ settings: [String: String]) -> [String] {
        var own: [String: String] = [:]
        var child: [String: String] = [:]
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            // `!` meant that nothing else is taken, which swanctl.conf always means.
            let value = value.hasSuffix("!") ? String(value.dropLast()) : value
            if let new = Self.renamed[key] {
                own[new] = ["%defaultroute", "%any"].contains(value) ? "%any" : value
            } else if let new = Self.renamedInChild[key] {
                child[new] = value == "%dynamic" ? "dynamic" : value
            } else if !Self.known.contains(key) {
                leftOut.append("\(name): \(key)=\(value)")
            }
        }
        own["version"] = ["ikev1": "1", "ikev2": "2"][settings["keyexchange"] ?? "ike"] ?? "0"
        lifetimes(settings, &own, &child)
        if let mark = settings["mark"] {
            child["mark_in"] = mark
            child["mark_out"] = mark
        }
        let action = settings["dpdaction"] ?? "none"
        if action != "none" { own["dpd_delay"] = settings["dpddelay"] ?? "30s" }
        if action != "none", let timeout = settings["dpdtimeout"], own["version"] == "1" {
            own["dpd_timeout"] = timeout
        }
        let actions = ["clear": "none", "hold": "trap", "restart": "start", "none": "none"]
        child["dpd_action"] = action == "none" ? nil : actions[action] ?? "none"
        if let close = settings["closeaction"] { child["close_action"] = actions[close] ?? "none" }
        child["start_action"] = ["start": "start", "route": "trap"][settings["auto"] ?? ""] ?? "none"
        if own["mobike"] == nil { own["mobike"] = "yes" }
        if own["keyingtries"] == "%forever" { own["keyingtries"] = "0" }
        own["keyingtries"] = own["keyingtries"] ?? "3"
        var lines = ["    \(name) {"]
        lines += own.sorted { $0.key < $1.key }.map { "        \($0.key) = \(Self.quoted($0.value))" }
        for (side, old) in [("local", "left"), ("remote", "right")] {
            let auth = settings["\(old)auth"] ?? settings["authby"] ?? "pubkey"
            lines += ["        \(side) {", "            auth = \(auth == "secret" ? "psk" : Self.quoted(auth))"]
            if let id = settings["\(old)id"], id != "%any" { lines.append("            id = \(Self.quoted(id))") }
            lines.append("        }")
        }
        lines += ["        children {", "            \(name) {"]
        lines += child.sorted { $0.key < $1.key }.map { "                \($0.key) = \(Self.quoted($0.value))" }
        return lines + ["            }", "        }", "    }"]
    }

    /// An IKE SA is made anew (`reauth`, which is the default) or renewed, a margin and a chance before its end (ipsec.conf(5), `margintime`).
    private func lifetimes(_ settings: [String: String], _ own: inout [String: String], _ child: inout [String: String])
    {
        let seconds = { (keys: [String], usual: Int64) -> Int64 in
            let text = keys.lazy.compactMap { settings[$0] }.first
            let value = text.flatMap { Duration(text: $0) ?? Duration(text: $0 + "s") }
            return value?.components.seconds ?? usual
        }
        let margin = seconds(["margintime", "rekeymargin"], 540)
        let fuzz = settings["rekeyfuzz"].flatMap { Int64($0.filter(\.isNumber)) } ?? 100
        // Sums of what a file has may be too long for a number.
        let (chance, isTooLong) = margin.multipliedReportingOverflow(by: fuzz)
        let random = isTooLong ? margin : chance / 100
        let ike = seconds(["ikelifetime"], 10800)
        let esp = seconds(["lifetime", "keylife"], 3600)
        let isRenewed = settings["rekey"] != "no"
        let early = { (life: Int64) in isRenewed ? max(1, life - min(margin, life)) : 0 }
        if settings["reauth"] != "no", isRenewed {
            own["reauth_time"] = "\(early(ike))s"
            own["rekey_time"] = "0s"
        } else {
            own["rekey_time"] = "\(early(ike))s"
        }
        own["over_time"] = "\(margin)s"
        own["rand_time"] = "\(random)s"
        child["rekey_time"] = "\(early(esp))s"
        child["life_time"] = "\(esp)s"
        child["rand_time"] = "\(random)s"
    }

    /// `ID ID : PSK "key"` of an ipsec.secrets, each as a section of its own.
    private mutating func secrets() -> [String] {
        let found = (keys ?? "").split(whereSeparator: \.isNewline).compactMap { line in
            line.wholeMatch(of: /([^:#]*):\s*PSK\s+"([^"]*)".*/)
        }
        guard !found.isEmpty else { return [] }
        var lines = ["secrets {"]
        for (number, match) in found.enumerated() {
            lines.append("    ike-\(number + 1) {")
            let names = match.1.split(whereSeparator: \.isWhitespace).filter { !$0.hasPrefix("%any") }
            for (place, name) in names.enumerated() {
                lines.append("        id-\(place + 1) = \(Self.quoted(String(name)))")
            }
            lines += ["        secret = \"\(match.2.replacing("\\", with: "\\\\"))\"", "    }"]
        }
        return lines + ["}"]
    }
}
