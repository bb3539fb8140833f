import LabFiles
import LabModel
import NetworkTypes
import Testing

@Suite("Variants of a lab")
struct VariantTests {
    private static func file(_ more: String, variant: String? = nil, base: String = BrokenLab.text) -> LabFile {
        LabFile(text: base + more, file: "lab.yaml", variant: variant, companion: BrokenLab.companion)
    }

    private static let slow = """
        variants:
          slow:
            summary: the lines are long
            title: base, far away
            links:
              wan: {delay: 80ms, loss: ~}
              spare: null
            bgp: {main: {speakers: {router: {hold: 9s, keepalive: 3s}}}}
            nodes:
              vm: {security: [{from: 192.0.2.0/24}], zone: attic}
              extra: {role: router}

        """

    @Test
    func `Mappings are merged, the rest is replaced, null takes away`() throws {
        let base = try Self.file(Self.slow).resolve().topology
        let slow = try Self.file(Self.slow, variant: "slow").resolve().topology
        #expect(base.variant == nil && slow.variant == "slow")
        #expect(
            base.variants == [Variant(name: "slow", summary: "the lines are long")] && slow.variants == base.variants)
        #expect(slow.title == "base, far away" && slow.summary == base.summary && slow.name == base.name)
        let wan = try #require(slow.link(named: "wan"))
        #expect(wan.delay == .milliseconds(80) && wan.loss == .zero && wan.rate == BitRate("1gbit"))
        #expect(base.link(named: "wan")?.delay == .milliseconds(1))
        #expect(slow.link(named: "spare") == nil && base.link(named: "spare") != nil)
        let speaker = try #require(slow.session(named: "main")?.speakers.first)
        #expect(speaker.hold == .seconds(9) && speaker.asn.number == 64512 && speaker.advertised.count == 1)
        #expect(slow.node(named: "vm")?.security?.map(\.source.description) == ["192.0.2.0/24"])
        #expect(slow.node(named: "vm")?.cloud == "aws" && slow.node(named: "vm")?.zone == "attic")
        #expect(slow.nodes.map(\.name) == base.nodes.map(\.name) + ["extra"])
        // Everything that no change touches is as it was.
        #expect(slow.tunnels == base.tunnels && slow.probes == base.probes)
    }

    @Test
    func `A lab without variants is as before`() async throws {
        let topology = try await Self.file("").resolveWithVariants().topology
        #expect(topology.variants.isEmpty && topology.variant == nil)
    }

    @Test
    func `Anchors, aliases and merge keys keep their meaning`() async throws {
        let text = """
            name: base
            nodes: {a: &router {role: router}, b: *router, c: {<<: *router, summary: third}}
            links:
              one: {<<: &shape {delay: 1ms, rate: 10mbit}, ends: {a:x: 10.0.0.1/30, b:x: 10.0.0.2/30}}
              two: {ends: {b:y: 10.0.0.5/30, c:y: 10.0.0.6/30}, <<: *shape, delay: 2ms}
            variants:
              quick:
                links: {one: {<<: &quick {delay: 1us}}, two: *quick}
              plain:
                links: {one: {rate: ~, delay: ~}}

            """
        let base = try await Self.file("", base: text).resolveWithVariants().topology
        #expect(base.node(named: "c")?.role == .router && base.node(named: "c")?.summary == "third")
        #expect(base.links.map(\.delay) == [.milliseconds(1), .milliseconds(2)])
        #expect(base.links.map(\.rate.description) == ["10mbit", "10mbit"])
        let quick = try Self.file("", variant: "quick", base: text).resolve().topology
        #expect(quick.links.map(\.delay) == [.microseconds(1), .microseconds(1)])
        #expect(quick.links.map(\.rate.description) == ["10mbit", "10mbit"])
        // What came by a merge key can be taken away too.
        let plain = try Self.file("", variant: "plain", base: text).resolve().topology
        #expect(plain.links.map(\.rate.description) == ["1gbit", "10mbit"])
    }

    @Test
    func `Merge keys that merge nothing are keys`() {
        let lab = BrokenLab("  peer: {role: router}", "§  peer: {<<: router}", "unknown key \"<<\"", "Known keys here")
        #expect(throws: Never.self) { try lab.expectOnlyDiagnostic() }
    }

    @Test(
        arguments: [
            (
                "variants:\n§  x: {name: other, links: {}}\n", "variants.x: a variant cannot change \"name\"",
                "Known keys here: accepts, bgp"
            ),
            (
                "variants:\n  x:\n    links: {}\n§    variants: {}\n",
                "variants.x: a variant cannot change \"variants\"", "Known keys here"
            ),
            (
                "variants:\n§  x: {scenarios: {}, links: {}}\n", "variants.x: a variant cannot have scenarios",
                "with `variant: x`"
            ),
            (
                "variants:\n§  x: {lniks: {}, nodes: {}}\n", "variants.x: unknown key \"lniks\"",
                "Did you mean \"links\"?"
            ),
            ("variants:\n§  x: {summary: nothing}\n", "variants.x changes nothing", "Write what is different"),
            ("variants:\n§  x: text\n", "variants.x: \"text\" is not a mapping of what is changed", "Write a mapping"),
            ("variants:\n§  X: {nodes: {}}\n", "\"X\" is not a name", "lower-case letters"),
            ("variants:\n§  x: {summary: [a], nodes: {}}\n", "variants.x.summary: a list is not text", "Write text"),
            ("variants:\n§  - x\n", "variants: a list is not a mapping of variants", "Write a mapping of variants"),
        ])
    func `What is wrong with the section itself`(_ more: String, _ message: String, _ remedy: String) throws {
        try BrokenLab(text: BrokenLab.text + more, message, remedy).expectOnlyDiagnostic()
    }

    @Test
    func `An unknown variant`() throws {
        let lines = BrokenLab.text.count { $0.isNewline }
        let error = try #require(throws: LabFileError.self) { try Self.file(Self.slow, variant: "slwo").resolve() }
        #expect(error.diagnostics.map(\.message) == ["there is no variant \"slwo\""])
        #expect(error.diagnostics.map(\.remedy) == ["Did you mean \"slow\"? Known variants: slow."])
        #expect(error.diagnostics.map(\.line) == [lines + 2])
        let none = try #require(throws: LabFileError.self) { try Self.file("", variant: "slow").resolve() }
        #expect(none.diagnostics.map(\.remedy) == ["There are no variants to choose from."])
    }

    /// A mistake in a variant is found by looking at all of them, with the line in which it stands, and not otherwise.
    @Test(
        arguments: [
            (
                "variants:\n  good: {links: {wan: {delay: 2ms}}}\n  bad:\n    links:\n§      wan: {delay: fast}\n",
                "in variant bad: links.wan.delay: \"fast\" is not a time"
            ),
            (
                "variants:\n  bad:\n§    links: {wan: {dealy: 1ms}}\n",
                "in variant bad: links.wan: unknown key \"dealy\""
            ),
            (
                "variants:\n  bad:\n    nodes:\n      vm:\n        routes:\n§          0.0.0.0/0: 10.9.9.9\n",
                "in variant bad: nodes.vm: the gateway 10.9.9.9"
            ),
            (
                "variants:\n  bad:\n§    probes: {more: {from: vm, to: nobody}}\n",
                "in variant bad: probes.more: \"nobody\" is neither"
            ),
            (
                "variants:\n  bad:\n    links:\n§      extra: {ends: {vm:eth0: 10.7.0.1/30, peer:new: 10.7.0.2/30}}\n",
                "in variant bad: node vm has two interfaces named eth0"
            ),
        ])
    func `Every variant is checked`(_ more: String, _ message: String) async throws {
        let lab = BrokenLab(text: BrokenLab.text + more, message, "")
        let file = { LabFile(text: lab.text, file: "lab.yaml", companion: BrokenLab.companion) }
        #expect(throws: Never.self) { try file().resolve() }
        let error = try await #require(throws: LabFileError.self) { try await file().resolveWithVariants() }
        let found = try #require(error.diagnostics.first { $0.message.contains(message) }, "\(error)")
        #expect(found.line == lab.line, "\(error)")
    }

    @Test
    func `What is wrong in the lab is not said again of its variants`() async throws {
        let text = BrokenLab.text.replacing("loss: 0.1%", with: "loss: much") + "variants: {x: {title: other}}\n"
        let error = try await #require(throws: LabFileError.self) {
            try await LabFile(text: text, file: "lab.yaml", companion: BrokenLab.companion).resolveWithVariants()
        }
        #expect(error.diagnostics.count == 1, "\(error)")
    }

    /// `netlab test --variant` plays a scenario of the lab in a variant that may have taken away what it checks.
    @Test
    func `A scenario leaves out the checks that a variant has no expectations for`() throws {
        let text = """
            name: two
            nodes: {a: {}, b: {}}
            links: {wire: {ends: {a:e: 192.0.2.1/30, b:e: 192.0.2.2/30}}}
            probes: {there: {from: a, to: b}}
            expect: {quick: {rtt: there}, way: {path: there, via: []}, slow: {rtt: there, is: 9s, on-request: true}}
            scenarios:
              play:
                timeline:
                  - {at: 1s, check: [quick, way], check-fails: slow}
                  - {at: 2s, check: way}
                lasts: 3s
            variants:
              less: {expect: {way: ~, slow: ~}}
            """
        let whole = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let less = try LabFile(text: text, file: "lab.yaml", variant: "less") { _ in "" }.resolve().topology
        let scenario = try #require(whole.scenario(named: "play"))
        #expect(scenario.leavingOutChecks(missingIn: whole).scenario == scenario)
        let (left, names) = scenario.leavingOutChecks(missingIn: less)
        #expect(names == ["way", "slow"])
        #expect(left.steps.map(\.action) == [.check(pass: ["quick"], fail: [])])
    }

    @Test
    func `A warning of a variant says which`() async throws {
        let more = "variants: {odd: {probes: {lost: {from: vm, to: 10.200.0.1}}}}\n"
        let warnings = try await Self.file(more).resolveWithVariants().warnings
        #expect(
            warnings.map(\.message) == ["in variant odd: probes.lost: nothing in the lab has the address 10.200.0.1"])
        #expect(warnings.map(\.severity) == [.warning])
    }
}
