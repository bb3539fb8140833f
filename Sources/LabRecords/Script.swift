import LabModel
import NetworkTypes

/// What a running lab is to do by itself, from one moment on: echoes, faults, measurements, each at its time.
public struct Script: Hashable, Sendable, Codable {
    public let flows: [FlowRequest]
    /// By time.
    public let steps: [Step]
    /// From the beginning to the end, on the lab's clock.
    public let length: Duration
    /// Nil for no capture. It runs from before the first echo request until after the last step.
    public let capture: CaptureRequest?
    /// How often memory and security associations are counted; nil for the beginning and the end only.
    public let samplingInterval: Duration?
    /// How often the tunnels' traffic is counted; nil for the beginning and the end only.
    public let trafficInterval: Duration?

    public init(
        flows: [FlowRequest], steps: [Step], length: Duration, capture: CaptureRequest?,
        samplingInterval: Duration? = nil, trafficInterval: Duration? = nil
    ) {
        self.flows = flows
        self.steps = steps
        self.length = length
        self.capture = capture
        self.samplingInterval = samplingInterval
        self.trafficInterval = trafficInterval
    }

    /// Each second, or in whole seconds so seldom that a long script's series has no more than 600 points.
    public static func trafficInterval(for length: Duration) -> Duration {
        max(.seconds(1), .seconds((length.components.seconds + 599) / 600))
    }

    public struct Step: Hashable, Sendable, Codable {
        /// From the script's beginning.
        public let at: Duration
        public let action: Action

        public init(at: Duration, action: Action) {
            self.at = at
            self.action = action
        }
    }

    public enum Action: Hashable, Sendable, Codable {
        case fail([Fault])
        case heal([Fault])
        /// Measures, with a capture of its own into this file of the lab's directory of logs.
        case observe(ObservationRequest, file: String)
        case exec(Scenario.Command)
    }
}

/// Requests that are answered with what they carry, one every interval, for as long as a script runs.
public struct FlowRequest: Hashable, Sendable, Codable {
    /// What the requests are made of.
    public enum Transport: Hashable, Sendable, Codable {
        /// Echo requests. Who shares traffic by addresses and ports takes all of them for one flow, for there are no ports.
        case icmp
        /// Datagrams from this port to ``echoPort``, where netlab itself answers for as long as the script runs.
        case udp(sourcePort: UInt16)
    }

    /// The echo service's (RFC 862).
    public static let echoPort: UInt16 = 7

    /// Its own, which is the probe's where the probe has no other.
    public let name: String
    public let probe: String
    public let transport: Transport
    public let source: String
    public let sourceAddress: IPAddress?
    public let destination: IPAddress
    public let interval: Duration
    /// Bytes behind the ICMP or UDP header, 0 to 65,000. From 16 on they carry the probe's marker, by which captures tell them;
    /// over UDP there are 18 at least, for the request's number stands behind it.
    public let payload: Int
    /// How long an answer may take before its request counts as lost.
    public let timeout: Duration

    public init(
        name: String, probe: String? = nil, over transport: Transport = .icmp, source: String,
        sourceAddress: IPAddress?, destination: IPAddress, interval: Duration, payload: Int = 56,
        timeout: Duration = .seconds(1)
    ) {
        self.name = name
        self.probe = probe ?? name
        self.transport = transport
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.interval = interval
        self.payload = payload
        self.timeout = timeout
    }
}

/// What came of a script.
public struct ScriptRecord: Hashable, Sendable, Codable {
    /// On the lab's clock.
    public let startedAtNanoseconds: Int64
    public let endedAtNanoseconds: Int64
    /// What the clock of the lab's daemons and captures, CLOCK_REALTIME, shows beyond the lab's own.
    public let realTimeOffsetNanoseconds: Int64
    /// In the script's order, as many as were begun.
    public let steps: [StepRecord]
    public let flows: [FlowRecord]
    /// By time.
    public let events: [LabEvent]
    public let samples: [ResourceSample]
    public let traffic: [TrafficSample]
    public let capture: CaptureSummary?
    /// Whether the script was broken off.
    public let isPartial: Bool

    public init(
        startedAtNanoseconds: Int64, endedAtNanoseconds: Int64, realTimeOffsetNanoseconds: Int64, steps: [StepRecord],
        flows: [FlowRecord], events: [LabEvent], samples: [ResourceSample], traffic: [TrafficSample] = [],
        capture: CaptureSummary?, isPartial: Bool
    ) {
        self.startedAtNanoseconds = startedAtNanoseconds
        self.endedAtNanoseconds = endedAtNanoseconds
        self.realTimeOffsetNanoseconds = realTimeOffsetNanoseconds
        self.steps = steps
        self.flows = flows
        self.events = events
        self.samples = samples
        self.traffic = traffic
        self.capture = capture
        self.isPartial = isPartial
    }

