import DaemonProfiles
import LabModel
import LabRecords
import NetworkTypes
import Testing

@testable import DaemonDrivers
@testable import Daemons
@testable import RoutingDaemons

@Suite("FRR") struct FrrTests {
    private static func topology(_ change: (String) -> String = { $0 }) throws -> Topology {
        try Fixture.topology { change($0.replacing("tgw: {role: router,", with: "tgw: {role: router, bgp: frr,")) }
    }

    @Test func `Speaker advertises what the lab says, and no more`() throws {
        let setUp = Frr().setUp(at: "tgw", in: try Self.topology())
        #expect(
            setUp.files.map(\.path) == [
                "/etc/frr/netlab-start.conf", "/etc/frr/netlab-start-bgpd.conf", "/etc/frr/vtysh.conf",
                "/etc/frr/frr.conf",
            ])
        #expect(setUp.files.map(\.isSecret) == [false, false, false, true])
        #expect(
            setUp.files["/etc/frr/frr.conf"] == """
                frr defaults traditional
                hostname tgw
                log timestamp precision 6
                !
                router bgp 64512
                 bgp router-id 203.0.113.10
                 bgp log-neighbor-changes
                 no bgp ebgp-requires-policy
                 no bgp default ipv4-unicast
                 no bgp network import-check
                 bgp graceful-restart-disable
                 bgp bestpath as-path multipath-relax
                 bgp bestpath compare-routerid
                 neighbor 169.254.100.2 remote-as 31898
                 neighbor 169.254.100.2 description main
                 neighbor 169.254.100.2 password bgp-key
                 neighbor 169.254.100.2 timers 10 30
                 neighbor 169.254.100.2 timers connect 5
                 neighbor 169.254.100.2 update-source 169.254.100.1
                 address-family ipv4 unicast
                  network 10.2.0.0/16
                  network 10.3.0.0/16
                  maximum-paths 16
                  maximum-paths ibgp 16
                  neighbor 169.254.100.2 activate
                  neighbor 169.254.100.2 next-hop-self
                  neighbor 169.254.100.2 route-map main out
                 exit-address-family
                exit
                !
                ip prefix-list main seq 5 permit 10.2.0.0/16
                ip prefix-list main seq 10 permit 10.3.0.0/16
                route-map main permit 10
                 match ip address prefix-list main
                 match as-path netlab_own
                exit
                route-map main deny 20
                 match as-path netlab_own
                exit
                route-map main deny 30
                exit
                !
                bgp as-path access-list netlab_own seq 5 permit ^$
                !

                """)
        #expect(setUp.foundations.map(\.socketPath) == ["/run/frr/zserv.api", "/run/frr/mgmtd.vty"])
        #expect(setUp.foundations.map(\.isOptional) == [false, true])
    }

    /// FRR 8.4.4, bgpd/bgp_vty.c (`bgp graceful-restart …`), zebra/main.c (`-K`).
    @Test func `A speaker that is waited for says how long, and zebra leaves its routes alone`() throws {
        let lab = try Self.topology {
            $0.replacing("    over: main", with: "    graceful-restart: 90s\n    over: main")
        }
        let setUp = Frr().setUp(at: "tgw", in: lab)
        let text = try #require(setUp.files["/etc/frr/frr.conf"])
        #expect(
            text.contains(
                """
                 bgp graceful-restart-disable
                 bgp graceful-restart restart-time 90
                 bgp graceful-restart preserve-fw-state
                 bgp graceful-restart select-defer-time 0
                 no bgp graceful-restart notification

                """), "\(text)")
        #expect(text.contains(" neighbor 169.254.100.2 graceful-restart\n"))
        #expect(setUp.foundations.first?.arguments.suffix(2) == ["-K", "90"])
    }

    @Test func `A reflector says who its client is, and what it reflects has it for the next hop`() throws {
        let lab = try Self.topology { $0.replacing("tgw: {asn: 64512,", with: "tgw: {asn: 31898, reflect: on,") }
        let text = try #require(Frr().setUp(at: "tgw", in: lab).files["/etc/frr/frr.conf"])
        #expect(text.contains("  neighbor 169.254.100.2 route-reflector-client\n"))
        #expect(text.contains("  neighbor 169.254.100.2 next-hop-self force\n"))
        // Others of its AS tell it routes without a number in their path as well: those are passed on.
        #expect(text.contains("route-map main permit 30\n") && !text.contains("route-map main deny"))
    }

    /// What is generated is read as what it was made from.
    @Test func `Its own file is read as it was meant`() throws {
        let topology = try Self.topology {
            $0.replacing(
                "    over: main\n", with: "    over: main\n    bfd: {transmit: 250ms, receive: 400ms, multiplier: 4}\n")
        }
        let setUp = Frr().setUp(at: "tgw", in: topology)
        #expect(setUp.foundations.map(\.socketPath).contains("/run/frr/bfdd.vty"))
        let routing = Frr().read(try #require(setUp.files["/etc/frr/frr.conf"]))
        #expect(routing.open.isEmpty && routing.sessions.flatMap(\.open).isEmpty, "\(routing)")
        let session = try #require(routing.session(with: IPAddress("169.254.100.2")!))
        #expect(session.asn == ASN(64512) && session.peerASN == ASN(31898) && session.password?.reveal() == "bgp-key")
        #expect(
            session.hold == .seconds(30) && session.keepalive == .seconds(10) && session.connectRetry == .seconds(5))
        #expect(
            routing.timers(of: session, on: InterfaceName("vpn1")!)
                == BFDTimers(transmit: .milliseconds(250), receive: .milliseconds(400), multiplier: 4))
        #expect(routing.staticRoutes.map(\.description) == ["10.2.0.0/16", "10.3.0.0/16"] && routing.mergesPaths)
        #expect(routing.told(in: session, [], beside: [])?.map(\.description) == ["10.2.0.0/16", "10.3.0.0/16"])
        #expect(session.exports[32]?.lets(nil, from: OwnFilter.learned) == false)
    }

    // MARK: Policies

    @Test(arguments: [
        ("64512 *", "^64512(_.*)?$"), ("* 64512", "^(.*_)?64512$"), ("* 64512 *", "^(.*_)?64512(_.*)?$"),
        ("64512 ? 64513", "^64512_[0-9]+_64513$"), ("64512 * * 64513", "^64512_(.*_)?64513$"), ("*", ".*"),
    ])
    func `A form of paths is an expression`(form: String, expression: String) throws {
        #expect(try #require(ASPathPattern(form)).frrExpression == expression)
    }

    @Test func `A policy is a route map, and an entry for both kinds of communities two`() throws {
        var match = RouteMatch()
        match.prefixes = ["10.0.0.0/8 ge 16 le 24", "172.16.0.0/12", "2001:db8::/32"].compactMap { PrefixRange($0) }
        match.communities = ["64512:1", "64512:1:2"].compactMap { BGPCommunity($0) }
        var changes = RouteChanges()
        changes.localPreference = 200
        changes.communities = ["no-export", "64512:3:4"].compactMap { BGPCommunity($0) }
        changes.prepended = 2
        var six = RouteMatch()
        six.prefixes = [try #require(PrefixRange("2001:db8::/32"))]
        let entries = [
            // Of the other address family: for no route here.
            RoutePolicy.Entry(isAccepting: false, match: six),
            RoutePolicy.Entry(isAccepting: true, match: match, changes: changes),
            RoutePolicy.Entry(isAccepting: false, match: RouteMatch()),
        ]
        let sets = """
             set local-preference 200
             set community no-export additive
             set large-community 64512:3:4 additive
             set as-path prepend 64500 64500
            exit
            """
        #expect(
            FrrPolicy(name: "main_in", entries: entries, bits: 32, asn: try #require(ASN(64500))).text == """
                ip prefix-list main_in_10 seq 5 permit 10.0.0.0/8 ge 16 le 24
                ip prefix-list main_in_10 seq 10 permit 172.16.0.0/12
                bgp community-list standard main_in_10 seq 5 permit 64512:1
                ip prefix-list main_in_20 seq 5 permit 10.0.0.0/8 ge 16 le 24
                ip prefix-list main_in_20 seq 10 permit 172.16.0.0/12
                bgp large-community-list standard main_in_20 seq 5 permit 64512:1:2
                route-map main_in permit 10
                 match ip address prefix-list main_in_10
                 match community main_in_10
                \(sets)
                route-map main_in permit 20
                 match ip address prefix-list main_in_20
                 match large-community main_in_20
                \(sets)
                route-map main_in deny 30
                exit

                """)
    }

    @Test func `BIRD is told the same timers of BFD`() throws {
        let topology = try Fixture.topology {
            $0.replacing(
                "    over: main\n", with: "    over: main\n    bfd: {transmit: 250ms, receive: 400ms, multiplier: 4}\n")
        }
        let text = try #require(
            BirdConfiguration.files(for: "drg", in: topology, logFile: "/log")["/etc/bird/bird.conf"])
        #expect(text.contains("protocol bfd netlab_bfd {\n}\n"))
        let routing = Bird().read(text)
        let session = try #require(routing.sessions.first)
        #expect(
            routing.timers(of: session, on: InterfaceName("vpn1")!)
                == BFDTimers(transmit: .milliseconds(250), receive: .milliseconds(400), multiplier: 4))
    }

    // MARK: A user's own file

    private static let whole = """
        frr version 8.4.4
        frr defaults traditional
        hostname edge
        log syslog informational
        service integrated-vtysh-config
        !
        bfd
         profile quick
          detect-multiplier 4
          transmit-interval 200
         exit
         !
         peer 192.0.2.9
          receive-interval 500
         exit
        exit
        !
        router bgp 65001
         timers bgp 20 60
         no bgp ebgp-requires-policy
         no bgp network import-check
         bgp bestpath as-path multipath-relax
         neighbor UP peer-group
         neighbor UP remote-as 65002
         neighbor UP bfd
         neighbor UP timers connect 15
         neighbor 192.0.2.2 peer-group UP
         neighbor 192.0.2.2 bfd profile quick
         neighbor 192.0.2.6 remote-as 65003
         neighbor 192.0.2.6 timers 5 15
         neighbor 192.0.2.6 password a-key
         neighbor 192.0.2.9 peer-group UP
         address-family ipv4 unicast
          network 10.1.0.0/24
          neighbor UP soft-reconfiguration inbound
          neighbor 192.0.2.6 activate
         exit-address-family
        exit
        !
        line vty
        """

    @Test func `Timers, numbers and what a group brings`() throws {
        let routing = Frr().read(Self.whole)
        #expect(routing.open.isEmpty && routing.sessions.flatMap(\.open).isEmpty, "\(routing)")
        #expect(routing.sessions.map(\.name) == ["192.0.2.2", "192.0.2.6", "192.0.2.9"])
        let (one, two, three) = (routing.sessions[0], routing.sessions[1], routing.sessions[2])
        #expect(one.asn == ASN(65001) && one.peerASN == ASN(65002) && one.line == 27)
        #expect(one.hold == .seconds(60) && one.keepalive == .seconds(20) && one.connectRetry == .seconds(15))
        #expect(two.hold == .seconds(15) && two.connectRetry == .seconds(120) && two.bfd == nil)
        #expect(two.password?.reveal() == "a-key")
        let interface = InterfaceName("eth0")!
        #expect(
            routing.timers(of: one, on: interface)
                == BFDTimers(transmit: .milliseconds(200), receive: .milliseconds(300), multiplier: 4))
        #expect(
            routing.timers(of: three, on: interface)
                == BFDTimers(transmit: .milliseconds(300), receive: .milliseconds(500), multiplier: 3))
        #expect(routing.told(in: one, [], beside: []) == [IPPrefix("10.1.0.0/24")!])
    }

    /// FRR's own values: sessions with other systems need a policy, and networks a route.
    @Test func `What is not said is as FRR has it`() throws {
        let routing = Frr().read(
            "router bgp 65001\n neighbor 192.0.2.2 remote-as 65002\n address-family ipv4 unicast\n  network 10.1.0.0/24\n"
        )
        let session = try #require(routing.sessions.first)
        #expect(session.hold == .seconds(180) && session.keepalive == .seconds(60))
        #expect(session.exports[32] == .nothing && session.imports[32]?.filter == .nothing)
        #expect(session.silence?.reason.contains("ebgp-requires-policy") ?? false)
        #expect(session.imports[32]?.obstacle.remedy.contains("no bgp ebgp-requires-policy") ?? false)
        let lan = (interface: InterfaceName("lan")!, prefix: IPPrefix("10.1.0.0/24")!)
        #expect(routing.told(in: session, [lan], beside: []) == [])
        #expect(
            Frr().read("frr defaults datacenter\nrouter bgp 1\n neighbor 192.0.2.2 remote-as 2\n").sessions.first?.hold
                == .seconds(9))
    }

    @Test(
        arguments: [
            (" neighbor 192.0.2.2 advertisement-interval 5", "`neighbor 192.0.2.2 advertisement-interval` in line 3"),
            (" neighbor 192.0.2.2 passive", "`neighbor 192.0.2.2 passive` in line 3"),
            (" neighbor 192.0.2.2 shutdown", "`neighbor 192.0.2.2 shutdown` in line 3"),
            (" neighbor 192.0.2.2 weight 100", "`neighbor 192.0.2.2 weight` in line 3"),
            (" neighbor 192.0.2.2 ebgp-multihop 3", "the neighbour 192.0.2.2 in line 2 may be several hops away"),
            (" bgp always-compare-med", "`bgp always-compare-med` in line 3"),
            ("route-map in permit 10\n set local-preference 200", "`set local-preference 200` in line 4"),
            ("router ospf\n", "`router ospf` in line 3"),
            ("ip route 10.9.0.0/16 192.0.2.77", "`ip route 10.9.0.0/16` in line 3"),
            ("interface eth0\n ip address 10.0.0.1/24", "`ip address` in line 4"),
        ])
    func `What may decide and is not computed with is said`(_ line: String, _ open: String) {
        let routing = Frr().read("router bgp 65001\n neighbor 192.0.2.2 remote-as 65002\n\(line)\n")
        #expect((routing.open + routing.sessions.flatMap(\.open)) == [open])
    }

    /// Prefixes that a neighbour's lists let out; nil where that is not known.
    @Test(
        arguments: [
            ("ip prefix-list L permit 10.1.0.0/16 le 24", "prefix-list L", ["10.1.2.0/24"]),
            (
                "ip prefix-list L seq 10 permit any\nip prefix-list L seq 5 deny 10.1.2.0/24", "prefix-list L",
                ["10.9.0.0/16"]
            ),
            ("ip prefix-list L permit 10.1.0.0/16 ge 25", "prefix-list L", []),
            (
                "ip prefix-list L permit 10.9.0.0/16\nroute-map M permit 10\n match ip address prefix-list L",
                "route-map M", ["10.9.0.0/16"]
            ),
            (
                "ip prefix-list L permit 10.9.0.0/16\nroute-map M deny 10\n match ip address prefix-list L\nroute-map M permit 20",
                "route-map M", ["10.1.2.0/24"]
            ),
            (
                "bgp as-path access-list A permit ^$\nroute-map M permit 10\n match as-path A", "route-map M",
                ["10.1.2.0/24", "10.9.0.0/16"]
            ),
            ("route-map M permit 10\n match community C", "route-map M", nil),
            ("access-list 10 permit any", "distribute-list 10", nil),
            ("", "prefix-list L", []), ("", "route-map M", []), ("", "filter-list F", []),
        ] as [(String, String, [String]?)])
    func `Lists and route maps decide what is told`(_ lists: String, _ given: String, _ told: [String]?) throws {
        let routing = Frr().read(
            """
            no ip forwarding
            \(lists)
            router bgp 65001
             no bgp network import-check
             neighbor 192.0.2.2 remote-as 65002
             address-family ipv4 unicast
              network 10.1.2.0/24
              network 10.9.0.0/16
              neighbor 192.0.2.2 \(given) out
              neighbor 192.0.2.2 route-map IN in
             exit-address-family
            exit
            route-map IN permit 10
            """)
        let session = try #require(routing.sessions.first)
        #expect(routing.told(in: session, [], beside: [])?.map(\.description).sorted() == told, "\(routing)")
        // What is not read is said, and what is not there is the reason of the silence.
        #expect(session.open.isEmpty == (told != nil || lists.isEmpty), "\(session.open)")
        #expect((session.silence?.reason.contains("there is no ") ?? false) == lists.isEmpty)
        #expect(session.imports[32]?.filter.lets(IPPrefix("10.7.0.0/16"), from: OwnFilter.learned) == true)
    }

    /// A network is told as long as there is a route to it (`bgp network import-check`).
    @Test func `A network without a route is not told`() throws {
        let routing = Frr().read(
            "router bgp 65001\n no bgp ebgp-requires-policy\n neighbor 192.0.2.2 remote-as 65002\n address-family ipv4 unicast\n  network 10.1.0.0/16\n"
        )
        let session = try #require(routing.sessions.first)
        let wide = try #require(IPPrefix("10.1.0.0/16"))
        let lan = (interface: InterfaceName("lan")!, prefix: IPPrefix("10.1.0.0/24")!)
        #expect(routing.told(in: session, [lan], beside: []) == [])
        #expect(routing.unroutedNetworks([lan.prefix], beside: []) == [wide])
        #expect(routing.told(in: session, [lan], beside: [wide]) == [wide])
        // Whether a route around it will do is not known here.
        #expect(routing.told(in: session, [lan], beside: [IPPrefix("10.0.0.0/8")!]) == nil)
    }

    @Test(
        arguments: [
            (" no bgp default ipv4-unicast", "No AFI/SAFI activated"),
            (" neighbor 192.0.2.2 dont-capability-negotiate", "AS 4200000001 has 32 bits"),
        ])
    func `What keeps a session down for ever is said`(_ line: String, _ words: String) throws {
        let routing = Frr().read("router bgp 4200000001\n\(line)\n neighbor 192.0.2.2 remote-as 65002\n")
        #expect(routing.sessions.first?.refusal?.reason.contains(words) ?? false, "\(routing)")
        let plain = Frr().read("router bgp 4200000001\n neighbor 192.0.2.2 remote-as 65002\n")
        #expect(plain.sessions.first?.refusal == nil)
    }

    // MARK: Log and answers

    @Test func `Its log tells when a session came up and of what it ended`() throws {
        let topology = try Self.topology {
            $0.replacing("169.254.100.", with: "192.0.2.").replacing("192.0.2.10", with: "192.168.2.10").replacing(
                "192.0.2.9", with: "192.168.2.9")
        }
        let events = Frr().events(
            in: try Fixture.text("frr-cut.log"), of: "tgw", in: topology, realTimeOffset: 1_796_087_819_000_000_000)
        let said = events.map { event -> String in
            guard case .session(let name, let what) = event.kind else { return "?" }
            return "\(name) \(what)"
        }
        #expect(
            said == [
                "main up",
                "main failed(LabRecords.LabEvent.SessionEvent.Failure.holdTimer, text: \"Hold Timer Expired\")",
                "main stopping", "main up",
            ], "\(said)")
        #expect(events.first?.nanoseconds == 4_996_348_000)
    }

    @Test func `Complaints are FRR's own words`() {
        let log = """
            2026/12/01 01:16:59 BGP: [YFSZ1-KH446][EC 100663303] vty_serv_un: could chown socket, Operation not permitted
            2026/12/01 01:16:59.960856 BGP: [J7484-2SYXF][EC 33554465] 192.0.2.2 [FSM] unexpected packet received
            line 3: % Unknown command[25]:  neighbor 10.9.0.2 timrs 10 30
            """
        #expect(
            Frr().complaints(in: log, about: nil) == [
                "192.0.2.2 [FSM] unexpected packet received",
                "line 3: % Unknown command[25]:  neighbor 10.9.0.2 timrs 10 30",
            ])
    }

    @Test func `An answer ends with three zero bytes and the result`() {
        #expect(FrrReply(Array("abc\n".utf8) + [0, 0, 0]) == nil)
        #expect(FrrReply(Array("abc\n".utf8) + [0, 0, 0, 0])?.text == "abc\n")
        #expect(FrrReply([0, 0, 0, 2])?.isFailure == true)
    }

    @Test func `Neighbours by their state, timers and BFD`() throws {
        let text = """
            {"10.9.0.2": {"bgpState": "Established", "bgpTimerHoldTimeMsecs": 30000, "bgpTimerKeepAliveIntervalMsecs": 10000,
             "lastResetDueTo": "Waiting for peer OPEN", "peerBfdInfo": {"type": "single hop", "detectMultiplier": 3, "status": "Up"}},
             "10.9.0.6": {"bgpState": "Idle", "adminShutDown": true}, "other": {"x": 1}, "10.9.0.8": 7}
            """
        let neighbors = FrrNeighbor.parse(text)
        #expect(neighbors.map(\.state) == [.established, .down])
        let first = try #require(neighbors.first)
        #expect(first.hold == .seconds(30) && first.keepalive == .seconds(10) && first.bfd == .up)
        #expect(FrrNeighbor.parse("{").isEmpty)
    }

    @Test func `A changed neighbour is told what changed`() {
        let before =
            "router bgp 1\n neighbor 192.0.2.2 timers 10 30\n neighbor 192.0.2.2 timers connect 5\n neighbor 192.0.2.6 password old\n"
        let after =
            "router bgp 1\n neighbor 192.0.2.2 timers 3 9\n neighbor 192.0.2.2 timers connect 7\n neighbor 192.0.2.9 remote-as 2\n"
        let change = FrrChange(from: before, to: after)
        #expect(
            change.commands == ["router bgp 1", "no neighbor 192.0.2.6 password", "neighbor 192.0.2.2 timers 3 9"])
        #expect(change.neighbors == ["192.0.2.2", "192.0.2.6"])
        #expect(FrrChange(from: after, to: after).commands.isEmpty)
    }
}
