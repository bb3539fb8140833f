import Foundation
import SystemPackage
import Testing

/// strongSwan and libreswan at the two ends of one tunnel.
// Waiting for other labs counts, too.
@Suite(.timeLimit(.minutes(60)))
struct InteropTests {
    /// One tunnel for each way to protect ESP, its IKE algorithms turning through all that both daemons have.
    ///
    /// The full product of everything has some 500000 members: here every cipher of ESP is with every hash, and every cipher,
    /// hash and group of IKE, and every group of perfect forward secrecy, are there, each beginning at either end.
    enum Algorithms {
        static let ikeCiphers =
            aes(["cbc", "ctr", "gcm-8", "gcm-12", "gcm-16"]) + ["chacha20-poly1305"]
        static let hashes = ["sha1", "sha2-256", "sha2-384", "sha2-512", "aes-xcbc"]
        /// Group 2 is not in Debian's libreswan.
        static let groups = [5, 14, 15, 16, 17, 18, 19, 20, 21, 31]
        static let esp: [(cipher: String, hash: String?)] = {
            var all: [(cipher: String, hash: String?)] = []
            for cipher in aes(["cbc", "ctr"]) + ["null"] {
                for hash in hashes { all.append((cipher, hash)) }
            }
            let combined = aes(["gcm-8", "gcm-12", "gcm-16", "ccm-8", "ccm-12", "ccm-16"]) + ["chacha20-poly1305"]
            for cipher in combined { all.append((cipher, nil)) }
            return all
        }()

        /// The modes, each with every length of key.
        private static func aes(_ modes: [String]) -> [String] {
            modes.flatMap { mode in [128, 192, 256].map { bits in "aes-\(bits)-\(mode)" } }
        }

        static func group(_ index: Int) -> Int { groups[index / 5 % groups.count] }

        /// libreswan renews with the IKE SA's group whatever it is told, so it is that one or none.
        static func forwardSecrecy(_ index: Int) -> Int? { index % 3 == 0 ? nil : group(index) }

        /// strongSwan's name of a group, as swanctl(8) prints it.
        static let names = [
            5: "MODP_1536", 14: "MODP_2048", 15: "MODP_3072", 16: "MODP_4096", 17: "MODP_6144", 18: "MODP_8192",
            19: "ECP_256", 20: "ECP_384", 21: "ECP_521", 31: "CURVE_25519",
        ]
    }

    private static var lab: String {
        let all = Algorithms.esp.indices
        let addresses = { (last: Int) in all.map { "10.0.\($0).\(last)/24" }.joined(separator: ", ") }
        let tunnels = all.map { index in
            let esp = Algorithms.esp[index]
            let swanBegins = index.isMultiple(of: 2)
            return """
                  t\(index):
                    psk: an-example-key-of-a-test
                    ike: {encryption: \(Algorithms.ikeCiphers[index % Algorithms.ikeCiphers.count]), integrity: \(Algorithms.hashes[index % 5]), group: \(Algorithms.group(index))}
                    esp: {encryption: \(esp.cipher)\(esp.hash.map { ", integrity: \($0)" } ?? "")\(Algorithms.forwardSecrecy(index).map { ", pfs-group: \($0)" } ?? "")}
                    dpd: {delay: 10s, timeout: 30s}
                    mtu: 1400
                    ends:
                      swan: {address: 10.0.\(index).1, interface: x\(index), inside: 169.254.\(index).1/30, startup: \(swanBegins ? "initiate" : "listen")}
                      libre: {address: 10.0.\(index).2, interface: v\(index), inside: 169.254.\(index).2/30, startup: \(swanBegins ? "listen" : "initiate")}
                """
        }
        return """
            name: interop
            title: every algorithm that strongSwan and libreswan both have
            nodes:
              swan: {role: router, ike: strongswan}
              libre: {role: router}
            links:
              wire: {ends: {swan:wan: [\(addresses(1))], libre:wan: [\(addresses(2))]}, rate: 1gbit, delay: 1ms}
            tunnels:
            \(tunnels.joined(separator: "\n"))
            probes:
            \(all.map { "  p\($0): {from: \($0.isMultiple(of: 2) ? "swan" : "libre"), to: 169.254.\($0).\($0.isMultiple(of: 2) ? 2 : 1)}" }.joined(separator: "\n"))
            expect:
            \(all.map { "  s\($0): {sa: t\($0)}" }.joined(separator: "\n"))

            """
    }

