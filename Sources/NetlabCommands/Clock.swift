import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import NetworkTypes
import Reporting

struct Clock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clock",
        abstract: "Show a lab's clock, stop it, let it go, or move it ahead as fast as it goes.",
        discussion: """
            netlab clock LAB                     show it
            netlab clock LAB pause | resume      stop it | let it follow the wall clock
            netlab clock LAB advance 1h          an hour of the lab's time, in seconds of yours
            netlab clock LAB until 'bgp main down'   until something holds

            Conditions: tunnel NAME up|down; bgp NAME up|down; interface NODE NAME up|down; \
            route NODE PREFIX [via ADDRESS] present|absent; ping NODE ADDRESS up|down; daemon NODE/KIND up|down.
            """)

    enum Verb: String, ExpressibleByArgument, CaseIterable {
        case show, pause, resume, advance, until
    }

    @OptionGroup var target: LabArgument

    @Argument(help: "What to do: show, pause, resume, advance, until.")
    var verb = Verb.show

    @Argument(help: "For advance a time such as 90s or 1h; for until a condition.")
    var what: [String] = []

    @Option(help: "For until: how long to wait on the lab's clock.", transform: Clock.duration)
    var within = Duration.seconds(3600)

    @OptionGroup var output: FormatOption

    static func duration(_ text: String) throws -> Duration {
        guard let duration = Duration(text: text) else {
            throw CommandError(
                message: "\"\(text)\" is not a time.", remedy: "Write a number with a unit, such as 500ms, 90s, 1h30m.")
        }
        return duration
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let argument = what.joined(separator: " ")
        switch verb {
        case .show: try show(try await ask(lab, ShowClock()))
        case .pause: try show(try await ask(lab, SetClock(.paused)))
        case .resume: try show(try await ask(lab, SetClock(.paced)))
        case .advance: try show(try await ask(lab, AdvanceClock(by: try Self.duration(argument))))
        case .until:
            let condition = try Condition(argument, in: LabLocator.topology(of: lab).topology)
            let answer = try await ask(lab, AdvanceClockUntil(condition, within: within))
            try show(answer.clock)
            guard answer.wait.holds else {
                throw CommandError(
                    message:
                        "\"\(argument)\" did not come about within \(within.shortText). Last seen: \(answer.wait.lastSeen).",
                    remedy: "Wait longer with --within, or look at `netlab status`.", status: .expectationFailed)
            }
        }
    }

    private func ask<Request: LabRequest>(_ lab: LabDirectory, _ request: Request) async throws -> Request.Reply {
        let (result, wasInterrupted) = await Interruption.guarding {
            let meter = ProgressMeter(.error, onlyOnTerminals: true)
            defer { meter.clear() }
            return try await LabClient(lab).ask(request) { message in
                switch message {
                case .clockMoved(let time): meter.show("\(lab.name) is at \(time)")
                case .notice(let text): meter.note(text)
                default: break
                }
            }
        }
        if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
        return try result.get()
    }

    private func show(_ status: ClockStatus) throws {
        switch output.format {
        case .json: print(try JSONText.of(status))
        case .table:
            print("\(target.lab) is at \(status.time) (\(status.time.nanoseconds) ns), \(status.mode.rawValue).")
        }
    }
}
