import Daemons
import RoutingDaemons
import Testing

@Suite struct BirdConfigurationTests {
    @Test func `Speaker advertises what the lab says`() throws {
        let files = BirdConfiguration.files(
            for: "tgw", in: try Fixture.topology(), logFile: "/var/log/netlab/tgw.bird.log")
        #expect(files.map(\.path) == ["/etc/bird/bird.conf"])
        #expect(files.map(\.isSecret) == [true])
        #expect(
            files["/etc/bird/bird.conf"] == """
                log "/var/log/netlab/tgw.bird.log" all;
                timeformat log iso long ms;
                timeformat protocol iso long ms;
                router id 203.0.113.10;
                debug protocols { states };

                protocol device netlab_device {
                }

                protocol kernel netlab_kernel_ipv4 {
                    merge paths yes;
                    ipv4 {
                        import none;
                        export where source = RTS_BGP;
                    };
                }

                protocol static netlab_advertised_ipv4 {
                    ipv4;
                    route 10.2.0.0/16 unreachable;
                    route 10.3.0.0/16 unreachable;
                }

                protocol bgp 'main' {
                    local 169.254.100.1 as 64512;
                    neighbor 169.254.100.2 as 31898;
                    interface "vpn1";
                    direct;
                    keepalive time 10;
                    hold time 30;
                    connect delay time 1;
                    connect retry time 5;
                    error wait time 1, 10;
                    graceful restart off;
                    password "bgp-key";
                    ipv4 {
                        import all;
                        export where source = RTS_STATIC && net ~ [ 10.2.0.0/16, 10.3.0.0/16 ];
                        next hop self;
                    };
                }

                """)
    }

    /// The BIRD 2.0 user's guide, "BGP": `graceful restart time`, `rr client`; "Kernel" and "Global options": `graceful restart`.
    @Test func `A speaker that is waited for says how long, and its kernel's routes stay`() throws {
        let topology = try Fixture.topology {
            $0.replacing("    over: main", with: "    graceful-restart: 90s\n    over: main")
        }
        let text = try #require(
            BirdConfiguration.files(for: "tgw", in: topology, logFile: "/log")["/etc/bird/bird.conf"])
        #expect(text.contains("router id 203.0.113.10;\ngraceful restart wait 90;\n"))
        #expect(text.contains("    merge paths yes;\n    graceful restart;\n    ipv4 {\n"))
        #expect(
            text.contains(
                "    graceful restart on;\n    graceful restart time 90;\n    long lived graceful restart off;\n"))
        #expect(Bird().recoveryArguments(at: "tgw", in: topology) == ["-R"])
        #expect(Bird().recoveryArguments(at: "tgw", in: try Fixture.topology()).isEmpty)
    }

    @Test func `A reflector says who its client is`() throws {
        let topology = try Fixture.topology {
            $0.replacing("tgw: {asn: 64512,", with: "tgw: {asn: 31898, reflect: on,")
        }
        let text = try #require(
            BirdConfiguration.files(for: "tgw", in: topology, logFile: "/log")["/etc/bird/bird.conf"])
        #expect(text.contains("    rr client;\n    ipv4 {\n"))
        #expect(text.contains("|| source = RTS_BGP;"))
    }

    @Test func `Speaker with nothing to say exports nothing`() throws {
        let topology = try Fixture.topology { $0.replacing("    password: bgp-key\n", with: "") }
        let files = BirdConfiguration.files(for: "drg", in: topology, logFile: "/log")
        #expect(files.map(\.isSecret) == [false])
        let text = try #require(files["/etc/bird/bird.conf"])
        #expect(text.contains("        export none;\n"))
        #expect(!text.contains("protocol static"))
        #expect(!text.contains("password"))
    }

    @Test func `A one-sided session tries without an interface`() throws {
        let topology = try Fixture.topology {
            $0.replacing(
                "bgp:\n",
                with: """
                    bgp:
                      half:
                        speakers: {drg: {asn: 31898, peer: 169.254.77.1, peer-asn: 64512, keepalive: 60s, hold: 180s}}
                        expect: connecting
                        because: nobody is there

                    """)
        }
        let files = BirdConfiguration.files(for: "drg", in: topology, logFile: "/log")
        let text = try #require(files["/etc/bird/bird.conf"])
        #expect(
            text.contains(
                """
                protocol bgp 'half' {
                    local as 31898;
                    neighbor 169.254.77.1 as 64512;
                    multihop;
                    keepalive time 60;
                    hold time 180;

                """), "\(text)")
        let other = BirdConfiguration.files(for: "tgw", in: topology, logFile: "/log")
        #expect(other["/etc/bird/bird.conf"]?.contains("half") == false)
    }

    @Test func `Own file is used word for word`() throws {
        let topology = try Fixture.topology {
            $0.replacing("internet: {role: router}", with: "internet: {role: router, bird: own.conf}")
        }
        let files = BirdConfiguration.files(for: "internet", in: topology, logFile: "/log")
        #expect(files["/etc/bird/bird.conf"] == "router id 1.1.1.1;\n")
    }

    @Test func `Node without session has no file`() throws {
        #expect(BirdConfiguration.files(for: "internet", in: try Fixture.topology(), logFile: "/log").isEmpty)
        #expect(BirdConfiguration.files(for: "nobody", in: try Fixture.topology(), logFile: "/log").isEmpty)
    }
}
