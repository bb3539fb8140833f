import DaemonProfiles
import Daemons
import LabModel
import LabRecords
import NetworkTypes
import RoutingDaemons

/// A routing daemon that only netlab's own tests know: a real process, which listens on a socket, says what it is asked for, and
/// routes nothing.
///
/// This folder, its driver and two lines in `main.swift` are all that a daemon takes.
struct Mumble: RoutingDaemon {
    let id = DaemonID(rawValue: "mumble")
    let keyword = "mumble"
    let product = "Mumble"
    let measuredVersion = DaemonVersion(major: 1, minor: 0)
    let versionSource = DaemonVersionSource.program("/usr/bin/perl")
    let programs = [DaemonProgram(name: "perl", purpose: "runs Mumble", package: "perl-base")]
    let runDirectory = "/run/mumble"
    let socketPath = "/run/mumble/mumble.ctl"
    let routeProtocol: UInt8 = 250
    let habits = RoutingHabits(
        product: "Mumble", routeMetric: 0, shortestTimer: (1, 1), turn: Window(.zero, .zero),
        turnReason: "Mumble turns at once",
        granularity: .zero,
        connection: Window(.zero, .zero), connectionReason: "Mumble never connects", renewal: Window(.zero, .zero),
        retry: .zero, longestPause: .zero,
        carrierReason: "Mumble looks at no carrier")

    func isReserved(_ name: String) -> Bool { name == "mumble" }

    func reason(against feature: RoutePolicyFeature) -> String? { "has no policies" }

    func read(_ configuration: String) -> OwnRouting { OwnRouting() }

    func habits(in session: OwnSession) -> RoutingHabits { habits }

    func setUp(at node: String, in topology: Topology) -> DaemonSetUp {
        let own = topology.node(named: node)?.routingConfiguration ?? ""
        return DaemonSetUp(
            files: [ConfigurationFile(path: "/etc/mumble.conf", contents: own)],
            arguments: ["/usr/bin/perl", "-MIO::Socket::UNIX", "-e", Self.program, socketPath])
    }

    private static let program = #"""
        $| = 1;
        unlink $ARGV[0];
        my $socket = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die "no socket: $!";
        print "mumbles\n";
        while (my $asked = $socket->accept) { open(my $file, "<", "/etc/mumble.conf"); print { $asked } <$file>; close $asked; }
        """#

    func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent] { [] }

    func complaints(in log: String, about name: String?) -> [String] { [] }

    func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect {
        DaemonFaultEffect(note: "Mumble at \(node) mumbles no more, which nobody minds.")
    }
}
