import Expectations
import LabModel
import Reporting

/// What pages about a lab have in common.
enum LabParts {
    /// The page's title, what came of it, and what it was found with.
    static func header(_ title: String, _ outcome: Markup, _ words: String, testedWith: [String]) -> Markup {
        """
        <header>
        <h1>\(title)</h1>
        <p>\(outcome) <span class="faint">\(words)</span></p>
        \(testedWith.map { "<p class=\"faint\">\($0)</p>\n" as Markup })</header>

        """
    }

    /// The lab as it is drawn, with its tunnels' ends and addresses.
    static func picture(of topology: Topology) -> Markup {
        let tunnels = topology.tunnels.map { tunnel -> [Markup] in
            let ends = tunnel.ends.map { "\($0.node) \($0.localAddress)" + ($0.inside.map { " (inside \($0))" } ?? "") }
            return ["\(tunnel.name)", "\(ends.joined(separator: " - "))", "\(tunnel.summary)"]
        }
        return """
            <p>\(topology.summary)</p>
            <div class="scroll">\(TopologyFigure(topology).markup)</div>
            \(Markup.table(["Tunnel", "Ends", ""], tunnels))
            """
    }

    // MARK: Packets

    /// A packet that shows something: its remark, and a line for each packet that it carries.
    static func packet(_ evidence: Evidence) -> Markup {
        """
        <p>\(evidence.remark), packet \(evidence.packet) from \(evidence.interface):</p><pre class="scroll">\(layers(of: evidence.line).joined(separator: "\n"))</pre>
        """
    }

    /// The line of a packet, what it carries below it and further in: a line has that in round brackets.
    static func layers(of line: String) -> [String] {
        for bracket in line.indices where line[bracket] == "(" {
            guard let end = closing(of: bracket, in: line) else { return [line] }
            let body = String(line[line.index(after: bracket)..<end])
            let head = String(line[..<bracket].reversed().drop { $0 == " " }.reversed())
            // Only a packet is carried: `12 of 40 bytes` in brackets is a remark.
            guard !head.isEmpty, body.contains(" > ") else { continue }
            let inner = layers(of: body)
            return [head + line[line.index(after: end)...], "  carries \(inner[0])"]
                + inner.dropFirst().map { "  \($0)" }
        }
        return [line]
    }

    /// Where a bracket ends.
    private static func closing(of bracket: String.Index, in line: String) -> String.Index? {
        var depth = 0
        for place in line[bracket...].indices {
            if line[place] == "(" { depth += 1 }
            if line[place] == ")" { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }

    /// The bytes of a packet's headers, outermost first.
    static func headers(_ headers: [HeaderBytes]) -> Markup {
        Markup.table(
            ["Header", "Says", "Bytes"],
            headers.map { ["\($0.name)", "\($0.fields)", "<span class=\"mono\">\($0.bytes)</span>"] })
    }
}
