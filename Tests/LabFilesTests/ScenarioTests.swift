import LabFiles
import LabModel
import NetworkTypes
import Testing

@Suite("Scenarios, alarms and soaks")
struct ScenarioTests {
    /// Expectations and a second probe, and what is under `scenarios:`, each line indented by two.
    private static func text(_ scenarios: String) -> String {
        BrokenLab.text.replacing(
            "  there: {from: vm, to: peer}\n",
            with: "  there: {from: vm, to: peer}\n  back: {from: peer, to: router}\n")
                + """
                expect:
                  rtt: {rtt: there}
                  up: {bgp: main, when: tunnel main up}
                  down: {rtt: back, when: tunnel main down}
                variants:
                  bare: {links: {spare: ~}, expect: {more: {rtt: there}}}
                scenarios:

                """ + scenarios.split(separator: "\n").map { "  \($0)\n" }.joined()
    }

    private static func resolved(_ scenarios: String, variant: String? = nil) throws -> Topology {
        try LabFile(text: text(scenarios), file: "lab.yaml", variant: variant, companion: BrokenLab.companion)
            .resolve().topology
    }

    private static let cut = """
        cut:
          summary: the line goes
          traffic: {there: 100ms, back: 1s}
          timeline:
            - {at: 5s, check: [rtt, up]}
            - {at: 10s, fail: blackhole wan}
            - {at: 20s, fail: [link spare down, nat gateway flushed], for: 15s}
            - {at: 30s, check: rtt, check-fails: [up]}
            - {at: 40s, fail: bgp main shut}
            - {at: 50s, heal: all}
          lasts: 1m
          outage: {there: 40s, back: none}
        """

