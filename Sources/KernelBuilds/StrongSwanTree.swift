import FoundationEssentials
import Glibc
import SystemPackage

/// strongSwan as netlab keeps it for its labs: Debian's packages, unpacked into the user's cache and not installed, since
/// they conflict with libreswan's.
///
/// `scripts/netlab` makes it: a directory for each version, put in place when all of it is there. netlab's package has one, too.
public enum StrongSwanTree {
    /// Its name as a finding of ``Doctor``.
    public static let title = "strongSwan"
    /// What the directory of all versions is called in the cache.
    static let name = "strongswan"
    /// The list of what was unpacked, `PACKAGE VERSION` a line; written last.
    static let manifest = "packages"

    /// The newest version's directory, which has a `usr` in it; nil where there is none.
    ///
    /// Of one version, the user's own is taken rather than the package's.
    public static func find(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        installation: Installation? = .current
    ) -> FilePath? {
        let cache = try? HostDirectories(environment: environment).path(.cache)
        return [cache?.appending(name), installation?.strongSwan].compactMap(newest(in:))
            .max { precedes($0.lastComponent?.string ?? "", $1.lastComponent?.string ?? "") }
    }

    private static func newest(in directory: FilePath?) -> FilePath? {
        guard let directory else { return nil }
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        return versions.filter { $0.first != "." }.sorted { precedes($0, $1) }.map { directory.appending($0) }
            .last { tree in
                [manifest, "usr/sbin/charon-systemd", "usr/sbin/swanctl"].allSatisfy {
                    access(tree.appending($0).string, R_OK) == 0
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

    /// What a lab that runs strongSwan says without it.
    public static var missing: SetupError {
        SetupError(
            .toolsMissing, "This lab has nodes with `ike: strongswan`, and strongSwan is not in netlab's cache.",
            remedy: remedy)
    }
}
