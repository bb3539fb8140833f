import LabFiles
import LabModel
import NetworkTypes
import Testing

@testable import DaemonDrivers
@testable import Daemons
@testable import RoutingDaemons

/// What FRR is told of OSPF, and what it tells.
@Suite("FRR's OSPF") struct FrrOSPFTests {
    private static func configuration(of node: String, _ edge: String = "metric: 10") throws -> String {
        let text = """
            name: site
            nodes: {core: {role: router, bgp: frr}, r1: {role: router, bgp: frr}, cloud: {role: router}}
            links:
              lan: {ends: {core:lan: 10.1.0.1/24, r1:lan: 10.1.0.2/24}}
              inside: {ends: {core:r1: 10.1.1.1/30, r1:core: 10.1.1.2/30}}
              wan: {ends: {r1:wan: 192.0.2.1/30, cloud:r1: 192.0.2.2/30}}
            bgp:
              one:
                over: wan
                speakers: {r1: {asn: 65001, advertise: 10.9.0.0/16}, cloud: {asn: 65002}}
            ospf:
              site:
                hello: 2s
                dead: 7s
                links: {lan: {passive: on}, inside: {cost: 33}}
                edges: {r1: {\(edge)}}
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        return Frr().setUp(at: node, in: topology).files["/etc/frr/frr.conf"] ?? ""
    }

    @Test func `A router without BGP has interfaces and no more`() throws {
        #expect(
            try Self.configuration(of: "core") == """
                frr defaults traditional
                hostname core
                log timestamp precision 6
                !
                interface lan
                 ip ospf area 0
                 ip ospf cost 10
                 ip ospf passive
                exit
                interface r1
                 ip ospf area 0
                 ip ospf cost 33
                 ip ospf network point-to-point
                 ip ospf hello-interval 2
                 ip ospf dead-interval 7
                exit
                router ospf
                 ospf router-id 10.1.0.1
                 log-adjacency-changes
                exit
                !
                !

                """)
    }

    @Test func `An edge redistributes both ways, and not what it has redistributed`() throws {
        let both = try Self.configuration(of: "r1")
        #expect(both.contains(" redistribute bgp metric 10 metric-type 2 route-map netlab_bgp\n"))
        #expect(both.contains("route-map netlab_bgp permit 10\n set tag 65000\nexit\n"))
        #expect(both.contains("  redistribute ospf metric 0 route-map netlab_ospf\n"))
        #expect(
            both.contains("route-map netlab_ospf deny 10\n match tag 65000\nexit\nroute-map netlab_ospf permit 20\n"))
        #expect(both.contains("route-map one permit 16\n match as-path netlab_own\nexit\n"))
        let inwards = try Self.configuration(of: "r1", "redistribute: bgp, metric-type: 1")
        #expect(inwards.contains(" redistribute bgp metric 20 metric-type 1 route-map netlab_bgp\n"))
        #expect(!inwards.contains("redistribute ospf") && !inwards.contains("permit 16"))
        let outwards = try Self.configuration(of: "r1", "redistribute: ospf")
        #expect(!outwards.contains("redistribute bgp") && outwards.contains("redistribute ospf"))
    }

    @Test func `ospfd is one of FRR's programs where it is configured`() {
        let sockets = { (text: String) in FrrConfiguration.foundations(for: text).map(\.socketPath) }
        #expect(sockets("router ospf\nexit\n").contains("/run/frr/ospfd.vty"))
        #expect(!sockets("router bgp 1\nexit\n").contains("/run/frr/ospfd.vty"))
    }

    /// The larger of what this end is ready to receive and the other sends, times the other's multiplier (RFC 5880, section 6.8.4).
    @Test func `BFD's time of detection is of both ends' timers`() {
        let peer = { (status: String, own: Int, other: Int, times: Int) in
            """
            {"multihop":false,"peer":"192.0.2.2","local":"192.0.2.1","id":1,"remote-id":2,"status":"\(status)","receive-interval":\(own),
             "transmit-interval":300,"detect-multiplier":9,"remote-receive-interval":50,"remote-transmit-interval":\(other),
             "remote-detect-multiplier":\(times)}
            """
        }
        let address = IPAddress("192.0.2.2")!
        #expect(FrrBFDPeer.detections("[\(peer("up", 300, 500, 3))]")[address] == .milliseconds(1500))
        #expect(FrrBFDPeer.detections("[\(peer("up", 400, 250, 4))]")[address] == .milliseconds(1600))
        #expect(FrrBFDPeer.detections("[\(peer("down", 300, 500, 3))]").isEmpty)
        #expect(FrrBFDPeer.detections("[\(peer("up", -1, 500, 3))]").isEmpty && FrrBFDPeer.detections("{").isEmpty)
    }

    /// Printed by FRR 8.4.4; what is no neighbour is left out.
    @Test func `Neighbours by their addresses and states`() {
        let text = """
            {"neighbors":{"192.0.2.2":[
              {"priority":1,"state":"Full\\/-","nbrState":"Full\\/-","converged":"Full","role":"DROther","upTimeInMsec":5645,
               "deadTimeMsecs":3352,"routerDeadIntervalTimerDueMsec":3352,"address":"192.0.2.2","ifaceAddress":"192.0.2.2",
               "ifaceName":"e1:192.0.2.1"},
              {"converged":"ExStart","routerDeadIntervalTimerDueMsec":"inactive","ifaceAddress":"192.0.2.6"},
              {"converged":"Full"}, 7]}}
            """
        let neighbors = FrrOSPFNeighbor.parse(text)
        #expect(neighbors.map { "\($0.address)" } == ["192.0.2.2", "192.0.2.6"])
        #expect(neighbors.map(\.isFull) == [true, false])
        #expect(neighbors.map(\.deadIn) == [.milliseconds(3352), nil])
        #expect(FrrOSPFNeighbor.parse("{\"neighbors\":{}}").isEmpty && FrrOSPFNeighbor.parse("{").isEmpty)
    }
}
