/// A span of time that a duration must lie in.
public struct Window: Hashable, Sendable, Codable {
    public let earliest: Duration
    public let latest: Duration

    public init(_ earliest: Duration, _ latest: Duration) {
        self.earliest = earliest
        self.latest = latest
    }

    public func contains(_ duration: Duration) -> Bool { earliest <= duration && duration <= latest }

    public var width: Duration { latest - earliest }

    /// Whether it is so wide that a measurement in it proves little.
    ///
    /// A hold timer of the usual 30 s makes a window of 12.5 s to 33 s: its jitter, the keepalives' phase and the daemon's loop.
    /// That refutes a hold time of 9 s or of 90 s. A window that is wider than 30 s and whose end is more than four times
    /// its beginning leaves open of which order of magnitude the time is.
    public var saysNothing: Bool { width > .seconds(30) && latest > earliest * 4 }
}

extension Window {
    /// Both one after the other.
    public static func + (left: Window, right: Window) -> Window {
        Window(left.earliest + right.earliest, left.latest + right.latest)
    }

    /// From the earliest beginning to the latest end; nil for none.
    public static func spanning(_ windows: [Window]) -> Window? {
        guard let earliest = windows.map(\.earliest).min(), let latest = windows.map(\.latest).max() else { return nil }
        return Window(earliest, latest)
    }

    /// In words: `12.5s to 33s`.
    public var text: String {
        earliest == latest ? earliest.shortText : "\(earliest.shortText) to \(latest.shortText)"
    }
}
