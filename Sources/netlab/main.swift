import ArgumentParser
import LabRuntime

// One executable, three lives: a lab's agent, the supervisor of a running lab, and the command.
// The first two need the main thread for themselves and must come before anything that makes threads.
if let kernel = Agent.kernel { Agent.main(on: kernel) }
if let supervision = Supervision(arguments: CommandLine.arguments) { supervision.run() }
await NetlabCommand.runAndExit()
