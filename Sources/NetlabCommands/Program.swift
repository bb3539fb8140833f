import ArgumentParser
import CLinux
import Glibc
import LabHost
import LabRuntime
import Reporting

/// One executable, three lives: a lab's agent, the supervisor of a running lab, and the command.
public enum Program {
    /// Lives the life that the process was started for.
    ///
    /// The first two need the main thread for themselves and must come before anything that makes threads. Lab files' keys are in the
    /// memory of all three.
    public static func main() async -> Never {
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
        await NetlabCommand.runAndExit()
    }
}
