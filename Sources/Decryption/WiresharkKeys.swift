import NetworkTypes

/// What Wireshark and tshark need to decrypt a capture by themselves: files for a directory that `WIRESHARK_CONFIG_DIR` names.
///
/// The files hold keys: they are for a directory with mode 0700, and mode 0600. Names and fields are those of Wireshark 4.0
/// (epan/dissectors/packet-ipsec.c, packet-isakmp.c), whose tables for ESP have no place for extended sequence numbers.
public struct WiresharkKeys: Sendable {
    /// What each file is called and what it holds.
    public let files: [(name: String, text: String)]
    /// The associations that Wireshark cannot decrypt.
    public let unreadable: [ESPAssociation]

    public init(associations: [ESPAssociation], ike: [IKEKeys] = []) {
        let bySPI = Dictionary(grouping: associations, by: \.spi)
        // Past a NAT, packets have other addresses, so rows are for any, as long as the SPI alone tells which keys to use. The
        // two ends of one association, of which each has its own idea of the addresses, have the same.
        let rows = associations.map { association in
            let sameKeys = bySPI[association.spi]?.allSatisfy {
                $0.encryption == association.encryption && $0.integrity == association.integrity
            }
            return Self.row(for: association, anyAddress: sameKeys ?? true)
        }
        files = [
            ("esp_sa", Self.table(rows)),
            ("ikev2_decryption_table", Self.table(ike.map(Self.row))),
            ("preferences", Self.preferences),
        ]
        unreadable = zip(associations, rows).filter { $0.1 == nil }.map(\.0)
    }

    private static let preferences = """
        esp.enable_encryption_decode: TRUE
        esp.enable_authentication_check: TRUE

        """

    private static func table(_ rows: [[String]?]) -> String {
        rows.compactMap(\.self).map { $0.joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ text: String) -> String {
        // Only names, addresses and digits get here: nothing in them needs escaping.
        "\"\(text)\""
    }
}

// MARK: - ESP

extension WiresharkKeys {
    /// Family, source, destination, SPI, encryption with its key, integrity with its key.
    private static func row(for association: ESPAssociation, anyAddress: Bool) -> [String]? {
        guard let encryption = encryptionName(association.encryption), let integrity = integrityName(association)
        else { return nil }
        let family =
            switch association.destination {
            case .v4: "IPv4"
            case .v6: "IPv6"
            }
        let addresses = [association.source, association.destination].map { anyAddress ? "*" : $0.description }
        let spi = "0x" + association.spi.bigEndianBytes.hexadecimal
        let keys = [association.encryption.key, association.integrity?.key].map { key in
            key.map { $0.bytes.isEmpty ? "" : $0.hexadecimal } ?? ""
        }
        return ([family] + addresses + [spi, encryption, keys[0], integrity, keys[1]]).map(quoted)
    }

    private static func encryptionName(_ algorithm: ESPAssociation.Algorithm) -> String? {
        switch ESPAssociation.EncryptionName(rawValue: algorithm.name) {
        case .null: "NULL"
        case .cbc: "AES-CBC [RFC3602]"
        case .tripleDESCBC: "TripleDES-CBC [RFC2451]"
        case .ctr: "AES-CTR [RFC3686]"
        case .gcm where [64, 96, 128].contains(algorithm.tagBits):
            "AES-GCM with \(algorithm.tagBits / 8) octet ICV [RFC4106]"
        case .gcm, .ccm, .chachaPoly, nil: nil
        }
    }

    /// What it does not know, and what an extended sequence number goes into, it can leave unchecked, if the length is one of
    /// those it has a name for.
    private static func integrityName(_ association: ESPAssociation) -> String? {
        guard let algorithm = association.integrity else { return "NULL" }
        let checked = checkedIntegrityNames["\(algorithm.name) \(algorithm.tagBits)"]
        if let checked, !association.hasExtendedSequence { return checked }
        return [64, 96, 128, 192, 256].contains(algorithm.tagBits)
            ? "ANY \(algorithm.tagBits) bit authentication [no checking]" : nil
    }

    /// By the kernel's name and the bits that are sent.
    private static let checkedIntegrityNames = [
        "hmac(sha1) 96": "HMAC-SHA-1-96 [RFC2404]",
        "hmac(sha256) 96": "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]",
        "hmac(sha256) 128": "HMAC-SHA-256-128 [RFC4868]",
        "hmac(sha384) 192": "HMAC-SHA-384-192 [RFC4868]",
        "hmac(sha512) 256": "HMAC-SHA-512-256 [RFC4868]",
    ]
}

// MARK: - IKE

extension WiresharkKeys {
    /// SPIs, SK_ei, SK_er, encryption, SK_ai, SK_ar, integrity; here keys are without `0x` and quotation marks.
    private static func row(for keys: IKEKeys) -> [String] {
        let spis = [keys.initiatorSPI, keys.responderSPI].map { $0.bigEndianBytes.hexadecimal }
        let encryption = keys.encryption
        return spis + [
            encryption.initiatorKey.bytes.hexadecimal, encryption.responderKey.bytes.hexadecimal,
            quoted(encryption.algorithm.wiresharkName(keyBits: encryption.initiatorKey.bits)),
        ] + integrityFields(keys.integrity)
    }

    private static func integrityFields(_ integrity: IKEKeys.Pair<IKEKeys.Integrity>?) -> [String] {
        guard let integrity else { return ["", "", quoted("NONE [RFC4306]")] }
        let keys = [integrity.initiatorKey.bytes, integrity.responderKey.bytes]
        // Wireshark takes no key of another length.
        guard keys.allSatisfy({ $0.count == integrity.algorithm.keyLength }) else {
            return ["", "", quoted(integrity.algorithm.uncheckedWiresharkName)]
        }
        return keys.map(\.hexadecimal) + [quoted(integrity.algorithm.wiresharkName)]
    }
}
