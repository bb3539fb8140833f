import LabFiles
import LabModel
import NetworkTypes
import RoutingDaemons
import Testing

/// What sessions' ends make of routes, and which of them is the best.
@Suite struct RoutePolicyTests {
    /// `home` with sessions to `one` and `two` of AS 65010 and to `alien` of AS 65020, all of which have 10.1.0.0/16, and to `inner` of its
    /// own AS.
    static func lab(
        home: [String: String] = [:], one: String = "", two: String = "", alien: String = "", node: String = "",
        inner: String = "", more: String = ""
    ) -> String {
        let peers = [("one", 65010, one), ("two", 65010, two), ("alien", 65020, alien)]
        var text = "name: choice\nnodes:\n  home: {role: router\(node)}\n  inner: {role: router}\n"
        text += peers.map { "  \($0.0): {role: router}\n" }.joined() + "links:\n"
        for (index, peer) in (peers.map(\.0) + ["inner"]).enumerated() {
            text +=
                "  l-\(peer): {ends: {home:to-\(peer): 192.0.2.\(4 * index + 1)/30, \(peer):home: 192.0.2.\(4 * index + 2)/30}}\n"
        }
        text += "bgp:\n"
        for (name, number, says) in peers {
            text += "  \(name):\n    over: l-\(name)\n    speakers:\n"
            text += "      home: {asn: 65000\(home[name] ?? "")}\n"
            let own = says.contains("default-only") ? "" : ", advertise: [10.1.0.0/16, 10.2.0.0/24]"
            text += "      \(name): {asn: \(number)\(own)\(says)}\n"
        }
        text += "  inner:\n    over: l-inner\n    speakers:\n"
        text += "      home: {asn: 65000, transit: on\(home["inner"] ?? "")}\n      inner: {asn: 65000\(inner)}\n"
        return text + more
    }

