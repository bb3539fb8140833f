import Daemons
import LabModel
import NetworkTypes
import Predictions

/// What a lab must show, as far as that follows from its topology by itself: probes where it has none, and expectations.
///
/// Nothing is measured for it, and nothing is claimed that is not known: where a way is not, ``gaps`` says so.
public struct Derivation: Sendable {
    /// The lab with what was derived in it, after what was written.
    public let topology: Topology
    /// Those that were derived.
    public let probes: [Probe]
    public let expectations: [Expectation]
    public let gaps: [Gap]

    /// Something that could be expected of a lab, and is not.
    public struct Gap: Hashable, Sendable {
        /// What an expectation of it would be called.
        public let name: String
        public let kind: Expectation.Claim.Kind
        /// Why nothing is expected, in words.
        public let reason: String
        /// Whether that leaves a doubt about the lab; if not, there is nothing to be expected.
        public let isDoubt: Bool

        public init(name: String, kind: Expectation.Claim.Kind, reason: String, isDoubt: Bool) {
            self.name = name
            self.kind = kind
            self.reason = reason
            self.isDoubt = isDoubt
        }
    }

    public init(of topology: Topology) {
        // Ways do not depend on the daemons' versions.
        let versions = DaemonVersions([:])
        let finder = ProbeFinder(topology: topology, predictor: Predictor(topology: topology, versions: versions))
        let (probes, idle) = finder.find()
        var whole = topology
        whole.probes += probes
        var deriver = ExpectationDeriver(
            topology: whole, predictor: Predictor(topology: whole, versions: versions))
        deriver.derive()
        whole.expectations += deriver.expectations
        self.topology = whole
        self.probes = probes
        expectations = deriver.expectations
        gaps = idle + deriver.gaps
    }
}

extension Topology {
    /// A name that nothing in the list has: the wanted one, or that with a number.
    static func free(_ wanted: String, among taken: some Sequence<String>) -> String {
        let taken = Set(taken)
        guard taken.contains(wanted) else { return wanted }
        return (2...).lazy.map { "\(wanted)-\($0)" }.first { !taken.contains($0) } ?? wanted
    }
}
