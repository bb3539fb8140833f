import AgentProtocol
import LabModel
import NetworkTypes
import Reporting
import Watching

/// A running lab as a page that asks again and again how it is, and whose buttons do what commands do.
///
/// The page is what a server on the same machine gives out; it asks nothing of anybody else. What changes is made here and put in
/// its place as a whole, so that no text of a lab's is ever more than text.
public struct LivePage {
    private let topology: Topology

    public init(_ topology: Topology) {
        self.topology = topology
    }

    /// The paths below the page's own that its script asks.
    public enum Path {
        public static let script = "page.js"
        public static let state = "state"
        public static let action = "do"
    }

    /// What the page must send with an action, and no other page can without being asked for leave (Fetch, "CORS-preflight").
    public static let header = "X-Netlab"

    /// The page with nothing of the lab's state yet.
    public var text: String {
        let broken = topology.scenarios.flatMap(\.steps).flatMap { step -> [Fault] in
            if case .fail(let faults) = step.action { faults } else { [] }
        }
        let faults = Set(broken.map(\.description)).sorted()
        return Page(
            title: "\(topology.name), live",
            body: """
                <h1>\(topology.name) <span class="faint">\(topology.title)</span></h1>
                <form id="controls">
                <button type="button" data-do="pause">pause</button> <button type="button" data-do="resume">resume</button>
                <button type="button" data-do="advance 10s">+10 s</button> <button type="button" data-do="advance 1m">+1 min</button>
                <button type="button" data-do="advance 10m">+10 min</button>
                <label>break <input name="fault" list="faults" size="34" placeholder="link NAME down" autocomplete="off"></label>
                <button>fail</button> <button type="button" data-do="heal --all">heal all</button>
                <datalist id="faults">\(faults.map { "<option value=\"\($0)\"></option>" as Markup })</datalist>
                </form>
                <div id="lab" aria-live="polite"><p class="faint">The lab is being asked.</p></div>
                <noscript><p class="bad">This page asks the lab by a script, which your browser does not run.</p></noscript>
                <script src="\(Path.script)"></script>

                """,
            scripts: true
        ).text
    }

    /// What a panel knows of the lab, to stand in the page.
    public func state(_ panel: WatchPanel) -> String {
        guard let status = panel.status else { return "<p class=\"faint\">The lab is being asked.</p>" }
        let clock = status.clock.map { clock in
            "\(clock.time)\(clock.isAdvancing ? ", advancing" : ", \(clock.mode.rawValue)")"
        }
        let rows = StatusReport(status).lines(rates: panel.rates).filter { $0.kind != "fault" }.map { line in
            [
                Markup.text(line.kind, "faint"), Markup.text(line.name, "mono"), Self.word(line.state),
                Markup.text(line.detail),
            ]
        }
        let state: Markup = """
            <p class="mono">\(clock ?? "without a clock")</p>
            \(Self.done(panel))\(Self.faults(status))
            <div class="scroll">\(TopologyFigure(topology, state: .init(status, rates: panel.rates)).markup)</div>
            \(Markup.table(["", "name", "state", "ends, with what they send; or the way"], rows))
            \(Self.changes(panel.changes))
            """
        return state.text
    }

    /// What was done last, as the command that does the same, and what came of it.
    private static func done(_ panel: WatchPanel) -> Markup {
        let command = panel.command.map { text -> Markup in
            "<p><code>$ \(text)</code>\(panel.isBusy ? " …" : "")</p>\n"
        }
        let note = panel.note.map { note -> Markup in
            "<p class=\"\(note.isBad ? "bad" : "faint")\">\(note.text)</p>\n"
        }
        return [command, note].compactMap(\.self).joined()
    }

    private static func faults(_ status: LabStatus) -> Markup {
        status.faults.map { active -> Markup in
            """
            <p><span class="bad mark">fault</span> <code>\(active.fault)</code> since \(active.since)
            <button type="button" data-do="heal \(active.fault)">heal</button></p>

            """
        }.joined()
    }

    private static func changes(_ changes: [StatusChange]) -> Markup {
        guard !changes.isEmpty else { return .empty }
        let rows = changes.suffix(60).reversed().map { change in
            [
                Markup.text(change.seen?.description ?? "-", "mono"),
                Markup.text(change.text, change.isLoss ? "bad" : "good"),
            ]
        }
        return "<h2>Changes</h2>\n\(Markup.table(["seen at", "what"], rows))"
    }

    private static func word(_ word: StatusReport.Word) -> Markup {
        switch word.sense {
        case .good: .text(word.text, "good")
        case .bad: .text(word.text, "bad mark")
        case .faint: .text(word.text, "faint")
        case .plain: .text(word.text)
        }
    }

    /// What the page does by itself: it asks each second, and sends what its buttons say.
    public static let script = """
        'use strict';
        const lab = document.getElementById('lab'), controls = document.getElementById('controls');
        let shown = '', ended = false;
        function end(text) {
          if (ended) return;
          ended = true;
          const line = document.createElement('p');
          line.className = 'bad mark';
          line.textContent = text;
          lab.prepend(line);
          for (const part of controls.elements) part.disabled = true;
        }
        async function look() {
          if (ended) return;
          try {
            const answer = await fetch('\(Path.state)', { cache: 'no-store' });
            const text = await answer.text();
            if (!answer.ok) return end(text);
            if (text !== shown) { lab.innerHTML = text; shown = text; }
          } catch { end('netlab serve has ended.'); }
        }
        async function act(words) {
          if (ended) return;
          try {
            await fetch('\(Path.action)', { method: 'POST', headers: { '\(header)': '1', 'Content-Type': 'text/plain' }, body: words });
          } catch { return end('netlab serve has ended.'); }
          look();
        }
        document.addEventListener('click', event => {
          const button = event.target.closest('[data-do]');
          if (button) act(button.dataset.do);
        });
        controls.addEventListener('submit', event => {
          event.preventDefault();
          const words = controls.elements.fault.value.trim();
          if (words) act('fail ' + words);
        });
        look();
        setInterval(look, 1000);

        """
}
