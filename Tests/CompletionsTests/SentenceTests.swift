import Completions
import Foundation
import LabFiles
import LabModel
import Providers
import Testing

/// What is offered for faults and conditions: every word of those that somebody has written, and none that leads nowhere.
@Suite struct SentenceTests {
    private static let labs = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Labs")

    private static let library: ProviderLibrary = {
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: labs.appending(path: "providers").path())) ?? []
        return ProviderLibrary(names: files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }) { name in
            (try String(contentsOf: labs.appending(path: "providers/\(name).yaml"), encoding: .utf8), "\(name).yaml")
        }
    }()

    private static func topology(_ lab: String, variant: String? = nil) throws -> Topology {
        let directory = labs.appending(path: lab)
        let text = try String(contentsOf: directory.appending(path: "lab.yaml"), encoding: .utf8)
        return try LabFile(text: text, file: "lab.yaml", variant: variant, providers: library) { file in
            try String(contentsOf: directory.appending(path: file), encoding: .utf8)
        }.resolve().topology
    }

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: labs.path())) ?? []).filter {
        FileManager.default.fileExists(atPath: labs.appending(path: "\($0)/lab.yaml").path())
    }.sorted()

    /// Whether somebody who types a sentence word by word is offered each of them; amounts are everybody's own.
    private static func unoffered(_ text: String, _ offer: ([String]) -> [String]) -> String? {
        let words = text.split(separator: " ").map(String.init)
        for place in words.indices where !(words[place].first?.isNumber ?? true) {
            let offered = offer(Array(words[..<place]))
            if !offered.contains(words[place]) { return "\(words[place]) of \"\(text)\" among \(offered)" }
        }
        return nil
    }

    @Test(arguments: names) func `Every word of a lab's own faults and conditions is offered`(lab: String) throws {
        let base = try Self.topology(lab)
        for variant in [nil] + base.variants.map(\.name) {
            let topology = try Self.topology(lab, variant: variant)
            let candidates = Candidates(topology)
            let faults = topology.scenarios.flatMap(\.steps).flatMap { step -> [Fault] in
                if case .fail(let faults) = step.action { faults } else { [] }
            }
            for fault in faults {
                #expect(Self.unoffered("\(fault)") { candidates.faults(after: $0, beginning: "") } == nil)
            }
            for condition in topology.expectations.flatMap(\.when) {
                #expect(Self.unoffered("\(condition)") { candidates.conditions(after: $0, beginning: "") } == nil)
            }
        }
    }

    /// No form is forgotten: what a capital word stands for is known for each.
    @Test func `Each form is offered in one of the labs`() throws {
        // No lab that comes with netlab has BFD at both ends of a session.
        let bfd = try LabFile(
            text: """
                name: two
                nodes: {a: {role: router}, b: {role: router}}
                links: {wire: {ends: {a:e: 192.0.2.1/30, b:e: 192.0.2.2/30}}}
                bgp: {one: {over: wire, bfd: {}, speakers: {a: {asn: 65001}, b: {asn: 65002}}}}
                """, file: "lab.yaml"
        ) { _ in "" }.resolve().topology
        let all = try Self.names.map { Candidates(try Self.topology($0)) } + [Candidates(bfd)]
        let kinds = Set(Fault.forms.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(Set(all.flatMap { $0.faults(after: [], beginning: "") }) == kinds)
        let others = Set(Condition.forms.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(Set(all.flatMap { $0.conditions(after: [], beginning: "") }) == others)
    }

    @Test func `Whole faults are offered for a word of their own, and each is one`() throws {
        let topology = try Self.topology("aws-oci")
        let candidates = Candidates(topology)
        for kind in candidates.faults(after: [], beginning: "") {
            let whole = candidates.wholeFaults(beginning: kind + " ")
            #expect(!whole.isEmpty, "\(kind)")
            for text in whole {
                #expect(text.hasPrefix(kind + " "), "\(text)")
                #expect(throws: Never.self) { try Fault(text, in: topology) }
            }
        }
        #expect(candidates.wholeFaults(beginning: "blackhole aws").contains("blackhole aws-vpn-1"))
        let ends = try #require(topology.link(named: "aws-vpn-1")).ends.map { "blackhole aws-vpn-1 from \($0.node)" }
        #expect(candidates.wholeFaults(beginning: "blackhole aws-vpn-1 ") == ends)
        #expect(candidates.wholeFaults(beginning: "nothing ") == [])
    }

    @Test func `What goes on depends on what was said`() throws {
        let topology = try Self.topology("aws-oci")
        let candidates = Candidates(topology)
        let ends = try #require(topology.link(named: "aws-vpn-1")).ends.map(\.node)
        #expect(candidates.faults(after: ["loss", "aws-vpn-1", "3%", "from"], beginning: "") == ends)
        #expect(candidates.faults(after: ["link", "aws-vpn-1"], beginning: "") == ["down"])
        #expect(candidates.faults(after: ["link", "aws-vpn-1", "down"], beginning: "") == [])
        #expect(candidates.faults(after: ["link", "nowhere"], beginning: "") == [])
        // A lab without VLANs has none that could go down.
        #expect(try !Candidates(Self.topology("ikev1")).faults(after: [], beginning: "").contains("vlan"))
    }

    @Test func `Names are those of the lab file`() throws {
        let topology = try Self.topology("aws-oci")
        let candidates = Candidates(topology)
        #expect(candidates.nodes == topology.nodes.map(\.name))
        #expect(candidates.scenarios.contains("main-cut"))
        #expect(
            candidates.expectations.contains("main-on-the-wire") && candidates.expectations.contains("encapsulation"))
        #expect(Set(candidates.expectations).count == candidates.expectations.count)
        #expect(candidates.places(beginning: "tg") == candidates.nodes)
        #expect(candidates.places(beginning: "tgw:").allSatisfy { $0.hasPrefix("tgw:") })
        #expect(!candidates.places(beginning: "tgw:").isEmpty)
        #expect(candidates.places(beginning: "nobody:") == [])
    }

    @Test func `A list goes on after its comma, without what is in it`() {
        let three: (String) -> [String] = { _ in ["one", "two", "three"] }
        #expect(Candidates.list(beginning: "t", three) == ["one", "two", "three"])
        #expect(Candidates.list(beginning: "two,t", three) == ["two,one", "two,three"])
        #expect(Candidates.list(beginning: "one,two,", three) == ["one,two,three"])
    }

    @Test func `Known sentences go on word by word`() {
        let active = ["link aws-vpn-1 down", "link aws-vpn-2 down", "bgp main shut at tgw"]
        #expect(Candidates.words(of: active, after: [], beginning: "") == ["link", "bgp"])
        #expect(Candidates.words(of: active, after: ["link"], beginning: "a") == ["aws-vpn-1", "aws-vpn-2"])
        #expect(Candidates.words(of: active, after: ["link", "aws-vpn-1", "down"], beginning: "") == [])
        #expect(Candidates.words(of: active, after: [], beginning: "link a") == active)
    }
}
