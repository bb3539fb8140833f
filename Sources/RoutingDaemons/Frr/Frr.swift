import ConfigurationFormats
import DaemonProfiles
import LabModel
import LabRecords
import NetworkTypes

/// FRR: bgpd with zebra, and ospfd, bfdd or staticd where they are needed, as one daemon.
public struct Frr: RoutingDaemon {
    public init() {}

    public let id = DaemonID.frr
    public let keyword = "frr"
    public let product = "FRR"
    public let measuredVersion = DaemonVersion(major: 8, minor: 4, patch: 4)
    public let versionSource = DaemonVersionSource.program("/usr/lib/frr/bgpd")
    public let parser: DaemonParser? = DaemonParser(product: "FRR", program: "/usr/bin/vtysh", arguments: ["-C", "-f"])
    public let programs = [
        DaemonProgram(name: "bgpd", purpose: "FRR's BGP daemon", package: "frr", elsewhere: ["/usr/lib/frr"]),
        DaemonProgram(
            name: "zebra", purpose: "FRR's routes in the kernel", package: "frr", elsewhere: ["/usr/lib/frr"]),
        DaemonProgram(name: "ospfd", purpose: "FRR's OSPF daemon", package: "frr", elsewhere: ["/usr/lib/frr"]),
        DaemonProgram(name: "bfdd", purpose: "FRR's BFD daemon", package: "frr", elsewhere: ["/usr/lib/frr"]),
        DaemonProgram(name: "vtysh", purpose: "speaks to FRR", package: "frr"),
    ]
    public let files = ["usr/lib/frr/bgpd", "usr/lib/frr/zebra", "usr/bin/vtysh"]
    public let runDirectory = FrrConfiguration.directory
    public let emptiedDirectories = ["frr"]
    public let socketPath = FrrConfiguration.socketPath
    public let leftovers = FrrConfiguration.leftovers
    /// RTPROT_BGP (linux/rtnetlink.h; FRR 8.4.4, zebra/rt_netlink.c, `zebra2proto`).
    public let routeProtocol: UInt8 = 186
    /// RTPROT_OSPF and RTPROT_ZSTATIC.
    public let otherRouteProtocols: Set<UInt8> = [188, 196]

    /// What a running one answers at, and the file that it was given.
    public static let socketPath = FrrConfiguration.socketPath
    public static let configurationPath = FrrConfiguration.path
    /// Where its bfdd answers, if it has one.
    public static let bfdSocketPath = FrrConfiguration.bfdSocketPath
    /// Where its ospfd answers, if it has one.
    public static let ospfSocketPath = FrrConfiguration.ospfSocketPath

    public func setUp(at node: String, in topology: Topology) -> DaemonSetUp {
        DaemonSetUp(
            files: FrrConfiguration.files(for: node, in: topology), arguments: FrrConfiguration.bgpd,
            foundations: FrrConfiguration.foundations(
                for: FrrConfiguration.text(for: node, in: topology),
                restart: FrrConfiguration.restart(of: node, in: topology)),
            loading: FrrConfiguration.loading)
    }

