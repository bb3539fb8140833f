import DaemonProfiles
import Testing

/// What daemons' own programs say of a file that they do not take.
@Suite struct DaemonParserTests {
    private let parser = DaemonParser(product: "a daemon", program: "/usr/sbin/reader", arguments: ["-p"])

    @Test(
        arguments: [
            (
                "ERROR: /tmp/f.conf: 9: keyword keyexchange, invalid value: ikev2", 9,
                "keyword keyexchange, invalid value: ikev2"
            ),
            (
                "cannot load config '/tmp/f.conf': /tmp/f.conf:11: syntax error [closeaction]", 11,
                "syntax error [closeaction]"
            ),
            (
                "reader: /tmp/f.conf:3:18 syntax error, unexpected CF_SYM_UNDEFINED", 3,
                "syntax error, unexpected CF_SYM_UNDEFINED"
            ),
            (
                "% Can't open a file\nline 7: % Unknown command[25]:  bfd strict", 7,
                "% Unknown command[25]:  bfd strict"
            ),
            ("while loading 'c': bad subnet leftsubnet=a", nil, "bad subnet leftsubnet=a"),
        ] as [(String, Int?, String)])
    func `The line and the words are found`(_ output: String, _ line: Int?, _ words: String) throws {
        let complaint = try #require(
            parser.complaint(in: output, path: "/tmp/f.conf", connection: "c", isRefused: true))
        #expect(complaint.line == line && complaint.words == words)
    }

    /// One complaint about duplicate keys is netlab's own to judge; others may be about the machine.
    @Test(
        arguments: [
            "", "% Can't open configuration file /etc/vtysh.conf due to 'Permission denied'.",
            "while loading 'c': duplicate key 'left' in conn c while processing def c",
            "/etc/other.conf:3: syntax error",
            "while loading 'other': bad subnet leftsubnet=a",
            "while loading 'c': cannot find conn 'nothing' needed by conn 'c'",
        ])
    func `Words about something else are none`(_ output: String) {
        #expect(parser.complaint(in: output, path: "/tmp/f.conf", connection: "c", isRefused: true) == nil)
    }

    /// A program that takes the file has warned at most.
    @Test func `A warning is no complaint`() {
        let output = "reader: /tmp/f.conf:3:18 this will change"
        #expect(parser.complaint(in: output, path: "/tmp/f.conf", connection: nil, isRefused: false) == nil)
    }
}
