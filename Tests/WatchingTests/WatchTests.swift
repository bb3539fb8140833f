import AgentProtocol
import LabModel
import NetworkTypes
import Reporting
import Testing
import Watching

/// What a person sees and types who watches a lab.
@Suite struct WatchTests {
    private static func status(
        at seconds: Int64 = 10, mode: ClockMode = .paced, tunnel: TunnelStatus.State = .up,
        session: BGPState = .established,
        imported: [String] = ["10.2.0.0/16"], tunnels: [String] = ["main"], broken: String? = nil,
        faults: [Fault] = [], alarmed: Bool = false, daemon: Bool = true
    ) -> LabStatus {
        let speaker = SessionStatus.Speaker(
            node: "tgw", asn: ASN(64512)!, state: session, holdSeconds: nil, keepaliveSeconds: nil,
            imported: imported.compactMap { IPPrefix($0) }, exported: [], lastError: "Hold timer expired")
        return LabStatus(
            lab: "two", title: "two nodes",
            clock: ClockStatus(mode: mode, isAdvancing: false, time: LabTime(nanoseconds: seconds * 1_000_000_000)),
            tunnels: [TunnelStatus(name: "main", state: tunnel, ends: [])],
            sessions: [SessionStatus(name: "main", speakers: [speaker])],
            paths: [
                PathStatus(
                    probe: "app", source: "a", destination: IPAddress("10.2.0.1")!,
                    hops: tunnels.map { .init(node: "tgw", route: nil, tunnel: $0) }, broken: broken)
            ],
            daemons: [DaemonStatus(name: "tgw/pluto", isRunning: daemon, detail: "")], nodes: [],
            faults: faults.map { ActiveFault(fault: $0, since: LabTime(nanoseconds: 0), until: nil) },
            monitors: [
                MonitorStatus(probe: "app", exitCode: 0, askedAt: nil, failures: 0, isAlarmed: alarmed, since: nil)
            ])
    }

    private static func panel(_ status: LabStatus = status()) -> WatchPanel {
        var panel = WatchPanel(lab: "two")
        panel.show(status)
        return panel
    }

    // MARK: Keys

