import Reporting
import Testing

@Suite struct TableTests {
    private let colour = Style(hasColour: true)

    @Test func `Columns are as wide as their widest cell`() {
        let table = Table(columns: ["NAME", "N"], rows: [["a", "1"], ["longer", "22"], ["b"]])
        #expect(
            table.text(style: .plain) == """
                NAME    N
                a       1
                longer  22
                b
                """)
        #expect(table.text(style: .plain, indent: "  ").split(separator: "\n").allSatisfy { $0.hasPrefix("  ") })
    }

    @Test func `Empty cells at the end leave no spaces`() {
        let table = Table(columns: ["A", "B", ""], rows: [["x", "", ""], ["", "y", ""], ["", "", "z"], []])
        #expect(table.text(style: .plain) == "A  B\nx\n   y\n      z\n")
    }

    @Test func `Nothing`() {
        #expect(Table(columns: [], rows: []).text(style: .plain, indent: "  ") == "")
        #expect(Table(columns: ["A"], rows: []).text(style: .plain) == "A")
    }

    /// Colour takes no room: without it the text is the same.
    @Test func `Coloured cells align`() {
        let rows = { (style: Style) in
            [
                [style.good("up"), "1"], [style.bad("down"), "2"], [style.faint("unused"), "3"],
                [style.strong(style.warning("x")), "4"],
            ]
        }
        let coloured = Table(columns: ["STATE", "N"], rows: rows(colour)).text(style: colour)
        let plain = Table(columns: ["STATE", "N"], rows: rows(.plain)).text(style: .plain)
        #expect(plain == "STATE   N\nup      1\ndown    2\nunused  3\nx       4")
        #expect(coloured.contains("\u{1B}[32mup\u{1B}[0m      1\n"))
        #expect(stripped(coloured) == plain)
    }

    /// A cell is as wide as its characters, whatever their bytes.
    @Test func `Letters beyond ASCII`() {
        #expect(Table(columns: [], rows: [["é✓", "1"], ["abc", "2"]]).text(style: .plain) == "é✓   1\nabc  2")
    }
}

@Suite struct StyleTests {
    @Test func `Paints`() {
        let paints: [(String, (Style, String) -> String)] = [
            ("32", { $0.good($1) }), ("31", { $0.bad($1) }), ("33", { $0.warning($1) }), ("2", { $0.faint($1) }),
            ("1", { $0.strong($1) }),
        ]
        for (code, paint) in paints {
            #expect(paint(.plain, "x") == "x")
            #expect(paint(Style(hasColour: true), "x") == "\u{1B}[\(code)mx\u{1B}[0m")
        }
    }
}

/// Without escape sequences.
func stripped(_ text: String) -> String {
    text.replacing(/\u{1B}\[[0-9]*m/, with: "")
}
