import Decryption
import NetworkTypes

/// The keys of IKE SAs, from a file that charon logs its subsystem IKE to at level 4 and CFG at level 1.
///
/// An end of an IKE SA that is made or renewed logs, after the proposal that was chosen, each key as a dump of its bytes:
///
///     05[CFG] <main|1> selected proposal: IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048
///     05[IKE] <main|1> Sk_ei secret => 32 bytes @ 0x54029940
///     05[IKE] <main|1>    0: 15 DD DE A6 FC 81 1C F1 2B DD 6B CE 11 99 18 44  ........+.k....D
///
/// Which SPIs they belong to stands, for a new IKE SA, in the dump `natd_chunk`, which begins with them (RFC 7296, section
/// 2.23); for a renewed one charon has to be asked. Source: src/libcharon/sa/ikev2/keymat_v2.c and ike_natd.c of strongSwan
/// 5.9.8.
public struct CharonKeyLog: Sendable {
    /// How an IKE SA is known by: of one connection they follow each other.
    private struct Negotiation {
        var proposal: String?
        var secrets: [String: [UInt8]] = [:]
        /// None where not even that is there.
        var mark: [KeyMaterial] { secrets["ei"].map { [KeyMaterial($0)] } ?? [] }
    }

    /// The keys of an IKE SA whose SPIs are not told yet, by charon's number of it.
    private var unnamed: [Int: Negotiation] = [:]
    private var open: [Int: Negotiation] = [:]
    private var found: [IKEKeys] = []
    private var lost: [KeyMaterial] = []
    /// The dump that is being read.
    private var dump: (number: Int, name: String, length: Int, bytes: [UInt8])?
    private var spis: [Int: (initiator: UInt64, responder: UInt64)] = [:]

    /// Reads a whole log.
    public init(_ log: String) {
        for line in log.split(separator: "\n") { read(line) }
        endDump()
        for number in open.keys.sorted() { settle(number) }
    }

    /// The keys of each IKE SA, oldest first; and of those whose keys cannot be used one key each, by which an SA's two ends know
    /// that they speak of the same: they have another algorithm, or were gone before charon was asked.
    ///
    /// - Parameter associations: What charon has now, for those that were renewed.
    public func keys(with associations: [CharonSA]) -> (keys: [IKEKeys], unusable: [KeyMaterial]) {
        var keys = found
        var lost = lost
        for (number, negotiation) in unnamed.sorted(by: { $0.key < $1.key }) {
            let spis = associations.first { $0.number == number }.flatMap { association in
                UInt64(association.initiatorSPI, radix: 16).flatMap { initiator in
                    UInt64(association.responderSPI, radix: 16).map { (initiator: initiator, responder: $0) }
                }
            }
            if let spis, let key = Self.keys(negotiation, spis) {
                keys.append(key)
            } else {
                lost += negotiation.mark
            }
        }
        return (keys, lost)
    }

    private mutating func read(_ line: Substring) {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count == 3, words[1].hasPrefix("<"), words[1].hasSuffix(">"),
            let number = words[1].dropLast().split(separator: "|").last.flatMap({ Int($0) })
        else { return }
        let text = words[2].drop { $0 == " " }
        if let dump, dump.number == number, dump.bytes.count < dump.length, let bytes = Self.bytes(of: text) {
            self.dump?.bytes += bytes.prefix(dump.length - dump.bytes.count)
            return
        }
        endDump()
        if text.hasPrefix("selected proposal: IKE:") {
            open[number] = Negotiation(proposal: String(text.dropFirst("selected proposal: IKE:".count)))
        } else if let arrow = text.firstRange(of: " => "),
            let length = text[arrow.upperBound...].split(separator: " ").first.flatMap({ Int($0) }), length <= 65536
        {
            dump = (number, String(text[..<arrow.lowerBound]), length, [])
        } else if text.hasPrefix("IKE_SA "), text.contains("] rekeyed between"),
            let start = text.firstIndex(of: "["), let end = text[start...].firstIndex(of: "]"),
            let new = Int(text[text.index(after: start)..<end])
        {
            // The keys were logged under the number of the one that is renewed.
            if let negotiation = open.removeValue(forKey: number) { unnamed[new] = negotiation }
        } else if text.hasPrefix("IKE_SA "), text.contains("] established between") {
            settle(number)
        }
    }

    private mutating func endDump() {
        guard let dump else { return }
        self.dump = nil
        guard dump.bytes.count == dump.length else { return }
        if dump.name.hasPrefix("Sk_"), dump.name.hasSuffix(" secret") {
            open[dump.number]?.secrets[String(dump.name.dropFirst(3).dropLast(7))] = dump.bytes
        } else if dump.name == "natd_chunk", dump.length >= 16 {
            let words = [dump.bytes[..<8], dump.bytes[8..<16]].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
            // The initiator's first packet has no responder's yet.
            if words[1] != 0 { spis[dump.number] = (words[0], words[1]) }
        }
    }

    private mutating func settle(_ number: Int) {
        guard let negotiation = open.removeValue(forKey: number), !negotiation.secrets.isEmpty else { return }
        if let spis = spis[number], let keys = Self.keys(negotiation, spis) {
            found.append(keys)
        } else {
            lost += negotiation.mark
        }
    }

    /// `  16: 0A 00 03 01  ....` as its bytes; nil for what is no line of a dump.
    private static func bytes(of text: Substring) -> [UInt8]? {
        guard let colon = text.firstIndex(of: ":"), Int(text[..<colon]) != nil else { return nil }
        // Sixteen at the most, behind which is what they look like.
        let digits = text[text.index(after: colon)...].prefix(49).split(separator: " ")
        let bytes = digits.compactMap { $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil }
        return bytes.isEmpty ? nil : bytes
    }

    private static func keys(_ negotiation: Negotiation, _ spis: (initiator: UInt64, responder: UInt64)) -> IKEKeys? {
        guard let parts = negotiation.proposal?.split(separator: "/").map(String.init), let cipher = parts.first,
            let ei = negotiation.secrets["ei"].map({ KeyMaterial($0) }),
            let er = negotiation.secrets["er"].map({ KeyMaterial($0) })
        else { return nil }
        let aead: [String: IKEKeys.Encryption] = ["AES_GCM_8": .gcm8, "AES_GCM_12": .gcm12, "AES_GCM_16": .gcm16]
        if let encryption = aead.first(where: { cipher.hasPrefix("\($0.key)_") })?.value {
            return IKEKeys(
                initiatorSPI: spis.initiator, responderSPI: spis.responder,
                encryption: .init(encryption, initiatorKey: ei, responderKey: er))
        }
        let hashes: [String: IKEKeys.Integrity] = [
            "HMAC_SHA1_96": .sha1, "HMAC_SHA2_256_128": .sha256, "HMAC_SHA2_384_192": .sha384,
            "HMAC_SHA2_512_256": .sha512,
        ]
        guard cipher.hasPrefix("AES_CBC_"), let integrity = parts.lazy.compactMap({ hashes[$0] }).first,
            let ai = negotiation.secrets["ai"].map({ KeyMaterial($0) }),
            let ar = negotiation.secrets["ar"].map({ KeyMaterial($0) })
        else { return nil }
        return IKEKeys(
            initiatorSPI: spis.initiator, responderSPI: spis.responder,
            encryption: .init(.cbc, initiatorKey: ei, responderKey: er),
            integrity: .init(integrity, initiatorKey: ai, responderKey: ar))
    }
}
