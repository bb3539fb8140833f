import LabModel
import LabPlan
import NetworkTypes

/// What the supervisor says to the agent over the control line.
public enum ToAgent: Sendable, Codable {
    /// Lets the lab's clock run until a time; the agent answers ``FromAgent/held(at:)`` when it is there.
    case run(until: LabTime)
    /// The ``LabRequest`` of this name, which is the message's body, to be answered under its id.
    ///
    /// With `unbounded` the clock runs as fast as it can until the request is done, and stands still from that moment.
    case request(id: UInt32, name: String, unbounded: Bool)
    /// More for a request that is under way.
    case input(id: UInt32, ExecInput)
    /// Give up a request.
    case cancel(id: UInt32)
    /// Ask what is running, when the clock does not move although it may: nothing but the agent can know.
    case explain
    /// A message that is in a file of the letterbox (``GuestSetup/letterbox``), being too long for the line; the agent answers
    /// ``FromAgent/opened(letter:)``.
    case letter(String)
}

/// What goes by a file instead of the control line.
///
/// A lab kernel reads its line byte by byte, a microsecond and more for each; a file it reads by the page.
public enum Letter {
    /// The most bytes of a frame that goes by the line.
    public static let shortest = 16_384
}

/// How much may be on its way to the agent at once.
///
/// The guest's terminal layer holds 4096 bytes; when it runs full, User-Mode Linux stops listening to the line and never
/// begins again (line_throttle, arch/um/drivers/line.c). So the supervisor keeps count, and the agent says what it has read.
public enum LineWindow {
    /// The most that may be unacknowledged.
    public static let bytes = 3072
    /// The agent acknowledges when it has read this much; less than half of the window, so that it never runs dry.
    public static let acknowledgedEvery = 1024
}

/// What the agent says.
public enum FromAgent: Sendable, Codable {
    /// The agent is ready for requests; the first message.
    case ready(ProtocolVersion, at: LabTime)
    /// So many more bytes of the line have been read: see ``LineWindow``.
    case received(bytes: Int)
    /// A letter has been read, and its file may go.
    case opened(letter: String)
    /// The clock stands still: everything due by now has been handled.
    case held(at: LabTime)
    case progress(id: UInt32, Progress)
    case output(id: UInt32, ExecOutput)
    /// A capture's file has so many bytes that the host can read.
    case grown(id: UInt32, bytes: Int)
    /// A script has come this far.
    case passed(id: UInt32, LabTime)
    /// The answer to a request, which is the message's body.
    case reply(id: UInt32, at: LabTime)
    case failed(id: UInt32, LabFailure, at: LabTime)
    /// Something happened that nobody asked for.
    case event(AgentEvent, at: LabTime)
}

/// Whether a kernel can do something.
public struct KernelFinding: Hashable, Sendable, Codable {
    public let feature: KernelFeature
    /// What went wrong when it was tried; nil where it can be done.
    public let obstacle: String?

    public init(feature: KernelFeature, obstacle: String?) {
        self.feature = feature
        self.obstacle = obstacle
    }
}

/// A fault that has not been healed yet.
public struct ActiveFault: Hashable, Sendable, Codable {
    public let fault: Fault
    public let since: LabTime
    /// When it heals by itself; nil for never.
    public let until: LabTime?

    public init(fault: Fault, since: LabTime, until: LabTime?) {
        self.fault = fault
        self.since = since
        self.until = until
    }

    private enum CodingKeys: CodingKey {
        case fault, text, since, until
    }

    /// With the fault's text besides, for those who read JSON: it is what `netlab heal` takes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fault, forKey: .fault)
        try container.encode(fault.description, forKey: .text)
        try container.encode(since, forKey: .since)
        try container.encodeIfPresent(until, forKey: .until)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        fault = try container.decode(Fault.self, forKey: .fault)
        since = try container.decode(LabTime.self, forKey: .since)
        until = try container.decodeIfPresent(LabTime.self, forKey: .until)
    }
}

