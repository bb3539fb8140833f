import LabModel
import NetworkTypes
import Testing

@testable import Daemons

/// Connections that begin with their first packet, as users' own files have them.
@Suite("Tunnels that wait for traffic")
struct OnDemandTests {
    /// `auto=`, and whether it begins at all, and only with a packet.
    @Test(arguments: [
        ("start", true, false), ("add", false, false), ("ondemand", true, true), ("route", true, true),
        ("up", true, false),
        ("ignore", false, false),
    ])
    func `An ipsec.conf`(auto: String, begins: Bool, waits: Bool) throws {
        let text = "conn c\n    left=192.0.2.1\n    right=192.0.2.2\n    auto=\(auto)\n"
        let own = try #require(
            Libreswan().read(OwnFile(name: "ipsec.conf", text: text, interface: nil), connection: "c").connection)
        #expect(own.initiates == begins && own.waitsForTraffic == waits && own.pauseBetweenAttempts == .zero)
    }

    /// What the child says, what the connection says, and whether it begins, only with a packet, and again with the kernel's next
    /// question alone.
    @Test(arguments: [
        ("start_action = start", "", true, false, false), ("start_action = trap", "", true, true, true),
        ("start_action = trap", "keyingtries = 0", true, true, false),
        ("start_action = trap|start", "", true, false, true),
        ("start_action = none", "", false, false, false),
        ("start_action = start\n dpd_action = trap", "", true, false, true),
        ("start_action = start\n dpd_action = trap", "keyingtries = 0", true, false, false),
        ("start_action = start\n dpd_action = restart", "", true, false, false),
    ])
    func `A swanctl.conf`(child: String, connection: String, begins: Bool, waits: Bool, pauses: Bool) throws {
        let text =
            "connections {\n c {\n local_addrs = 192.0.2.1\n remote_addrs = 192.0.2.2\n\(connection)\n children {\n n {\n\(child)\n}\n}\n}\n}\n"
        let own = try #require(
            StrongSwan().read(OwnFile(name: "swanctl.conf", text: text, interface: nil), connection: "c").connection)
        #expect(
            own.initiates == begins && own.waitsForTraffic == waits
                && (own.pauseBetweenAttempts == .seconds(165)) == pauses)
    }
}
