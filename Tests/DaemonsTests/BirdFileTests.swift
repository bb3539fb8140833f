import LabModel
import NetworkTypes
import RoutingDaemons
import Testing

@testable import Daemons

/// What a user's own bird.conf says of sessions, BFD and routes.
@Suite("Users' own bird.conf")
struct BirdFileTests {
    private static let whole = """
        router id 203.0.113.2;
        log "/var/log/bird.log" all;
        define THEIRS = 65001;      # what we call them
        protocol device { scan time 5; }
        protocol kernel { ipv4 { import none; export all; }; merge paths yes; metric 64; }
        protocol bfd {
          interface "vti*", "eth0" { min rx interval 300 ms; min tx interval 200 ms; multiplier 3; };
          multihop { interval 1 s; };
        }
        /* A template, and what is
           taken over from it. */
        template bgp overlay {
          local as 65002;
          hold time 180;
          bfd on;
          ipv4 { import all; export where source = RTS_DEVICE; };
        }
        protocol bgp one from overlay { neighbor 169.254.9.1 as THEIRS; hold time 30; keepalive time 7; }
        protocol bgp 'the second' from overlay {
          neighbor 169.254.9.5 as 65001;
          bfd { multiplier 9; };
          connect retry time 20; error wait time 4, 9; connect delay time 2;
          password "a-key; not } a word";
        }
        protocol bgp far { local 192.0.2.1 as 65002; neighbor 192.0.2.9 as 65009; multihop 3; bfd; ipv4 { import all; export none; }; }
        """

    /// The BIRD 2.0 user's guide, "BGP": `graceful restart` is `aware` if left out.
    @Test func `A peer helps unless it is told not to`() {
        func helps(_ setting: String) -> Bool? {
            let text = "protocol bgp b {\n local as 65001;\n neighbor 192.0.2.2 as 65002;\n \(setting)\n}\n"
            return Bird().read(text).sessions.first?.helpsRestart
        }
        #expect(helps("") == true && helps("graceful restart aware;") == true)
        #expect(helps("graceful restart off;") == false)
        #expect(helps("graceful restart time 60;") == true)
    }

    @Test func `Timers, numbers and what a template brings`() throws {
        let routing = Bird().read(Self.whole)
        #expect(routing.open.isEmpty && routing.sessions.prefix(2).flatMap(\.open).isEmpty, "\(routing)")
        #expect(routing.sessions[2].open == ["the neighbour of far in line 25 may be several hops away"])
        #expect(routing.metric == 64 && routing.mergesPaths && !routing.prepends)
        #expect(routing.sessions.map(\.name) == ["one", "the second", "far"])
        let one = try #require(routing.session(with: IPAddress("169.254.9.1")!))
        #expect(one.line == 18 && one.asn == ASN(65002) && one.peerASN == ASN(65001))
        #expect(one.hold == .seconds(30) && one.keepalive == .seconds(7) && one.password == nil)
        #expect(one.connectRetry == .seconds(120) && one.errorWait == Window(.seconds(60), .seconds(300)))
        #expect(one.taken == ["local", "hold time", "bfd", "neighbor", "keepalive time"])
        let two = routing.sessions[1]
        #expect(two.hold == .seconds(180) && two.keepalive == nil && two.connectDelay == .seconds(2))
        #expect(two.connectRetry == .seconds(20) && two.errorWait == Window(.seconds(4), .seconds(9)))
        #expect(two.password?.reveal() == "a-key; not } a word")
    }

    @Test func `Who takes nothing is not computed with`() {
        for (word, open) in [("all", []), ("none", ["`import none` in line 1"])] {
            let routing = Bird().read(
                "protocol bgp one { local as 1; neighbor 192.0.2.2 as 2; ipv4 { import \(word); export none; }; }")
            #expect(routing.sessions.flatMap(\.open) == open)
        }
    }

