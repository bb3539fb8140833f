import AgentProtocol
import KernelBuilds
import Reporting

/// The exit codes that scripts may rely on.
package enum ExitStatus: Int32 {
    case expectationFailed = 1
    case wrongInput = 2
    case machineLacks = 3
    case labBroke = 4
    case inconclusive = 5
    /// As a shell reports a program that Ctrl-C ended.
    case interrupted = 130

    /// What a command ends with after a lab's failure; a shell's own code for a program that it does not find.
    package static func code(of failure: LabFailure) -> Int32 {
        switch failure.code {
        case .labBroke, .alreadyUp, .otherVersion: labBroke.rawValue
        case .wrongInput: wrongInput.rawValue
        case .machineLacks: machineLacks.rawValue
        case .noSuchProgram: 127
        }
    }
}

/// A command that cannot be done as it was typed, with what to do instead.
package struct CommandError: Error, CustomStringConvertible {
    package let message: String
    package let remedy: String
    package let status: ExitStatus

    package init(message: String, remedy: String, status: ExitStatus = .wrongInput) {
        self.message = message
        self.remedy = remedy
        self.status = status
    }

    package var description: String { "\(message)\n\(remedy)" }
}
