import DaemonProfiles
import Daemons
import FoundationEssentials
import Glibc
import KernelBuilds
import SystemPackage

/// Where the trees of programs are that netlab keeps for its labs: Debian's packages, unpacked into the user's cache and not installed.
///
/// `scripts/netlab` makes them: a directory for each version, put in place when all of it is there. netlab's package has them, too.
public enum DaemonTrees {
    /// The list of what was unpacked, `PACKAGE VERSION` a line; written last.
    static let manifest = "packages"

    /// The newest version's directory, which has a `usr` in it; nil where there is none.
    ///
    /// Of one version, the user's own is taken rather than the package's.
    public static func find(
        _ tree: DaemonTree, environment: [String: String] = ProcessInfo.processInfo.environment,
        installation: Installation? = .current
    ) -> FilePath? {
        let cache = try? HostDirectories(environment: environment).path(.cache)
        return [cache?.appending(tree.name), installation?.place(ofTree: tree.name)]
            .compactMap { newest(in: $0, with: tree.programs) }
            .max { precedes($0.lastComponent?.string ?? "", $1.lastComponent?.string ?? "") }
    }

    /// Every tree that a daemon is kept in and that is there, by its name.
    static var all: [String: String] {
        let trees = DaemonRegistry.all.compactMap(\.tree).compactMap { tree in find(tree).map { (tree.name, $0.string) }
        }
        return Dictionary(trees, uniquingKeysWith: { first, _ in first })
    }

    private static func newest(in directory: FilePath?, with programs: [String]) -> FilePath? {
        guard let directory else { return nil }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        return versions.filter { $0.first != "." }.sorted { precedes($0, $1) }.map { directory.appending($0) }
            .last { tree in
                ([manifest] + programs).allSatisfy {
                    access(tree.pushing(FilePath($0)).string, R_OK) == 0
                }
            }
    }

    /// By the numbers in them: `5.9.8-5+deb12u6` before `5.9.8-5+deb12u10`.
    static func precedes(_ left: String, _ right: String) -> Bool {
        let numbers = { (text: String) in
            text.split { !$0.isASCII || !$0.isNumber }.map { Int($0) ?? .max }
        }
        return numbers(left).lexicographicallyPrecedes(numbers(right))
    }

    public static let remedy =
        Installation.current != nil
        ? Installation.remedy
        : "scripts/netlab fetches it when it brings a lab up, and says why where it cannot: it needs Debian's apt-get and a mirror."

    /// What a lab says that runs a daemon whose tree is not there.
    public static func missing(_ daemon: any DaemonProfile) -> SetupError {
        SetupError(
            .toolsMissing,
            "This lab has nodes with `\(daemon.choice)`, and \(daemon.product) is not in netlab's cache.",
            remedy: remedy)
    }
}