    /// What an export lets out of connected networks, static routes and what was learned; nil where it is not read.
    @Test(
        arguments: [
            ("export all;", "10.1.0.0/24 10.9.0.0/16", true), ("export none;", "", false), ("import all;", "", false),
            ("export where source = RTS_DEVICE;", "10.1.0.0/24", false),
            ("export where source ~ [ RTS_STATIC, RTS_BGP ];", "10.9.0.0/16", true),
            ("export filter { if source = RTS_STATIC then accept; reject; };", "10.9.0.0/16", false),
            ("export where net ~ [ 10.1.0.0/16+ ];", "10.1.0.0/24", nil), ("export filter nobodys;", nil, nil),
            (
                "export filter { if source = RTS_STATIC then accept; if net.len < 9 then accept; reject; };",
                "10.9.0.0/16", nil
            ),
            ("export where bgp_path.len < 3;", nil, nil),
            ("export where source != RTS_BGP && net.len >= 20;", "10.1.0.0/24", false),
            (
                "export filter { if ours() then { bgp_med = 10; accept; } else reject; };", "10.1.0.0/24 10.9.0.0/16",
                nil
            ),
            ("export filter mine;", "10.9.0.0/16", nil), ("export where !within(24, 32);", "10.9.0.0/16", nil),
        ] as [(String, String?, Bool?)])
    func `What is told`(export: String, told: String?, learned: Bool?) throws {
        let routing = Bird().read(
            """
            define OURS = [ 10.1.0.0/16{24,28}, 10.9.0.0/16 ];
            function ours() { return net ~ OURS && net.type = NET_IP4; }
            function within(int low, int high) -> bool { return net.len >= low && net.len <= high; }
            filter mine {
              if source = RTS_DEVICE then reject;
              if net ~ 10.1.0.0/16 then if net.len = 24 then reject; else accept;
              if ours() then accept;
            }
            protocol direct { ipv4; interface "lan*"; }
            protocol static { ipv4; route 10.9.0.0/16 blackhole; }
            protocol kernel { ipv4 { \(export) }; }
            protocol bgp one { local as 1; neighbor 192.0.2.2 as 2; ipv4 { \(export) }; }
            """)
        let networks = try [("lan0", "10.1.0.0/24"), ("wan", "203.0.113.0/30")].map { name, prefix in
            (interface: try #require(InterfaceName(name)), prefix: try #require(IPPrefix(prefix)))
        }
        let prefixes = routing.told(in: routing.sessions[0], networks, beside: [])
        #expect(prefixes?.map(\.description).sorted().joined(separator: " ") == told)
        #expect(routing.kernelExports[32]?.lets(nil, from: OwnFilter.learned) == learned)
    }

    @Test func `BFD by interface, for a session, over several hops, and BIRD's own values`() throws {
        let routing = Bird().read(Self.whole)
        func timers(_ session: Int, _ interface: String) -> BFDTimers? {
            InterfaceName(interface).flatMap { routing.timers(of: routing.sessions[session], on: $0) }
        }
        let usual = BFDTimers(transmit: .milliseconds(100), receive: .milliseconds(10), multiplier: 5)
        let ours = BFDTimers(transmit: .milliseconds(200), receive: .milliseconds(300), multiplier: 3)
        #expect(timers(0, "vti7") == ours && timers(0, "eth0") == ours)
        #expect(timers(0, "eth01") == usual && timers(0, "lo") == usual)
        let stars = String(repeating: "*?", count: 15)
        let starred = Bird().read(
            "protocol bfd { interface \"\(stars)x\" { multiplier 7; }; } protocol bgp a { local as 1; neighbor 192.0.2.1 as 2; bfd; }"
        )
        #expect(starred.timers(of: starred.sessions[0], on: InterfaceName("abcdefghijklmno")!) == usual)
        #expect(timers(1, "vti7")?.multiplier == 9 && timers(1, "vti7")?.receive == .milliseconds(300))
        #expect(timers(2, "vti7") == BFDTimers(transmit: .seconds(1), receive: .seconds(1), multiplier: 5))
        let without = Self.whole.replacing("protocol bfd {", with: "protocol bfd two {").replacing(
            "bfd on;", with: "bfd off;")
        let none = Bird().read(without)
        #expect(none.timers(of: none.sessions[0], on: InterfaceName("vti7")!) == nil)
        let nowhere = Bird().read("protocol bgp a { local as 1; neighbor 192.0.2.1 as 2; bfd; }")
        #expect(
            nowhere.timers(of: nowhere.sessions[0], on: InterfaceName("e0")!) == nil,
            "without the protocol there is no BFD")
    }

    /// Text in a session or beside it, and what is said of it.
    @Test(arguments: [
        ("passive;", "`passive` in line 3"), ("graceful restart on;", "`graceful restart` in line 3"),
        ("graceful restart;", "`graceful restart` in line 3"),
        ("disable after error on;", "`disable after error` in line 3"),
        ("med metric on;", "`med metric` in line 3"), ("check link off;", "`check link` in line 3"),
        ("hold time 3*HT;", "`hold time` in line 3"), ("bfd graceful;", "`bfd graceful` in line 3"),
        ("ipv4 { add paths on; };", "`add paths` in line 3"), ("a setting of tomorrow;", "`a setting` in line 3"),
        ("ipv4 { next hop address 192.0.2.9; };", "`next hop` in line 3"),
        ("neighbor range 10.0.0.0/8;", "`neighbor range` in line 3"),
        ("bfd { authentication simple; };", "`bfd` in line 3"),
    ])
    func `What a session says that may decide is not computed with`(text: String, open: String) throws {
        let routing = Bird().read("protocol bgp a {\n  local as 1;\n  \(text)\n  neighbor 192.0.2.1 as 2;\n}\n")
        #expect(routing.sessions.flatMap(\.open) == [open])
        #expect(routing.session(with: IPAddress("192.0.2.1")!) != nil)
    }

