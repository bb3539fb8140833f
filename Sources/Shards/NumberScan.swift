/// Looks for numbers in a JSON text that are larger than any that a test brings about, before anybody computes with them.
enum NumberScan {
    /// Of whole numbers: two of them can be added and subtracted. In nanoseconds it is 36 years.
    private static let most: Int64 = 1 << 60
    /// Of the first of two numbers in an array, which is how a `Duration` is written: so many times 2⁶⁴ attoseconds are 19 years.
    private static let mostOfPair: Int64 = 1 << 25
    /// Of all others.
    private static let mostOfFractions = 1e15

    static func isPlausible(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        var at = bytes.startIndex
        /// What stood before, spaces left out; and whether that is the comma behind an array's first number.
        var before: UInt8 = 0
        var isSecond = false
        while at < bytes.endIndex {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                at += 1
            case UInt8(ascii: "\""):
                at = end(ofString: at, in: bytes)
                (before, isSecond) = (byte, false)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let end = bytes[at...].firstIndex { !isPart($0) } ?? bytes.endIndex
                let next = bytes[end...].first { $0 > 0x20 } ?? 0
                let word = String(decoding: bytes[at..<end], as: UTF8.self)
                let isFirst = before == UInt8(ascii: "[") && next == UInt8(ascii: ",")
                let closes = isSecond && next == UInt8(ascii: "]")
                guard isPlausible(number: word, isFirst: isFirst, isSecondOfTwo: closes) else { return false }
                isSecond = isFirst
                before = byte
                at = end
            default:
                if byte != UInt8(ascii: ",") { isSecond = false }
                before = byte
                at += 1
            }
        }
        return true
    }

    private static func isPlausible(number word: String, isFirst: Bool, isSecondOfTwo: Bool) -> Bool {
        if word.contains(where: { ".eE".contains($0) }) {
            return Double(word).map { abs($0) <= mostOfFractions } ?? false
        }
        // The attoseconds of a duration take all bits.
        if isSecondOfTwo { return UInt64(word) != nil || Int64(word) != nil }
        return Int64(word).map { $0.magnitude <= (isFirst ? mostOfPair : most).magnitude } ?? false
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// The place behind a string that begins at a quotation mark.
    private static func end(ofString start: Int, in bytes: [UInt8]) -> Int {
        var at = start + 1
        while at < bytes.endIndex, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(at + 1, bytes.endIndex)
    }
}
