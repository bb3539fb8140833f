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
        ("start_action = none", "", false, false, false), ("start_action = clear", "", false, false, false),
        ("start_action = restart", "", true, false, false), ("start_action = route", "", true, true, true),
        ("start_action = start\n dpd_action = route", "", true, false, true),
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

    /// charon discards a connection with `hold`, which is libreswan's word.
    @Test(arguments: ["start_action", "close_action", "dpd_action"])
    func `An action that charon does not know is named with its line`(key: String) {
        let text = "connections {\n c {\n children {\n n {\n\(key) = hold\n}\n}\n}\n}\n"
        let problems = StrongSwan().read(
            OwnFile(name: "site.conf", text: text, interface: nil), connection: "c"
        ).problems
        #expect(
            problems.map(\.message) == [
                "site.conf, line 5: \(key) = hold is no action of charon's, which takes no connection with it"
            ])
    }

    /// A lifetime alone leaves charon's own hour until the renewal (measured with 5.9.8).
    @Test(
        arguments: [
            ("life_time = 30m", "ends after its life_time of 30m, before it is renewed"),
            ("life_time = 8h", "is renewed again and again"), ("life_time = 8h\nrekey_time = 7h", nil),
            ("life_time = 8h\nrand_time = 5m", nil), ("rekey_time = 0", nil),
        ] as [(String, String?)])
    func `A child's lifetime that does not fit its renewal`(times: String, words: String?) {
        let text = "connections {\n c {\n children {\n n {\n\(times)\n}\n}\n}\n}\n"
        let problems = StrongSwan().read(
            OwnFile(name: "site.conf", text: text, interface: nil), connection: "c"
        ).problems.map(\.message)
        #expect(
            problems.count == (words == nil ? 0 : 1) && words.map { problems[0].contains($0) } ?? true, "\(problems)")
    }

    /// What a vti-interface= has for its number, and what is said where netlab has none.
    @Test(
        arguments: [
            ("mark=5/0xffffffff", 5, nil), ("mark-in=0x5/0xff\n    mark-out=5/0xff", 5, nil),
            ("", nil, "site.conf: vti-interface= needs mark=, or mark-in= and mark-out= (ipsec.conf(5))"),
            ("mark=-1/0xffffffff", .max, nil),
            (
                "mark-in=5\n    mark-out=6", nil,
                "site.conf: mark-in=5, mark-out=6: netlab makes interfaces of one number for both directions"
            ),
        ] as [(String, UInt32?, String?)])
    func `Marks of a VTI`(marks: String, number: UInt32?, problem: String?) throws {
        let text = "conn c\n    left=192.0.2.1\n    right=192.0.2.2\n    vti-interface=vti1\n    \(marks)\n"
        let (own, problems) = Libreswan().read(OwnFile(name: "site.conf", text: text, interface: nil), connection: "c")
        #expect(own?.number == number && problems.map(\.message) == [problem].compactMap(\.self), "\(problems)")
    }
}
