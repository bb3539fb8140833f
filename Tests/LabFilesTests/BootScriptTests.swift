import LabFiles
import LabModel
import NetworkTypes
import Testing

/// Scripts that nodes run when they start.
@Suite struct BootScriptTests {
    private struct NoSuchFile: Error, CustomStringConvertible {
        let description = "no such file"
    }

    private static let scripts = [
        "start.sh": "#!/bin/sh\nsleep 30\n", "plain": "sleep 30\n", "empty": "", "bare": "#!\nsleep 30\n",
        "relative": "#! sh\n", "windows.sh": "#!/bin/sh\r\nsleep 30\r\n", "zero": "#!/bin/sh\n\0\n",
    ]

    private static func resolve(_ text: String) throws(LabFileError) -> (
        topology: Topology, warnings: [LabFileDiagnostic]
    ) {
        try LabFile(text: text, file: "lab.yaml") { name in
            if let text = scripts[name] { return text }
            guard name != "directory" else { throw NoSuchFile() }
            return try BrokenLab.companion(name)
        }.resolve()
    }

    private static func text(_ old: String, _ new: String) -> String {
        BrokenLab.text.replacing(old, with: new, maxReplacements: 1)
    }

    private static let node = "  vm:\n    cloud: aws\n"

    private static func node(_ keys: String) -> String { text(node, node + keys) }

    @Test func `A node has its script, and says how long it takes`() throws {
        let text = Self.node("    boot: start.sh\n    boot-takes: 30s..31s\n    boot-time: 45s\n")
        let node = try #require(try Self.resolve(text).topology.node(named: "vm"))
        let script = try #require(node.boot)
        #expect(script.name == "start.sh" && script.text == "#!/bin/sh\nsleep 30\n")
        #expect(script.takes == Window(.seconds(30), .seconds(31)))
        #expect(node.bootTime == .seconds(45) && node.rebootTime == .seconds(76))
    }

    @Test func `What is not said is not known`() throws {
        let topology = try Self.resolve(Self.node("    boot: plain\n")).topology
        let node = try #require(topology.node(named: "vm"))
        #expect(node.boot?.takes == nil && node.bootTime == .seconds(30))
        #expect(topology.node(named: "router")?.boot == nil)
        let most = try Self.resolve(Self.node("    boot: plain\n    boot-takes: 5s\n")).topology
        #expect(most.node(named: "vm")?.boot?.takes == Window(.zero, .seconds(5)))
    }

    @Test(arguments: [
        ("#!/bin/sh\n", ["/bin/sh"]), ("sleep 1\n", ["/bin/sh"]), ("#!/bin/bash -e\n", ["/bin/bash", "-e"]),
        ("#! /usr/bin/env  bash -x \necho\n", ["/usr/bin/env", "bash -x"]), ("#!/bin/sh", ["/bin/sh"]),
        ("# !/bin/bash\n", ["/bin/sh"]),
    ])
    func `The first line says what runs it`(_ text: String, _ program: [String]) {
        let script = BootScript(name: "start.sh", text: text, takes: nil)
        #expect(script.arguments == program + ["/etc/netlab/start.sh"] && script.fault == nil)
    }

    private static let end = "connection: one, interface: vti1,"

