import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct NftablesTests {
    static let ruleset = """
        table ip nat {
        \tchain postrouting {
        \t\ttype nat hook postrouting priority srcnat; policy accept;
        \t\toif "d0" masquerade
        \t}
        }

        """

    @Test func `Apply, list, flush`() throws {
        let lab = try TestNamespace.withDummy()
        let filter = Nftables(in: lab.namespace)
        #expect(try filter.listRuleset() == "")
        try filter.apply(Self.ruleset)
        #expect(try filter.listRuleset() == Self.ruleset)
        #expect(try filter.listRulesetAsJSON().contains("\"masquerade\""))
        #expect(try filter.listRuleset() == Self.ruleset)
        #expect(try Nftables(in: TestNamespace().namespace).listRuleset() == "")
        try filter.apply("flush ruleset")
        #expect(try filter.listRuleset() == "")
    }

    @Test func `Interface names are the namespace's own`() throws {
        let one = try TestNamespace.withDummy()
        let two = try TestNamespace()
        try Nftables(in: one.namespace).apply(Self.ruleset)
        let refusal = try error { try Nftables(in: two.namespace).apply(Self.ruleset) }
        #expect(refusal.kernelMessage?.contains("Interface does not exist") == true && refusal.object == "at line 4")
    }

    @Test func `All or nothing`() throws {
        let lab = try TestNamespace()
        let filter = Nftables(in: lab.namespace)
        let refusal = try error {
            try filter.apply("add table ip a\nadd table ip b\nadd rule ip absent chain1 accept\n")
        }
        #expect(refusal.errno == ENOENT && refusal.object == "at line 3")
        #expect(
            "\(refusal)" == """
                cannot apply nftables ruleset at line 3: No such file or directory (ENOENT); \
                there is nothing like it: list what exists
                ruleset:3:13-18: Error: Could not process rule: No such file or directory
                add rule ip absent chain1 accept
                            ^^^^^^
                """)
        #expect(try filter.listRuleset() == "")
        let syntax = try error { try filter.apply("add table ip a\nadd tabel ip b\n") }
        #expect(syntax.errno == EINVAL && syntax.object == "at line 2")
        #expect(syntax.kernelMessage?.contains("syntax error") == true)
    }
}
