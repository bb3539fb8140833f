import AgentProtocol
import FoundationEssentials
import Glibc
import NetworkTypes
import NodeRuntime

/// A lab's journal on disk: a line of JSON for each change, written before it is made.
///
/// What has been written survives the death of the process by any signal, since the kernel has it; not the machine's own, but
/// then nothing of the lab is left either.
final class Journal: Sendable {
    /// What happens next.
    enum Verb: String, Encodable {
        case begin, undo
    }

    private struct Line: Encodable {
        let at: LabTime
        let verb: Verb
        let step: String
    }

    private let descriptor: Int32

    /// Takes over standard output: on the host's kernel it leads to the journal, which the supervisor has opened.
    init(adopting output: Int32) {
        descriptor = fcntl(output, F_DUPFD_CLOEXEC, 3)
        dup2(2, output)
    }

    deinit {
        close(descriptor)
    }

    /// Notes a step, which carries no secrets in its words.
    ///
    /// - Throws: ``LabFailure`` where it cannot be written: a step that is not noted is not begun.
    func note(_ verb: Verb, _ step: String) throws {
        let line = try JSONEncoder().encode(Line(at: LabClock.now, verb: verb, step: step)) + [0x0A]
        let count = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count == line.count else {
            throw LabFailure(
                "The lab's journal cannot be written: \(String(cString: strerror(errno))).",
                remedy: "Make room in the runtime directory.")
        }
    }
}