    @Test(arguments: [
        BrokenLab(
            text: node("    boot: missing.sh§\n"), "nodes.vm.boot: the file \"missing.sh\" cannot be read",
            "beside the lab file"),
        BrokenLab(
            text: node("    boot: directory§\n"), "nodes.vm.boot: the file \"directory\" cannot be read: no such file",
            "beside the lab file"),
        BrokenLab(
            text: node("    boot: ../start.sh§\n"), "nodes.vm.boot: \"../start.sh\" is not the plain name of a file",
            "without a path"),
        BrokenLab(text: node("    boot: [a]§\n"), "nodes.vm.boot: a list is not the name of a file", "Write the name"),
        BrokenLab(
            text: node("    boot: empty§\n"), "nodes.vm.boot: the script empty is empty", "Begin it with a line"),
        BrokenLab(
            text: node("    boot: bare§\n"), "nodes.vm.boot: the script bare names no program by its path after `#!`",
            "#!/bin/sh"),
        BrokenLab(
            text: node("    boot: relative§\n"), "the script relative names no program by its path", "#!/bin/sh"),
        BrokenLab(
            text: node("    boot: windows.sh§\n"), "the script windows.sh has lines that end as on Windows", "#!/bin/sh"
        ),
        BrokenLab(text: node("    boot: zero§\n"), "the script zero is not text", "#!/bin/sh"),
        BrokenLab(
            text: node("    boot-takes: 30s§\n"), "nodes.vm.boot-takes: the node has no script", "Add `boot: FILE`"),
        BrokenLab(
            text: node("    boot: start.sh\n    boot-takes: 31s..30s§\n"),
            "nodes.vm.boot-takes: \"31s..30s\" is not a time such as 31s", "30s..31s"),
        BrokenLab(
            text: node("    boot: start.sh\n    boot-takes: 1s..2s..3s§\n"), "nodes.vm.boot-takes: \"1s..2s..3s\"",
            "31s"),
        BrokenLab(text: node("    boot: start.sh\n    boot-takes: 2h§\n"), "nodes.vm.boot-takes: \"2h\"", "up to 1h"),
        BrokenLab(text: node("    boot-time: 3s§\n"), "nodes.vm.boot-time: \"3s\" is not a time from 10s to 1h", "10s"),
        BrokenLab(text: node("    boot-time: 2h§\n"), "nodes.vm.boot-time: \"2h\"", "a time from 10s to 1h"),
        BrokenLab(
            text: text(end, end + " addressed-by: boot§,"),
            "tunnels.own.ends.vm: node vm has no boot script that could give addresses", "Add `boot: FILE`"),
        BrokenLab(
            text: text(end, end + " addressed-by: cron§,"), "\"cron\" is not one of the ways to get addresses",
            "netlab"),
    ])
    func `What is wrong is said`(_ broken: BrokenLab) throws {
        let error = try #require(throws: LabFileError.self) { try Self.resolve(broken.text) }
        let diagnostic = try #require(error.diagnostics.first)
        #expect(error.diagnostics.count == 1 && diagnostic.line == broken.line, "\(error)")
        #expect(diagnostic.message.contains(broken.message) && diagnostic.remedy.contains(broken.remedy), "\(error)")
    }

    private static func end(_ keys: String) -> String {
        node("    boot: start.sh\n").replacing(
            "interface: vti1, inside: 192.168.2.1/30", with: "interface: vti1, " + keys)
    }

    @Test func `A script may give addresses and routes, and has to give something`() throws {
        let given = try Self.resolve(
            Self.end("inside: 192.168.2.1/30, addressed-by: boot, routes: 10.7.0.0/16")
        ).topology
        let end = try #require(given.tunnel(named: "own")?.ends.first)
        // Who looks for the address finds it, whoever gives it.
        let inside = try #require(IPAddress("192.168.2.1"))
        #expect(end.addressing == .boot && given.owner(of: inside) == "vm")
        #expect(given.tunnel(named: "own")?.ends.last?.addressing == .netlab)

        let nothing = try #require(throws: LabFileError.self) { try Self.resolve(Self.end("addressed-by: boot")) }
        #expect(
            nothing.diagnostics.map(\.message) == ["tunnels.own.ends.vm: there is nothing for the boot script to give"])
        let followed = try #require(throws: LabFileError.self) {
            try Self.resolve(Self.end("addressed-by: boot, routes: 10.7.0.0/16, withdraw: when-down"))
        }
        #expect(
            followed.diagnostics.map(\.message).first?.contains("routes that follow their tunnel are netlab's") ?? false
        )
    }

    @Test func `A reboot ends by itself, and what goes on during it is not computed`() throws {
        let scenario =
            "scenarios:\n  s:\n    timeline:\n      - {at: 1s, fail: node vm rebooted, for: 5s}\n    lasts: 10s\n"
        let error = try #require(throws: LabFileError.self) { try Self.resolve(BrokenLab.text + scenario) }
        #expect(error.diagnostics.map(\.message).contains { $0.contains("\"node vm rebooted\" is over by itself") })
    }
}
