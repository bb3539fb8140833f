import Daemons
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Testing

/// Two routers with two links between them, BIRD by their users' own files at both, and a host behind each:
/// `left <-> west == main, spare == east <-> right`.
enum OwnBirds {
    static let lab = """
        name: birds
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          west: {role: router, bird: west.conf}
          east: {role: router, bird: east.conf}
          right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          here: {ends: {left:eth0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
          main: {ends: {west:e1: 192.0.2.1/30, east:e1: 192.0.2.2/30}, delay: 5ms}
          spare: {ends: {west:e2: 192.0.2.5/30, east:e2: 192.0.2.6/30}, delay: 20ms}
          there: {ends: {right:eth0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
        probes: {app: {from: left, to: right}}
        bgp:
          one:
            over: main
            speakers:
              west: {asn: 65001, advertise: 10.1.0.0/24}
              east: {asn: 65002, advertise: 10.2.0.0/24}
          two:
            over: spare
            speakers:
              west: {asn: 65001, advertise: 10.1.0.0/24, prepend: 1}
              east: {asn: 65002, advertise: 10.2.0.0/24, prepend: 1}

        """

    /// - Parameters:
    ///   - bfd: What the BFD protocol says; nil for none.
    ///   - session: What both sessions say besides.
    static func conf(at west: Bool, bfd: String? = nil, session: String = "hold time 90;") -> String {
        let (own, peer) = west ? (65001, 65002) : (65002, 65001)
        let peers = west ? ("192.0.2.2", "192.0.2.6") : ("192.0.2.1", "192.0.2.5")
        return """
            router id 10.\(west ? 1 : 2).0.1;
            protocol device { }
            protocol direct { ipv4; interface "lan"; }
            protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; merge paths on; }
            \(bfd.map { "protocol bfd { \($0) }" } ?? "")
            template bgp edge { local as \(own); \(session) ipv4 { import all; export where source = RTS_DEVICE; }; }
            protocol bgp one from edge { neighbor \(peers.0) as \(peer); }
            protocol bgp two from edge {
              neighbor \(peers.1) as \(peer);
              ipv4 { import all; export filter { if source != RTS_DEVICE then reject; bgp_path.prepend(\(own)); accept; }; };
            }
            """
    }

    static func resolve(
        _ west: String, _ east: String, change: (String) -> String = { $0 }
    ) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        let files = ["west.conf": west, "east.conf": east]
        return try LabFile(text: change(lab), file: "lab.yaml") { name in try #require(files[name]) }.resolve()
    }

    static let quick = conf(
        at: true, bfd: "interface \"e*\" { min rx interval 200 ms; min tx interval 50 ms; multiplier 4; };",
        session: "bfd on; hold time 90; error wait time 3, 20;")
    static let slow = conf(
        at: false, bfd: "interface \"e1\", \"e2\" { interval 100 ms; multiplier 7; };",
        session: "bfd on; hold time 60; error wait time 2, 9; connect retry time 12;")
}

