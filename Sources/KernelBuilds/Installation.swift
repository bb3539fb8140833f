import FoundationEssentials
import Glibc
import SystemPackage

/// What a package has installed together with this program, for all users; nobody writes there but the system's own tools.
///
///     PREFIX/bin/netlab                         the program, or a link to the next
///     PREFIX/lib/netlab/netlab                  the program, with the library that a lab's seed needs beside it
///     PREFIX/lib/netlab/kernels/KEY/…           lab kernels, as in ``KernelCache``
///     PREFIX/share/netlab/Labs/…                labs, and providers
///     PREFIX/share/netlab/Labs/schemas/…        what `--format json` prints, which no program here reads
///     /var/lib/netlab/NAME/VERSION/…            trees of programs
///
/// A node has a tree laid over /usr, and overlayfs does not take a directory together with one that is in it: so it
/// is outside of /usr. Where PREFIX is not /usr, it is below PREFIX/var instead.
/// `scripts/package` lays it out. A checkout is no installation: what it needs is in its user's cache.
public struct Installation: Sendable, Hashable {
    /// `/usr`, for Debian's package.
    public let prefix: FilePath

    /// The installation that a program is of; nil for a program that stands elsewhere.
    ///
    /// - Parameter program: Its absolute path, without links.
    public init?(program: FilePath) {
        let directory = program.removingLastComponent()
        let parent = directory.removingLastComponent()
        switch (parent.lastComponent, directory.lastComponent) {
        case ("lib", "netlab"): prefix = parent.removingLastComponent()
        case (_, "bin"): prefix = parent
        default: return nil
        }
        guard (try? Stat(libraries).type) == .directory else { return nil }
    }

    /// The installation that the running program is of.
    public static let current: Installation? = {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return link.flatMap { Installation(program: FilePath($0)) }
    }()

    private var libraries: FilePath { prefix.pushing("lib/netlab") }

    /// Where its lab kernels are, a directory for each.
    var kernels: FilePath { libraries.appending("kernels") }
    /// Where a tree of programs is, a directory for each version.
    public func place(ofTree name: String) -> FilePath {
        (prefix == "/usr" ? "/var" : prefix.appending("var")).pushing("lib/netlab").appending(name)
    }
    /// The directory of the labs, if they are there.
    public var labs: FilePath? {
        let directory = prefix.pushing("share/netlab/Labs")
        return (try? Stat(directory).type) == .directory ? directory : nil
    }

    /// What to do where a file of it is missing.
    public static let remedy =
        "It comes with netlab's package. Have it installed anew: apt-get install --reinstall netlab."
}
