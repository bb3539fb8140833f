/// The key store that pluto opens at its start and that stays empty with pre-shared keys.
///
/// One is made once and its files copied for each node: that is cheaper than another process. pluto does not start
/// without one, and does not make one. Source: certutil(1).
public enum NSSDatabase {
    /// The files of a database, to be copied into a directory of mode 0700.
    public static let fileNames = ["cert9.db", "key4.db", "pkcs11.txt"]

    /// The command that makes an empty database without a password in a directory that exists.
    public static func creationArguments(directory: String) -> [String] {
        ["/usr/bin/certutil", "-N", "-d", "sql:\(directory)", "--empty-password"]
    }
}
