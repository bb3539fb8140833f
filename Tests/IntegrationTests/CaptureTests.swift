import Foundation
import SystemPackage
import Testing

extension EvidenceTests {
    /// `netlab capture`: to the terminal, to a file, into a pipe.
    @Suite struct CaptureTests {
        let lab: RunningLab
        let file: FilePath

        init() throws {
            lab = try .current
            file = lab.home.path.appending("capture.pcapng")
        }

        // MARK: To the terminal

        @Test func `A ping is seen before and inside the tunnel`() async throws {
            // Neighbours are known then.
            _ = try await lab.ping("10.105.2.100", from: "vpc1-ec2", count: 1)
            let capture = try await lab.capturing("--on", "tgw:vpn1,tgw:wan1", "--filter", "icmp or esp") {
                () async throws in
                #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2", count: 1).isLossless)
            }
            #expect(capture.code == 0, capture.account)
            #expect(capture.error == "netlab: 4 packets\n")
            let lines = capture.output
                .replacing(#/(?m)^ +\d+\.\d{6}  /#, with: "").replacing(/0x[0-9a-f]{8}/, with: "SPI")
                .replacing(/(ESP spi SPI seq|ICMP echo (?:request|reply) id) \d+/) { "\($0.1) N" }
            #expect(
                lines == """
                    tgw:vpn1                > 10.2.3.100 > 10.105.2.100 ICMP echo request id N seq 1, 64 bytes
                    tgw:wan1                > 203.0.113.10 > 198.51.100.10 ESP spi SPI seq N, 136 bytes
                    tgw:vpn1                < 10.105.2.100 > 10.2.3.100 ICMP echo reply id N seq 1, 64 bytes
                    tgw:wan1                < 198.51.100.10 > 203.0.113.10 ESP spi SPI seq N, 136 bytes

                    """)
            let times = capture.output.matches(of: #/(?m)^ +(\d+\.\d{6})  /#).compactMap { Double($0.1) }
            try #require(times.count == 4)
            // 0.55 ms on the first link of the way, 2.06 ms for the rest of it and back.
            #expect((0.000550...0.000553).contains(times[1] - times[0]))
            #expect((0.002608...0.002612).contains(times[2] - times[0]))
            #expect(lab.spools.isEmpty)
        }

        @Test func `A reader that goes away ends the capture`() async throws {
            let pipe = #""$0" capture \#(lab.name) --on vpc1-ec2 | head -n 1"#
            let result = try await lab.whileCapturing("/bin/sh", ["-c", pipe, Netlab.program.string]) { _ in
                for _ in 1...2 { _ = try await lab.ping("10.105.2.100", from: "vpc1-ec2") }
            }
            #expect(result.code == 0, result.account)
            #expect(result.output.count { $0 == "\n" } == 1 && result.output.contains("ICMP echo request"))
            try await eventually("no file of the capture's") { lab.spools.isEmpty }
            #expect(Host.commandLines.allSatisfy { !$0.contains("capture \(lab.name) --on vpc1-ec2") })
        }

        // MARK: To a file

        @Test func `tshark reads the file as we do`() async throws {
            let capture = try await lab.capturing("-w", file.string) { () async throws in
                #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").isLossless)
                #expect(try await lab.ping("192.168.2.1", from: "vcn2-vm", count: 1).isLossless)
            }
            #expect(capture.code == 0, capture.account)
            let packets = try await lab.packets(in: file)
            #expect(capture.error == "netlab: \(packets.count) packets in \(file)\n")
            let rows = try await lab.tshark(
                file, fields: "frame.number", "frame.interface_name", "frame.time_epoch", "frame.packet_flags_direction"
            )
            #expect(rows.count == packets.count && packets.count > 60)
            for (row, packet) in zip(rows, packets) {
                #expect(row[0] == ["\(packet.number)"])
                #expect(row[1] == [packet.interface])
                let digits = String(packet.nanoseconds % 1_000_000_000)
                let fraction = String(repeating: "0", count: 9 - digits.count) + digits
                #expect(row[2] == ["\(packet.nanoseconds / 1_000_000_000).\(fraction)"])
            }
            // Each packet once on each link, as its sender puts it there.
            #expect(packets.allSatisfy { !$0.isInbound })
            let first = packets.filter { $0.line.hasPrefix("10.2.3.100 > 10.105.2.100 ICMP echo request") }
            #expect(
                first.filter { $0.line.contains("seq 1,") }.map(\.interface) == [
                    "vpc1-ec2:ens5", "vpc1:tgw", "tgw:vpn1", "drg:vcn1", "vcn1:workload",
                ])
            // A file whose owner alone may read it, and nothing beside it: no keys were asked for.
            let attributes = try FileManager.default.attributesOfItem(atPath: file.string)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(!FileManager.default.fileExists(atPath: "\(file).keys"))
            #expect(lab.spools.isEmpty)
        }

        @Test func `A paused lab moves on exactly as far as the capture is long`() async throws {
            let start = try await lab.clock().time
            let result = try await lab.netlab.run("capture", lab.name, "--for", "1500ms", "-w", file.string)
            #expect(result.code == 0, result.account)
            let went = try await lab.clock().time - start
            #expect((.milliseconds(1500) ... .milliseconds(1501)).contains(went))
            #expect(lab.spools.isEmpty)
        }

        // MARK: Into a pipe

        @Test func `tshark reads a pipe while the capture runs`() async throws {
            let pipe = #"""
                "$0" capture \#(lab.name) --on drg --filter icmp -w - |
                    tshark -n -r - -T fields -e frame.interface_name -e icmp.type 2>/dev/null
                """#
            let result = try await lab.whileCapturing("/bin/sh", ["-c", pipe, Netlab.program.string]) { capture in
                _ = try await lab.ping("10.105.2.100", from: "vpc1-ec2", count: 1)
                kill(capture, SIGINT)
            }
            #expect(result.code == 0, result.account)
            #expect(result.error == "netlab: 4 packets\n")
            #expect(
                result.output.split(separator: "\n") == ["drg:vpn1\t8", "drg:vcn1\t8", "drg:vcn1\t0", "drg:vpn1\t0"],
                result.account)
        }

        // MARK: What cannot be

        @Test(arguments: [
            (["--filter", "hst 10.2.3.100"], "“hst 10.2.3.100” is no capture filter"),
            (["--filter", "inbound"], "leave out “inbound”"), (["--on", "tgx"], #"Did you mean "tgw"?"#),
            (["--on", "tgw:wan9"], #"Node tgw has no interface "wan9""#), (["--on", "tgw:"], "has no interface"),
            (["--on", "tgw:vpn2"], "has no interface"), (["--on", "tgw,"], "no node"),
            (["--with-keys"], "needs a file's name"), (["--with-keys", "-w", "-"], "needs a file's name"),
            (["--snap", "0"], "1 to 262144"), (["--ring", "1kB"], "4096B to 256MB"),
            (["--ring", "much"], "is not an amount of memory"), (["--for", "soon"], "is not a time"),
            (["-w", "/nonexistent/file"], "/nonexistent/file cannot be written"),
        ])
        func `A wrong capture is refused`(arguments: [String], reason: String) async throws {
            let before = try await lab.clock()
            let result = try await lab.netlab.execute(
                Netlab.program,
                ["capture", lab.name] + (arguments.contains("--for") ? [] : ["--for", "1ms"]) + arguments)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains(reason), result.account)
            #expect(result.output.isEmpty)
            #expect(try await lab.clock() == before)
            #expect(lab.spools.isEmpty)
        }
    }
}
