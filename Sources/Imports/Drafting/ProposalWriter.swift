import Daemons
import HeaderStacks
import LabModel

/// A tunnel's proposals, chosen from what its ends may use.
struct Proposals {
    var ike: [IKEAlgorithms] = []
    var esp: [ESPProposal] = []
    var ikeOrigins: [Origin] = []
    var espOrigins: [Origin] = []
    var ikeLifetime: Sourced<Int>?
    var espLifetime: Sourced<Int>?
    /// What was left out, and why.
    var notes: [ImportNote] = []

    /// The most that are written of a list's combinations.
    private static let most = 8

    /// - Parameter name: The tunnel's, for notes.
    init(ike phase1: PhaseFacts, esp phase2: PhaseFacts, of name: String) {
        var notes: [ImportNote] = []
        let unsaid = "no input says it"
        func known<Value>(_ words: [Sourced<String>], _ what: String, _ read: (String) -> Value?) -> [Sourced<Value>] {
            words.compactMap { word in
                let value = word.map(read)
                if value == nil {
                    notes.append(
                        ImportNote(
                            .unsupported,
                            "\(name): \(what) \(word.value) (\(word.origin.comment)) is not among what netlab has"))
                }
                return value
            }
        }
        func usual<Value>(_ values: [Sourced<Value>], _ value: Value, _ what: String) -> [Sourced<Value>] {
            values.isEmpty ? [.assumed(value, "\(what): \(unsaid)")] : values
        }
        let isNull = { (word: Sourced<String>) in !["none", "null"].contains(word.value.lowercased()) }
        let encryption1 = usual(
            known(phase1.encryption, "encryption", { EncryptionAlgorithm(cloudWord: $0) }), .aes256CBC, "encryption")
        let hash1 = usual(
            known(
                phase1.integrity.filter { !$0.value.lowercased().contains("gcm") }, "integrity",
                { IntegrityAlgorithm(cloudWord: $0) }),
            .sha2_256, "integrity")
        let said1 = known(phase1.groups, "group", { DiffieHellmanGroup(cloudWord: $0) })
        let standard1 = [14].compactMap { DiffieHellmanGroup(number: $0) }.map {
            Sourced.assumed($0, "group: \(unsaid)")
        }
        let group1 = said1.isEmpty ? standard1 : said1
        let encryption2 = usual(
            known(phase2.encryption.filter(isNull), "encryption", { EncryptionAlgorithm(cloudWord: $0) }),
            encryption1[0].value, "encryption")
        let hash2 = known(
            phase2.integrity.filter { !$0.value.lowercased().contains("gcm") }, "integrity",
            { IntegrityAlgorithm(cloudWord: $0) })
        let said2 = known(phase2.groups.filter(isNull), "group", { DiffieHellmanGroup(cloudWord: $0) })
        let hasNone = phase2.hasNoGroup || (!phase2.groups.isEmpty && phase2.groups.allSatisfy { !isNull($0) })
        // The group of phase 1 where phase 2 takes that too, for some daemons renew with no other.
        let preferred = group1.compactMap { own in said2.first { $0.value == own.value } }
        let standard2 = group1.prefix(1).map { Sourced.assumed($0.value, "group: \(unsaid)") }
        let group2 =
            hasNone
            ? []
            : said2.isEmpty
                ? standard2 : preferred + said2.filter { one in !preferred.contains { $0.value == one.value } }
        let sorted1 =
            preferred.isEmpty
            ? group1
            : group1.filter { own in preferred.contains { $0.value == own.value } }
                + group1.filter { own in !preferred.contains { $0.value == own.value } }
        var all1: [IKEAlgorithms] = []
        for encryption in encryption1 {
            for group in sorted1 {
                for hash in hash1 {
                    all1.append(IKEAlgorithms(encryption: encryption.value, hash: hash.value, group: group.value))
                }
            }
        }
        var all2: [ESPProposal] = []
        let groups2: [DiffieHellmanGroup?] = group2.isEmpty ? [nil] : group2.map(\.value)
        let usedHash2 = encryption2.allSatisfy(\.value.isAuthenticated) ? [] : usual(hash2, hash1[0].value, "integrity")
        for encryption in encryption2 {
            for group in groups2 {
                let hashes: [IntegrityAlgorithm?] = encryption.value.isAuthenticated ? [nil] : usedHash2.map(\.value)
                for hash in hashes {
                    all2.append(
                        ESPProposal(
                            algorithms: ESPAlgorithms(encryption: encryption.value, integrity: hash), group: group))
                }
            }
        }
        for other in phase1.alternatives.prefix(Self.most) {
            let more = Proposals(ike: other, esp: PhaseFacts(), of: name)
            all1 += more.ike.filter { !all1.contains($0) }
            notes += more.notes
        }
        for other in phase2.alternatives.prefix(Self.most) {
            let more = Proposals(ike: phase1.withoutAlternatives, esp: other, of: name)
            all2 += more.esp.filter { !all2.contains($0) }
            notes += more.notes
        }
        notes = notes.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        ike = Array(all1.prefix(Self.most))
        esp = Array(all2.prefix(Self.most))
        for (count, phase) in [(all1.count, 1), (all2.count, 2)] where count > Self.most {
            notes.append(
                ImportNote(
                    .assumed,
                    "\(name): of the \(count) combinations of phase \(phase) the lab has the first \(Self.most)"))
        }
        ikeOrigins = encryption1.map(\.origin) + hash1.map(\.origin) + group1.map(\.origin)
        espOrigins = encryption2.map(\.origin) + usedHash2.map(\.origin) + group2.map(\.origin)
        ikeLifetime = Self.lifetime(phase1.lifetime, 1, name, &notes)
        espLifetime = Self.lifetime(phase2.lifetime, 2, name, &notes)
        if let lifetime = ikeLifetime { ikeOrigins.append(lifetime.origin) }
        if let lifetime = espLifetime { espOrigins.append(lifetime.origin) }
        self.notes = notes
    }

