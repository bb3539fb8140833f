import LabModel
import NetworkTypes
import Providers
import YAMLReading

// Providers: their files, and their rules held against the topology.
extension TopologyResolver {
    /// The providers that the lab's clouds name, and those that these are built on; what is wrong in their files is noted.
    func readProviders() -> [String: Provider] {
        guard let library = file.providers else { return [:] }
        var found: [String: Provider] = [:]
        for cloud in file.clouds {
            guard let name = cloud.provider, library.names.contains(name.value), found[name.value] == nil else {
                continue
            }
            found[name.value] = library.provider(name.value, line: name.line, collector: collector)
        }
        return found
    }

    /// The provider that runs a node, as its rules have it.
    private func provider(of node: String) -> Provider? {
        guard let node = file.nodes.first(where: { $0.name.value == node }), node.role.value != .instance else {
            return nil
        }
        let cloud = file.clouds.first { $0.name.value == node.cloud?.value }
        return cloud?.provider.flatMap { providers[$0.value] }
    }

    /// What a speaker has: as written, or as its provider sets it for sessions in tunnels where nothing is written.
    func timers(of speaker: SessionSpec.Speaker, over: String?) -> (keepalive: Duration, hold: Duration) {
        let isInTunnel = file.tunnels.contains { $0.name.value == over }
        let provider = isInTunnel ? provider(of: speaker.node.value) : nil
        guard !speaker.hasTimers, let keepalive = provider?.standard(.bgpKeepalive)?.duration,
            let hold = provider?.standard(.bgpHold)?.duration
        else { return (speaker.keepalive, speaker.hold) }
        return (keepalive, hold)
    }

    /// The lifetime that the providers of a tunnel's ends set where the lab file has none, and they agree.
    func standardLifetime(_ key: ProviderDefault.Key, of spec: TunnelSpec) -> Duration? {
        let standards = Set(spec.ends.compactMap { provider(of: $0.node.value)?.standard(key)?.duration })
        return standards.count == 1 ? standards.first : nil
    }

    /// Holds the rules of all providers against the topology, and those that are nobody's.
    func applyRules(to topology: Topology) {
        guard file.providers != nil, !collector.hasErrors else { return }
        var accepted = Set(file.accepts.indices)
        for rule in GeneralRules.all {
            let design = Design(topology: topology, file: file.merged, provider: "", providers: providers)
            for finding in rule.findings(design) {
                note(finding, id: rule.id, severity: rule.severity, source: rule.source, unused: &accepted)
            }
        }
        for (name, provider) in providers.sorted(by: { $0.key < $1.key }) {
            let design = Design(topology: topology, file: file.merged, provider: name, providers: providers)
            for rule in provider.rules {
                for finding in rule.constraint.findings(in: design) {
                    note(finding, id: rule.id, severity: rule.severity, source: rule.source, unused: &accepted)
                }
            }
        }
        let known = Set(GeneralRules.all.map(\.id) + providers.values.flatMap(\.rules).map(\.id))
        for index in accepted.sorted() {
            let rule = file.accepts[index].rule
            if known.contains(rule.value) {
                collector.warning(
                    rule.line, "accepts.\(rule.value): nothing in the lab breaks this rule", "Remove it.")
            } else {
                collector.error(
                    rule.line, "accepts: there is no rule \"\(rule.value)\"",
                    Suggestion.remedy(for: rule.value, among: known, noun: "rules"))
            }
        }
    }

    private func note(
        _ finding: Finding, id: String, severity: LabFileDiagnostic.Severity, source: ProviderSource,
        unused accepted: inout Set<Int>
    ) {
        let index = file.accepts.firstIndex { $0.rule.value == id }
        index.map { _ = accepted.remove($0) }
        let references =
            [RuleReference(id: id, source: source)]
            + finding.against.map { RuleReference(id: $0.id, source: $0.source) }
        collector.note(
            LabFileDiagnostic(
                severity: index == nil ? severity : .warning, file: collector.file, line: finding.line,
                message: finding.message, remedy: finding.remedy, rules: references,
                accepted: index.map { file.accepts[$0].reason }))
    }
}

extension ProviderLibrary {
    /// Reads a provider's file, and takes in the rules of the provider that it is built on.
    ///
    /// - Parameters:
    ///   - line: Where the provider is named.
    ///   - collector: For what is wrong where it is named; what is wrong in its own file is added as well.
    /// - Returns: Nil where something is wrong, which has been noted.
    func provider(_ name: String, line: Int?, collector: DiagnosticCollector, above: [String] = []) -> Provider? {
        let file: ProviderFile
        do {
            file = try self.file(of: name)
        } catch {
            collector.error(
                line, "the file of provider \"\(name)\" cannot be read: \(error)", "Look at its path and permissions.")
            return nil
        }
        let own = DiagnosticCollector(file: file.path)
        for diagnostic in file.diagnostics { own.note(diagnostic) }
        var provider = file.provider
        if let foundation = provider?.foundation {
            let place = provider?.foundationLine
            if !names.contains(foundation) {
                own.error(
                    place, "extends: there is no provider \"\(foundation)\"",
                    Suggestion.remedy(for: foundation, among: names, noun: "providers"))
            } else if foundation == name || above.contains(foundation) {
                own.error(
                    place, "extends: \(foundation) is built on \(name) itself", "Remove one of the two `extends:`.")
            } else if let base = self.provider(foundation, line: place, collector: own, above: above + [name]) {
                let kinds = provider?.rules.map(\.kind) ?? []
                provider?.rules += base.rules.filter { !kinds.contains($0.kind) }
                let keys = provider?.defaults.map(\.key) ?? []
                provider?.defaults += base.defaults.filter { !keys.contains($0.key) }
                if provider?.pathSelection.isEmpty ?? false { provider?.pathSelection = base.pathSelection }
            }
        }
        for diagnostic in own.diagnostics { collector.note(diagnostic) }
        return own.hasErrors ? nil : provider
    }

    /// All that is known of a provider.
    ///
    /// - Throws: ``LabFileError`` with every mistake in its file.
    public func provider(_ name: String) throws(LabFileError) -> Provider {
        let collector = DiagnosticCollector(file: "providers")
        guard let provider = provider(name, line: nil, collector: collector) else {
            throw LabFileError(diagnostics: collector.diagnostics)
        }
        return provider
    }
}
