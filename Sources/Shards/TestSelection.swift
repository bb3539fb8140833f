/// What a test plays, as its command line says it: the same at each shard.
public struct TestSelection: Hashable, Sendable, Codable {
    /// Labs as they were named; empty for all that netlab knows.
    public var labs: [String]
    /// Scenarios' names; nil for all.
    public var scenarios: [String]?
    public var variant: String?
    /// Whether what is played is derived from the labs, whatever their files say.
    public var isDerived: Bool
    public var repetitions: Int
    public var seed: UInt64?
    /// In place of the host's: a release's name or a directory's path.
    public var system: String?

    public init(
        labs: [String], scenarios: [String]? = nil, variant: String? = nil, isDerived: Bool = false,
        repetitions: Int = 1, seed: UInt64? = nil, system: String? = nil
    ) {
        self.labs = labs
        self.scenarios = scenarios
        self.variant = variant
        self.isDerived = isDerived
        self.repetitions = repetitions
        self.seed = seed
        self.system = system
    }
}
