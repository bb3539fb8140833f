import LabModel

extension Topology {
    /// Whether another lab's parts are all here, wherever they stand in the file.
    public func hasAll(of other: Topology) -> Bool {
        nodes == other.nodes && links == other.links && tunnels == other.tunnels
            && plainTunnels == other.plainTunnels && sessions == other.sessions && ospf == other.ospf
            && clouds == other.clouds
            && probes.starts(with: other.probes)
            && expectations.map(\.placeless).starts(with: other.expectations.map(\.placeless))
            && scenarioNames.starts(with: other.scenarioNames)
            && scenarios.map(\.placeless).starts(with: other.scenarios.map(\.placeless))
    }
}

extension Expectation {
    fileprivate var placeless: Expectation {
        Expectation(
            name: name, line: 0, when: when, isOnRequest: isOnRequest, published: published, claim: claim)
    }
}

extension Scenario {
    fileprivate var placeless: Scenario {
        Scenario(
            name: name, line: 0, summary: summary, variant: variant, traffic: traffic,
            steps: steps.map { Step(at: $0.at, line: 0, action: $0.action) }, length: length,
            outages: outages.map { OutageClaim(probe: $0.probe, line: 0, atMost: $0.atMost, published: $0.published) })
    }
}