    private static func lifetime(
        _ lifetime: Sourced<Int>?, _ phase: Int, _ name: String, _ notes: inout [ImportNote]
    ) -> Sourced<Int>? {
        guard let lifetime, !(60...86400).contains(lifetime.value) else { return lifetime }
        let nearest = min(max(lifetime.value, 60), 86400)
        notes.append(
            ImportNote(
                .unsupported,
                "\(name): phase \(phase) lasts \(lifetime.value) s (\(lifetime.origin.comment)), and a lab's from 60 s to 24 h: \(nearest) s"
            ))
        return Sourced(nearest, lifetime.origin)
    }

    // MARK: What follows from them

    /// Whether a daemon can do all of it as it is written.
    func isFor(_ daemon: any KeyDaemon, version: Int) -> Bool {
        let wanted =
            ike.flatMap { [KeyDaemonAlgorithm.ikeCipher($0.encryption), .group($0.group)] }
            + esp.compactMap { $0.group.map { .group($0) } }
        let renews =
            !daemon.renewsWithGroupOfIKE || esp.first.map { $0.group == nil || $0.group == ike.first?.group } ?? true
        // Such a daemon also takes one group for all proposals of a connection.
        let isOne = !daemon.hasConnectionForEachChild || Set(esp.map(\.group)).count <= 1
        let isOld = version == 1 && ike.contains { daemon.lacksInIKEv1($0.group) }
        return renews && isOne && !isOld && wanted.allSatisfy { daemon.reason(against: $0) == nil }
    }

    /// The longest packet that goes through ESP in 1500 bytes, with each proposal.
    func largestPacket(inUDP: Bool, family: EncapsulationFamily) -> Int? {
        esp.compactMap { proposal in
            guard
                let transform = try? ESPOverhead(
                    cipher: proposal.algorithms.encryption.cipher, integrity: proposal.algorithms.integrity)
            else { return nil }
            return ESPEncapsulation(transform: transform, mode: .tunnel, family: family, isUDPEncapsulated: inUDP)
                .largestInner(within: 1500)
        }.min()
    }

    /// `{encryption: aes-256-cbc, …}` each.
    var ikeLines: [String] {
        ike.enumerated().map { place, proposal in
            let lifetime = place == 0 ? ikeLifetime.map { ", lifetime: \($0.value)s" } ?? "" : ""
            return
                "{encryption: \(proposal.encryption.rawValue), integrity: \(proposal.hash.rawValue), group: \(proposal.group.number)\(lifetime)}"
        }
    }

    var espLines: [String] {
        esp.enumerated().map { place, proposal in
            let integrity = proposal.algorithms.integrity.map { ", integrity: \($0.rawValue)" } ?? ""
            let group = proposal.group.map { ", pfs-group: \($0.number)" } ?? ""
            let lifetime = place == 0 ? espLifetime.map { ", lifetime: \($0.value)s" } ?? "" : ""
            return "{encryption: \(proposal.algorithms.encryption.rawValue)\(integrity)\(group)\(lifetime)}"
        }
    }
}

extension PhaseFacts {
    fileprivate var withoutAlternatives: PhaseFacts {
        var copy = self
        copy.alternatives = []
        return copy
    }
}
