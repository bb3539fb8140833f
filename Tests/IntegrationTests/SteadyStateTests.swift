import Foundation
import Testing

/// The article's lab with nothing wrong in it:
///
///     vpc1-ec2 <-> vpc1 <-> tgw  ======== main ========  drg <-> vcn1 <-> vcn1-vm
///                           vpc2-ec2  === backup ===  vcn2-vm
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct SteadyStateTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    // MARK: Status

    @Test func `Tunnels have the article's algorithms`() async throws {
        let status = try await lab.status()
        #expect(status.tunnels.map { "\($0.name) \($0.state)" } == ["main up", "main-2 unused", "backup up"])
        let main = try #require(status.tunnel("main"))
        #expect(main.ends.map(\.node) == ["tgw", "drg"])
        #expect(main.ends.map(\.ike) == Array(repeating: "AES_CBC_256-HMAC_SHA2_384-DH20", count: 2))
        #expect(main.associations.count == 4)
        for association in main.associations {
            #expect(association.algorithms == "cbc(aes) 256 hmac(sha256) 256/128")
            #expect(!association.isUdpEncapsulated)
        }
        let backup = try #require(status.tunnel("backup"))
        #expect(backup.ends.map(\.node) == ["vpc2-ec2", "vcn2-vm"])
        #expect(backup.ends.map(\.ike) == Array(repeating: "AES_CBC_256-HMAC_SHA2_384-MODP1536", count: 2))
        #expect(backup.associations.count == 4)
        for association in backup.associations {
            #expect(association.algorithms == "rfc4106(gcm(aes)) 256/128")
            #expect(association.isUdpEncapsulated)
        }
        #expect(status.tunnel("main-2")?.associations.isEmpty == true)
    }

    @Test func `What one end sends the other receives`() async throws {
        let status = try await lab.status()
        for name in ["main", "backup"] {
            let ends = try #require(status.tunnel(name)).ends
            #expect(ends[0].outbound?.spi == ends[1].inbound?.spi)
            #expect(ends[1].outbound?.spi == ends[0].inbound?.spi)
            #expect(ends[0].outbound?.spi != ends[0].inbound?.spi)
        }
    }

    @Test func `Speakers agree on the smaller timers and learn each other's prefix`() async throws {
        let session = try #require(try await lab.status().sessions.first)
        #expect(session.name == "main")
        #expect(session.speakers.map(\.node) == ["tgw", "drg"])
        #expect(session.speakers.map(\.asn) == ["64512", "31898"])
        #expect(session.speakers.map(\.state) == ["Established", "Established"])
        #expect(session.speakers.map(\.holdSeconds) == [30, 30])
        #expect(session.speakers.map(\.keepaliveSeconds) == [10, 10])
        #expect(session.speakers.map(\.imported) == [["10.105.2.0/24"], ["10.2.0.0/16"]])
    }

    @Test func `Workloads use the main tunnel`() async throws {
        let status = try await lab.status()
        #expect(status.tunnels(ofPath: "workload") == ["main"])
        #expect(status.tunnels(ofPath: "workload-back") == ["main"])
        #expect(status.tunnels(ofPath: "backup-inside") == ["backup"])
    }

    @Test func `Daemons run and tunnel interfaces leave room for ESP`() async throws {
        let status = try await lab.status()
        #expect(
            status.daemons.map(\.name)
                == ["drg/bird", "drg/pluto", "tgw/bird", "tgw/pluto", "vcn2-vm/pluto", "vpc2-ec2/pluto"])
        #expect(status.daemons.allSatisfy { $0.isRunning })
        #expect(status.mtu("tgw", "vpn1") == 1438)
        #expect(status.mtu("drg", "vpn1") == 1438)
        #expect(status.mtu("vpc1-ec2", "ens5") == 1500)
    }

    @Test func `Table says the same`() async throws {
        let table = try await lab.netlab.succeed("status", lab.name).output
        for words in ["AES_CBC_256-HMAC_SHA2_384-DH20", "UDP 4500", "Established", "10.105.2.0/24", "by tunnel main"] {
            #expect(table.contains(words), "\(words) in:\n\(table)")
        }
    }

    // MARK: Exec

    @Test(arguments: [0, 1, 7, 255]) func `Exit code is the program's own`(code: Int32) async throws {
        #expect(try await lab.exec("tgw", "sh", "-c", "exit \(code)").code == code)
    }

    @Test func `Output and error stay separate`() async throws {
        let result = try await lab.exec("vpc1-ec2", "sh", "-c", "echo to output; echo to error >&2")
        #expect(result.output == "to output\n")
        #expect(result.error == "to error\n")
    }

    @Test func `A mebibyte of input arrives whole`() async throws {
        let input = Array(repeatElement(Array("0123456789abcdef".utf8), count: 65536).joined())
        let result = try await lab.exec("vpc1-ec2", "md5sum", input: input)
        #expect(result.output == "14d785daab3823736c981ca82a750c98  -\n")
        #expect(result.code == 0)
    }

    @Test func `A mebibyte of output arrives whole`() async throws {
        let result = try await lab.exec("vpc1-ec2", "sh", "-c", "yes 0123456789abcde | head -c 1048576")
        #expect(result.output == String(repeating: "0123456789abcde\n", count: 65536))
    }

    @Test func `Ping takes three milliseconds by the main path`() async throws {
        for (node, address) in [("vpc1-ec2", "10.105.2.100"), ("vcn1-vm", "10.2.3.100")] {
            // The first packet waits for neighbours to be found.
            _ = try await lab.ping(address, from: node, count: 1)
            let ping = try await lab.ping(address, from: node)
            #expect(ping.sent == 3)
            #expect(ping.isLossless)
            #expect((2.9...3.1).contains(try #require(ping.shortest)))
            #expect((2.9...3.1).contains(try #require(ping.longest)))
        }
    }

    /// Four links of 100 µs and two of 400 µs, there and back.
    @Test func `Ping through the backup takes what its links do`() async throws {
        _ = try await lab.ping("192.168.2.1", from: "vcn2-vm", count: 1)
        let ping = try await lab.ping("192.168.2.1", from: "vcn2-vm")
        #expect(ping.isLossless)
        #expect((2.4...2.5).contains(try #require(ping.shortest)))
        #expect((2.4...2.5).contains(try #require(ping.longest)))
    }

    @Test func `Traceroute shows the main path`() async throws {
        let result = try await lab.exec("vpc1-ec2", "traceroute", "-n", "10.105.2.100")
        let hops = result.output.split(separator: "\n").dropFirst().compactMap { line in
            line.firstMatch(of: /^ *\d+ +(\S+)/).map { String($0.1) }
        }
        #expect(hops == ["10.2.3.1", "10.2.255.2", "169.254.120.2", "10.105.0.1", "10.105.2.100"], result.account)
    }

    @Test func `The article's commands speak to their nodes' daemons`() async throws {
        let amazon = try await lab.exec("vpc2-ec2", "ipsec", "trafficstatus")
        #expect(amazon.output.contains(#""oracle-tunnel-1", type=ESP"#), amazon.account)
        #expect(!amazon.output.contains("aws-tunnel-1"))
        let oracle = try await lab.exec("vcn2-vm", "ipsec", "trafficstatus")
        #expect(oracle.output.contains(#""aws-tunnel-1", type=ESP"#), oracle.account)
        let bird = try await lab.exec("tgw", "birdc", "show", "protocols")
        #expect(bird.output.contains(/(?m)^main +BGP .*Established/), bird.account)
    }

    @Test func `An unknown node gets a suggestion`() async throws {
        let result = try await lab.exec("vpc1-ec3", "true")
        #expect(result.code != 0)
        #expect(result.error.contains(#"There is no node "vpc1-ec3""#), result.account)
        #expect(result.error.contains(#"Did you mean "vpc1-ec2"?"#), result.account)
    }

    @Test func `An unknown program says so`() async throws {
        let result = try await lab.exec("vpc1-ec2", "no-such-program")
        #expect(result.code != 0)
        #expect(result.error.contains("no-such-program"), result.account)
    }

    // MARK: Up again

    @Test func `Up of a lab that is up is refused`() async throws {
        let before = try await lab.clock()
        let result = try await lab.netlab.run("up", lab.name)
        #expect(result.code == 4, result.account)
        #expect(result.error.contains("up already"), result.account)
        #expect(result.error.contains("netlab down aws-oci"), result.account)
        #expect(try await lab.clock() == before)
    }

    // MARK: Security

    @Test func `Strangers get no answer from behind the gateway`() async throws {
        // 192.0.2.1 is not the peer; 198.51.100.20, as which vcn2-vm appears, is.
        #expect(try await lab.ping("203.0.113.20", from: "internet", count: 2).received == 0)
        #expect(try await lab.ping("203.0.113.20", from: "vcn2-vm", count: 2).isLossless)
        let connect = "exec 3<>/dev/tcp/203.0.113.20/500"
        // timeout(1) ends with 124 when nobody answered; bash with 1 when the answer was no.
        #expect(try await lab.exec("internet", "timeout", "5", "bash", "-c", connect).code == 124)
        let refusal = try await lab.exec("vcn2-vm", "timeout", "5", "bash", "-c", connect)
        #expect(refusal.code == 1)
        #expect(refusal.error.contains("Connection refused"), refusal.account)
    }

    @Test func `Pre-shared keys stay out of logs, plans and command lines`() async throws {
        let key = #/example-?preshared-?key/#
        // They are where they must be, under this very name.
        let file = try await lab.exec("vpc2-ec2", "sh", "-c", "cat /etc/ipsec.d/*.secrets")
        #expect(file.output.contains(key), file.account)

        let logs = lab.home.state.appending("netlab/logs/aws-oci")
        let names = Host.files(below: logs)
        #expect(names.contains("tgw.pluto.log"))
        for name in names {
            #expect(!Host.contents("\(logs)/\(name)").contains(key), "\(name)")
        }
        for arguments in [
            ["plan", "aws-oci"], ["plan", "aws-oci", "--contents"], ["plan", "aws-oci", "--format", "json"],
        ] {
            let plan = try await lab.netlab.execute(Netlab.program, arguments)
            #expect(plan.code == 0)
            #expect(plan.output.contains("secrets"))
            #expect(!plan.output.contains(key) && !plan.error.contains(key), "\(arguments)")
        }
        let status = try await lab.netlab.succeed("status", "aws-oci", "--format", "json")
        #expect(!status.output.contains(key))
        #expect(Host.commandLines.contains { $0.contains(lab.home.path.string) })
        #expect(!Host.commandLines.contains { $0.contains(key) })
        let guest = try await lab.exec("tgw", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        #expect(guest.output.contains("pluto"))
        #expect(!guest.output.contains(key))
    }
}
