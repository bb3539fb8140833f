import LabFiles
import LabModel
import NetworkTypes
import Testing

/// Which routes BGP brings where, by the length of paths.
@Suite struct RoutePropagationTests {
    /// A chain and a bypass: `origin -- a -- b -- end`, and `a -- c -- end`.
    private static func lab(_ change: (String) -> String = { $0 }) throws -> Topology {
        let names = ["origin", "a", "b", "c", "end"]
        let pairs = [("origin", "a"), ("a", "b"), ("b", "end"), ("a", "c"), ("c", "end")]
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, 65001 + $0) })
        var text = "name: chain\nnodes:\n" + names.map { "  \($0): {role: router}\n" }.joined() + "links:\n"
        for (index, pair) in pairs.enumerated() {
            text +=
                "  l\(index): {ends: {\(pair.0):to-\(pair.1): 192.0.2.\(4 * index + 1)/30, \(pair.1):to-\(pair.0): 192.0.2.\(4 * index + 2)/30}}\n"
        }
        text += "bgp:\n"
        for (index, pair) in pairs.enumerated() {
            let speakers = [pair.0, pair.1].map { name in
                let says = name == "origin" ? "advertise: 10.1.0.0/16" : "transit: on"
                return "      \(name): {asn: \(numbers[name] ?? 0), \(says)}\n"
            }
            text += "  \(pair.0)-\(pair.1):\n    over: l\(index)\n    speakers:\n" + speakers.joined()
        }
        return try LabFile(text: change(text), file: "lab.yaml") { _ in "" }.resolve().topology
    }

    private let prefix: IPPrefix

    init() throws { prefix = try #require(IPPrefix("10.1.0.0/16")) }

    /// The sessions by which a node has the route, with the AS numbers on the way.
    private func routes(
        at node: String, in topology: Topology, without deaf: [String] = []
    ) -> [String: [Int]] {
        let propagation = RoutePropagation(in: topology) { session, node in !deaf.contains("\(session) \(node)") }
        return Dictionary(
            uniqueKeysWithValues: (propagation.routes(at: node)[prefix] ?? []).map { route in
                (route.session, route.path.map { Int($0.description.drop { !$0.isNumber }) ?? 0 })
            })
    }

    @Test func `Equal paths share traffic`() throws {
        let lab = try Self.lab()
        #expect(routes(at: "a", in: lab) == ["origin-a": [65001]])
        #expect(routes(at: "end", in: lab) == ["b-end": [65003, 65002, 65001], "c-end": [65004, 65002, 65001]])
        // Not what it advertises itself.
        #expect(routes(at: "origin", in: lab).isEmpty)
    }

    @Test func `A longer path is for when the shorter is gone`() throws {
        let lab = try Self.lab {
            $0.replacing(
                "  c-end:\n    over: l4\n    speakers:\n      c: {asn: 65004, transit: on}",
                with: "  c-end:\n    over: l4\n    speakers:\n      c: {asn: 65004, transit: on, prepend: 2}")
        }
        #expect(routes(at: "end", in: lab) == ["b-end": [65003, 65002, 65001]])
        // Who does not hear b any more takes the other, and b itself gets it from there when a is gone for it.
        #expect(
            routes(at: "end", in: lab, without: ["b-end end"]) == ["c-end": [65004, 65004, 65004, 65002, 65001]])
        #expect(
            routes(at: "b", in: lab, without: ["a-b b"]) == ["b-end": [65005, 65004, 65004, 65004, 65002, 65001]])
    }

    @Test func `What is withdrawn is withdrawn everywhere`() throws {
        let lab = try Self.lab()
        for node in ["a", "b", "c", "end"] {
            #expect(routes(at: node, in: lab, without: ["origin-a a"]).isEmpty)
        }
    }

    @Test func `Without transit nothing is passed on`() throws {
        let lab = try Self.lab { $0.replacing(", transit: on", with: "") }
        #expect(routes(at: "a", in: lab) == ["origin-a": [65001]])
        #expect(routes(at: "end", in: lab).isEmpty)
    }

    @Test func `Different keys bring nothing`() throws {
        let lab = try Self.lab { $0.replacing("origin: {asn: 65001,", with: "origin: {asn: 65001, password: one,") }
        #expect(routes(at: "a", in: lab).isEmpty && routes(at: "end", in: lab).isEmpty)
    }

    @Test func `An internal session is not told what another told`() throws {
        let lab = try Self.lab { $0.replacing("65003", with: "65002").replacing("65005", with: "65002") }
        // a, b and end are one AS: b hears from a, and end neither from b nor, as a loop, from c.
        #expect(routes(at: "b", in: lab) == ["a-b": [65001]])
        #expect(routes(at: "end", in: lab).isEmpty)
    }
}
