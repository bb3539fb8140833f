import AgentProtocol
import LabModel
import NetworkTypes
import Reporting

extension WatchPanel {
    /// What is on the screen, a line each, none wider than it.
    ///
    /// What a small screen has no room for is left out from the bottom of the lab's state; the clock, the latest changes and the keys stay.
    public func lines(rows: Int, columns: Int, style: Style) -> [String] {
        let foot = foot(style, columns: columns)
        let head = head(style)
        let room = max(0, rows - foot.count)
        // The changes have a third of the screen, or what the state leaves of it.
        let shown = changes.suffix(max(min(changes.count, room / 3), room - head.count - 1))
        let top = head.prefix(max(1, shown.isEmpty ? room : room - shown.count - 1))
        var lines = Array(top)
        if lines.count < head.count, lines.count > 1 { lines[lines.count - 1] = style.faint("…") }
        if !shown.isEmpty, lines.count < room { lines.append(style.strong("CHANGES")) }
        lines += shown.suffix(max(0, room - lines.count)).map { change in
            let text = "  \(change.seen?.description ?? "-")  \(change.text)"
            return change.isLoss ? style.bad(text) : style.good(text)
        }
        while lines.count < room { lines.append("") }
        return (lines + foot).suffix(max(rows, 0)).map { Self.clipped($0, to: columns) }
    }

    private func head(_ style: Style) -> [String] {
        guard let status else { return ["\(style.strong(lab))  is being asked"] }
        let alarms = status.monitors.filter(\.isAlarmed).map { style.bad("  alarm  \($0.probe)") }
        return StatusReport(status).brief(style: style, rates: self.rates).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(
            String.init)
            + alarms
    }

    private func foot(_ style: Style, columns: Int) -> [String] {
        var lines: [String] = []
        if let note {
            let words = note.text.split(separator: "\n").flatMap { Self.wrapped(String($0), to: columns) }
            lines += words.prefix(4).map { note.isBad ? style.bad($0) : $0 }
        }
        if let command { lines.append(style.faint(isBusy ? "$ \(command)  …" : "$ \(command)")) }
        switch mode {
        case .looking:
            let isPaused = status?.clock?.mode == .paused
            lines.append(
                style.strong(
                    "p \(isPaused ? "resume" : "pause")  a +10s  A +1m  f fail  h heal  H heal all  space look  q quit")
            )
        case .typingFault(let text):
            lines.append(style.strong("fail: ") + text + "_" + style.faint("   Enter breaks it, Escape does not"))
        case .choosingFault:
            lines += (status?.faults ?? []).prefix(9).enumerated().map { "  \($0 + 1)  \($1.fault)" }
            lines.append(style.strong("heal which? ") + style.faint("a number, or Escape"))
        }
        return lines
    }

    /// A text as lines that fit, broken between words; a word that is longer stands alone.
    private static func wrapped(_ text: String, to columns: Int) -> [String] {
        text.split(separator: " ").reduce(into: [String]()) { lines, word in
            if let last = lines.last, last.count + 1 + word.count <= columns {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
    }

    /// The beginning of a line that fits, its colours ended; of what does something to a terminal only colours are left.
    static func clipped(_ line: String, to columns: Int) -> String {
        var (result, width, hasColour) = ("", 0, false)
        var rest = line[...]
        while let first = rest.first, width < columns || first == "\u{1B}" {
            if let colour = rest.prefixMatch(of: /\u{1B}\[[0-9;]*m/) {
                result += colour.0
                rest = rest[colour.range.upperBound...]
                hasColour = true
                continue
            }
            rest.removeFirst()
            guard !first.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
                continue
            }
            result.append(first)
            width += 1
        }
        return hasColour ? result + "\u{1B}[0m" : result
    }
}
