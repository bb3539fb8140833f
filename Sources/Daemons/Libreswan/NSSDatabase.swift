import DaemonProfiles
import LabModel

/// The key store that pluto opens at its start: empty with pre-shared keys, else with certificates, their keys, and the authorities that
/// are trusted.
///
/// An empty one is made once and its files copied for each node: that is cheaper than another process. pluto does not start
/// without one, and does not make one. Source: certutil(1), pk12util(1).
public enum NSSDatabase {
    /// The files of a database, to be copied into a directory of mode 0700.
    public static let fileNames = ["cert9.db", "key4.db", "pkcs11.txt"]

    /// The command that makes an empty database without a password in a directory that exists.
    public static func creationArguments(directory: String) -> [String] {
        ["/usr/bin/certutil", "-N", "-d", "sql:\(directory)", "--empty-password"]
    }

    /// The command that takes a certificate and its key in, from a PKCS #12 file with the empty passphrase.
    public static func importArguments(bundle: String, directory: String) -> [String] {
        ["/usr/bin/pk12util", "-i", bundle, "-d", "sql:\(directory)", "-W", ""]
    }

    /// The command that takes an authority's certificate in, in PEM, by which those of peers are taken.
    public static func trustArguments(certificate: String, name: String, directory: String) -> [String] {
        ["/usr/bin/certutil", "-A", "-d", "sql:\(directory)", "-n", name, "-t", "CT,,", "-a", "-i", certificate]
    }

    /// The command that takes in the certificate of an authority that is only shown, in PEM.
    public static func intermediateArguments(certificate: String, name: String, directory: String) -> [String] {
        ["/usr/bin/certutil", "-A", "-d", "sql:\(directory)", "-n", name, "-t", ",,", "-a", "-i", certificate]
    }

    /// The command that takes in what an authority has revoked, in DER (crlutil(1)).
    public static func revocationArguments(list: String, directory: String) -> [String] {
        ["/usr/bin/crlutil", "-I", "-i", list, "-d", "sql:\(directory)"]
    }

    /// What a node's database has, each certificate once.
    static func contents(for node: String, in topology: Topology, directory: String) -> KeyStoreContents {
        var names: [String] = []
        var entries: [KeyStoreContents.Entry] = []
        var revocations: [String] = []
        var intermediates: [String] = []
        for (_, end) in topology.tunnelEnds(of: node) {
            guard let use = end.certificate else { continue }
            let name = end.own?.terms.certificate ?? use.name
            guard !names.contains(name) else { continue }
            names.append(name)
            guard let credential = use.credential else { continue }
            entries.append(.init(name: name, pair: credential.own, authorities: credential.authorities))
            for (shown, pair) in credential.spares {
                entries.append(.init(name: use.name(of: shown), pair: pair, authorities: []))
            }
            for one in credential.intermediates where !intermediates.contains(one) { intermediates.append(one) }
            for list in credential.revocations where !revocations.contains(list) { revocations.append(list) }
        }
        return KeyStoreContents(
            directory: directory, names: names, entries: entries, revocations: revocations,
            intermediates: intermediates)
    }
}
