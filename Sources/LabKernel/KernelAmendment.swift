import FoundationEssentials
import SystemPackage

/// A change to the kernel's source before it is compiled; each is part of the recipe whose number lab-kernel.config has.
struct KernelAmendment: Sendable {
    /// Below the source's own directory.
    let file: String
    let original: String
    let replacement: String
    /// How often the original is there; any other number says that this is not the source the amendment was made for.
    let places: Int

    /// A guest program is a process of the host's that the kernel traces. When the kernel is killed, the host would let go
    /// of it, and its next system call would be the host's, with the rights of whoever started the lab: PTRACE_O_EXITKILL
    /// (ptrace(2)) has it die with the kernel. Linux 6.10 came to the same by PR_SET_PDEATHSIG.
    static let programsDieWithTheirKernel = KernelAmendment(
        file: "arch/um/os-Linux/skas/process.c", original: "PTRACE_O_TRACESYSGOOD)",
        replacement: "(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))", places: 2)

    static let all = [programsDieWithTheirKernel]

    /// The text with the change in it.
    ///
    /// - Throws: `configurationUnmet` when the text is not the one that the change was made for.
    func applied(to text: String) throws(SetupError) -> String {
        let parts = text.split(separator: original, omittingEmptySubsequences: false)
        guard parts.count == places + 1 else {
            throw SetupError(
                .configurationUnmet, "this kernel source does not take a change that labs need, in \(file)",
                remedy: "Use the source of Linux 6.1 (Debian's linux-source-6.1).")
        }
        return parts.joined(separator: replacement)
    }
}
