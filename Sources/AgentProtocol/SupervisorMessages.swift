import Expectations
import LabModel
import LabPlan

/// What a command says to the supervisor of a running lab over its Unix socket; one request a connection.
public enum ToSupervisor: Sendable, Codable {
    case build(Topology, clock: ClockMode)
    case status
    case traffic(every: Duration)
    case clock(ClockCommand)
    case exec(ExecRequest)
    case input(ExecInput)
    case probe(ProbeRequest)
    case capture(CaptureRequest, file: String)
    case observe(ObservationRequest, file: String)
    case fail([Fault], for: Duration?)
    case heal([Fault]?)
    case faults
    case play(Script, file: String)
    case examine([KernelFeature])
    case shutDown
}

/// What the supervisor answers: any number of the first five, then one of the rest.
public enum FromSupervisor: Sendable, Codable {
    case progress(Progress)
    case output(ExecOutput)
    /// The capture's file has so many bytes by now.
    case grown(bytes: Int)
    /// The lab's clock was changed for the time of this request, or something else worth a line.
    case notice(String)
    /// The clock has come this far.
    case clockMoved(LabTime)
    case done
    case status(LabStatus)
    case traffic(TrafficSample)
    case clock(ClockStatus)
    case waited(Bool, lastSeen: String, ClockStatus)
    case exited(code: Int32)
    case probed(ProbeResult)
    case captured(CaptureSummary)
    case observed(Observation)
    case faults([ActiveFault])
    case played(ScriptRecord)
    case examined([KernelFinding])
    case failed(LabFailure)
}

/// How a lab's clock moves when nothing else is asked of it.
public enum ClockMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// With the clock on the wall, for people.
    case paced
    /// Not at all.
    case paused
    /// As the host's does, since it is the host's kernel: nobody can hold it.
    case real
}

public enum ClockCommand: Hashable, Sendable, Codable {
    case show
    case set(ClockMode)
    case advance(Duration)
    case until(Condition, within: Duration)
}

public struct ClockStatus: Hashable, Sendable, Codable {
    public let mode: ClockMode
    /// Whether it is moving ahead as fast as it goes at this moment.
    public let isAdvancing: Bool
    public let time: LabTime

    public init(mode: ClockMode, isAdvancing: Bool, time: LabTime) {
        self.mode = mode
        self.isAdvancing = isAdvancing
        self.time = time
    }
}
