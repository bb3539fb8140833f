import NetworkTypes

/// A timeline of faults, heals and traffic, with what must be seen before, during and after.
public struct Scenario: Hashable, Sendable, Codable {
    public let name: String
    /// The line of the lab file.
    public let line: Int
    public let summary: String
    /// The variant of the lab it runs in; nil for the lab as it stands.
    public let variant: String?
    /// Requests that go on from the beginning to the end.
    public let traffic: [Flow]
    /// By time.
    public let steps: [Step]
    /// When it ends, from its beginning.
    public let length: Duration
    /// What is claimed of outages beyond what follows from the configuration.
    public let outages: [OutageClaim]
    /// Whether netlab has derived it from the lab, so that it stands in no file.
    public let isDerived: Bool

    public struct Flow: Hashable, Sendable, Codable {
        public let probe: String
        /// Between two requests of one flow.
        public let interval: Duration
        /// How many flows there are over UDP, 2 to 256, each from a port of its own; nil for one of echo requests (ICMP).
        public let count: Int?

        public init(probe: String, interval: Duration, count: Int? = nil) {
            self.probe = probe
            self.interval = interval
            self.count = count
        }
    }

    public struct Step: Hashable, Sendable, Codable {
        /// From the scenario's beginning.
        public let at: Duration
        public let line: Int
        public let action: Action

        public init(at: Duration, line: Int, action: Action) {
            self.at = at
            self.line = line
            self.action = action
        }
    }

    public enum Action: Hashable, Sendable, Codable {
        case fail([Fault])
        case heal([Fault])
        /// Expectations by name: those that must hold now, and those that must not.
        case check(pass: [String], fail: [String])
        case exec(Command)
    }

    /// A command that is run in a node, with what must come of it.
    public struct Command: Hashable, Sendable, Codable {
        public let node: String
        /// The program, and what it is given.
        public let arguments: [String]
        /// The exit code that it must end with, 0 to 255; 128 and more for a signal's number, as a shell reports it.
        public let exit: Int32
        /// How long it may take, in the lab's time: then it is killed.
        public let limit: Duration

        public init(node: String, arguments: [String], exit: Int32, limit: Duration) {
            self.node = node
            self.arguments = arguments
            self.exit = exit
            self.limit = limit
        }

        /// As somebody types it.
        public var text: String {
            arguments.count == 3 && arguments.prefix(2) == ["sh", "-c"]
                ? arguments[2] : arguments.joined(separator: " ")
        }
    }

    /// `outage: {PROBE: none}`, `{PROBE: 40s}` or `{PROBE: {at-most: 40s, published: TEXT}}`: the longest time in which no
    /// echo came back.
    public struct OutageClaim: Hashable, Sendable, Codable {
        public let probe: String
        public let line: Int
        /// Zero for none at all; nil where nothing is claimed.
        public let atMost: Duration?
        /// What somebody measured on the real thing, in words, to stand beside the lab's; nothing is held against it.
        public let published: String?

        public init(probe: String, line: Int, atMost: Duration?, published: String? = nil) {
            self.probe = probe
            self.line = line
            self.atMost = atMost
            self.published = published
        }
    }

    public init(
        name: String, line: Int, summary: String, variant: String?, traffic: [Flow], steps: [Step], length: Duration,
        outages: [OutageClaim], isDerived: Bool = false
    ) {
        self.name = name
        self.line = line
        self.summary = summary
        self.variant = variant
        self.traffic = traffic
        self.steps = steps
        self.length = length
        self.outages = outages
        self.isDerived = isDerived
    }
}

extension Scenario {
    /// The same for a variant that it was not written for: without checks of expectations that are not in a lab.
    ///
    /// - Returns: What is left, and the names that were left out.
    public func leavingOutChecks(missingIn topology: Topology) -> (scenario: Scenario, leftOut: [String]) {
        let known = Set(topology.expectations.map(\.name))
        var leftOut: [String] = []
        func kept(_ names: [String]) -> [String] {
            leftOut += names.filter { !known.contains($0) && !leftOut.contains($0) }
            return names.filter(known.contains)
        }
        let steps = steps.compactMap { step -> Step? in
            guard case .check(let pass, let fail) = step.action else { return step }
            let (passing, failing) = (kept(pass), kept(fail))
            return passing.isEmpty && failing.isEmpty
                ? nil : Step(at: step.at, line: step.line, action: .check(pass: passing, fail: failing))
        }
        let scenario = Scenario(
            name: name, line: line, summary: summary, variant: variant, traffic: traffic, steps: steps,
            length: length, outages: outages, isDerived: isDerived)
        return (scenario, leftOut)
    }
}

/// A scenario, and the variant of the lab that it is played in.
public struct ScenarioName: Hashable, Sendable, Codable {
    public let name: String
    /// Nil for the lab as it stands.
    public let variant: String?

    public init(name: String, variant: String?) {
        self.name = name
        self.variant = variant
    }
}

/// A changed lab: a part of a lab file laid over the whole.
public struct Variant: Hashable, Sendable, Codable {
    public let name: String
    public let summary: String

    public init(name: String, summary: String) {
        self.name = name
        self.summary = summary
    }
}
