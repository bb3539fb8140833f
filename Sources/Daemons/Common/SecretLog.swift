import LabModel

/// A daemon's log that may have secrets in it for as long as a file beside it says so.
public enum SecretLog {
    private static let suffix = ".unmasked"

    /// The file beside a log.
    public static func mark(of log: String) -> String { log + suffix }

    /// The log that a file is the mark of; nil for any other file.
    public static func log(markedBy name: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }

    /// A log without secrets, by its name: NODE.DAEMON.log.
    public static func masked(_ text: String, of name: String) -> String {
        let parts = name.split(separator: ".")
        guard parts.count == 3, let daemon = DaemonRegistry.profile(DaemonID(rawValue: String(parts[1]))) else {
            return text
        }
        return String(decoding: daemon.masked(Array(text.utf8)), as: UTF8.self)
    }
}
