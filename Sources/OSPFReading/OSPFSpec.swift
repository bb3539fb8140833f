import LabModel
import NetworkTypes
import RoutingDaemons
import YAMLReading

/// A domain of a lab file's section `ospf`, as it is written.
public struct OSPFSpec {
    struct Link {
        let name: Located<String>
        let cost: Int
        let isPassive: Bool
    }

    struct Edge {
        let node: Located<String>
        let metric: Int
        let metricType: OSPFDomain.Edge.MetricType
        let sources: Set<Source>
    }

    /// Whose routes an edge tells the other.
    enum Source: String, CaseIterable { case bgp, ospf }

    let name: Located<String>
    let hello: Duration
    let dead: Duration
    let links: [Link]
    let edges: [Edge]

    /// Appendix C.3 of RFC 2328, in whole seconds, as FRR has them (8.4.4, ospfd/ospf_vty.c).
    private static let usual = (hello: Duration.seconds(10), times: 4)
    private static let longest = Duration.seconds(65535)

    public init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["hello", "dead", "links", "edges"]),
            let written = fields.required("links", "the links that OSPF is spoken on")
        else { return nil }
        func time(_ key: String, _ usual: Duration) -> Duration {
            guard let field = fields[key], let time = field.duration()?.value else { return usual }
            guard time.components.attoseconds == 0, time >= .seconds(1), time <= Self.longest else {
                field.wrong("a time from 1s to 65535s in whole seconds")
                return usual
            }
            return time
        }
        name = key
        hello = time("hello", Self.usual.hello)
        dead = time("dead", hello * Self.usual.times)
        if dead <= hello {
            value.collector.error(
                fields["dead"]?.line ?? key.line,
                "\(value.path): dead \(dead.shortText) is not longer than hello \(hello.shortText), so each neighbour is given up between two of its packets",
                "Write a `dead:` of four times `hello:`, as is usual (RFC 2328, appendix C.3).")
        }
        links = written.entries("a mapping of links, such as {core-r1: {cost: 10}}").compactMap(Link.init)
        edges = fields["edges"]?.entries("a mapping of routers to what they redistribute").compactMap(Edge.init) ?? []
    }
}

extension OSPFSpec.Link {
    init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["cost", "passive"]) else { return nil }
        name = key
        isPassive = fields["passive"]?.flag()?.value ?? false
        cost = fields["cost"]?.number(1...65535) ?? OSPFSpec.usualCost
    }
}

extension OSPFSpec.Edge {
    init?(key: Located<String>, value: YAMLValue) {
        guard let fields = value.fields(["metric", "metric-type", "redistribute"]) else { return nil }
        node = key
        metric = fields["metric"]?.number(0...16_777_214) ?? OSPFSpec.usualMetric
        metricType =
            fields["metric-type"].flatMap { field in
                field.number(1...2).flatMap(OSPFDomain.Edge.MetricType.init)
            } ?? .two
        let sources = fields["redistribute"]?.members.compactMap {
            $0.choice(OSPFSpec.Source.self, noun: "sources of routes")?.value
        }
        self.sources = Set(sources ?? OSPFSpec.Source.allCases)
    }
}

extension OSPFSpec {
    /// A convention: FRR's own follows from an interface's rate, which a lab's has none of.
    fileprivate static let usualCost = 10
    /// FRR's for what it redistributes (8.4.4, ospfd/ospf_zebra.h, `DEFAULT_DEFAULT_METRIC`).
    fileprivate static let usualMetric = 20
}

extension YAMLValue {
    fileprivate func number(_ range: ClosedRange<Int>) -> Int? {
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = value(Int.self, expected)?.value else { return nil }
        guard range.contains(number) else {
            wrong(expected)
            return nil
        }
        return number
    }
}