/// Why something in a lab did not work: what happened to which object, what to do, and the cause.
public struct LabFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    public let message: String
    public let remedy: String?
    /// What a daemon or the kernel said, line by line.
    public let details: [String]
    public let code: Code

    /// What tells a failure from others, for whoever has to do something about it.
    public enum Code: String, Hashable, Sendable, Codable {
        /// The lab, or something in it, does not do what it should.
        case labBroke
        /// What was asked for is not there, or cannot be done.
        case wrongInput
        /// The machine lacks something.
        case machineLacks
        /// A program that was to be run in a node is not there.
        case noSuchProgram
        /// The lab is up, or is being brought up by somebody else.
        case alreadyUp
        /// The lab's supervisor is of another version of netlab.
        case otherVersion
    }

    public init(_ message: String, remedy: String? = nil, details: [String] = [], code: Code = .labBroke) {
        self.message = message
        self.remedy = remedy
        self.details = details
        self.code = code
    }

    public var description: String {
        ([message] + details.map { "    \($0)" } + [remedy].compactMap { $0 }).joined(separator: "\n")
    }
}

/// How far a plan has come.
public struct Progress: Hashable, Sendable, Codable {
    public let stage: Step.Stage
    /// Steps done and steps in all of this stage.
    public let done: Int
    public let total: Int
    /// What is being done or waited for now.
    public let current: String
    public let time: LabTime

    public init(stage: Step.Stage, done: Int, total: Int, current: String, time: LabTime) {
        self.stage = stage
        self.done = done
        self.total = total
        self.current = current
        self.time = time
    }
}

public enum AgentEvent: Hashable, Sendable, Codable {
    /// A daemon ended without being told to.
    case daemonDied(name: String, reason: String, logEnd: [String])
    /// The clock does not move; these processes are using the processor.
    case spinning(processes: [String])
}

/// Which kernel a lab runs on.
public enum KernelKind: String, Hashable, Sendable, Codable {
    /// One of its own, a process of the user's.
    case lab
    /// The one that netlab itself runs on.
    case host
}

/// How an executable that is the first process of its kernel, or of its PID namespace, knows that it is a lab's agent.
public enum AgentStart {
    /// The variable of its environment that says so: its value is a ``KernelKind``.
    public static let variable = "NETLAB_AGENT"
}

/// What an agent is told about its host.
public struct GuestSetup: Hashable, Sendable, Codable {
    public let hostname: String
    /// The one directory of the host that the guest writes to; nil for none.
    public let logDirectory: String?
    /// Directories that stay the host's, read-only, instead of being emptied.
    public let keptDirectories: [String]
    /// What the date is to be when the lab's clock shows zero, in seconds since 1970; nil for the host's.
    public let startDate: Int64?
    /// What daemons have in place of the kernel's random numbers; nil for those.
    public let random: SeededRandom?
    /// Where trees of programs are on the host, with a `usr` in each, by their names (`DaemonTree`).
    public let trees: [String: String]
    /// The directory of the host in which long messages are left for the agent; nil where all go by the line.
    public let letterbox: String?

    public init(
        hostname: String, logDirectory: String?, keptDirectories: [String] = [], startDate: Int64? = nil,
        random: SeededRandom? = nil, trees: [String: String] = [:], letterbox: String? = nil
    ) {
        self.letterbox = letterbox
        self.hostname = hostname
        self.logDirectory = logDirectory
        self.keptDirectories = keptDirectories
        self.startDate = startDate
        self.random = random
        self.trees = trees
    }
}

/// A program to run in a node; an empty node name means outside all of them.
public struct ExecRequest: Hashable, Sendable, Codable {
    public let node: String
    public let arguments: [String]
    public let environment: [String: String]
    /// The caller's terminal; nil gives the program pipes.
    public let terminal: TerminalSize?

    public init(node: String, arguments: [String], environment: [String: String], terminal: TerminalSize?) {
        self.node = node
        self.arguments = arguments
        self.environment = environment
        self.terminal = terminal
    }
}

public struct TerminalSize: Hashable, Sendable, Codable {
    public let rows: UInt16
    public let columns: UInt16

    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

public enum ExecInput: Hashable, Sendable, Codable {
    case bytes(Bytes)
    case endOfFile
    case resize(TerminalSize)
    case signal(Int32)
}

public struct ExecOutput: Hashable, Sendable, Codable {
    public enum Stream: String, Hashable, Sendable, Codable {
        case output, error
    }

    public let stream: Stream
    public let bytes: Bytes

    public init(stream: Stream, bytes: Bytes) {
        self.stream = stream
        self.bytes = bytes
    }
}