    public struct StepRecord: Hashable, Sendable, Codable {
        public let action: Script.Action
        /// When it was begun and when it had been done, on the lab's clock.
        public let fromNanoseconds: Int64
        public let toNanoseconds: Int64
        /// What was measured, of a step that measures.
        public let observation: Observation?
        /// What came of a command.
        public let command: CommandResult?
        /// Why it could not be done; nil where it was.
        public let failure: String?

        public init(
            action: Script.Action, fromNanoseconds: Int64, toNanoseconds: Int64, observation: Observation?,
            command: CommandResult? = nil, failure: String?
        ) {
            self.action = action
            self.fromNanoseconds = fromNanoseconds
            self.toNanoseconds = toNanoseconds
            self.observation = observation
            self.command = command
            self.failure = failure
        }
    }
}

/// How a command in a node ended.
public struct CommandResult: Hashable, Sendable, Codable {
    /// As a shell reports it; nil where it was killed because it had not ended in time.
    public let code: Int32?
    /// The last lines of what it printed, on either stream.
    public let lastLines: [String]

    public init(code: Int32?, lastLines: [String]) {
        self.code = code
        self.lastLines = lastLines
    }
}

/// Something that happened in a lab, on its clock: from netlink, from a daemon's log, or by netlab's own hand.
public struct LabEvent: Hashable, Sendable, Codable {
    public let nanoseconds: Int64
    /// Empty for the lab as a whole.
    public let node: String
    public let kind: Kind

    public init(nanoseconds: Int64, node: String, kind: Kind) {
        self.nanoseconds = nanoseconds
        self.node = node
        self.kind = kind
    }

    public enum Kind: Hashable, Sendable, Codable {
        /// An interface can carry packets (up, with a carrier), or no longer.
        case link(InterfaceName, isUp: Bool)
        /// A route came or went; `text` as ip(8) shows it. `isLearned` for one of a routing daemon's.
        case route(IPPrefix, text: String, isPresent: Bool, isLearned: Bool)
        /// A security association came or went.
        case association(tunnel: String?, spi: UInt32, isOutbound: Bool, Change)
        /// What a routing daemon logged of a BGP session.
        case session(String, SessionEvent)
        /// What an IKE daemon logged of a connection.
        case ike(connection: String, IKEEvent, text: String)
        /// A fault began or was healed.
        case fault(Fault, isActive: Bool)
        /// A monitor raised or cleared its alarm.
        case alarm(monitor: String, isRaised: Bool)
        /// A daemon ended or was started.
        case daemon(String, isRunning: Bool)
        /// Events came faster than they were read: some are missing.
        case overrun
    }

    public enum Change: String, Hashable, Sendable, Codable {
        case added, removed
        /// Past its soft or hard limit.
        case expired
    }

    public enum SessionEvent: Hashable, Sendable, Codable {
        case up
        /// It is ended, and gives up the routes that it was told.
        case stopping, givingUpRoutes
        /// It is on its way up or down.
        case changing
        /// What ended it, in the daemon's words.
        case failed(Failure, text: String)

        public enum Failure: String, Hashable, Sendable, Codable {
            /// The peer said so in a NOTIFICATION.
            case notification
            case holdTimer
            case other
        }
    }

    public enum IKEEvent: String, Hashable, Sendable, Codable {
        /// The peer is asked whether it is there; it has not answered in time; it is given up.
        case livenessProbe, retransmission, peerDead
        case initiating, ikeEstablished, childEstablished
        case ikeRekeyed, childRekeyed
        case deleted
        /// Refused: no proposal chosen, authentication failed and the like.
        case refused
        case other
    }
}

/// What a lab's kernel and daemons hold at one moment.
public struct ResourceSample: Hashable, Sendable, Codable {
    public let nanoseconds: Int64
    /// Of the lab kernel: MemTotal less MemAvailable (proc(5)), less what netlab's own agent has, in bytes.
    public let kernelBytes: Int64
    /// Of each daemon, by `NODE/KIND`: resident, in bytes.
    public let daemonBytes: [String: Int64]
    /// Security associations of each node.
    public let associations: [String: Int]

    public init(nanoseconds: Int64, kernelBytes: Int64, daemonBytes: [String: Int64], associations: [String: Int]) {
        self.nanoseconds = nanoseconds
        self.kernelBytes = kernelBytes
        self.daemonBytes = daemonBytes
        self.associations = associations
    }
}