    @Test
    func `Is read, with what heals by itself in its place`() throws {
        let scenario = try #require(try Self.resolved(Self.cut).scenario(named: "cut"))
        #expect(scenario.summary == "the line goes" && scenario.variant == nil && scenario.length == .seconds(60))
        #expect(
            scenario.traffic == [
                .init(probe: "there", interval: .milliseconds(100)), .init(probe: "back", interval: .seconds(1)),
            ])
        let expected: [(Int, Scenario.Action)] = [
            (5, .check(pass: ["rtt", "up"], fail: [])),
            (10, .fail([.blackHole(link: "wan", sender: nil)])),
            (20, .fail([.linkDown("spare"), .natFlushed(node: "gateway")])),
            (30, .check(pass: ["rtt"], fail: ["up"])),
            (35, .heal([.linkDown("spare")])),
            (40, .fail([.sessionShut("main", node: "router")])),
            (50, .heal([.blackHole(link: "wan", sender: nil), .sessionShut("main", node: "router")])),
        ]
        #expect(scenario.steps.map(\.at) == expected.map { .seconds($0.0) })
        #expect(scenario.steps.map(\.action) == expected.map(\.1))
        // The step that heals by itself is the fault's.
        #expect(
            scenario.steps[4].line == scenario.steps[2].line && scenario.steps[3].line == scenario.steps[2].line + 1)
        #expect(scenario.outages.map(\.probe) == ["there", "back"])
        #expect(scenario.outages.map(\.atMost) == [.seconds(40), .zero])
        #expect(scenario.outages[0].line == scenario.line + 11)
    }

    @Test
    func `A command has its words or is the shell's, its code and its limit`() throws {
        let scenario = try #require(
            try Self.resolved(
                """
                x:
                  timeline:
                    - {at: 1s, exec: {at: vm, run: "ip route | grep default"}}
                    - {at: 2s, exec: {at: peer, run: [birdc, show protocols], exit: 3, within: 1m}}
                  lasts: 1m
                """
            ).scenario(named: "x"))
        #expect(
            scenario.steps.map(\.action) == [
                .exec(
                    .init(
                        node: "vm", arguments: ["sh", "-c", "ip route | grep default"], exit: 0, limit: .seconds(10))),
                .exec(.init(node: "peer", arguments: ["birdc", "show protocols"], exit: 3, limit: .seconds(60))),
            ])
        let commands = scenario.steps.compactMap { step in
            if case .exec(let command) = step.action { command.text } else { nil }
        }
        #expect(commands == ["ip route | grep default", "birdc show protocols"])
    }

    @Test
    func `A probe can have several flows`() throws {
        let text = Self.cut.replacing("{there: 100ms, back: 1s}", with: "{there: {every: 100ms, flows: 24}, back: 1s}")
        #expect(
            try Self.resolved(text).scenario(named: "cut")?.traffic == [
                .init(probe: "there", interval: .milliseconds(100), count: 24),
                .init(probe: "back", interval: .seconds(1)),
            ])
    }

    @Test
    func `What was published stands beside an outage, with a claim or without one`() throws {
        let text = Self.cut.replacing(
            "{there: 40s, back: none}", with: "{there: {at-most: 40s, published: 36.7 s}, back: {published: none}}")
        let scenario = try #require(try Self.resolved(text).scenario(named: "cut"))
        #expect(scenario.outages.map(\.atMost) == [.seconds(40), nil])
        #expect(scenario.outages.map(\.published) == ["36.7 s", "none"])
        for wrong in ["{}", "{at-most: 2m}", "{at-most: soon}", "{published: []}", "{least: 1s}"] {
            #expect(throws: LabFileError.self, "\(wrong)") {
                try Self.resolved(Self.cut.replacing("there: 40s, back", with: "there: \(wrong), back"))
            }
        }
    }

    @Test
    func `What heals by itself can fail again at that moment, and be healed early under another name`() throws {
        let scenario = try #require(
            try Self.resolved(
                """
                twice:
                  timeline:
                    - {at: 0s, fail: bgp main shut, for: 10s}
                    - {at: 10s, fail: bgp main shut at router}
                    - {at: 20s, heal: bgp main shut}
                  traffic: {there: 1s}
                  lasts: 30s
                """
            ).scenarios.first)
        #expect(scenario.steps.map(\.at) == [.zero, .seconds(10), .seconds(10), .seconds(20)])
        let kinds = scenario.steps.map { step in
            switch step.action {
            case .fail: "fail"
            case .heal: "heal"
            case .check: "check"
            case .exec: "exec"
            }
        }
        #expect(kinds == ["fail", "heal", "fail", "heal"])
    }

    @Test
    func `Belongs to its variant, and is read there`() async throws {
        let text = """
            plain: {traffic: {there: 1s}, lasts: 1m}
            bare: {variant: bare, timeline: [{at: 1s, check: more}], lasts: 1m}
            """
        let base = try Self.resolved(text)
        #expect(base.scenarios.map(\.name) == ["plain"])
        #expect(base.scenarioNames.map(\.name) == ["plain", "bare"])
        #expect(base.scenarioNames.map(\.variant) == [nil, "bare"])
        let bare = try Self.resolved(text, variant: "bare")
        #expect(bare.scenarios.map(\.name) == ["bare"] && bare.scenarioNames == base.scenarioNames)
        #expect(bare.scenario(named: "bare")?.variant == "bare")
        // In the lab as it stands there is no such expectation.
        #expect(throws: LabFileError.self) { try Self.resolved(text.replacing("variant: bare, ", with: "")) }
        // What is not in the variant is found by looking at all of them.
        let broken = Self.text(
            "bare: {variant: bare, timeline: [{at: 1s, fail: link spare down}, {at: 2s, heal: all}], lasts: 1m}")
        let file = LabFile(text: broken, file: "lab.yaml", companion: BrokenLab.companion)
        let error = try await #require(throws: LabFileError.self) { try await file.resolveWithVariants() }
        #expect(
            error.diagnostics.map(\.message)
                == ["in variant bare: scenarios.bare.timeline.[0].fail: there can be no such fault"])
        #expect(error.diagnostics.map(\.line) == [broken.count { $0.isNewline }])
    }

    /// `§` marks the line that is wrong.
    @Test(
        arguments: [
            ("§x: {traffic: {there: 1s}}", "scenarios.x never ends", "Add `lasts: 200s`"),
            (
                "§x: {traffic: {there: 1s}, lasts: 8d}",
                "scenarios.x.lasts: \"8d\" is not a time above zero and of at most 7d", "Write a time"
            ),
            ("§x: {traffic: {there: 1s}, lasts: 0s}", "scenarios.x.lasts: \"0s\" is not", "Write a time"),
            (
                "§x: {traffic: {there: 1s}, lasts: 1m, until: 2m}", "scenarios.x: unknown key \"until\"",
                "Known keys here: lasts,"
            ),
            ("§x: text", "scenarios.x: \"text\" is not a mapping", "Write a mapping"),
            ("§X: {traffic: {there: 1s}, lasts: 1m}", "\"X\" is not a name", "lower-case letters"),
            (
                "§x: {variant: baer, lasts: 1m}", "scenarios.x.variant: there is no variant \"baer\"",
                "Did you mean \"bare\"? Known variants: bare."
            ),
            // Traffic and outages
            (
                "x:\n  lasts: 1m\n§  traffic: {theer: 1s}", "scenarios.x.traffic: there is no \"theer\"",
                "Did you mean \"there\"? Known probes: back, there."
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: 999us}",
                "scenarios.x.traffic.there: \"999us\" is not a time of at least 1ms", "such as 100ms"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: often}", "scenarios.x.traffic.there: \"often\" is not a time",
                "100ms"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: 61s}", "one request in 1m1s is none before the scenario ends",
                "below its 1m"
            ),
            ("x:\n  lasts: 7d\n§  traffic: {there: 1ms}", "that would be 604800000 requests", "at most 10000000"),
            (
                "x:\n  lasts: 1h\n§  traffic: {there: {every: 10ms, flows: 100}}", "that would be 36000000 requests",
                "at most 10000000"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: {every: 1s, flows: 1}}",
                "scenarios.x.traffic.there.flows: \"1\" is not a number of flows from 2 to 256", "Write a number"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: {every: 1s}}", "scenarios.x.traffic.there has no \"flows\"",
                "how many there are"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: {there: {flows: 24}}", "scenarios.x.traffic.there has no \"every\"",
                "the time between two requests"
            ),
            (
                "x:\n  lasts: 1m\n§  traffic: there", "scenarios.x.traffic: \"there\" is not a mapping",
                "Write a mapping"
            ),
            (
                "x:\n  lasts: 1m\n  traffic: {there: 1s}\n§  outage: {back: none}",
                "scenarios.x.outage.back: nothing in this scenario pings back", "Add it to `traffic:`"
            ),
            (
                "x:\n  lasts: 1m\n  traffic: {there: 1s}\n§  outage: {thre: none}",
                "scenarios.x.outage: there is no \"thre\"", "Did you mean \"there\"?"
            ),
            (
                "x:\n  lasts: 1m\n  traffic: {there: 1s}\n§  outage: {there: never}",
                "scenarios.x.outage.there: \"never\" is not none, or a time", "40s"
            ),
            (
                "x:\n  lasts: 1m\n  traffic: {there: 1s}\n§  outage: {there: 0s}",
                "\"0s\" is not none, or a time above zero", "Write none"
            ),
            (
                "x:\n  lasts: 1m\n  traffic: {there: 1s}\n§  outage: {there: 60s}",
                "an outage of 1m fits into a scenario of 1m", "nothing would fail"
            ),
            // The timeline's form
            (
                "x:\n  lasts: 1m\n§  timeline: {at: 5s, check: rtt}",
                "scenarios.x.timeline: a mapping is not a list of steps", "Write a list"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {check: rtt}", "scenarios.x.timeline.[0] has no \"at\"",
                "Add `at: …`"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: soon, check: rtt}",
                "scenarios.x.timeline.[0].at: \"soon\" is not a time", "Write a time"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - {at: 9s, check: rtt}\n§    - {at: 8s, check: rtt}",
                "scenarios.x.timeline.[1]: 8s is before the 9s of the step above", "in the order of their times"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1m, check: rtt}", "at 1m the scenario is over: it lasts 1m",
                "Make it last longer"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s}", "scenarios.x.timeline.[0] does nothing",
                "Write one of `fail:`, `heal:`"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: bgp main shut, check: rtt}",
                "does several things at once", "two steps may have the same time"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: rtt, for: 1s}",
                "scenarios.x.timeline.[0].for: only a fault lasts", "Remove it"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: rtt, fails: up}", "unknown key \"fails\"",
                "Did you mean \"fail\"?"
            ),
            // Checks
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: [rtt, dwon]}",
                "scenarios.x.timeline.[0].check.[1]: there is no \"dwon\"",
                "Did you mean \"down\"? Known expectations: down, rtt, up."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: []}",
                "scenarios.x.timeline.[0].check: a list is not an expectation's name", "or a list"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: [rtt, up], check-fails: up}",
                "up cannot hold and fail at once", "Write it once."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: [rtt, rtt]}", "rtt stands there twice",
                "Write it once."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: [up, rtt, down]}",
                "scenarios.x.timeline.[0]: up and down never apply together",
                "down is for when tunnel main down, up for when not"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, check: up, check-fails: down}",
                "up and down never apply together", "at different times"
            ),
            // Commands
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vmm, run: ip route}}",
                "scenarios.x.timeline.[0].exec: there is no \"vmm\"", "Did you mean \"vm\"?"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm}}",
                "scenarios.x.timeline.[0].exec has no \"run\"", "the command: a text for the shell, or a list of words"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm, run: []}}",
                "scenarios.x.timeline.[0].exec.run: a list is not a command", "or a list of its words"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm, run: ' '}}",
                "scenarios.x.timeline.[0].exec.run: \" \" is not a command", "or a list of its words"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm, run: ip route, exit: 256}}",
                "\"256\" is not an exit code from 0 to 255", "Write"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm, run: ip route, within: 0s}}",
                "\"0s\" is not a time above zero and of at most 1h", "Write"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, exec: {at: vm, run: ip route}, check: rtt}",
                "does several things at once", "two steps may have the same time"
            ),
            // Faults
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: link wna down, for: 1s}",
                "scenarios.x.timeline.[0].fail: there can be no such fault",
                "There is no \"wna\". Did you mean \"wan\"? Known links: lan, spare, up, wan."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - at: 1s\n      for: 1s\n      fail:\n        - link wan down\n§        - link lan up",
                "fail.[1]: there can be no such fault", "Write link LINK down."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: [], for: 1s}", "fail: a list is not a fault",
                "or a list of them"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: link wan down}",
                "scenarios.x: \"link wan down\" is never healed",
                "`{at: …, heal: link wan down}` or `{at: …, heal: all}`"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: [link wan down, bgp main shut]}\n    - {at: 2s, heal: link wan down}",
                "\"bgp main shut at router\" is never healed", "heal: all"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - {at: 1s, fail: link wan down}\n§    - {at: 2s, fail: link wan down}\n    - {at: 3s, heal: all}",
                "at 2s \"link wan down\" is there already, since 1s, in line", "Heal it first."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: [bgp main shut, bgp main shut at router], for: 1s}",
                "\"bgp main shut at router\" is there already", "Heal it first."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: link wan down, for: 59s}",
                "what begins at 1s for 59s outlasts the scenario", "It ends at 1m"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: link wan down, for: 0s}",
                "\"0s\" is not a time above zero", "60s"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, fail: nat gateway flushed, for: 1s}",
                "\"nat gateway flushed\" is over by itself", "Remove `for:`."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - {at: 1s, fail: daemon peer/bird restarted}\n§    - {at: 2s, heal: daemon peer/bird restarted}",
                "\"daemon peer/bird restarted\" is over by itself", "nothing to heal"
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n§    - {at: 1s, heal: link wan down}",
                "at 1s \"link wan down\" is not there to be healed", "Nothing is broken then."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - {at: 1s, fail: bgp main shut, for: 5s}\n§    - {at: 2s, heal: link wan down}",
                "is not there to be healed", "What is broken then: \"bgp main shut at router\"."
            ),
            (
                "x:\n  lasts: 1m\n  timeline:\n    - {at: 1s, fail: link wan down, for: 1s}\n§    - {at: 3s, heal: all}",
                "at 3s there is nothing to heal", "Remove the step"
            ),
        ])
    func `What is wrong with one`(_ scenario: String, _ message: String, _ remedy: String) throws {
        try BrokenLab(text: Self.text(scenario), message, remedy).expectOnlyDiagnostic()
    }

    @Test
    func `One that looks at nothing is a warning`() throws {
        let text = Self.text("x: {timeline: [{at: 1s, fail: bgp main shut, for: 5s}], lasts: 1m}")
        let warnings = try BrokenLab.resolve(text).warnings
        #expect(warnings.map(\.message) == ["scenarios.x looks at nothing"])
        #expect(warnings.map(\.line) == [text.count { $0.isNewline }])
        #expect(try BrokenLab.resolve(Self.text(Self.cut)).warnings.isEmpty)
    }

    @Test(
        arguments: [
            ("  spare: {ends: {", "  spare: {mtu: 1, ends: {"),
            ("  rtt: {rtt: there}", "  rtt: {rtt: there, is: soon}"),
            ("  there: {from: vm, to: peer}", "  there: {from: vm, to: nobody}"),
            ("      peer: {asn: 65001}", "      peer: {asn: 0}"),
        ])
    func `What is wrong elsewhere is not said again of scenarios`(_ old: String, _ new: String) throws {
        let text = Self.text(Self.cut).replacing(old, with: new, maxReplacements: 1)
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        #expect(!error.diagnostics.contains { $0.message.hasPrefix("scenarios.") }, "\(error)")
    }

    // MARK: Alarms and soaks

    @Test(
        arguments: [
            ("{from: vm, to: peer}", nil),
            ("{from: vm, to: peer, every: 1m}", AlarmRule(failures: 1, timeout: .seconds(1))),
            ("{from: vm, to: peer, every: 500ms}", AlarmRule(failures: 1, timeout: .milliseconds(500))),
            ("{from: vm, to: peer, every: 1m, alarm: {after: 3}}", AlarmRule(failures: 3, timeout: .seconds(1))),
            ("{from: vm, to: peer, every: 1m, alarm: {timeout: 5s}}", AlarmRule(failures: 1, timeout: .seconds(5))),
            (
                "{from: vm, to: peer, every: 1m, alarm: {after: 2, timeout: 1m}}",
                AlarmRule(failures: 2, timeout: .seconds(60))
            ),
        ] as [(String, AlarmRule?)])
    func `An alarm has its rule, or the usual one where the probe goes on asking`(_ probe: String, _ rule: AlarmRule?)
        throws
    {
        let text = BrokenLab.text.replacing("  there: {from: vm, to: peer}", with: "  there: \(probe)")
        #expect(try BrokenLab.resolve(text).topology.probe(named: "there")?.alarm == rule)
    }

    @Test(
        arguments: [
            ("alarm: {after: 2}", "probes.there.alarm needs a probe that goes on asking", "Add `every: 1m`"),
            ("every: 1m, alarm: {after: 0}", "probes.there.alarm.after: \"0\" is not a number from 1 to 1000", "1000"),
            ("every: 1m, alarm: {after: many}", "probes.there.alarm.after: \"many\" is not a number", "1000"),
            (
                "every: 1m, alarm: {timeout: 0s}", "\"0s\" is not a time from 1ms to the 1m between two questions",
                "Write"
            ),
            ("every: 1m, alarm: {timeout: 61s}", "\"61s\" is not a time from 1ms to the 1m", "Write"),
            ("every: 1m, alarm: {before: 1}", "probes.there.alarm: unknown key \"before\"", "after, timeout"),
            ("every: 1m, alarm: loud", "probes.there.alarm: \"loud\" is not a mapping", "after, timeout"),
            ("every: 0s", "probes.there.every: \"0s\" is not a time of at least 1ms", "Write"),
        ])
    func `What is no alarm`(_ more: String, _ message: String, _ remedy: String) throws {
        let new = "§  there: {from: vm, to: peer, \(more)}"
        try BrokenLab("  there: {from: vm, to: peer}", new, message, remedy).expectOnlyDiagnostic()
    }

    @Test func `The soak`() throws {
        #expect(try BrokenLab.resolve(BrokenLab.text).topology.soak.isEmpty)
        #expect(try BrokenLab.resolve(BrokenLab.text + "soak: [there]\n").topology.soak.map(\.probe) == ["there"])
        #expect(try BrokenLab.resolve(BrokenLab.text + "soak: there\n").topology.soak.map(\.probe) == ["there"])
        let published = try BrokenLab.resolve(BrokenLab.text + "soak: {there: \"9 sent, 0 lost\"}\n").topology.soak
        #expect(published.map(\.published) == ["9 sent, 0 lost"])
        try BrokenLab(
            text: BrokenLab.text + "§soak: [there, theer]\n", "soak: there is no probe \"theer\"",
            "Did you mean \"there\"?"
        ).expectOnlyDiagnostic()
        try BrokenLab(
            text: BrokenLab.text + "§soak: [there, there]\n", "soak: probe there stands there twice", "Write it once."
        ).expectOnlyDiagnostic()
    }
}
