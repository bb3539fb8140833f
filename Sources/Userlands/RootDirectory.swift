import DaemonProfiles
import Daemons
import FoundationEssentials
import KernelBuilds
import LabModel
import SystemPackage

/// A root directory of the user's own, whose programs nodes are to have: an unpacked container image, for example.
public struct RootDirectory: Sendable {
    let path: FilePath

    /// - Parameter path: Absolute.
    public init(_ path: String) { self.path = FilePath(path) }

    /// The directory as nodes can have it.
    ///
    /// - Parameter daemons: Those that its nodes run.
    /// - Throws: `SetupError` saying all that is wrong with it.
    public func userland(for daemons: [any DaemonProfile]) throws(SetupError) -> Userland {
        guard (try? Stat(path).type) == .directory else {
            throw unusable("there is no such directory", "Unpack a root file system there, or give another `system:`.")
        }
        guard has("usr"), isMerged else {
            throw unusable(
                "its bin is not a link to usr/bin, as it is in a root directory of Debian 12 and later and of Fedora",
                "Take a system in which /bin, /sbin and /lib are links to those in /usr.")
        }
        try checkArchitecture()
        let missing = daemons.flatMap { daemon in
            daemon.files.filter { !has($0) }.map { "/\($0) of \(daemon.product)" }
        }
        guard missing.isEmpty else {
            let packages = Set(daemons.map(\.debianPackage)).sorted().joined(separator: ", ")
            throw unusable(
                "it has no \(missing.joined(separator: ", no "))",
                "Have the daemons installed in it that its nodes run (Debian's packages: \(packages)).")
        }
        return Userland(.directory(path.string), root: path, overlays: [:], packages: packages)
    }

    private var isMerged: Bool {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path.appending("bin").string)
        return link.map { ["usr/bin", "/usr/bin"].contains($0) } ?? false
    }

    /// Whether a file is there, or a link, wherever that leads to in a node.
    private func has(_ file: String) -> Bool {
        (try? Stat(path.pushing(FilePath(file)), followTargetSymlink: false)) != nil
    }

    /// What its dynamic linker was made for: elf(5), `e_machine`.
    private func checkArchitecture() throws(SetupError) {
        let shells = ["usr/bin/dash", "usr/bin/bash", "usr/bin/busybox", "usr/bin/sh"]
        for shell in shells {
            guard let file = try? FileDescriptor.open(path.pushing(FilePath(shell)), .readOnly) else { continue }
            defer { try? file.close() }
            var header = [UInt8](repeating: 0, count: 20)
            let count = (try? header.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
            guard count == 20, header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { continue }
            guard header[4] == 2, header[18] == 62, header[19] == 0 else {
                throw unusable(
                    "its programs (/\(shell)) are for another processor than x86-64",
                    "Take a root directory for amd64: labs run on x86-64.")
            }
            return
        }
        throw unusable("it has no shell in usr/bin", "Unpack a whole root file system there.")
    }

    /// Versions by the names of the packages that dpkg(1) says are installed in it; empty where it is no Debian.
    private var packages: [String: String] {
        let file = path.pushing("var/lib/dpkg/status").string
        return Self.packages(inStatus: (try? TextFile.read(file, limit: 64 << 20)) ?? "")
    }

    /// Reads dpkg's list of packages (deb-control(5)).
    static func packages(inStatus text: String) -> [String: String] {
        var (packages, name): ([String: String], String?) = ([:], nil)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                name = nil
            } else if line.hasPrefix("Package: ") {
                name = String(line.dropFirst(9))
            } else if line.hasPrefix("Version: "), let name {
                packages[name] = String(line.dropFirst(9))
            }
        }
        return packages
    }

    private func unusable(_ reason: String, _ remedy: String) -> SetupError {
        SetupError(.sourceUnusable, "the root directory \(path) cannot be a node's system: \(reason)", remedy: remedy)
    }
}
