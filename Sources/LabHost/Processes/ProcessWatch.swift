import CLinux
import Dispatch
import Glibc

/// Waiting for the end of a process that is not a child. pidfd_open(2), Linux 5.3.
enum ProcessWatch {
    /// Calls a function when this process's parent has ended, on a queue of Dispatch's.
    ///
    /// - Parameter parent: Its id, as the parent itself said it.
    static func whenParentEnds(_ parent: pid_t, _ call: @escaping @Sendable () -> Void) {
        let descriptor = netlab_open_process(parent)
        // In this order: if the number is still the parent's, it was when the descriptor was opened.
        guard getppid() == parent else {
            call()
            return
        }
        guard descriptor >= 0 else { return }
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        source.setEventHandler {
            source.cancel()
            call()
        }
        source.setCancelHandler { close(descriptor) }
        source.resume()
    }
}
