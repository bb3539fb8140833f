import Glibc

/// Something that a crashed lab, command or build has left on this machine.
public struct Leftover: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// A dead lab's directory, with the processes and whatever else its record names.
        case lab
        /// A supervisor, kernel or guest program of no lab.
        case process
        /// A name in /run/netns of a node whose agent is gone.
        case namespaceName = "namespace name"
        /// A directory that was being removed.
        case directory
        /// The logs of a lab that a command had to itself.
        case logs
        /// A capture that a command had not finished with.
        case capture
        /// A place of a lab kernel's memory file, which has no name itself.
        case memory
        /// A kernel that was being built, or a tree of programs that was being unpacked.
        case build
    }

    public let kind: Kind
    /// A path; for a process its id and what it is.
    public let what: String
    /// The lab it belonged to; nil where it belonged to none.
    public let lab: String?
    /// By what it is known that nobody needs it any more.
    public let reason: String
    /// Of a process, with its start, so that no later one is taken for it.
    var process: pid_t?
    var processStart: UInt64?

    init(_ kind: Kind, _ what: String, lab: String? = nil, reason: String) {
        self.kind = kind
        self.what = what
        self.lab = lab
        self.reason = reason
    }

    private enum CodingKeys: String, CodingKey { case kind, what, lab, reason }
}
