import Reporting
import Testing

@Suite struct TimeLeftTests {
    private static let begin = ContinuousClock.now

    /// What is said when the work is at a share, so long after it was at `first`.
    private func text(_ share: Double, after seconds: Int, from first: Double = 0) -> String {
        let left = TimeLeft()
        #expect(left.text(afterDoing: first, at: Self.begin) == "")
        return left.text(afterDoing: share, at: Self.begin + .seconds(seconds))
    }

    @Test func `The rest takes as long as what was done`() {
        #expect(text(0.25, after: 10) == ", about 35s left")
        #expect(text(0.5, after: 600) == ", about 11m left")
        #expect(text(0.1, after: 3600) == ", about 9h10m left")
    }

    @Test func `What was done before the first look does not count`() {
        #expect(text(0.75, after: 20, from: 0.5) == ", about 25s left")
    }

    @Test func `Nothing is said too early, and nothing at the end`() {
        #expect(text(0.01, after: 60) == "")
        #expect(text(0.5, after: 1) == "")
        #expect(text(1, after: 60) == "")
        #expect(text(0.5, after: 60, from: 0.5) == "")
    }
}