    @Test(arguments: [
        ("passive no;", true), ("graceful restart aware;", true), ("graceful restart off;", true),
        ("check link on;", true),
        ("disabled off;", true), ("description \"passive; disabled\";", true), ("debug all;", true),
        ("interface \"e0\";", true),
        ("startup hold time 99;", true), ("source address 192.0.2.7;", true), ("next;", false),
    ])
    func `What decides nothing is no hindrance`(text: String, isHarmless: Bool) {
        let routing = Bird().read("protocol bgp a { local as 1; neighbor 192.0.2.1 as 2; \(text) }")
        #expect(routing.sessions.flatMap(\.open).isEmpty == isHarmless, "\(routing)")
    }

    @Test(arguments: [
        ("protocol ospf v2 { area 0 { }; }", ["`protocol ospf` in line 1"]),
        ("include \"more.conf\";", ["`include` in line 1"]),
        (
            "protocol static { ipv4; route 10.0.0.0/8 via 192.0.2.1; route 10.1.0.0/16 unreachable; }",
            ["`route 10.0.0.0/8` in line 1"]
        ),
        ("filter f { bgp_local_pref = 200; accept; }", ["bgp_local_pref"]),
        ("filter f { if net ~ [ 10.0.0.0/8{16,24} ] then accept; else reject; }", []),
        ("protocol kernel { kernel table 5; }", ["`kernel table` in line 1"]),
        ("protocol kernel { persist; }", ["`persist` in line 1"]),
        ("protocol kernel { learn; persist off; }", []),
        ("protocol direct { disabled; }", ["`protocol direct` in line 1"]),
        ("# protocol rip { }", []), ("/* protocol rip { } */", []),
        ("protocol bfd { interface -\"e*\" { }; }", ["`interface -` in line 1"]),
        ("protocol bgp a from nothing { local as 1; }", ["`protocol bgp a from nothing` in line 1"]),
    ])
    func `What stands beside sessions and may decide`(text: String, open: [String]) {
        #expect(Bird().read(text).open == open)
    }

    @Test(arguments: [
        "", "{", "}", "}}}}", "protocol bgp", "protocol bgp a {", "\"", "/*", "#", "define", "define A",
        "template bgp t from t { }",
        "protocol bgp a from a { hold time 99999999999999999999; }", "[", ";;;;",
        "protocol bfd { interface \"***************************************b\"; }",
    ])
    func `Broken files are read as far as they go`(text: String) {
        let routing = Bird().read(text)
        #expect(routing.sessions.count <= 1)
    }

    /// Within an AS BIRD takes a neighbour for one of several hops unless it is told otherwise.
    @Test func `Sessions within an AS`() throws {
        let text = "protocol bgp a { local as 1; neighbor 192.0.2.1 as 1; DIRECT }"
        let indirect = Bird().read(text.replacing("DIRECT", with: "")).sessions
        #expect(indirect.first?.open == ["the neighbour of a in line 1 may be several hops away"])
        let direct = Bird().read(text.replacing("DIRECT", with: "direct;")).sessions
        #expect(direct.first?.open == [] && direct.first?.isMultihop == false)
    }

    @Test func `Blocks in blocks without end end`() {
        #expect(Bird().read(String(repeating: "a { ", count: 100_000)).sessions.isEmpty)
    }

    /// TCP repeats a SYN after 1, 3, 7, 15, 31 and 63 s; BIRD begins anew before it would go on.
    @Test(arguments: [(5, 2), (20, 8), (120, 57), (1, 1), (2, 1)])
    func `How long a speaker may be silent that tries to connect`(retry: Int, gap: Int) throws {
        let text =
            "protocol bgp a { local as 1; neighbor 192.0.2.1 as 2; connect retry time \(retry); error wait time 0, 0; connect delay time 0; }"
        let session = try #require(Bird().read(text).sessions.first)
        #expect(Bird().habits(in: session).connection == Window(.zero, .seconds(gap)))
    }
}
