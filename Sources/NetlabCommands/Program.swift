import ArgumentParser
import CLinux
import CommandSupport
import Glibc
import LabHost
import LabRuntime
import Reporting

/// One executable, three lives: a lab's agent, the supervisor of a running lab, and the command.
///
/// Two calls, of which the first must come before anything that makes threads, on the main thread: it returns in the third life alone.
public enum Program {
    /// Lives the first two lives, which need the main thread for themselves; returns in a process that was started for neither.
    ///
    /// Lab files' keys are in the memory of all three.
    public static func liveInLab() {
        netlab_forbid_core_files()
        if let kernel = Agent.kernel {
            umask(0o022)
            Agent.main(on: kernel)
        }
        // What netlab writes is its user's alone, whatever the shell says.
        umask(0o077)
        ProcessLimits.raiseOpenFiles()
        do {
            try ProcessLimits.checkThreads()
        } catch {
            StandardStream.error.write("netlab: \(error)\n")
            exit(ExitStatus.machineLacks.rawValue)
        }
        if let supervision = Supervision(arguments: CommandLine.arguments) { supervision.run() }
    }

    /// Does what the command line says, and ends the process with its exit code.
    public static func command() async -> Never { await NetlabCommand.runAndExit() }
}
