import LabModel
import NetworkTypes
import Testing

@testable import Daemons

/// What users' own files say of the packets that go into a tunnel, and how they get there.
@Suite("Selectors in users' own files")
struct SelectorTests {
    private func pluto(_ parameters: String) throws -> OwnConnection {
        let text = "conn c\n    left=192.0.2.1\n    right=192.0.2.2\n" + parameters
        let file = OwnFile(name: "ipsec.conf", text: text, interface: nil)
        return try #require(Libreswan().read(file, connection: "c").connection)
    }

    private func charon(_ child: String) throws -> OwnConnection {
        let text =
            "connections {\n c {\n local_addrs = 192.0.2.1\n remote_addrs = 192.0.2.2\n children {\n n {\n\(child)\n}\n}\n}\n}\n"
        let file = OwnFile(name: "swanctl.conf", text: text, interface: nil)
        return try #require(StrongSwan().read(file, connection: "c").connection)
    }

    @Test(arguments: [
        ("", ["192.0.2.1/32 > 192.0.2.2/32"]),
        ("    leftsubnet=10.1.0.0/24\n    rightsubnet=10.2.0.0/24", ["10.1.0.0/24 > 10.2.0.0/24"]),
        (
            "    leftsubnets={10.1.0.0/24, 10.9.0.0/24}\n    rightsubnet=10.2.0.0/24",
            ["10.1.0.0/24 > 10.2.0.0/24", "10.9.0.0/24 > 10.2.0.0/24"]
        ),
        (
            "    leftprotoport=tcp/%any\n    rightprotoport=tcp/443\n    leftsubnet=10.1.0.0/24",
            ["10.1.0.0/24 > 192.0.2.2/32 port 443, TCP"]
        ),
        ("    leftprotoport=47\n    rightprotoport=47", ["192.0.2.1/32 > 192.0.2.2/32, GRE"]),
        ("    leftsubnet=vhost:%priv", nil),
        ("    leftprotoport=tcp\n    rightprotoport=udp", nil),
    ])
    func `Of libreswan`(parameters: String, selectors: [String]?) throws {
        #expect(try pluto(parameters + "\n").selectors.map { $0.map(\.description) } == selectors)
    }

    @Test(arguments: [
        ("start_action = start", ["192.0.2.1/32 > 192.0.2.2/32"]),
        ("local_ts = 10.1.0.0/24\n remote_ts = 10.2.0.0/24", ["10.1.0.0/24 > 10.2.0.0/24"]),
        (
            "local_ts = 10.1.0.0/24, 10.9.0.0/24\n remote_ts = 10.2.0.0/24[tcp/443]",
            ["10.1.0.0/24 > 10.2.0.0/24 port 443, TCP", "10.9.0.0/24 > 10.2.0.0/24 port 443, TCP"]
        ),
        ("local_ts = dynamic[gre]\n remote_ts = dynamic[gre]", ["192.0.2.1/32 > 192.0.2.2/32, GRE"]),
        ("local_ts = 10.1.0.0/24[nonsense/1]", nil),
    ])
    func `Of strongSwan`(child: String, selectors: [String]?) throws {
        #expect(try charon(child).selectors.map { $0.map(\.description) } == selectors)
    }

    @Test func `Which interface leads in, who makes it, and in which mode`() throws {
        let vti = try pluto("    mark=5/0xffffffff\n    vti-interface=v0\n")
        #expect(vti.interfaceKind == .vti && vti.number == 5 && vti.makesInterface)
        let xfrm = try pluto("    ipsec-interface=yes\n")
        #expect(xfrm.interfaceKind == .xfrm && xfrm.number == 1 && xfrm.makesInterface)
        let policy = try pluto("    type=transport\n    ipsec-interface=no\n")
        #expect(policy.interfaceKind == nil && !policy.makesInterface && policy.mode == .transport)
        let marked = try charon("mark_in = 9/0xffffffff\n mark_out = 9\n mode = transport")
        #expect(marked.interfaceKind == .vti && marked.number == 9 && !marked.makesInterface)
        #expect(marked.mode == .transport)
        #expect(try charon("if_id_in = 0x10\n if_id_out = 16").number == 16)
    }
}
