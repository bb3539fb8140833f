import ConfigurationFormats
import DaemonProfiles
import Daemons
import LabFiles
import LabModel
import NetworkTypes
import Testing

struct StrongSwanConfigurationTests {
    /// The fixture's lab with strongSwan at one gateway.
    private func files(_ change: (String) -> String = { $0 }) throws -> [ConfigurationFile] {
        let topology = try Fixture.topology { text in
            change(
                text.replacing("drg: {role: router,", with: "drg: {role: router, ike: strongswan,")
                    .replacing("pfs-group: 5", with: "pfs-group: 20"))
        }
        return StrongSwanConfiguration.files(for: "drg", in: topology, logFile: "/var/log/netlab/drg.charon.log")
    }

    @Test func `A connection has the lab's parameters, and its interface's identifier`() throws {
        #expect(
            try files()["/etc/swanctl/conf.d/main.conf"] == """
                connections {
                    main {
                        version = 2
                        local_addrs = 198.51.100.10
                        remote_addrs = 203.0.113.10
                        proposals = aes256-sha384-ecp384
                        mobike = no
                        unique = no
                        keyingtries = 0
                        reauth_time = 0
                        rekey_time = 25920s
                        over_time = 2880s
                        rand_time = 2880s
                        dpd_delay = 10s
                        local {
                            auth = psk
                            id = 198.51.100.10
                        }
                        remote {
                            auth = psk
                            id = 203.0.113.10
                        }
                        children {
                            main {
                                local_ts = 0.0.0.0/0
                                remote_ts = 0.0.0.0/0
                                mode = tunnel
                                esp_proposals = aes256-sha256-ecp384
                                start_action = start
                                close_action = start
                                dpd_action = restart
                                if_id_in = 101
                                if_id_out = 101
                                rekey_time = 3240s
                                life_time = 3600s
                                rand_time = 360s
                            }
                        }
                    }
                }

                """)
    }

    @Test func `Keys are in secret files only`() throws {
        let files = try files()
        #expect(
            files.filter(\.isSecret).map(\.path)
                == ["/etc/swanctl/conf.d/main.secrets", "/etc/swanctl/conf.d/main-2.secrets"])
        #expect(files["/etc/swanctl/conf.d/main.secrets"]?.contains("secret = \"main-tunnel-example-key\"") == true)
        #expect(
            !files.filter { !$0.isSecret }.contains { $0.contents.reveal().contains("example-key") })
    }

    @Test func `A backslash in a key is one`() throws {
        let files = try files { $0.replacing("main-tunnel-example-key", with: "with-a-\\-in-it") }
        #expect(files["/etc/swanctl/conf.d/main.secrets"]?.contains("\"with-a-\\\\-in-it\"") == true)
    }

    @Test func `An unused tunnel is neither begun nor begun again`() throws {
        let text = try #require(try files()["/etc/swanctl/conf.d/main-2.conf"])
        #expect(text.contains("start_action = none") && text.contains("close_action = none"))
        #expect(
            text.contains("proposals = aes256gcm128-prfsha256-modp2048")
                && text.contains("esp_proposals = aes256gcm128\n"))
        // 5 min: as short as it is, the margins fit in.
        #expect(text.contains("rekey_time = 270s") && text.contains("life_time = 300s"))
    }

    @Test func `A silent peer is given up at the configured time`() throws {
        let text = try #require(try files()["/etc/strongswan.conf"])
        #expect(text.contains("retransmit_tries = 4") && text.contains("retransmit_timeout = 0.645"))
        let schedule = CharonRetransmission(patience: .seconds(20))
        #expect(schedule.waits.count == 5)
        #expect(abs((schedule.waits.reduce(.zero, +) - .seconds(20)) / .milliseconds(1)) < 32)
        // strongswan.conf(5): 165 s by default.
        #expect(CharonRetransmission.standard.waits.reduce(.zero, +).components.seconds == 165)
    }

    @Test(arguments: [1, 100, 999, 5000, 29_000, 600_000, 86_400_000])
    func `Repetitions fill the time that there is`(milliseconds: Int64) {
        let schedule = CharonRetransmission(patience: .milliseconds(milliseconds))
        let total = schedule.waits.reduce(.zero, +)
        #expect(
            total <= .milliseconds(milliseconds)
                && total > .milliseconds(milliseconds) - .milliseconds(1 << (schedule.tries + 1)))
        #expect(schedule.firstWait <= .seconds(1))
    }

    @Test func `Every algorithm has a name that is read as the same`() throws {
        for encryption in EncryptionAlgorithm.allCases {
            for integrity in IntegrityAlgorithm.allCases {
                let esp = ESPAlgorithms(encryption: encryption, integrity: encryption.isAuthenticated ? nil : integrity)
                let lab = try files { text in
                    text.replacing(
                        "{encryption: aes-256-gcm-16, lifetime: 5m}",
                        with: "{encryption: \(encryption.rawValue)"
                            + (encryption.isAuthenticated ? "" : ", integrity: \(integrity.rawValue)") + "}")
                }
                let text = try #require(lab["/etc/swanctl/conf.d/main-2.conf"])
                let proposal = try #require(text.firstMatch(of: #/esp_proposals = (\S+)/#)?.1)
                #expect(ESPAlgorithms(strongswan: String(proposal)) == esp)
            }
        }
    }

    @Test func `A user's swanctl.conf is used word for word`() throws {
        let own =
            "connections {\n mine {\n  local_addrs = 203.0.113.11\n  if_id_in = 7\n  if_id_out = 7\n  local {\n   auth = psk\n  }\n  children {\n   c {\n   }\n  }\n }\n}\n"
        let lab = """
            name: own
            nodes:
              a: {role: router}
              b: {role: router, ike: strongswan}
            links:
              w: {ends: {a:w: 203.0.113.10/24, b:w: 203.0.113.11/24}}
            tunnels:
              t:
                ends:
                  a: {config: a.conf, secrets: a.secrets, connection: x, interface: v}
                  b: {config: swanctl.conf, connection: mine, interface: x}
            """
        let companions = [
            "a.conf": "conn x\n authby=secret\n auto=start\n left=203.0.113.10\n mark=5\n vti-interface=v\n",
            "a.secrets": "",
            "swanctl.conf": own + "secrets {\n ike-1 {\n  secret = \"mine\"\n }\n}\n",
        ]
        let topology = try LabFile(text: lab, file: "lab.yaml") { try #require(companions[$0]) }.resolve().topology
        let files = StrongSwanConfiguration.files(for: "b", in: topology, logFile: "/l")
        #expect(files["/etc/swanctl/conf.d/swanctl.conf"] == companions["swanctl.conf"])
        // Users may count on charon's own value.
        #expect(files["/etc/strongswan.conf"]?.contains("make_before_break") == false)
        // It has a key in it.
        #expect(files.first { $0.path.hasSuffix("conf.d/swanctl.conf") }?.isSecret == true)
        let end = try #require(topology.tunnel(named: "t")?.ends.last)
        #expect(end.steering.number == 7 && end.child == "c" && !end.interfaceIsMadeByDaemon)
        // Every parameter that a fault can change differs then, and nothing else.
        for parameter in ["psk", "ike", "esp"] {
            let fault = try Fault("mismatch t \(parameter) at b", in: topology)
            let changed = topology.misconfigured(at: "b", by: [fault])
            let text = try #require(
                StrongSwanConfiguration.files(for: "b", in: changed, logFile: "/l")["/etc/swanctl/conf.d/swanctl.conf"])
            #expect(text.hasPrefix(try #require(companions["swanctl.conf"])) && text != companions["swanctl.conf"])
            let settings = try StrongSwanSettings(text)
            let path = [
                "psk": ["secrets", "ike-1", "secret"], "ike": ["connections", "mine", "proposals"],
                "esp": ["connections", "mine", "children", "c", "esp_proposals"],
            ]
            let value = settings.value(at: try #require(path[parameter]))
            #expect(value == (parameter == "psk" ? "mistaken-mine" : "aes192-sha512-modp4096"))
        }
    }
}
