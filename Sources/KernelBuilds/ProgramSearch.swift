import Glibc
import SystemPackage

/// Finds programs of this machine as a shell would.
public enum ProgramSearch {
    /// The directories of a text in the syntax of PATH.
    public static func directories(_ text: String?) -> [FilePath] {
        (text ?? "").split(separator: ":").map { FilePath(String($0)) }
    }

    /// The first executable file called `program` in the directories.
    public static func find(_ program: String, in directories: [FilePath]) -> FilePath? {
        directories.lazy.map { $0.appending(program) }.first { path in
            access(path.string, X_OK) == 0 && (try? Stat(path).type) == .regular
        }
    }
}