    public func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent] {
        let sessions = topology.sessions.compactMap { session in
            session.speakers.first { $0.node == node }.flatMap(session.peer).map { ($0.address, session.name) }
        }
        let oneSided = topology.oneSidedSessions.filter { $0.node == node }.map { ($0.peer, $0.name) }
        return FrrLog.events(
            log, node: node, sessions: Dictionary(sessions + oneSided) { first, _ in first },
            realTimeOffset: realTimeOffset)
    }

    public func reason(against feature: RoutePolicyFeature) -> String? { nil }

    /// It keeps the best one in any case (FRR 8.4.4, bgpd/bgp_mpath.c, `bgp_path_info_mpath_update`).
    public let cutsByGateway = false

    /// `bgp graceful-restart restart-time` is the router's.
    public let hasOneRestartTime = true

    public func complaints(in log: String, about name: String?) -> [String] { FrrLog.complaints(in: log) }

    public func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect {
        switch fault {
        case .killed:
            DaemonFaultEffect(
                sessions: .closed,
                note:
                    "FRR at \(node) is gone, zebra with bgpd: its kernel closes its connections, and keeps the routes it was given."
            )
        case .restarted:
            DaemonFaultEffect(
                sessions: .begunAnew,
                note: "FRR at \(node) ends its sessions, takes its routes back, and starts anew.")
        case .stopped:
            DaemonFaultEffect(
                sessions: .mute,
                note: "FRR at \(node) stands still: it sends no keepalives, and its routes stay as they are.")
        }
    }

    public func read(_ configuration: String) -> OwnRouting { FrrFile(configuration).routing }

    public func isReserved(_ name: String) -> Bool { false }

    public func habits(in session: OwnSession) -> RoutingHabits {
        Self.habits(connectRetry: session.connectRetry, "by its own file ")
    }

    public let habits: RoutingHabits = Self.habits(connectRetry: .seconds(5), "")

    /// As its sources have it: FRR 8.4.4 and 10.3, ospfd/ospf_ase.c, ospf_spf.c, ospf_ism.c, ospf_flood.c, ospf_packet.c, lib/libospf.h.
    public let ospfHabits: OSPFHabits? = OSPFHabits(
        product: "FRR",
        // `ospf_spf_calculate_schedule`: at once, and 50 ms more after each that came before its time (`OSPF_SPF_HOLDTIME_DEFAULT`);
        // `OSPF_ASE_CALC_INTERVAL`: external routes 1 s after that, a last one of which may have begun a second.
        settling: .milliseconds(1_200) + gathering,
        settlingReason:
            "ospfd tells at once what it notices, computes the shortest paths within 0.2s and external routes 1s later (FRR 8.4.4, ospfd/ospf_spf.c, ospf_ase.c), and zebra gathers for 0.1s",
        // An AS-external-LSA is told and computed with by itself (`ospf_ase_incremental_update`), between zebra's queues at the edge and
        // at the others.
        telling: gathering * 2,
        // A timer of 5 s that leaves out what is younger than that (`ospf_ls_upd_timer`).
        repetition: .seconds(10),
        // An LSA less than 1 s after the one before is not taken (`OSPF_MIN_LS_ARRIVAL`), and sent again by a timer of 5 s which leaves out
        // what is younger than that (`ospf_ls_upd_timer`): 10 s at most. So is a lost packet of the exchange before (5 s).
        adjoining: .seconds(15) + .milliseconds(1_200) + gathering,
        adjoiningReason:
            "both exchange what they know, of which a packet that is not taken is repeated after 5s; a router's second word on its links within 1s is not taken, and repeated after 10s at most (FRR 8.4.4, ospfd/ospf_flood.c, ospf_packet.c)"
    )

    /// bgpd's queues of routes to clear and to choose wait 10 ms and 50 ms for more, zebra's of routes 10 ms, each timer of which may be some
    /// milliseconds late.
    private static let gathering = Duration.milliseconds(100)

    /// BFD that goes down ends a session; that it is not up keeps none from coming up (FRR 8.4.4, bgpd/bgp_bfd.c, `bfd_session_status_update`).
    ///
    /// As its sources have it: FRR 8.4.4 and 10.3, bgpd/bgp_fsm.c, bgp_keepalives.c, bgp_route.c, bgp_updgrp.h, zebra/zebra_rib.c.
    private static func habits(connectRetry retry: Duration, _ whose: String) -> RoutingHabits {
        RoutingHabits(
            product: "FRR",
            // `NL_DEFAULT_ROUTE_METRIC` (zebra/rt_netlink.h).
            routeMetric: 20,
            // `BGP_TIMER_ON` sets whole seconds, and shortens nothing.
            shortestTimer: (1, 1),
            turn: Window(.zero, gathering),
            turnReason:
                "bgpd gathers what changes for 60ms and zebra for 10ms before the kernel is told (FRR 8.4.4, bgpd/bgp_route.c, zebra/zebra_rib.c)",
            granularity: .milliseconds(5),
            // Refused or without an answer of its link, bgpd waits all of the time in Active; else TCP repeats its SYN until then.
            connection: Window(.zero, retry),
            connectionReason:
                "\(whose)FRR tries again after `timers connect` \(retry.components.seconds), in which TCP repeats its SYN after twice the time each",
            // `bgp_stop_with_notify` and `bgp_stop_with_error`: its start timer is 1 s, and 2 s for who has been told of an error; one that
            // finds the other not ready yet waits in Active.
            renewal: Window(.zero, .seconds(2) + retry),
            retry: retry + .seconds(2),
            longestPause: .seconds(4) + retry,
            carrierReason: "FRR ends a session with a neighbour on it at once (`bgp fast-external-failover`)",
            // A peer that comes up is told its routes when its group's coalesce time is over: 1 s, and 50 ms for each neighbour, after
            // which they are chosen once more (bgpd/bgp_updgrp.h, `BGP_DEFAULT_SUBGROUP_COALESCE_TIME`).
            announcement: .milliseconds(1_100), announcementEach: .milliseconds(50), keepalives: .thirdAtMost,
            reaction: gathering,
            // `bgp_notify_receive` and `bgp_stop` clear routes that were kept; `bgp_create` starts `t_startup`, for as long as which
            // `bgp_peer_send_gr_capability` sets the R bit.
            helperDoubt:
                "where both connect at once, FRR ends one connection too many with a NOTIFICATION, and for 120s after its own start it says that it restarts itself, so that the other takes its kernel's routes back until it is told some"
        )
    }
}

extension DaemonID {
    public static let frr = DaemonID(rawValue: "frr")
}
