import Expectations

/// File transfers for people: goodput beside its ceiling and what was published of the real thing, in megabytes a second.
public struct TransferReport: Sendable {
    private let figures: [TransferFigure]

    public init(_ figures: [TransferFigure]) {
        self.figures = figures
    }

    public func text(style: Style, indent: String = "") -> String {
        let rows = figures.map { figure in
            [
                "\(figure.source) > \(figure.destination)",
                figure.tunnels.isEmpty ? "-" : figure.tunnels.joined(separator: ", "),
                StatusReport.amount(UInt64(figure.bytes)), Self.megabytes(figure.goodput),
                Self.megabytes(figure.steady),
                Self.megabytes(figure.ceiling), Self.megabytes(figure.published), figure.limit,
            ]
        }
        return Table(
            columns: ["TRANSFER", "BY", "BYTES", "MB/S", "STEADY", "CEILING", "PUBLISHED", "CEILING SET BY"], rows: rows
        ).text(style: style, indent: indent)
    }

    /// One decimal, as scp(1) shows it.
    private static func megabytes(_ bitsPerSecond: Double?) -> String {
        guard let bitsPerSecond else { return "-" }
        let tenths = Int((bitsPerSecond / 8e5).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