    @Test func `Every algorithm that both have carries traffic, and is renewed`() async throws {
        try await LabHome.with { home in
            let file = home.path.appending("interop.yaml")
            try Self.lab.write(toFile: file.string, atomically: true, encoding: .utf8)
            // It is up when every probe has had its answer.
            try await home.netlab.succeed("up", file.string, "--clock", "paused")
            let lab = RunningLab(home: home, name: "interop")
            // IKE by both daemons' own word, ESP as both kernels have it.
            let check = try await home.netlab.run("check", file.string)
            #expect(check.code == 0, check.account)
            #expect(check.output.contains("interop: \(Algorithms.esp.count) passed"), check.account)

            let first = try await Self.children(of: lab)
            let renewal = { (rest: Int, command: String) in
                let numbers = Algorithms.esp.indices.filter { $0 % 2 == rest }.map(String.init).joined(separator: " ")
                return "for i in \(numbers); do \(command) || exit 1; done >/dev/null"
            }
            try await lab.change("swan", "sh", "-c", renewal(0, "swanctl --rekey --child t$i"))
            try await lab.change("libre", "sh", "-c", renewal(1, "ipsec whack --rekey-ipsec --name t$i"))
            _ = try await lab.clock("advance", "10s")
            let renewed = try await Self.children(of: lab)
            for index in Algorithms.esp.indices {
                let children = renewed[index, default: []]
                let group = Algorithms.forwardSecrecy(index).flatMap { Algorithms.names[$0] }
                #expect(children.count == 1, "t\(index): \(children)")
                if let group {
                    #expect(children.first?.algorithms.hasSuffix("/\(group)") == true, "t\(index): \(children)")
                }
                #expect(first[index]?.first?.number != children.first?.number, "t\(index) was kept and not made anew")
            }
            let last = Algorithms.esp.count - 1
            let pings = "for i in $(seq 0 \(last)); do ping -n -q -c 1 -W 2 169.254.$i.2 >/dev/null || echo t$i; done"
            #expect(try await lab.exec("swan", "sh", "-c", pings).output == "")
        }
    }

    /// strongSwan's child SAs that are in use, by the number of their tunnel.
    private static func children(of lab: RunningLab) async throws -> [Int: [(number: Int, algorithms: String)]] {
        let list = try await lab.exec("swan", "swanctl", "--list-sas").output
        return list.matches(of: #/ {2}t(\d+): #(\d+), reqid \d+, INSTALLED, TUNNEL, ESP:(\S+)\n/#).reduce(into: [:]) {
            guard let index = Int($1.1), let number = Int($1.2) else { return }
            $0[index, default: []].append((number, String($1.3)))
        }
    }

    /// The main tunnel of aws-oci with strongSwan at one of its ends; the other one, and all else, as it was.
    @Test(arguments: [
        ("tgw", "summary: Transit Gateway, AS 64512"), ("drg", "summary: Dynamic Routing Gateway, AS 31898"),
    ])
    func `The main tunnel does with strongSwan at either end what it does without`(
        node: String, summary: String
    ) async throws {
        try await LabHome.with { home in
            let name = "interop-\(node)"
            let copy = try home.copy(of: "aws-oci", as: name) { text in
                // libreswan renews with the IKE SA's group, and strongSwan insists on the one it is told.
                text.replacing("pfs-group: 5", with: "pfs-group: 20")
                    .replacing(summary, with: "\(summary)\n    ike: strongswan")
                    .replacing("daemon \(node)/pluto", with: "daemon \(node)/charon")
            }
            try await home.netlab.succeed("up", copy, "--clock", "paused")
            let lab = RunningLab(home: home, name: name)
            #expect(try await lab.status().isRunning("\(node)/charon") == true)
            let check = try await home.netlab.run(
                "check", copy, "--only",
                "main-on-the-wire,main-path,main-rtt,main-mtu,main-mss,main-sa,main-bgp,nothing-in-clear")
            #expect(check.code == 0, check.account)
        }
    }
}