    @Test func `Bytes are keys, and arrows are none`() {
        let bytes = Array("fé\r\u{7F}\u{1B}[A\u{1B}[1;5Cx\u{1B}\u{3}\u{1}".utf8)
        #expect(
            WatchKey.keys(in: bytes) == [
                .character("f"), .character("é"), .enter, .backspace, .character("x"), .escape, .end,
            ])
        #expect(WatchKey.keys(in: [0x1B]) == [.escape])
        #expect(WatchKey.keys(in: [0x1B, 0x5B]) == [])
        #expect(WatchKey.keys(in: []) == [])
        // Not UTF-8: something is there, and nothing breaks.
        #expect(WatchKey.keys(in: [0xFF]).count == 1)
    }

    @Test(arguments: [
        ("p", WatchPanel.Action.pause, "netlab clock two pause"),
        ("a", .advance(.seconds(10)), "netlab clock two advance 10s"),
        ("A", .advance(.seconds(60)), "netlab clock two advance 1m"), ("H", .healAll, "netlab heal two --all"),
    ]) func `Each key is a command`(key: Character, action: WatchPanel.Action, command: String) {
        var panel = Self.panel()
        #expect(panel.press(.character(key)) == action)
        #expect(action.command(for: "two") == command)
        panel.begin(action)
        #expect(panel.lines(rows: 20, columns: 100, style: .plain).contains { $0.contains("$ \(command)  …") })
        // One thing at a time.
        #expect(panel.press(.character(key)) == nil)
        #expect(panel.lines(rows: 20, columns: 100, style: .plain).contains { $0.contains("not done yet") })
        panel.end(failure: nil)
        #expect(panel.press(.character(key)) == action)
    }

    @Test func `A paused clock is resumed, and the host's is nobody's`() {
        var panel = Self.panel(Self.status(mode: .paused))
        #expect(panel.isStill)
        #expect(panel.press(.character("p")) == .resume)
        panel = Self.panel(Self.status(mode: .real))
        #expect(!panel.isStill)
        #expect(panel.press(.character("p")) == nil)
        #expect(panel.lines(rows: 20, columns: 100, style: .plain).contains { $0.contains("nobody can hold it") })
    }

    @Test func `A fault is typed, and may be left`() {
        var panel = Self.panel()
        #expect(panel.press(.character("f")) == nil)
        for key in WatchKey.keys(in: Array("link wan  downx\u{7F}".utf8)) { #expect(panel.press(key) == nil) }
        #expect(panel.lines(rows: 20, columns: 100, style: .plain).last?.hasPrefix("fail: link wan  down_") == true)
        #expect(panel.press(.enter) == .fail("link wan down"))
        _ = panel.press(.character("f"))
        _ = panel.press(.character("q"))
        #expect(panel.press(.escape) == nil)
        #expect(panel.press(.character("q")) == .quit)
        _ = panel.press(.character("f"))
        #expect(panel.press(.enter) == nil)
        _ = panel.press(.character("f"))
        #expect(panel.press(.end) == .quit)
    }

    @Test func `One fault is healed at once, one of several is chosen`() {
        let (one, two) = (Fault.linkDown("wan"), Fault.linkDown("lan"))
        var panel = Self.panel()
        #expect(panel.press(.character("h")) == nil)
        panel = Self.panel(Self.status(faults: [one]))
        #expect(panel.press(.character("h")) == .heal(one))
        panel = Self.panel(Self.status(faults: [one, two]))
        #expect(panel.press(.character("h")) == nil)
        #expect(panel.lines(rows: 20, columns: 100, style: .plain).contains("  2  link lan down"))
        #expect(panel.press(.character("3")) == nil)
        #expect(panel.press(.character("2")) == .heal(two))
        _ = panel.press(.character("h"))
        panel.show(Self.status())
        #expect(panel.press(.character("q")) == .quit)
    }

    @Test func `What went wrong stays on the screen until the next action`() {
        var panel = Self.panel()
        panel.begin(.fail("link x down"))
        panel.end(failure: "There is no \"x\".\nKnown links: wan.")
        let lines = panel.lines(rows: 20, columns: 100, style: .plain)
        #expect(lines.contains("There is no \"x\".") && lines.contains("Known links: wan."))
        let narrow = panel.lines(rows: 20, columns: 12, style: .plain)
        #expect(narrow.contains("There is no") && narrow.contains("Known links:"), "\(narrow)")
        panel.begin(.pause)
        #expect(!panel.lines(rows: 20, columns: 100, style: .plain).contains("There is no \"x\"."))
    }

    // MARK: Changes

    @Test(arguments: [
        (status(at: 12, tunnel: .down), ["tunnel main down"], true),
        (status(at: 12, session: .idle), ["bgp main at tgw: Idle: Hold timer expired"], true),
        (status(at: 12, imported: ["10.9.0.0/16"]), ["routes of main at tgw: -10.2.0.0/16 +10.9.0.0/16"], true),
        (status(at: 12, tunnels: ["backup"]), ["path app: by backup"], false),
        (status(at: 12, broken: "tgw has no route"), ["path app: tgw has no route"], true),
        (status(at: 12, faults: [.linkDown("wan")]), ["fault: link wan down"], true),
        (status(at: 12, alarmed: true), ["alarm of app raised"], true),
        (status(at: 12, daemon: false), ["daemon tgw/pluto does not run"], true),
        (status(at: 12), [], false),
    ]) func `A change is told once, with the lab's time`(now: LabStatus, texts: [String], isLoss: Bool) {
        let changes = StatusChange.all(from: Self.status(), to: now)
        #expect(changes.map(\.text) == texts)
        #expect(changes.allSatisfy { $0.isLoss == isLoss && $0.seen == LabTime(nanoseconds: 12_000_000_000) })
        let back = StatusChange.all(from: now, to: Self.status(at: 14))
        #expect(back.count == texts.count)
        #expect(StatusChange.all(from: nil, to: now) == [])
    }

    // MARK: The screen

    @Test(arguments: [(24, 80), (5, 20), (1, 1), (0, 0), (3, 200), (100, 10)])
    func `The screen is full and no larger`(rows: Int, columns: Int) {
        var panel = Self.panel()
        for number in 0..<300 { panel.show(Self.status(at: Int64(number), tunnel: number % 2 == 0 ? .down : .up)) }
        let lines = panel.lines(rows: rows, columns: columns, style: Style(hasColour: true))
        #expect(lines.count == rows)
        for line in lines {
            #expect(line.replacing(#/\u{1B}\[[0-9;]*m/#, with: "").count <= columns)
        }
    }

    @Test func `The latest changes and the keys stay on a small screen`() {
        var panel = Self.panel()
        for number in 0..<20 { panel.show(Self.status(at: Int64(number), tunnel: number % 2 == 0 ? .down : .up)) }
        let lines = panel.lines(rows: 9, columns: 100, style: .plain)
        #expect(lines.first?.hasPrefix("two  two nodes") == true)
        #expect(lines.last?.hasPrefix("p pause") == true)
        #expect(lines.contains { $0.contains("19s  tunnel main up") }, "\(lines)")
    }

    @Test func `Nothing in a lab reaches the terminal as more than text`() {
        var panel = Self.panel()
        panel.begin(.fail("x"))
        panel.end(failure: "a\u{1B}]0;title\u{7}b\u{9B}c")
        let line = panel.lines(rows: 9, columns: 100, style: .plain).first { $0.contains("title") }
        #expect(line == "a]0;titlebc")
    }
}
