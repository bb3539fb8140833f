import LabFiles
import LabModel
import Predictions
import Testing

/// What users' own files say that nothing here computes is not predicted, and the reason names it.
@Suite("Predictions of labs with users' own files")
struct OwnFilePredictionTests {
    /// A host behind each of two gateways, with a tunnel by pluto's files between them and BGP over it.
    private static func prediction(
        ike: [String: String] = [:], bird: String = "", session: String = "hold time 30; keepalive time 10;",
        fault: String = "blackhole wire", change: (String) -> String = { $0 }
    ) throws -> Prediction {
        let files = [
            "west.conf": pluto(1, 2, ike), "east.conf": pluto(2, 1, ike), "keys": ": PSK \"a-key\"\n",
            "bird.conf": """
            router id 192.0.2.1;
            protocol device {}
            protocol kernel { ipv4 { export all; }; }
            protocol static { ipv4; route 10.1.0.0/16 unreachable; }
            \(bird)
            protocol bgp east {
              local 169.254.1.1 as 64512;
              neighbor 169.254.1.2 as 64513;
              \(session)
              ipv4 { import all; export all; };
            }

            """,
        ]
        let text = """
            name: pair
            nodes:
              left: {role: router, routes: {0.0.0.0/0: 10.1.0.1}}
              west: {role: router, bird: bird.conf}
              east: {role: router}
              right: {role: router, routes: {0.0.0.0/0: 10.2.0.1}}
            links:
              here: {ends: {left:e0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}, delay: 5ms}
              there: {ends: {right:e0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
            tunnels:
              vpn:
                ends:
                  west: {config: west.conf, secrets: keys, connection: c, interface: v0, inside: 169.254.1.1/30}
                  east: {config: east.conf, secrets: keys, connection: c, interface: v0, inside: 169.254.1.2/30}
            bgp:
              session:
                over: vpn
                speakers:
                  west: {asn: 64512, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/16}
                  east: {asn: 64513, keepalive: 10s, hold: 30s, advertise: 10.2.0.0/16}
            probes:
              across: {from: left, to: right}
            """
        let topology = try LabFile(text: change(text), file: "lab.yaml") { name in try #require(files[name]) }.resolve()
            .topology
        return try PredictedLab.predict(fault, for: "across", in: topology)
    }

    private static func pluto(_ own: Int, _ peer: Int, _ changes: [String: String]) -> String {
        let parameters = [
            "auto": "start", "ikev2": "insist", "authby": "secret", "left": "192.0.2.\(own)",
            "right": "192.0.2.\(peer)", "leftsubnet": "0.0.0.0/0", "rightsubnet": "0.0.0.0/0", "mark": "5/0xffffffff",
            "vti-interface": "v0", "vti-routing": "no",
        ].merging(changes) { $1 }
        return "config setup\n    ikev1-policy=accept\nconn c\n"
            + parameters.sorted { $0.key < $1.key }.map { "    \($0)=\($1)\n" }.joined()
    }

    /// An end that may move looks for other addresses when its link is down, and gives up after some attempts; a silence it does not see.
    @Test func `Who moves and has lost a link is not computed`() throws {
        let lost = try Self.prediction(ike: ["mobike": "yes"], fault: "link wire down")
        guard case .unpredictable(let why) = lost.effect else {
            Issue.record("\(lost)")
            return
        }
        #expect(why.contains("has lost a link and looks for other addresses for vpn"), "\(why)")
        #expect(try Self.prediction(ike: ["mobike": "yes"]).effect.kind != "unpredictable")
        #expect(try Self.prediction(fault: "link wire down").effect.kind != "unpredictable")
    }

    @Test(arguments: [
        "rekey": "no", "keyingtries": "3", "leftupdown": "/etc/ipsec.d/mine.sh", "an-option-of-tomorrow": "yes",
    ])
    func `An option that may decide and that is not computed with is named`(_ key: String, _ value: String) throws {
        let prediction = try Self.prediction(ike: [key: value])
        guard case .unpredictable(let reason) = prediction.effect else {
            Issue.record("\(prediction)")
            return
        }
        #expect(reason == "west.conf of west says `\(key)=\(value)`, which is not computed here")
    }

    @Test func `Options that decide nothing are no hindrance`() throws {
        let prediction = try Self.prediction(ike: [
            "rekey": "yes", "mobike": "no", "keyingtries": "%forever", "fragmentation": "force",
        ])
        #expect(prediction.effect.kind != "unpredictable", "\(prediction)")
    }

    @Test func `Files with nothing unknown are predicted`() throws {
        let prediction = try Self.prediction()
        #expect(prediction.effect.kind != "unpredictable", "\(prediction)")
    }

    /// Who looks for no silent peer goes on sending by associations that a peer which was down has no more.
    @Test func `Without liveness nobody begins a tunnel again that its peer has lost`() throws {
        let prediction = try Self.prediction(ike: ["auto": "ondemand"], fault: "node east down")
        #expect(prediction.comeback == nil)
        #expect(
            prediction.reasons.contains {
                $0.contains("not computed: west looks for no silent peer, so it does not notice that vpn is lost")
            }, "\(prediction)")
        let watched = try Self.prediction(ike: ["dpddelay": "5s", "dpdaction": "restart"], fault: "node east down")
        #expect(watched.comeback != nil, "\(watched)")
    }

    @Test func `The timers of IKEv1 are not computed`() throws {
        let effect = try Self.prediction(ike: ["ikev2": "never"]).effect
        #expect(effect == .unpredictable("west speaks IKEv1 for vpn, whose timers are not computed here"))
    }

    @Test func `Protocols of a bird.conf beside BGP are not computed`() throws {
        let text = "protocol ospf v2 { area 0 { }; }"
        let effect = try Self.prediction(bird: text).effect
        #expect(
            effect
                == .unpredictable(
                    "west's own configuration of BIRD: `protocol ospf` in line 5, which is not computed here"))
        #expect(try Self.prediction(bird: "# \(text)").effect.kind != "unpredictable")
    }

    /// What is in the bird.conf or not, and the reason.
    @Test(arguments: [
        ("hold time 30; neighbor 169.254.1.9 as 1;", "it says nothing of the neighbour of session"),
        ("passive;", "`passive` in line 9"),
    ])
    func `What a bird.conf says otherwise is named`(session: String, reason: String) throws {
        guard case .unpredictable(let said) = try Self.prediction(session: session).effect else {
            Issue.record("predicted")
            return
        }
        #expect(said.contains(reason), "\(said)")
    }
}
