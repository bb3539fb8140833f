/// The debugging lines of pluto's log, among which those with keys are (libreswan 4.10, `LDBG_tcpdump_ike_sa_keys`).
public enum PlutoDebugging {
    /// The log without the secrets in it and with every other byte at its place.
    ///
    /// Whatever else a debugging line may hold, be it a dump of an ESP key or a text, is masked; the names and SPIs of the
    /// lines that are known stay.
    public static func masked(_ log: [UInt8]) -> [UInt8] {
        var masked = log
        for line in texts(in: log) {
            for index in line.dropFirst(harmlessLength(of: String(decoding: log[line], as: UTF8.self))) {
                masked[index] = UInt8(ascii: "*")
            }
        }
        return masked
    }

    private static func harmlessLength(of text: String) -> Int {
        if ["ESP enckey:", "ESP authkey:"].contains(text) { return text.utf8.count }
        let words = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count == 5, SPIs(words) != nil else { return 0 }
        return words[..<4].reduce(4) { $0 + $1.utf8.count }
    }

    /// Where the texts of debugging lines are: from behind the time and `| ` to the end of the line.
    public static func texts(in log: [UInt8]) -> [Range<Int>] {
        log.split(separator: UInt8(ascii: "\n")).compactMap { line in
            if line.starts(with: "| ".utf8) { return line.startIndex + 2..<line.endIndex }
            return line.firstRange(of: Array(": | ".utf8)).map { $0.upperBound..<line.endIndex }
        }
    }

    /// The SPIs of an IKE SA, as a line of keys has them.
    public struct SPIs: Hashable, Sendable {
        public let initiator: UInt64
        public let responder: UInt64

        public init(initiator: UInt64, responder: UInt64) {
            (self.initiator, self.responder) = (initiator, responder)
        }

        /// From the first four words of a line of keys.
        public init?(_ words: [Substring]) {
            guard words.count >= 4, words[0] == "ikev2", ["I", "R"].contains(words[1]),
                let initiator = Self.spi(words[2]),
                let responder = Self.spi(words[3])
            else { return nil }
            (self.initiator, self.responder) = (initiator, responder)
        }

        private static func spi(_ word: Substring) -> UInt64? {
            let digits = word.dropFirst(2)
            guard word.hasPrefix("0x"), digits.utf8.count == 16, digits.allSatisfy(\.isHexDigit) else { return nil }
            return UInt64(digits, radix: 16)
        }
    }
}
