import LabModel
import NetworkTypes

/// What a lab lacks to work, so that it would be waited for in vain.
public struct Shortcoming: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        case tunnel(String)
        case probe(String)
    }

    public let subject: Subject
    /// What does not work, and where it ends.
    public let message: String
    public let remedy: String
}

extension Predictor {
    /// Ends of tunnels that do not reach each other, and awaited probes that are not answered.
    ///
    /// Only what is sure: where a boot script or a routing daemon with a user's own configuration is on the way, that may bring
    /// what is missing.
    public var shortcomings: [Shortcoming] {
        let tunnels = topology.tunnels.filter { !$0.isUnused }.compactMap { tunnel -> Shortcoming? in
            let failures = tunnel.ends.lazy.compactMap { end -> Shortcoming? in
                let courses = negotiation(from: end, of: tunnel)
                guard let loss = sureLoss(of: courses, from: end.node) else { return nil }
                return Shortcoming(
                    subject: .tunnel(tunnel.name),
                    message:
                        "\(end.node) does not reach the other end at \(end.remoteAddress), so it never comes up: \(loss)",
                    remedy:
                        "Add the route that is missing, or `role: router` to a node on the way that does not forward.")
            }
            return failures.first
        }
        let broken = Set(tunnels.map(\.subject))
        let probes = topology.probes.filter(\.isAwaited).compactMap { probe -> Shortcoming? in
            let courses = courses(of: probe)
            guard courses.loss != nil, courses.doubt == nil,
                let loss = sureLoss(of: courses.forth, from: probe.source)
                    ?? sureLoss(of: courses.back, from: courses.forth.first?.end ?? probe.source),
                !courses.all.flatMap(\.tunnels).contains(where: { broken.contains(.tunnel($0)) })
            else { return nil }
            return Shortcoming(
                subject: .probe(probe.name), message: "no answer can come: \(loss)",
                remedy:
                    "Add what is missing; a probe that is meant to be lost has `awaited: false`.")
        }
        return tunnels + probes
    }

    /// Why none of several ways leads to its end; nil where one does, and where that is not sure.
    private func sureLoss(of courses: [Course], from node: String) -> String? {
        guard !courses.contains(where: \.arrives), let lost = courses.first, courses.allSatisfy({ $0.doubt == nil })
        else { return nil }
        let links = Set(courses.flatMap(\.crossings).map(\.link))
        let met = Set(topology.links.filter { links.contains($0.name) }.flatMap(\.ends).map(\.node) + [node])
        let isOpen = topology.nodes.contains { one in
            met.contains(one.name)
                && (one.boot != nil || one.routingConfiguration != nil && !topology.openRouting(of: one.name).isEmpty)
        }
        // A longer way is not followed to its end.
        return isOpen || lost.crossings.count >= Self.longestWay ? nil : lost.loss
    }

    private static let longestWay = 60
}
