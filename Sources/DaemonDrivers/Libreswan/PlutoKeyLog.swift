import Daemons
import Decryption
import NetworkTypes

/// The keys of IKE SAs, from the log of a pluto whose debugging `private` is on.
///
/// Each end of an IKE SA that is made or renewed logs a line a direction, as tcpdump(8) wants them:
///
///     | ikev2 I 0xSPIi 0xSPIr sha256:0xSK_ai aes256:0xSK_ei
///     | ikev2 R 0xSPIi 0xSPIr sha256:0xSK_ar aes256:0xSK_er
///
/// No key there has more than 32 bytes, and an AEAD's lacks its salt, without which nothing can be decrypted.
/// Source: libreswan 4.10, `LDBG_tcpdump_ike_sa_keys`; the names of the algorithms are those it was seen to log.
public struct PlutoKeyLog: Sendable {
    private typealias SPIs = PlutoDebugging.SPIs

    private var entries: [SPIs: Entry] = [:]
    private var order: [SPIs] = []

    public init() {}

    /// Takes in whole lines of one end's log; what is not a line of keys is passed over.
    public mutating func read(_ log: [UInt8]) {
        for line in PlutoDebugging.texts(in: log) {
            guard let line = KeyLine(String(decoding: log[line], as: UTF8.self)) else { continue }
            if entries[line.spis] == nil { order.append(line.spis) }
            // Both ends tell the same: what one of them has told stays.
            let path = line.isInitiators ? \Entry.initiator : \Entry.responder
            if entries[line.spis, default: Entry()][keyPath: path] == nil {
                entries[line.spis, default: Entry()][keyPath: path] = line.keys
            }
        }
    }

    /// One of each IKE SA whose keys are there in both directions, oldest first.
    public var keys: [IKEKeys] {
        order.compactMap { spis in entries[spis].flatMap { $0.keys(of: spis) } }
    }

    /// How many more IKE SAs the log tells of: with an AEAD or another algorithm that ``IKEKeys`` has no place for.
    public var unusable: Int { unusable(besides: []) }

    /// The same without those whose keys are known from elsewhere, by their SPIs.
    public func unusable(besides known: [IKEKeys]) -> Int {
        let known = Set((keys + known).map { SPIs(initiator: $0.initiatorSPI, responder: $0.responderSPI) })
        return order.count { !known.contains($0) }
    }
}

// MARK: - A line

extension PlutoKeyLog {
    /// What one direction is protected with.
    private struct DirectionKeys: Sendable {
        let integrity: IKEKeys.Integrity
        let integrityKey: KeyMaterial
        /// AES-CBC's.
        let encryptionKey: KeyMaterial
    }

    private struct Entry: Sendable {
        var initiator: DirectionKeys?
        var responder: DirectionKeys?

        func keys(of spis: SPIs) -> IKEKeys? {
            guard let initiator, let responder, initiator.integrity == responder.integrity,
                initiator.encryptionKey.bits == responder.encryptionKey.bits
            else { return nil }
            return IKEKeys(
                initiatorSPI: spis.initiator, responderSPI: spis.responder,
                encryption: .init(.cbc, initiatorKey: initiator.encryptionKey, responderKey: responder.encryptionKey),
                integrity: .init(
                    initiator.integrity, initiatorKey: initiator.integrityKey, responderKey: responder.integrityKey))
        }
    }

    /// A line that tells of an IKE SA.
    private struct KeyLine {
        let spis: SPIs
        let isInitiators: Bool
        /// Nil where the algorithms are not known or the keys not whole.
        let keys: DirectionKeys?

        init?(_ text: String) {
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 6, let spis = SPIs(words) else { return nil }
            self.spis = spis
            isInitiators = words[1] == "I"
            keys = Self.keys(integrity: words[4], encryption: words[5])
        }

        private static func keys(integrity: Substring, encryption: Substring) -> DirectionKeys? {
            guard let (integrityName, integrityKey) = nameAndKey(integrity),
                let (cipher, encryptionKey) = nameAndKey(encryption),
                let algorithm = IKEKeys.Integrity(rawValue: String(integrityName)),
                integrityKey.bits == min(algorithm.keyLength * 8, 256),
                [128, 192, 256].contains(encryptionKey.bits), cipher == "aes\(encryptionKey.bits)"
            else { return nil }
            return DirectionKeys(integrity: algorithm, integrityKey: integrityKey, encryptionKey: encryptionKey)
        }

        /// `aes256:0x…`
        private static func nameAndKey(_ word: Substring) -> (name: Substring, key: KeyMaterial)? {
            let parts = word.split(separator: ":0x", omittingEmptySubsequences: false)
            guard parts.count == 2, let key = KeyMaterial(hexadecimalDigits: parts[1]) else { return nil }
            return (parts[0], key)
        }
    }
}
