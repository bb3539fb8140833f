import LabFiles
import Reporting
import Testing

@Suite struct OwnFilesReportTests {
    private static func conf(_ own: Int, _ peer: Int, _ more: String = "") -> String {
        """
        conn c
            auto=start
            authby=secret
            left=192.0.2.\(own)
            right=192.0.2.\(peer)
            ike=aes256-sha2_256-dh14
            mark=5/0xffffffff
            vti-interface=v0
            vti-routing=no
        \(more)
        """
    }

    @Test func `What is computed with, what is the daemon's alone, and what is not understood`() throws {
        let files = [
            "a.conf": Self.conf(1, 2, "    fragmentation=yes\n    rekey=no\n"), "b.conf": Self.conf(2, 1),
            "keys": ": PSK \"a-key\"\n",
            "bird.conf":
                "protocol bgp up {\n local as 1; neighbor 192.0.2.2 as 2; hold time 90; passive;\n}\nprotocol rip { }\n",
        ]
        let text = """
            name: pair
            nodes: {a: {role: router, bird: bird.conf}, b: {role: router}}
            links: {wire: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}}
            tunnels:
              vpn:
                ends:
                  a: {config: a.conf, secrets: keys, connection: c, interface: v0}
                  b: {config: b.conf, secrets: keys, connection: c, interface: v0}
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { name in try #require(files[name]) }.resolve()
            .topology
        let report = OwnFilesReport(topology).text(style: .plain)
        #expect(
            report == """
                a.conf, c, at a for tunnel vpn
                  computed with: authby, auto, ike, left, mark, right, vti-interface, vti-routing
                  the daemon's alone: fragmentation
                  not understood, so that nothing is predicted: rekey=no
                b.conf, c, at b for tunnel vpn
                  computed with: authby, auto, ike, left, mark, right, vti-interface, vti-routing
                BIRD's configuration at a
                  computed with, of up in line 1: local, neighbor, hold time
                  what it tells in up: as its exports say
                  what it takes: as the lab file's `bgp:` says
                  not computed, so that nothing is predicted: `protocol rip` in line 4, `passive` in line 2
                """, "\(report)")
    }
}
