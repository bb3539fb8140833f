import NetworkTypes

/// A span of the lab's time as a width in a figure.
struct TimeAxis {
    /// On the lab's clock, in nanoseconds; `end` is later than `start`.
    let start: Int64
    let end: Int64
    /// What is 0 on it.
    let origin: Int64
    let left: Double
    let width: Double

    init(from start: Int64, to end: Int64, origin: Int64, left: Double, width: Double) {
        self.start = start
        self.end = max(end, start + 1)
        self.origin = origin
        self.left = left
        self.width = width
    }

    /// Where a time is; what is outside is at the edge.
    func x(_ time: Int64) -> Double {
        left + Double(min(max(time, start), end) - start) / Double(end - start) * width
    }

    /// Its line with some eight marks, each a round number of seconds.
    func marks(at y: Double, height: Double) -> Markup {
        let seconds = Double(end - start) / 1e9
        let step = Self.steps.first { seconds / $0 <= 9 } ?? 86400
        let first = (Double(start - origin) / 1e9 / step).rounded(.up)
        let lines = (0..<12).compactMap { number -> Markup? in
            let nanoseconds = Int64((first + Double(number)) * step * 1e9) + origin
            guard nanoseconds <= end else { return nil }
            let text = Duration.nanoseconds(nanoseconds - origin).shortText
            return """
                <line class="axis" x1="\(x(nanoseconds))" y1="\(y)" x2="\(x(nanoseconds))" y2="\(y + height)"/><text class="small" x="\(x(nanoseconds))" y="\(y + height + 13)" text-anchor="middle">\(text)</text>

                """
        }
        return "\(lines)"
    }

    private static let steps = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200,
        14400,
    ]
}
