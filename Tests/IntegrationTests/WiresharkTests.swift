import Foundation
import SystemPackage
import Testing

extension EvidenceTests {
    /// tshark as an independent reader of what netlab captured and opened.
    @Suite struct WiresharkTests {
        /// What FILE.keys/associations.json holds, as far as tests look at it.
        private struct Association: Decodable {
            struct Security: Decodable {
                struct Algorithm: Decodable {
                    let key: String
                }
                let encryption: Algorithm
                let integrity: Algorithm?
                let hasExtendedSequence: Bool
            }
            let tunnel: String
            let association: Security
        }

        let lab: RunningLab
        let file: FilePath
        let keys: FilePath

        init() throws {
            lab = try .current
            file = lab.home.path.appending("truth.pcapng")
            keys = FilePath("\(file).keys")
        }

        /// Pings and a transfer through both tunnels: AES-CBC with SHA-2 as protocol 50, and AES-GCM in UDP.
        private func capture() async throws {
            let result = try await lab.capturing("--on", "tgw:wan1,aws-igw:wan", "-w", file.string, "--with-keys") {
                () async throws in
                #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2", count: 2).isLossless)
                for probe in [["vpc1-ec2", "vcn1-vm"], ["tgw", "10.105.0.2", "--source", "10.3.255.2"]] {
                    for kind in [["ping", "--count", "2"], ["bulk", "--bytes", "30kB"]] {
                        let arguments = ["probe", lab.name, kind[0]] + probe + kind.dropFirst()
                        let result = try await lab.netlab.execute(Netlab.program, arguments)
                        #expect(result.code == 0, result.account)
                    }
                }
            }
            #expect(result.code == 0, result.account)
            #expect(result.error.contains(/keys of \d+ ESP SAs and 0 IKE SAs in .*truth\.pcapng\.keys/), result.account)
        }

        @Test func `tshark decrypts the same bytes and keys stay in their directory`() async throws {
            try await capture()
            let packets = try await lab.packets(in: file)
            let ours = packets.filter { $0.wrappings.last == "esp" || $0.wrappings.last == "esp-in-udp" }
            #expect(ours.allSatisfy { $0.opened != nil })
            let rows = try await lab.tshark(
                file, filter: "esp", fields: "frame.number", "ip.proto", "esp.contained_data", keys: keys)
            let theirs = Dictionary(rows.map { ($0[0].joined(), $0[2].joined()) }) { first, _ in first }
            #expect(theirs.count > 60)
            #expect(theirs == Dictionary(ours.map { ("\($0.number)", $0.opened ?? "") }) { first, _ in first })
            // The protocols of outer and inner packet: ESP or UDP around ICMP and TCP.
            for stack in [["50", "1"], ["50", "6"], ["17", "1"], ["17", "6"]] {
                #expect(rows.contains { $0[1] == stack }, "\(stack)")
            }
            // Without keys nothing is inside.
            let closed = try await lab.tshark(file, filter: "esp", fields: "ip.proto")
            #expect(Set(closed) == [[["50"]], [["17"]]])
            let own = try await lab.netlab.succeed(
                "packets", file.string, "--keys", try emptyKeys().string, "--format", "json")
            #expect(!own.output.contains("\"opened\" : \""))

            try expectSecretKeys()
            try await expectCommandLines()
        }

        private func emptyKeys() throws -> FilePath {
            let directory = lab.home.path.appending("none.keys")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
            try "[]".write(toFile: "\(directory)/associations.json", atomically: true, encoding: .utf8)
            return directory
        }

        private func expectSecretKeys() throws {
            let permissions = { (path: String) in
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            #expect(try permissions(keys.string) == 0o700)
            let files = Host.files(below: keys)
            #expect(Set(files).isSuperset(of: ["associations.json", "esp_sa", "preferences"]))
            for name in files { #expect(try permissions("\(keys)/\(name)") == 0o600, "\(name)") }

            let text = Host.contents("\(keys)/associations.json")
            let associations = try JSONDecoder().decode([Association].self, from: Data(text.utf8))
            #expect(Set(associations.map(\.tunnel)) == ["main", "backup"])
            #expect(associations.filter { $0.tunnel == "main" }.allSatisfy { $0.association.hasExtendedSequence })
            let secrets = Set(
                associations.flatMap {
                    [$0.association.encryption.key, $0.association.integrity?.key].compactMap { $0 }
                })
            #expect(secrets.count >= 6 && secrets.allSatisfy { $0.count >= 64 })
            let digits = secrets.flatMap { [Data($0.utf8), Data($0.uppercased().utf8)] }
            let contains = { (bytes: Data?) in digits.contains { bytes?.range(of: $0) != nil } }
            let contents = { (path: String) in FileManager.default.contents(atPath: path) }
            // They are found where they are.
            #expect(contains(contents("\(keys)/esp_sa")))
            for directory in [lab.home.state, lab.home.runtime] {
                for name in Host.files(below: directory) {
                    #expect(!contains(contents("\(directory)/\(name)")), "\(name)")
                }
            }
            #expect(!contains(contents(file.string)))
            #expect(Host.commandLines.allSatisfy { !contains(Data($0.utf8)) })
        }

        private func expectCommandLines() async throws {
            let printed = try await lab.netlab.succeed("wireshark", lab.name, file.string).output
            #expect(printed == "WIRESHARK_CONFIG_DIR=\(keys) wireshark -r \(file)\n")
            let command = try await lab.netlab.succeed(
                "wireshark", lab.name, file.string, "--tshark", "--", "-n", "-Y", "icmp.type == 0 && esp"
            ).output
            let byShell = try await lab.netlab.execute("/bin/sh", ["-c", command])
            #expect(byShell.code == 0 && byShell.output.contains("Echo (ping) reply"), byShell.account)
            #expect(!byShell.output.contains("Echo (ping) request"))
            let run = try await lab.netlab.succeed(
                "wireshark", lab.name, file.string, "--tshark", "--run", "--", "-n", "-Y", "icmp.type == 0 && esp")
            #expect(run.output == byShell.output)

            let bare = lab.home.path.appending("bare.pcapng")
            try FileManager.default.copyItem(atPath: file.string, toPath: bare.string)
            let result = try await lab.netlab.run("wireshark", lab.name, bare.string)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("There are no keys in \(bare).keys"), result.account)
            #expect(result.error.contains("--with-keys"), result.account)
        }
    }
}
