/// Rows in columns that are as wide as their widest cell.
public struct Table: Sendable {
    let columns: [String]
    let rows: [[String]]

    /// - Parameters:
    ///   - columns: The heading; empty for none.
    ///   - rows: Cells, which may carry colour. A row may be shorter than the others.
    public init(columns: [String], rows: [[String]]) {
        self.columns = columns
        self.rows = rows
    }

    public func text(style: Style, indent: String = "") -> String {
        let all = (columns.isEmpty ? [] : [columns]) + rows
        let count = all.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            all.map { $0.indices.contains(column) ? Self.width(of: $0[column]) : 0 }.max() ?? 0
        }
        return all.enumerated().map { index, row in
            let cells = row.enumerated().map { column, cell in
                let isLast = column == row.count - 1
                let padding = isLast ? "" : String(repeating: " ", count: widths[column] - Self.width(of: cell))
                return (index == 0 && !columns.isEmpty ? style.faint(cell) : cell) + padding
            }
            var line = indent + cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }

    /// The columns a text takes on a terminal: escape sequences take none.
    static func width(of text: String) -> Int {
        var width = 0
        var isEscape = false
        for character in text {
            if character == "\u{1B}" {
                isEscape = true
            } else if isEscape {
                isEscape = character != "m"
            } else {
                width += 1
            }
        }
        return width
    }
}

extension String {
    /// With spaces behind it up to a width, and one at least, for lines that stand below each other and are printed one by one.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
