import ArgumentParser
import LabRuntime

// One executable, three lives: the first program of a lab kernel, the supervisor of a running lab, and the command.
// The first two need the main thread for themselves and must come before anything that makes threads.
if Agent.isInit { Agent.main() }
if let supervision = Supervision(arguments: CommandLine.arguments) { supervision.run() }
await NetlabCommand.runAndExit()