    private static func resolve(_ text: String) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
    }

    private static func choice(_ text: String, at node: String = "home", _ prefix: String = "10.1.0.0/16") throws
        -> RouteChoice?
    {
        let topology = try resolve(text).topology
        return RoutePropagation(in: topology) { _, _ in true }.choices(at: node)[try #require(IPPrefix(prefix))]
    }

    // MARK: The steps

    private static func expect(
        _ session: String, _ step: RouteChoiceStep, shared: [String], _ text: String, at node: String = "home"
    ) throws {
        let choice = try #require(try choice(text, at: node))
        #expect(choice.best.session == session && choice.step == step, "\(choice)")
        #expect(choice.shared.map(\.session) == shared && choice.openEnd == nil, "\(choice)")
    }

    @Test func `Equally good routes share traffic, and the lowest identifier is the best`() throws {
        try Self.expect("one", .routerID, shared: ["one", "two", "alien"], Self.lab())
        // One's identifier is its first address, 192.0.2.2.
        try Self.expect("one", .routerID, shared: ["one", "two"], Self.lab(node: ", best-path: {multipath: 2}"))
        try Self.expect("one", .routerID, shared: ["one"], Self.lab(node: ", best-path: {multipath: 1}"))
    }

    @Test func `Local preference goes before the length of paths`() throws {
        try Self.expect(
            "two", .localPreference, shared: ["two"],
            Self.lab(home: ["two": ", local-preference: 200"], two: ", prepend: 5"))
        try Self.expect(
            "alien", .localPreference, shared: ["alien"],
            Self.lab(home: ["one": ", local-preference: 50", "two": ", local-preference: 99"]))
    }

    @Test func `Path, origin, MED, in this order`() throws {
        try Self.expect(
            "two", .asPath, shared: ["two"],
            Self.lab(
                one: ", prepend: 1",
                two: ", med: 9, out: [{accept: all, set: {origin: incomplete}}]", alien: ", prepend: 1"))
        try Self.expect(
            "two", .origin, shared: ["two"],
            Self.lab(
                one: ", out: [{accept: all, set: {origin: egp}}]", two: ", med: 9",
                alien: ", out: [{accept: all, set: {origin: incomplete}}]"))
        // Within an AS alone: the other is compared by its identifier.
        try Self.expect(
            "two", .routerID, shared: ["two", "alien"], Self.lab(one: ", med: 20", two: ", med: 10"))
        try Self.expect(
            "two", .med, shared: ["two"],
            Self.lab(
                one: ", med: 20", two: ", med: 10", alien: ", med: 30", node: ", best-path: {always-compare-med: on}"))
        // Without one it counts as 0.
        try Self.expect("one", .routerID, shared: ["one", "alien"], Self.lab(two: ", med: 1"))
    }

    @Test func `What MEDs in pairs leave open is said to be open`() throws {
        // One goes before other by its identifier, other before two, and two before one by its MED.
        let text = Self.lab(one: ", med: 20", two: ", med: 10").replacing("192.0.2.6/30", with: "198.51.100.6/30")
            .replacing("192.0.2.5/30", with: "198.51.100.5/30")
        let choice = try #require(try Self.choice(text))
        #expect(choice.step == nil && choice.openEnd?.contains("the order in which they come") == true, "\(choice)")
    }

    @Test func `External before internal, and local preference is told within an AS`() throws {
        let choice = try #require(
            try Self.choice(
                Self.lab(home: ["one": ", local-preference: 300", "inner": ", prepend: 0"], one: ", med: 7"),
                at: "inner"))
        #expect(choice.step == .only && choice.best.localPreference == 300 && choice.best.med == 7)
        #expect(choice.best.path.map(\.number) == [65010] && !choice.best.isExternal)
    }

    // MARK: Policies

    @Test func `Entries are for prefixes, paths and communities, and the first that fits decides`() throws {
        let policies = """
            policies:
              from-ten:
                - {accept: {prefix: 10.0.0.0/8 ge 20, community: 65010:7}, set: {local-preference: 150}}
                - {reject: {as-path: "* 65010"}}
                - accept: {prefix: [10.1.0.0/16, 10.3.0.0/16 le 24]}
                  set: {local-preference: 120, communities: [65000:1, 65000:1:2, no-export]}

            """
        let text = Self.lab(
            home: ["one": ", in: from-ten", "two": ", in: from-ten", "alien": ", in: from-ten"],
            one: ", communities: [65010:7]", more: policies)
        let wide = try #require(try Self.choice(text))
        #expect(wide.candidates.map(\.session) == ["alien"] && wide.step == .only)
        #expect(wide.best.communities.map(\.description) == ["65000:1", "65000:1:2", "no-export"])
        let narrow = try #require(try Self.choice(text, "10.2.0.0/24"))
        #expect(narrow.candidates.map(\.session) == ["one"] && narrow.best.localPreference == 150)
        // Told within the AS, where no-export does not keep it.
        #expect(try Self.choice(text, at: "inner")?.best.localPreference == 120)
    }

    @Test func `Policies on the way out`() throws {
        let text = Self.lab(
            home: ["inner": ", out: [{reject: {prefix: 10.0.0.0/8 le 16}}, {accept: all, set: {local-preference: 77}}]"]
        )
        #expect(try Self.choice(text, at: "inner") == nil)
        #expect(try Self.choice(text, at: "inner", "10.2.0.0/24")?.best.localPreference == 77)
        #expect(try Self.choice(Self.lab(one: ", communities: no-advertise"), at: "inner")?.best.path == nil)
    }

    @Test func `A default route only`() throws {
        let text = Self.lab(one: ", default-only: on")
        #expect(try Self.choice(text)?.candidates.map(\.session) == ["two", "alien"])
        #expect(try Self.choice(text, "0.0.0.0/0")?.candidates.map(\.session) == ["one"])
    }

    @Test func `A next hop that is not the speaker itself is taken by those who have a link to it`() throws {
        let off = Self.lab(home: ["inner": ", next-hop-self: off"])
        #expect(try Self.choice(off, at: "inner") == nil)
        #expect(
            try Self.resolve(off).warnings.map(\.message).contains {
                $0.contains("no link of inner leads to a next hop")
            })
        let linked = off.replacing("inner: {role: router}", with: "inner: {role: router}\n  spare: {role: router}")
            .replacing(
                "bgp:\n", with: "  extra: {ends: {inner:one: 192.0.2.3/29, spare:inner: 192.0.2.4/29}}\nbgp:\n")
        let choice = try #require(try Self.choice(linked, at: "inner"))
        #expect(choice.best.gateway == IPAddress("192.0.2.2") && choice.best.interface.description == "one")
    }

    @Test func `Too many prefixes end the session`() throws {
        let text = Self.lab(home: ["one": ", maximum-prefixes: 1", "two": ", maximum-prefixes: 2"])
        #expect(try Self.choice(text)?.candidates.map(\.session) == ["two", "alien"])
        let (topology, warnings) = try Self.resolve(text)
        #expect(RoutePropagation(in: topology) { _, _ in true }.overLimit == ["one"])
        #expect(warnings.map(\.message).contains { $0.contains("more than 1 prefixes to home") })
    }

    @Test func `Policies that contradict each other have no single outcome`() throws {
        // Each of two prefers the other's route to its own way (RFC 4264 calls its like a wedgie).
        let text = """
            name: wedgie
            nodes: {origin: {role: router}, left: {role: router}, right: {role: router}}
            links:
              a: {ends: {origin:left: 192.0.2.1/30, left:origin: 192.0.2.2/30}}
              b: {ends: {origin:right: 192.0.2.5/30, right:origin: 192.0.2.6/30}}
              c: {ends: {left:right: 192.0.2.9/30, right:left: 192.0.2.10/30}}
            bgp:
              a: {over: a, speakers: {origin: {asn: 65001, advertise: 10.1.0.0/16}, left: {asn: 65002}}}
              b: {over: b, speakers: {origin: {asn: 65001, advertise: 10.1.0.0/16}, right: {asn: 65003}}}
              c:
                over: c
                speakers:
                  left: {asn: 65002, transit: on, local-preference: 200}
                  right: {asn: 65003, transit: on, local-preference: 200}

            """
        let propagation = RoutePropagation(in: try Self.resolve(text).topology) { _, _ in true }
        let prefix = try #require(IPPrefix("10.1.0.0/16"))
        #expect(propagation.openEnd(at: "left", to: prefix)?.contains("no single outcome") == true)
        let one = text.replacing("right: {asn: 65003, transit: on, local-preference: 200}", with: "right: {asn: 65003}")
        #expect(
            RoutePropagation(in: try Self.resolve(one).topology) { _, _ in true }.openEnd(at: "left", to: prefix) == nil
        )
    }

    @Test(
        arguments: [
            ("64512 *", [64512], true), ("64512 *", [64512, 1, 2], true), ("64512 *", [1, 64512], false),
            ("* 64512", [1, 2, 64512], true), ("* 64512 *", [1, 64512, 2], true), ("* 64512 *", [1, 2], false),
            ("? ?", [1, 2], true), ("? ?", [1], false), ("*", [], true), ("1 * 2 * 3", [1, 9, 2, 8, 3], true),
            ("1 * 2 * 3", [1, 9, 3, 8, 2], false),
        ])
    func `Patterns of paths`(text: String, path: [Int], isTaken: Bool) throws {
        let pattern = try #require(ASPathPattern(text))
        #expect(pattern.takes(path.compactMap { ASN(UInt32($0)) }) == isTaken)
        #expect(pattern.description == text)
    }

    @Test func `Prefix lists`() throws {
        for text in ["10.0.0.0/8", "10.0.0.0/8 le 24", "10.0.0.0/8 ge 16", "10.0.0.0/8 ge 16 le 24", "::/0 le 48"] {
            #expect(PrefixRange(text)?.description == text)
        }
        let bad = [
            "10.0.0.0/8 le 7", "10.0.0.0/8 le 33", "10.0.0.0/8 ge 20 le 16", "10.0.0.0/8 le", "le 8",
            "10.0.0.0/8 le +9",
        ]
        for text in bad { #expect(PrefixRange(text) == nil, "\(text)") }
        let range = try #require(PrefixRange("10.0.0.0/8 ge 16"))
        #expect(try range.takes(#require(IPPrefix("10.1.0.0/32"))) && !range.takes(#require(IPPrefix("10.0.0.0/8"))))
        #expect(try !range.takes(#require(IPPrefix("11.1.0.0/16"))))
    }

    // MARK: BIRD

    @Test func `BIRD's filters`() throws {
        let text = Self.lab(
            home: [
                "one":
                    ", local-preference: 110, maximum-prefixes: 9, in: [{accept: {prefix: 10.0.0.0/8 le 24, as-path: [\"65010 *\", \"? 1\"]}}, {reject: {community: [65010:7, 1:2:3]}}, {accept: all, set: {local-preference: 90, med: 4}}]",
                "inner": ", next-hop-self: off",
            ], one: ", med: 5, communities: [65010:7, 1:2:3]",
            node: ", best-path: {multipath: 2, always-compare-med: on}")
        let topology = try Self.resolve(text).topology
        let home = BirdConfiguration.files(for: "home", in: topology, logFile: "/log").map { $0.contents.reveal() }
            .joined()
        #expect(
            home.contains(
                """
                        import filter {
                            if (net ~ [ 10.0.0.0/8{8,24} ]) && (bgp_path ~ [= 65010 * =] || bgp_path ~ [= ? 1 =]) then { bgp_local_pref = 110; accept; }
                            if ((65010, 7) ~ bgp_community || (1, 2, 3) ~ bgp_large_community) then reject;
                            bgp_local_pref = 90; bgp_med = 4; accept;
                        };
                        import limit 9 action disable;
                        export none;
                        next hop self;
                """), "\(home)")
        #expect(home.contains("merge paths yes limit 2;") && home.contains("med metric yes;"))
        #expect(home.contains("import all;\n        export where source = RTS_BGP;\n    };"), "\(home)")
        let one = BirdConfiguration.files(for: "one", in: topology, logFile: "/log").map { $0.contents.reveal() }
            .joined()
        #expect(
            one.contains(
                "export filter { if !(source = RTS_STATIC && net ~ [ 10.1.0.0/16, 10.2.0.0/24 ]) then reject; bgp_med = 5; bgp_community.add((65010, 7)); bgp_large_community.add((1, 2, 3)); accept; };"
            ), "\(one)")
    }

    // MARK: What is wrong

    @Test(
        arguments: [
            (lab(home: ["one": ", in: nowhere"]), "there is no policy \"nowhere\""),
            (lab(home: ["one": ", in: [{reject: all}, {accept: all}]"]), "takes every route, so the entries after it"),
            (lab(home: ["one": ", in: [{reject: all, set: {med: 1}}]"]), "rejects routes, of which nothing can be set"),
            (lab(home: ["one": ", in: [{set: {med: 1}}]"]), "has to say either `accept:` or `reject:`"),
            (lab(home: ["one": ", in: [{accept: {prefix: 10.0.0.0/8 le 4}}]"]), "is not a prefix such as"),
            (lab(home: ["one": ", in: [{accept: {as-path: 65010.*}}]"]), "is not AS numbers with ?"),
            (lab(home: ["one": ", in: [{accept: {community: 65010:77777}}]"]), "is not a community such as"),
            (
                lab(home: ["one": ", in: [{accept: all, set: {prepend: 2}}]"]),
                "`prepend` is for paths that a speaker tells"
            ),
            (lab(one: ", out: [{accept: all, set: {local-preference: 2}}]"), "is told no local preference"),
            (lab(one: ", out: [{accept: all, set: {weight: 2}}]"), "known to the router that sets it alone"),
            (lab(home: ["one": ", weight: 5"]), "weight cannot be set at home: BIRD has none"),
            (lab(one: ", default-only: on, transit: on"), "which contradict each other"),
            (lab(home: ["one": ", maximum-prefixes: 0"]), "is not a number from 1"),
            (lab(node: ", best-path: {multipath: 0}"), "is not a number from 1 to 64"),
            (lab(more: "policies: {Bad: [{accept: all}]}\n"), "\"Bad\" is not a name"),
        ])
    func `Errors`(text: String, message: String) throws {
        let error = try #require(throws: LabFileError.self) { try Self.resolve(text) }
        #expect(error.diagnostics.contains { $0.message.contains(message) && $0.line != nil }, "\(error)")
    }

    @Test(
        arguments: [
            (lab(alien: ", med: 5"), "home has no other session with AS 65020, so it never compares this MED"),
            (lab(home: ["one": ", in: [{accept: {prefix: 172.16.0.0/12}}]"]), "no speaker advertises a prefix that"),
            (lab(more: "policies: {idle: [{accept: all}]}\n"), "policies.idle is used by no speaker"),
            (lab(one: ", next-hop-self: off"), "`next-hop-self: off` changes nothing"),
        ])
    func `Warnings`(text: String, message: String) throws {
        let warnings = try Self.resolve(text).warnings
        #expect(warnings.contains { $0.message.contains(message) && $0.line != nil }, "\(warnings)")
        #expect(try Self.resolve(Self.lab(one: ", med: 5")).warnings.isEmpty)
    }

    // MARK: Expectations

    @Test func `What the best is follows from the policies, or is said`() throws {
        func claim(_ text: String, _ lab: String = Self.lab(home: ["two": ", local-preference: 200"])) throws
            -> BestClaim?
        {
            let topology = try Self.resolve(lab + "expect: {x: {best: \(text)}}\n").topology
            guard case .best(let claim)? = topology.expectations.first?.claim else { return nil }
            return claim
        }
        let computed = try #require(try claim("{at: home, to: 10.1.0.0/16}"))
        #expect(computed.session == "two" && computed.step == .localPreference)
        let said = try #require(try claim("{at: home, to: 10.1.0.0/16, by: l-one, because: as-path}"))
        #expect(said.session == "one" && said.step == .asPath)
        #expect(try claim("{at: home, to: 10.1.0.0/16, by: one}")?.step == nil)
        for (text, message) in [
            ("{at: home, to: 10.9.0.0/16}", "no session tells home a route to 10.9.0.0/16"),
            ("{at: home, to: 10.1.0.0/16, by: inner}", "no route to 10.1.0.0/16 comes to home by inner"),
            ("{at: home, to: 10.1.0.0/16, because: luck}", "is not one of the steps of a choice"),
            ("{at: home}", "has no \"to\""),
        ] {
            let error = try #require(throws: LabFileError.self) { _ = try claim(text) }
            #expect(error.diagnostics.contains { $0.message.contains(message) }, "\(error)")
        }
    }
}
