import Glibc

/// Whether text may have colour, and which.
public struct Style: Sendable {
    public let hasColour: Bool

    public static let plain = Style(hasColour: false)

    /// Colour only where standard output is a terminal that wants it (https://no-color.org).
    public static var standardOutput: Style {
        Style(
            hasColour: StandardStream.output.isTerminal && getenv("NO_COLOR") == nil
                && getenv("TERM").map { String(cString: $0) } != "dumb")
    }

    public init(hasColour: Bool) {
        self.hasColour = hasColour
    }

    private func paint(_ text: String, _ code: String) -> String {
        hasColour && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    public func good(_ text: String) -> String { paint(text, "32") }
    public func bad(_ text: String) -> String { paint(text, "31") }
    public func warning(_ text: String) -> String { paint(text, "33") }
    public func faint(_ text: String) -> String { paint(text, "2") }
    public func strong(_ text: String) -> String { paint(text, "1") }
}
