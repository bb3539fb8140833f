import NetworkTypes

/// What a command says to the supervisor of a running lab over its Unix socket; one request a connection.
public enum ToSupervisor: Sendable, Codable {
    /// The first message.
    case hello(ProtocolVersion)
    /// The ``LabRequest`` of this name, which is the message's body.
    case request(String)
    case input(ExecInput)
}

/// What the supervisor says: who it is, any number of those in the middle, then one of the last two.
public enum FromSupervisor: Sendable, Codable {
    case hello(ProtocolVersion)
    case progress(Progress)
    case output(ExecOutput)
    /// The capture's file has so many bytes by now.
    case grown(bytes: Int)
    /// The lab's clock was changed for the time of this request, or something else worth a line.
    case notice(String)
    /// The clock has come this far.
    case clockMoved(LabTime)
    /// The answer, which is the message's body.
    case reply
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
