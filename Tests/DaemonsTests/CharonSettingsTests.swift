import LabModel
import NetworkTypes
import Testing

@testable import Daemons

/// What a user's own strongswan.conf says of charon.
@Suite("Users' own strongswan.conf")
struct CharonSettingsTests {
    private static func read(_ text: String) throws -> OwnDaemonSettings { try StrongSwan().readSettings(text).get() }

    @Test func `Repetitions and the kernel's patience are computed with`() throws {
        let settings = try Self.read(
            """
            # strongswan.conf
            charon {
                load_modular = yes
                plugins {
                    include strongswan.d/charon/*.conf
                    kernel-netlink { xfrm_acq_expires = 30 }
                }
                retransmit_tries = 3
                retransmit_timeout = 2.0
                retransmit_base = 3
                threads = 16
            }
            charon-systemd {
                retransmit_base = 1.5   # goes before charon's
                retransmit_limit = 4
            }
            include strongswan.d/*.conf
            """)
        // 2, 3, 4.5 and 6.75 s, of which none may be longer than 4.
        #expect(settings.retransmission?.patience == .seconds(2 + 3 + 4 + 4))
        #expect(settings.acquireExpiry == .seconds(30))
        #expect(
            settings.taken == [
                "plugins.kernel-netlink.xfrm_acq_expires", "retransmit_base", "retransmit_limit", "retransmit_timeout",
                "retransmit_tries",
            ])
        #expect(settings.overruled == ["load_modular"] && settings.others == ["threads"] && settings.open.isEmpty)
    }

    @Test func `An empty file leaves charon's own values`() throws {
        let settings = try Self.read("")
        #expect(settings.retransmission == IKERetransmission(waits: CharonRetransmission.standard.waits))
        #expect(settings.acquireExpiry == nil && settings.open.isEmpty)
    }

    @Test(
        "What may decide is not computed with",
        arguments: [
            ("retransmit_jitter = 20", "retransmit_jitter = 20 (line 2)"),
            ("keep_alive = 0", "keep_alive = 0 (line 2)"),
            ("retransmit_tries = many", "retransmit_tries = many (line 2)"),
            ("initiator_only = yes", "initiator_only = yes (line 2)"),
            ("plugins { bypass-lan { load = yes } }", "plugins.bypass-lan.load = yes (line 2)"),
            ("plugins { socket-default { set_source = no } }", "plugins.socket-default.set_source = no (line 2)"),
            ("start-scripts { mine = /usr/local/bin/mine }", "start-scripts.mine = /usr/local/bin/mine (line 2)"),
            ("include more/*.conf", "include more/*.conf (line 2)"),
        ])
    func isOpen(setting: String, open: String) throws {
        #expect(try Self.read("charon {\n\(setting)\n}\n").open == [open])
    }

    @Test(
        "What decides nothing does not stand in the way",
        arguments: [
            "retransmit_jitter = 0", "keep_alive = 20s", "filelog { /var/log/charon.log { default = 2 } }",
            "plugins { bypass-lan { load = no } }", "plugins { eap-radius { accounting = yes } }",
            "plugins { kernel-netlink { mtu = 1400 } }",
        ])
    func isHarmless(setting: String) throws {
        #expect(try Self.read("charon {\n\(setting)\n}\n").open == [])
    }

    @Test func `A file that charon does not read is refused with its line`() {
        let error = #expect(throws: OwnDaemonSettings.Unreadable.self) { try Self.read("charon {\n  threads\n}\n") }
        #expect(error == OwnDaemonSettings.Unreadable(line: 2, reason: "threads is followed by neither `=` nor `{`"))
    }

    @Test func `It stands before what netlab needs, and netlab says no schedule of its own`() throws {
        let own = "charon { retransmit_tries = 3 }\n"
        var topology = try Fixture.topology { text in
            text.replacing("{role: router, routes", with: "{role: router, ike: strongswan, routes")
                .replacing("pfs-group: 5", with: "pfs-group: 20")
        }
        let index = try #require(topology.nodes.firstIndex { $0.name == "tgw" })
        topology.nodes[index].keySettings = own
        let contents = try ["tgw", "drg"].map { node in
            try #require(
                StrongSwanConfiguration.files(for: node, in: topology, logFile: "/log")["/etc/strongswan.conf"])
        }
        #expect(contents[0].hasPrefix(own) && contents[0].contains("install_routes = no"))
        #expect(!contents[0].dropFirst(own.count).contains("retransmit_tries"))
        #expect(contents[1].contains("retransmit_tries") && !contents[1].contains(own))
    }
}
