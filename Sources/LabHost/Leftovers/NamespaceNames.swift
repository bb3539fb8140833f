import AgentProtocol
import FoundationEssentials
import Glibc
import KernelBuilds
import SystemPackage

/// The names under which ip(8) finds the nodes of a lab on the host's kernel: `ip netns exec netlab.LAB.NODE`.
///
/// Each is a symbolic link in /run/netns to the namespace's descriptor in the agent. So a name keeps nothing alive: when the
/// agent has ended, however it did, its namespaces are gone, and what is left is a link that leads nowhere.
public struct NamespaceNames: Sendable {
    /// Where ip-netns(8) looks.
    static let directory: FilePath = "/run/netns"

    let lab: LabDirectory

    /// The name of a node's namespace.
    public static func name(lab: String, node: String) -> String { "netlab.\(lab).\(node)" }

    /// Makes the names; each is in the lab's journal before it is made.
    ///
    /// One that another lab of the same name has, started by root with other directories, stays that lab's.
    ///
    /// - Parameters:
    ///   - namespaces: The agent's descriptors, by node.
    ///   - kernel: The first process of the lab's namespaces.
    func add(_ namespaces: [String: Int32], of kernel: pid_t) throws {
        guard let agent = ProcessTable.children(of: kernel).first else { return }
        if mkdir(Self.directory.string, 0o755) == 0 { try note(made: Self.directory) }
        for (node, descriptor) in namespaces.sorted(by: { $0.key < $1.key }) {
            let link = Self.directory.appending(Self.name(lab: lab.name, node: node))
            let target = "/proc/\(agent)/fd/\(descriptor)"
            if access(link.string, F_OK) != 0 { unlink(link.string) }
            try note(made: link, target: target)
            guard symlink(target, link.string) == 0 || errno == EEXIST else {
                throw SetupError(
                    .directoryUnavailable, "the name \(link) cannot be given to a node's namespace",
                    remedy: "Look at the permissions of \(Self.directory).", cause: Errno(rawValue: errno))
            }
        }
    }

    /// Removes what the journal says was made, the last first; a name only where it leads to what it was made for.
    func remove() {
        for made in noted().reversed() {
            if made.target == nil {
                rmdir(made.made)
            } else if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: made.made),
                target == made.target
            {
                unlink(made.made)
            }
        }
    }

    // MARK: The journal

    private struct Line: Codable {
        let made: String
        /// Where a name leads; nil for the directory of names.
        var target: String?
    }

    private func note(made path: FilePath, target: String? = nil) throws {
        let descriptor = open(lab.journal.string, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        let line = try JSONEncoder().encode(Line(made: path.string, target: target)) + [0x0A]
        guard line.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == line.count else {
            throw Errno(rawValue: errno)
        }
    }

    private func noted() -> [Line] {
        let lines = ((try? TextFile.read(lab.journal.string)) ?? "").split(separator: "\n")
        return lines.compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }.filter { line in
            line.target == nil
                ? line.made == Self.directory.string : line.made.hasPrefix("\(Self.directory)/netlab.\(lab.name).")
        }
    }
}
