import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import Testing

/// Which route a daemon has chosen, and at which step each other lost, from the attributes that it tells.
@Suite struct ObservedChoiceTests {
    private static func topology(_ home: String = "") throws -> Topology {
        let text = """
            name: choice
            nodes: {home: {role: router\(home)}, one: {role: router}, two: {role: router}, three: {role: router}}
            links:
              l1: {ends: {home:e1: 192.0.2.1/30, one:e: 192.0.2.2/30}}
              l2: {ends: {home:e2: 192.0.2.5/30, two:e: 192.0.2.6/30}}
              l3: {ends: {home:e3: 192.0.2.9/30, three:e: 192.0.2.10/30}}
            bgp:
              one: {over: l1, speakers: {home: {asn: 65000}, one: {asn: 65001}}}
              two: {over: l2, speakers: {home: {asn: 65000}, two: {asn: 65001}}}
              three: {over: l3, speakers: {home: {asn: 65000}, three: {asn: 65003}}}
            """
        return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    private static func route(
        _ session: String, best: Bool = false, path: [UInt32] = [65001], preference: UInt32 = 100, med: UInt32? = nil,
        id: String = "192.0.2.2"
    ) throws -> ObservedBGPRoute {
        ObservedBGPRoute(
            prefix: try #require(IPPrefix("10.0.0.0/8")), session: session, isBest: best,
            path: path.compactMap { ASN("\($0)") }, origin: .igp, localPreference: preference, med: med, weight: nil,
            communities: [], peerID: IPv4Address(id))
    }

    private static func choice(_ routes: [ObservedBGPRoute], _ home: String = "") throws -> ObservedChoice? {
        ObservedChoice(
            of: routes, to: try #require(IPPrefix("10.0.0.0/8")), at: "home", in: try topology(home))
    }

    @Test func `Each other route has the step at which it lost, the last first`() throws {
        let choice = try #require(
            try Self.choice([
                Self.route("one", med: 20), Self.route("two", best: true, med: 10),
                Self.route("three", path: [65003, 65003], preference: 100),
            ]))
        #expect(choice.candidates.map(\.session) == ["two", "one", "three"])
        #expect(choice.candidates.map(\.step) == [nil, .med, .asPath])
        #expect(choice.step == .med && choice.candidates.allSatisfy { !$0.isShared })
        #expect(choice.best?.attributes == "local preference 100, path 65001, origin igp, MED 10, router id 192.0.2.2")
    }

    @Test func `Routes that share traffic are told apart by what comes after`() throws {
        let routes = try [
            Self.route("one", best: true), Self.route("two", id: "192.0.2.6"),
            Self.route("three", path: [65003], preference: 50),
        ]
        let shared = try #require(try Self.choice(routes))
        #expect(shared.candidates.map(\.isShared) == [true, true, false])
        #expect(shared.candidates.map(\.step) == [nil, .routerID, .localPreference])
        let alone = try #require(try Self.choice(routes, ", best-path: {multipath: 1}"))
        #expect(alone.candidates.allSatisfy { !$0.isShared })
    }

    /// A daemon that has chosen what its attributes do not lead to: nothing is said of why.
    @Test func `What does not follow from the attributes is not explained`() throws {
        let choice = try #require(
            try Self.choice([Self.route("one", best: true, preference: 50), Self.route("two", preference: 200)]))
        #expect(choice.best?.session == "one" && choice.step == nil)
        #expect(choice.candidates.map(\.step) == [nil, nil])
        #expect(try Self.choice([Self.route("one")]) == nil)
        #expect(try Self.choice([]) == nil)
    }
}
