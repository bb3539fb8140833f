/// The high half of extended sequence numbers, which packets do not carry (RFC 4303 appendix A2).
///
/// The window is half of all low numbers, wider than any receiver's: what is opened here may be late, or sent again.
struct ExtendedSequence: Sendable {
    private(set) var highest: UInt64

    init(highest: UInt64) {
        self.highest = highest
    }

    /// The number nearest to the highest so far that has this low half.
    func extended(_ low: UInt32) -> UInt64 {
        let (lowest, high) = (UInt32(truncatingIfNeeded: highest), highest >> 32)
        let distance = Int64(low) - Int64(lowest)
        let half = Int64(1) << 31
        return switch distance {
        case ..<(-half) where high < UInt64(UInt32.max): (high + 1) << 32 | UInt64(low)
        case half... where high > 0: (high - 1) << 32 | UInt64(low)
        default: high << 32 | UInt64(low)
        }
    }

    /// Takes note of a packet that proved to be authentic.
    mutating func verified(_ sequence: UInt64) {
        highest = max(highest, sequence)
    }
}
