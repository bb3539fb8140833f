import ConfigurationFormats
import LabModel

/// What makes charon discard a connection: an option, a value or a proposal that it does not know.
///
/// Source: strongSwan 5.9.8 and 6.0.1, src/libcharon/plugins/vici/vici_config.c (`conn_kv`, `child_kv`, `auth_kv`, `parse_time`,
/// `parse_proposal`) and src/libstrongswan/crypto/proposal/proposal_keywords_static.txt. What either version knows is known here.
struct SwanctlOptions {
    /// What is wrong, and what to write.
    struct Complaint: Hashable {
        let path: String
        let message: String
        let remedy: String
    }

    private static let connection: Set = [
        "version", "local_addrs", "remote_addrs", "local_port", "remote_port", "proposals", "vips", "pools",
        "aggressive", "pull", "dscp", "encap", "mobike", "fragmentation", "childless", "send_certreq", "send_cert",
        "ppk_id", "ppk_required", "keyingtries", "unique", "reauth_time", "rekey_time", "over_time", "rand_time",
        "if_id_in", "if_id_out", "mediation", "mediated_by", "mediation_peer", "dpd_delay", "dpd_timeout", "ocsp",
    ]
    private static let child: Set = [
        "ah_proposals", "esp_proposals", "local_ts", "remote_ts", "sha256_96", "rekey_time", "life_time", "rand_time",
        "rekey_bytes", "life_bytes", "rand_bytes", "rekey_packets", "life_packets", "rand_packets", "updown",
        "hostaccess", "mode", "policies", "policies_fwd_out", "dpd_action", "ipcomp", "inactivity", "reqid",
        "priority", "interface", "mark_in", "mark_in_sa", "mark_out", "set_mark_in", "set_mark_out", "if_id_in",
        "if_id_out", "tfc_padding", "replay_window", "hw_offload", "copy_df", "copy_ecn", "copy_dscp", "label",
        "label_mode", "start_action", "close_action", "per_cpu_sas",
    ]
    private static let authentication: Set = [
        "auth", "id", "ca_id", "aaa_id", "eap_id", "xauth_id", "certs", "cacerts", "pubkeys", "groups", "cert_policy",
        "revocation", "round",
    ]
    private static let times: Set = [
        "reauth_time", "rekey_time", "over_time", "rand_time", "life_time", "dpd_delay", "dpd_timeout", "inactivity",
    ]

    /// - Parameter settings: Of one connection.
    static func complaints(about settings: StrongSwanSettings) -> [Complaint] {
        settings.flattened.sorted { $0.key < $1.key }.compactMap { path, value in
            let parts = path.split(separator: ".").map(String.init)
            guard let key = parts.last else { return nil }
            let known: Set<String>
            switch (parts.count, parts[0]) {
            case (1, _): known = connection
            case (3, "children"): known = child
            case (2, let side) where side.hasPrefix("local") || side.hasPrefix("remote"): known = authentication
            // Sections of certificates, and what charon keeps for itself.
            default: return nil
            }
            guard known.contains(key) else {
                return Complaint(
                    path: path, message: "charon knows no option \(key) there, and discards the connection",
                    remedy: Suggestion.remedy(for: key, among: known, noun: "options"))
            }
            if times.contains(key), !isTime(value) {
                return Complaint(
                    path: path, message: "\(key) = \(value) is no time of charon's, which discards the connection",
                    remedy: "Write a number with s, m, h or d, or without: seconds.")
            }
            if key == "keyingtries", UInt32(value) == nil {
                return Complaint(
                    path: path, message: "keyingtries = \(value) is no number, and charon discards the connection",
                    remedy: "Write `keyingtries = 0` for without end.")
            }
            guard ["proposals", "esp_proposals"].contains(key) else { return nil }
            return value.split(separator: ",").lazy.compactMap {
                complaint(about: $0.filter { !$0.isWhitespace }.lowercased(), at: path, isIKE: key == "proposals")
            }.first
        }
    }

    private static func isTime(_ text: String) -> Bool { text.wholeMatch(of: #/\d+ *[dhms]?/#.ignoresCase()) != nil }

    private static func complaint(about proposal: String, at path: String, isIKE: Bool) -> Complaint? {
        guard proposal != "default" else { return nil }
        let words = proposal.split(separator: "-").map(String.init)
        if let unknown = words.first(where: { !isKeyword($0) }) {
            return Complaint(
                path: path, message: "charon knows no algorithm \(unknown), and discards the connection",
                remedy: "Write it as swanctl.conf(5), \"IKE/ESP proposals\", has it: `aes256-sha256-modp2048`.")
        }
        let isAuthenticated = words[0].contains("gcm") || words[0].contains("ccm") || words[0].hasPrefix("chacha20")
        if isIKE, isAuthenticated, !words.contains(where: { $0.hasPrefix("prf") }) {
            return Complaint(
                path: path,
                message:
                    "\(proposal) has no pseudo-random function, which an authenticated cipher needs for IKE: charon discards the connection",
                remedy: "Write one beside it: `\(words[0])-prfsha256-…`.")
        }
        return nil
    }

    /// Whether a proposal may have such a word. A key exchange beside the first is `keN_` and its word (RFC 9370).
    private static func isKeyword(_ word: String) -> Bool {
        let word = word.replacing(#/^ke[1-7]_/#, with: "")
        return word.wholeMatch(
            of: #/null|3?des|(aes|camellia)(128|192|256)?(ctr|[gc]cm(8|64|12|96|16|128)?|gmac)?|aes(128|192|256)?gmac/#)
            != nil
            || word.wholeMatch(
                of:
                    #/chacha20poly1305(compat)?|cast128|(blowfish|serpent|twofish)(128|192|256)?|(prf)?(sha|sha1|sha1_160|sha2?_?(256|384|512)|sha2?_?256_96|md5|md5_128|aesxcbc|camelliaxcbc|aescmac)/#
            ) != nil
            || word.wholeMatch(
                of:
                    #/modpnull|modpnone|none|modp\d+(s\d+)?|ecp\d+(bp)?|curve(25519|448)|x(25519|448)|ntru\d+|newhope128|mlkem\d+|(no)?esn|gost\w*/#
            ) != nil
    }
}
