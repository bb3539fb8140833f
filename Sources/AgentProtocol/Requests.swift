import LabModel
import LabPlan
import LabRecords
import NetworkTypes

// MARK: What commands ask of the supervisor

/// Builds a lab; the clock moves as it is told when all of it is there. Half a lab is none: where this fails, the lab ends, unless it
/// is to be kept for a look.
public struct Build: LabRequest {
    public typealias Reply = Done
    public let topology: Topology
    public let clock: ClockMode
    /// Whether the lab stays as far as it came where it does not come up.
    public let isKept: Bool

    public init(_ topology: Topology, clock: ClockMode, isKept: Bool = false) {
        self.topology = topology
        self.clock = clock
        self.isKept = isKept
    }
}

public struct ShowClock: LabRequest {
    public typealias Reply = ClockStatus
    public init() {}
}

public struct SetClock: LabRequest {
    public typealias Reply = ClockStatus
    public let mode: ClockMode

    public init(_ mode: ClockMode) { self.mode = mode }
}

/// Moves the clock ahead as fast as it goes.
public struct AdvanceClock: LabRequest {
    public typealias Reply = ClockStatus
    public let duration: Duration

    public init(by duration: Duration) { self.duration = duration }
}

/// Moves the clock ahead until a condition holds.
public struct AdvanceClockUntil: LabRequest {
    public struct Reply: Hashable, Sendable, Codable {
        public let wait: Await.Reply
        public let clock: ClockStatus

        public init(wait: Await.Reply, clock: ClockStatus) {
            self.wait = wait
            self.clock = clock
        }
    }

    public let condition: Condition
    public let deadline: Duration

    public init(_ condition: Condition, within deadline: Duration) {
        self.condition = condition
        self.deadline = deadline
    }
}

/// Ends the lab.
public struct ShutDown: LabRequest {
    public typealias Reply = Done
    public init() {}
}

// MARK: What commands ask of the agent, by way of the supervisor

/// The supervisor adds the clock, which only it knows.
public struct ShowStatus: LabRequest {
    public typealias Reply = LabStatus
    /// Whether each probe is asked once, which takes time.
    public let asksProbes: Bool

    public init(askingProbes: Bool = false) { asksProbes = askingProbes }
}

/// How a probe goes through the lab, and what decides at each step: ``Explanation``.
public struct Explain: LabRequest {
    public typealias Reply = Explanation
    public let probe: Probe
    /// How long an answer is waited for.
    public let patience: Duration

    public init(_ probe: Probe, patience: Duration) {
        self.probe = probe
        self.patience = patience
    }
}

/// The tunnels' counters at the next multiple of a time on the lab's clock.
public struct CountTraffic: LabRequest {
    public typealias Reply = TrafficSample
    public let interval: Duration

    public init(every interval: Duration) { self.interval = interval }
}

/// Runs a program; the answer is its exit code.
extension ExecRequest: LabRequest {
    public typealias Reply = Int32
}

extension ProbeRequest: LabRequest {
    public typealias Reply = ProbeResult
}

/// Captures into a file of the lab's directory of logs until the request's input ends or its duration is over.
public struct CapturePackets: LabRequest {
    public typealias Reply = CaptureSummary
    public let request: CaptureRequest
    public let file: String

    public init(_ request: CaptureRequest, file: String) {
        self.request = request
        self.file = file
    }
}

/// Measures, and captures meanwhile into a file of the lab's directory of logs.
public struct Observe: LabRequest {
    public typealias Reply = Observation
    public let request: ObservationRequest
    public let file: String

    public init(_ request: ObservationRequest, file: String) {
        self.request = request
        self.file = file
    }
}

/// Brings faults about, and heals them after a time of the lab's clock, where one is given. The answer is what is active then, in the
/// order in which it began.
public struct CauseFaults: LabRequest {
    public typealias Reply = [ActiveFault]
    public let faults: [Fault]
    public let duration: Duration?

    public init(_ faults: [Fault], for duration: Duration?) {
        self.faults = faults
        self.duration = duration
    }
}

/// Heals these faults, or nil for all; the answer is as for ``CauseFaults``.
public struct HealFaults: LabRequest {
    public typealias Reply = [ActiveFault]
    public let faults: [Fault]?

    public init(_ faults: [Fault]?) { self.faults = faults }
}

public struct ListFaults: LabRequest {
    public typealias Reply = [ActiveFault]
    public init() {}
}

/// Does what a script says, with its capture in a file of the lab's directory of logs. When the request's input ends, the script ends
/// early, and what has been measured by then is the answer.
public struct Play: LabRequest {
    public typealias Reply = ScriptRecord
    public let script: Script
    public let file: String

    public init(_ script: Script, file: String) {
        self.script = script
        self.file = file
    }
}

/// Tries what the kernel can do.
public struct Examine: LabRequest {
    public typealias Reply = [KernelFinding]
    public let features: [KernelFeature]

    public init(_ features: [KernelFeature]) { self.features = features }
}

// MARK: What only the supervisor asks of the agent

/// Mounts what a lab kernel needs; the first request.
extension GuestSetup: LabRequest {
    public typealias Reply = Done
}

/// Carries out the plan for a topology, which conditions and the status refer to from then on. The answer has the agent's descriptors of
/// the nodes' network namespaces.
public struct BuildNodes: LabRequest {
    public typealias Reply = [String: Int32]
    public let topology: Topology

    public init(_ topology: Topology) { self.topology = topology }
}

/// Takes back all that was built, last step first.
public struct TearDown: LabRequest {
    public typealias Reply = Done
    public init() {}
}

/// Waits for a condition.
public struct Await: LabRequest {
    public struct Reply: Hashable, Sendable, Codable {
        /// Whether it came about before the deadline.
        public let holds: Bool
        public let lastSeen: String

        public init(holds: Bool, lastSeen: String) {
            self.holds = holds
            self.lastSeen = lastSeen
        }
    }

    public let condition: Condition
    public let deadline: Duration

    public init(_ condition: Condition, within deadline: Duration) {
        self.condition = condition
        self.deadline = deadline
    }
}
