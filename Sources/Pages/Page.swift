/// A whole page that needs nothing beside it: no network, no script, light and dark, on paper and on a phone.
struct Page {
    let title: String
    let body: Markup
    /// Whether it runs scripts of the server that it comes from, and asks that server: for a page that lives.
    var scripts = false

    private var policy: Markup {
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
            + (scripts ? "; script-src 'self'; connect-src 'self'" : .empty)
    }

    var text: String {
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <link rel="icon" href="data:,">
            <title>\(title)</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            \(body)
            </body>
            </html>

            """
        return page.text
    }

    /// Colours with a contrast of 4.5 and more to their ground (WCAG 2.2, 1.4.3), and none that says alone what it says.
    private static let style: Markup = """
        :root { color-scheme: light dark; --ground: #fff; --panel: #f5f6f8; --line: #c9ced6; --text: #1b1f24; --faint: #57606a;
          --good: #116329; --bad: #b3141f; --doubt: #7a4b00; --accent: #0550ae; --band: #0550ae33; --lost: #cf222e; --ok: #2da44e; }
        @media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --panel: #161b22; --line: #3d444d; --text: #e6edf3;
          --faint: #9ea7b3; --good: #56d364; --bad: #ff8f87; --doubt: #e3b341; --accent: #79c0ff; --band: #79c0ff40;
          --lost: #f85149; --ok: #3fb950; } }
        @media print { :root { color-scheme: light; } details { break-inside: avoid; } details > * { display: block; } nav { display: none; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--ground); color: var(--text);
          font: 15px/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
        h3 { font-size: 1.05rem; margin: 0; display: inline; } h4 { font-size: .95rem; margin: 1.2rem 0 .3rem; }
        p { margin: .4rem 0; } a { color: var(--accent); } code, .mono { font-family: ui-monospace, monospace; font-size: .92em; }
        .faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); } .doubt { color: var(--doubt); }
        .mark { font-weight: 700; } .scroll { overflow-x: auto; margin: .5rem 0; }
        table { border-collapse: collapse; font-size: .9rem; } th, td { text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0; }
        th { color: var(--faint); font-weight: 600; border-bottom: 1px solid var(--line); white-space: nowrap; }
        td { border-bottom: 1px solid color-mix(in srgb, var(--line) 50%, transparent); } .figure { white-space: nowrap; }
        details { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; margin: .6rem 0; }
        details details { background: var(--ground); } summary { cursor: pointer; } summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .3rem 0; font-size: .9rem; } dt { color: var(--faint); } dd { margin: 0; }
        form { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: .6rem 0; }
        button, input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .6rem; }
        button { cursor: pointer; } button:hover { border-color: var(--accent); } button:disabled, input:disabled { opacity: .5; }
        button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); } input { max-width: 100%; background: var(--ground); }
        svg { max-width: 100%; height: auto; display: block; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
        svg .small { font-size: 10.5px; fill: var(--faint); } svg .axis { stroke: var(--line); } svg .incident { stroke: var(--text); stroke-dasharray: 4 3; }
        svg .ok { fill: var(--ok); } svg .lost { fill: var(--lost); } svg .band { fill: var(--band); stroke: var(--accent); stroke-width: 1; }
        svg .event { fill: var(--accent); } svg .warn { fill: var(--doubt); } svg .link { stroke: var(--faint); fill: none; }
        svg .tunnel { stroke: var(--accent); fill: none; stroke-width: 2.2; } svg .plain { stroke: var(--doubt); stroke-dasharray: 7 4; }
        svg .unused { stroke-dasharray: 2 5; } svg .link.down, svg .tunnel.down, svg .node.down { stroke: var(--lost); stroke-dasharray: 3 3; }
        svg .small.lost { fill: var(--bad); font-weight: 700; } svg .node { fill: var(--ground); stroke: var(--text); } svg .cloud { fill: var(--panel); stroke: var(--line); }
        svg .sent { fill: none; stroke: var(--accent); stroke-width: 1.4; } svg .received { fill: none; stroke: var(--doubt); stroke-width: 1.2; stroke-dasharray: 3 2; }
        @media (max-width: 40rem) { body { padding: .6rem; font-size: 14px; } svg.wide { min-width: 40rem; } }
        """
}

extension Markup {
    /// A table that can be moved sideways where it is too wide; nothing without rows.
    static func table(_ columns: [String], _ rows: [[Markup]]) -> Markup {
        guard !rows.isEmpty else { return .empty }
        let head = columns.map { "<th scope=\"col\">\($0)</th>" as Markup }
        let lines = rows.map { row in "<tr>\(row.map { "<td>\($0)</td>" as Markup })</tr>\n" as Markup }
        return """
            <div class="scroll"><table><thead><tr>\(head)</tr></thead><tbody>
            \(lines)</tbody></table></div>

            """
    }

    static func text(_ words: String, _ style: String? = nil) -> Markup {
        style.map { "<span class=\"\($0)\">\(words)</span>" } ?? "\(words)"
    }
}