/// Predictions go by what users' own bird.conf say.
@Suite("Predictions by users' own bird.conf")
struct OwnBirdTests {
    /// Sessions are up then, and nothing is ever sent by what they tell.
    @Test func `A kernel protocol that keeps back what BGP learns is an error`() {
        let conf = OwnBirds.conf(at: true).replacing(
            "export where source = RTS_BGP", with: "export where source = RTS_STATIC")
        #expect {
            _ = try OwnBirds.resolve(conf, OwnBirds.conf(at: false))
        } throws: {
            "\($0)".contains("the kernel protocol in west.conf of west exports no routes that BGP has learned")
        }
    }

    /// West hears of east every 200 ms, its own pace, and misses seven of them: 1.4 s. East hears of west every 100 ms and misses
    /// four. The later one decides, less an interval at the earliest.
    @Test func `BFD of two paces`() throws {
        let lab = try OwnBirds.resolve(OwnBirds.quick, OwnBirds.slow).topology
        let cut = try PredictedLab.predict("blackhole main", for: "app", in: lab)
        #expect(cut.outage == [1_200, 1_450], "\(cut)")
        #expect(cut.reasons.contains { $0.contains("RFC 5880, section 6.8.4") })
        let half = try PredictedLab.predict("blackhole main from west", for: "app", in: lab)
        #expect(half.outage == [300, 455], "east misses west's packets after 300 to 400 ms and tells west: \(half)")
        let standstill = try PredictedLab.predict("daemon east/bird stopped", for: "app", in: lab)
        #expect(standstill.effect == .untilHealed)
    }

    @Test func `Hold times are the files', the smaller of both, and a keepalive is a third where none is said`() throws
    {
        let west = OwnBirds.conf(at: true, session: "hold time 30; keepalive time 7;")
        let lab = try OwnBirds.resolve(west, OwnBirds.conf(at: false, session: "hold time 45;")).topology
        // West: 22.5 s less east's keepalive of 10 s; east: less west's of 7 s.
        let cut = try PredictedLab.predict("blackhole main", for: "app", in: lab)
        #expect(cut.outage == [15_500, 33_050], "\(cut)")
        // `connect retry time`, `error wait time` and `connect delay time` are BIRD's own: 120 s; 60 to 300 s; 5 s.
        let comeback = try #require(cut.comeback)
        #expect(comeback.earliest == .zero && comeback.latest > .seconds(305) && comeback.latest < .seconds(320))
    }

    @Test func `What BFD alone misses, and what it may miss by chance, is not computed`() throws {
        let lab = try OwnBirds.resolve(OwnBirds.quick, OwnBirds.slow).topology
        for (fault, reason) in [
            ("drop udp on main", "brings it up again without BFD"), ("loss main 5%", "in a row is chance"),
            ("jitter main 300ms", "in a row is chance"), ("reordering main 5%", "in a row is chance"),
        ] {
            guard case .unpredictable(let said) = try PredictedLab.predict(fault, for: "app", in: lab).effect else {
                Issue.record("\(fault) is predicted")
                continue
            }
            #expect(said.contains(reason), "\(said)")
        }
        #expect(try PredictedLab.predict("duplication main 5%", for: "app", in: lab).effect.kind != "unpredictable")
        let without = try OwnBirds.resolve(OwnBirds.conf(at: true), OwnBirds.conf(at: false)).topology
        #expect(try PredictedLab.predict("loss main 5%", for: "app", in: without).effect == .degraded)
        #expect(try PredictedLab.predict("drop udp on main", for: "app", in: without).effect == .none)
    }

    @Test(arguments: [
        ("merge paths on", "merge paths off", "and which of equally good routes it takes"),
        ("bgp_path.prepend(65001); ", "", "it prepends nothing, and the lab file does"),
        ("neighbor 192.0.2.6", "neighbor 192.0.2.10", "it says nothing of the neighbour of two"),
    ])
    func `What a file leaves out is named`(old: String, new: String, reason: String) throws {
        let west = OwnBirds.conf(at: true)
        #expect(west.contains(old))
        let lab = try OwnBirds.resolve(west.replacing(old, with: new), OwnBirds.conf(at: false)).topology
        guard case .unpredictable(let said) = try PredictedLab.predict("link main down", for: "app", in: lab).effect
        else {
            Issue.record("predicted")
            return
        }
        #expect(said.contains(reason), "\(said)")
    }

    /// All sessions of a daemon that is restarted are down together: there is no other way.
    @Test func `A daemon that begins anew takes all its routes back`() throws {
        let generated = OwnBirds.lab.replacing(", bird: west.conf", with: "").replacing(", bird: east.conf", with: "")
        let lab = try LabFile(text: generated, file: "lab.yaml") { _ in "" }.resolve().topology
        let restart = try PredictedLab.predict("daemon west/bird restarted", for: "app", in: lab)
        #expect(restart.outage == [0, 5_010], "\(restart)")
        #expect(restart.reasons.contains { $0.contains("no other route is left") })
        // One that began anew long before has its routes, and what is broken besides has its own time.
        let earlier = try PredictedLab.predict(
            "duplication main 5%", with: ["bgp one hold 9s at west", "bgp two hold 9s at west"], for: "app", in: lab)
        #expect(earlier.effect == .degraded, "\(earlier)")
        let both = try PredictedLab.predict("blackhole main", "daemon west/bird restarted", for: "app", in: lab)
        #expect(both.effect.kind == "unpredictable", "\(both)")
        // One session of two: the other's route is there.
        let one = try PredictedLab.predict("bgp one hold 9s at west", for: "app", in: lab)
        #expect(one.outage == [0, 10], "\(one)")
    }

    // MARK: What lab file and files say otherwise

    /// A change of the lab file or of west's file, the line, and what is said.
    @Test(arguments: [
        (
            "", "local as 65001", "local as 65009", 17,
            "west is AS 65001 here and AS 65009 in line 7 of west.conf, which counts"
        ),
        (
            "west: {asn: 65001, advertise: 10.1.0.0/24}§west: {asn: 65001, hold: 30s, advertise: 10.1.0.0/24}", "", "",
            17,
            "the hold time of west is 30s here and 1m30s in west.conf (session one, line 7), which counts"
        ),
        (
            "", "neighbor 192.0.2.2", "neighbor 192.0.2.9", 17,
            "west.conf of west says nothing of the neighbour 192.0.2.2"
        ),
        (
            "over: main§over: main\n    password: a-key-of-the-lab", "", "", 18,
            "the lab file gives west a key, and west.conf (session one, line 7) has none"
        ),
        ("", "hold time 90;", "hold time 90; bfd on;", 14, "west asks for BFD and east does not, so there is none"),
    ])
    func `What differs is warned of`(edit: String, old: String, new: String, line: Int, words: String) throws {
        let west = old.isEmpty ? OwnBirds.conf(at: true) : OwnBirds.conf(at: true).replacing(old, with: new)
        let parts = edit.split(separator: "§").map(String.init)
        let warnings = try OwnBirds.resolve(west, OwnBirds.conf(at: false)) { text in
            parts.count == 2 ? text.replacing(parts[0], with: parts[1]) : text
        }.warnings
        #expect(warnings.contains { $0.message.contains(words) && $0.line == line }, "\(warnings)")
    }

    @Test func `Sessions that both files keep down, or that one takes nothing from, are said`() throws {
        let messages = { (west: String, east: String) -> [String] in
            do {
                let files = [(west, true), (east, false)].map { OwnBirds.conf(at: $1, session: $0) }
                return try OwnBirds.resolve(files[0], files[1]).warnings.map(\.message)
            } catch let error as LabFileError {
                return error.diagnostics.map { "\($0.severity): \($0.message)" }
            }
        }
        let passive = try messages("passive on;", "passive;")
        #expect(
            passive.contains(
                "error: bgp.one: both west (line 6 of its file) and east (line 6 of its file) wait for the other to connect"
            ),
            "\(passive)")
        #expect(try !messages("passive on;", "passive off;").contains { $0.contains("wait for the other") })
        let disabled = try messages("hold time 90;", "disabled;")
        #expect(
            disabled.contains(
                "error: bgp.one: line 6 of east.conf has switched one off at east, so that the session never comes up"),
            "\(disabled)")
        let west = OwnBirds.conf(at: true).replacing(
            "ipv4 { import all; export where", with: "ipv4 { import none; export where")
        let warnings = try OwnBirds.resolve(west, OwnBirds.conf(at: false)).warnings.map(\.message)
        #expect(
            warnings.contains(
                "bgp.one: west takes no routes of east's (line 6 of west.conf: import none), so what east tells leads nobody there"
            ),
            "\(warnings)")
        let filtered = OwnBirds.conf(at: true).replacing(
            "ipv4 { import all; export where",
            with: "ipv4 { import filter { if net ~ [10.2.0.0/16] then accept; reject; }; export where")
        let rejections = try OwnBirds.resolve(filtered, OwnBirds.conf(at: false)).warnings.map(\.message)
        #expect(
            rejections.contains(
                "bgp.one: the import filter of west (line 6 of west.conf) rejects 10.2.0.0/24 of east's"),
            "\(rejections)")
        let fitting = filtered.replacing("[10.2.0.0/16]", with: "[10.2.0.0/16+]")
        #expect(try OwnBirds.resolve(fitting, OwnBirds.conf(at: false)).warnings.isEmpty)
    }

    @Test func `A number of one file that the other does not expect keeps the session down`() throws {
        let west = OwnBirds.conf(at: true).replacing("local as 65001", with: "local as 65009")
        let (lab, warnings) = try OwnBirds.resolve(west, OwnBirds.conf(at: false))
        #expect(lab.session(named: "one")?.mistaken?.node == "east")
        #expect(warnings.contains { $0.message.contains("east takes west for AS 65001, and it says it is AS 65009") })
        let clean = try OwnBirds.resolve(OwnBirds.quick, OwnBirds.slow)
        #expect(clean.warnings.isEmpty, "\(clean.warnings)")
        let speakers = clean.topology.session(named: "one")?.speakers
        #expect(speakers?.map(\.hold) == [.seconds(90), .seconds(60)])
    }
}
