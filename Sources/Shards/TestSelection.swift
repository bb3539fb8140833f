/// What a test plays, as its command line says it: the same at each shard.
public struct TestSelection: Hashable, Sendable, Codable {
    /// Labs as they were named; empty for all that netlab knows.
    public let labs: [String]
    /// Scenarios' names; nil for all.
    public let scenarios: [String]?
    public let variant: String?
    /// Whether what is played is derived from the labs, whatever their files say.
    public let isDerived: Bool
    public let repetitions: Int
    public var seed: UInt64? { seedText.flatMap { UInt64($0) } }
    /// As text, for it may have more bits than a number of JSON that others read.
    private let seedText: String?
    /// In place of the host's: a release's name or a directory's path.
    public let system: String?

    public init(
        labs: [String], scenarios: [String]? = nil, variant: String? = nil, isDerived: Bool = false,
        repetitions: Int = 1, seed: UInt64? = nil, system: String? = nil
    ) {
        self.labs = labs
        self.scenarios = scenarios
        self.variant = variant
        self.isDerived = isDerived
        self.repetitions = repetitions
        seedText = seed.map(String.init)
        self.system = system
    }
}
