import Daemons
import ExpectationReading
import LabModel
import NetworkTypes
import OSPFReading
import PolicyReading
import Providers
import YAMLReading

extension LabFile {
    /// Looks up everything the file names and checks that it fits together.
    ///
    /// - Returns: The topology, and what will work but may surprise.
    /// - Throws: ``LabFileError`` with every problem of the file, not only the first.
    public func resolve() throws(LabFileError) -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        var resolver = TopologyResolver(file: self)
        let topology = resolver.resolve()
        let found = collector.diagnostics.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        guard !collector.hasErrors else { throw LabFileError(diagnostics: found) }
        return (topology, found)
    }

    /// The same for the lab as it stands and for each of its variants.
    ///
    /// - Returns: The topology, those of the variants in the file's order, and what will work but may surprise, also in variants only.
    /// - Throws: ``LabFileError`` with every problem of the file and of its variants; what is wrong in a variant only
    ///   says in which.
    public func resolveWithVariants() async throws(LabFileError) -> (
        topology: Topology, variants: [Topology], warnings: [LabFileDiagnostic]
    ) {
        let names = variants.map(\.name.value)
        guard !names.isEmpty else {
            let (topology, warnings) = try resolve()
            return (topology, [], warnings)
        }
        let source = (
            text: text, file: collector.file, providers: providers, date: date, names: companionNames,
            companion: companion
        )
        let resolving = names.map { name in
            Task { () -> (topology: Topology, diagnostics: [LabFileDiagnostic]) in
                // A tree of Yams' resolves its tags while it is read: each thread has its own.
                let file = LabFile(
                    text: source.text, file: source.file, variant: name, providers: source.providers, date: source.date,
                    companionNames: source.names, companion: source.companion)
                var resolver = TopologyResolver(file: file)
                return (resolver.resolve(), file.collector.diagnostics)
            }
        }
        var resolver = TopologyResolver(file: self)
        let topology = resolver.resolve()
        let base = collector.diagnostics
        var others: [(topology: Topology, diagnostics: [LabFileDiagnostic])] = []
        for task in resolving { others.append(await task.value) }
        let own = zip(names, others).flatMap { name, variant in
            variant.diagnostics.filter { !base.contains($0) }.map { $0.inVariant(name) }
        }
        let found = (base + own).sorted { ($0.line ?? 0) < ($1.line ?? 0) }
        guard !found.contains(where: { $0.severity == .error }) else { throw LabFileError(diagnostics: found) }
        return (topology, others.map(\.topology), found)
    }
}

/// Builds a topology from a lab file, noting every problem on the way.
///
/// Each step uses what the steps before it have resolved; a part that is wrong is left out, so that one mistake is
/// reported once.
struct TopologyResolver {
    let file: LabFile
    var collector: DiagnosticCollector { file.collector }
    /// Interface names by node, with the line each was given at.
    var interfaces: [String: [InterfaceName: Int]] = [:]
    /// Nodes with a link that could not be read or names them wrongly: what they lack may be on it, and is not reported.
    let unsure: Set<String>
    /// Those that the lab's clouds name, by name.
    var providers: [String: Provider] = [:]
    /// The link ends written for each node, whether or not their links could be built.
    private let ends: [String: [LinkSpec.End]]
    let knownNodes: Set<String>
    /// Nodes and links alone, once those are resolved.
    private(set) var wires: Topology?

    init(file: LabFile) {
        self.file = file
        ends = Dictionary(grouping: file.links.flatMap(\.ends)) { $0.node.value }
        let names = Set(file.nodes.map(\.name.value))
        knownNodes = names
        let stray = file.links.flatMap(\.ends).map(\.node.value).filter { !names.contains($0) }
        let meant = stray.compactMap { Suggestion.nearest(to: $0, among: file.nodes.map(\.name.value)) }
        let isEverySure = file.links.allSatisfy(\.isComplete) && meant.count == stray.count
        unsure = isEverySure ? Set(meant) : names
    }

    /// The address that others know one by: past a translation, where there is one.
    func outside(_ address: IPAddress) -> IPAddress {
        // What is wrong beside a mapping has been reported.
        let mappings = file.nodes.compactMap(\.nat).flatMap(\.mappings)
        let first = mappings.first { $0.inside.value == address }?.outside.value ?? address
        return wires?.translations(of: first).last?.outside ?? first
    }

    /// The link ends written for a node, whether or not their links could be built.
    func ends(of node: String) -> [LinkSpec.End] { ends[node] ?? [] }

    mutating func resolve() -> Topology {
        checkNames()
        providers = readProviders()
        let links = file.links.compactMap { resolve(link: $0) }
        checkAddresses(of: links)
        let nodes = file.nodes.map { resolve(node: $0) }
        wires = Topology(
            name: "", title: "", summary: "", deviations: [], clouds: [], nodes: nodes, links: links, tunnels: [],
            sessions: [])
        let tunnels = file.tunnels.compactMap { resolve(tunnel: $0) }
        let plainTunnels = file.plainTunnels.compactMap { resolve(plain: $0) }
        checkRepetitions()
        checkRoutes()
        checkTunnelRoutes()
        checkNumbers(of: tunnels)
        checkLoading(of: tunnels, at: nodes)
        checkUniqueness(of: tunnels)
        checkTwins(of: tunnels)
        let sessions = file.sessions.compactMap { resolve(session: $0, tunnels: tunnels, links: links) }
        var topology = Topology(
            name: file.name?.value ?? "", title: file.title, summary: file.summary, deviations: file.deviations,
            clouds: file.clouds.map { Cloud(name: $0.name.value, title: $0.title, provider: $0.provider?.value) },
            nodes: nodes, links: links,
            tunnels: tunnels, sessions: sessions)
        topology.oneSidedSessions = file.sessions.compactMap { resolve(oneSided: $0, tunnels: tunnels, links: links) }
        for session in topology.oneSidedSessions {
            guard let spec = file.sessions.first(where: { $0.name.value == session.name }) else { continue }
            check(oneSided: session, spec, in: topology)
        }
        topology.plainTunnels = plainTunnels
        topology.ospf = OSPFResolver(
            in: topology, daemons: DaemonRegistry.routingDaemons,
            written: file.written["links", default: []], collector: collector
        ).domains(file.ospf)
        checkTwins(ofPlain: plainTunnels)
        checkPolicies(of: topology)
        examineRoutePolicies(of: topology)
        checkFit(of: topology)
        let asked = topology
        leaveOutWhatIsRefused(in: &topology)
        topology.probes = file.probes.compactMap { resolve(probe: $0, topology: topology) }
        let reader = ExpectationReader(topology: topology, written: file.written, interfaces: interfaces)
        topology.expectations = file.expectations.compactMap { reader.expectation(named: $0, $1) }
        topology.soak = soak(topology: topology)
        topology.variant = file.variant
        topology.variants = file.variants.map { Variant(name: $0.name.value, summary: $0.summary) }
        resolveScenarios(of: &topology)
        applyRules(to: topology.asking(for: asked))
        return topology
    }
}
