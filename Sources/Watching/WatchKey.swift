/// What somebody pressed, in a terminal that lets every key through as it is.
public enum WatchKey: Hashable, Sendable {
    case character(Character)
    case enter
    case backspace
    case escape
    /// Ctrl-C or Ctrl-D.
    case end

    /// The keys in some bytes; arrows and the like, which begin with an escape, are none.
    public static func keys(in bytes: [UInt8]) -> [WatchKey] {
        var keys: [WatchKey] = []
        var rest = String(decoding: bytes, as: UTF8.self)[...]
        while let first = rest.popFirst() {
            switch first {
            case "\r", "\n", "\r\n": keys.append(.enter)
            case "\u{7F}", "\u{8}": keys.append(.backspace)
            case "\u{3}", "\u{4}": keys.append(.end)
            case "\u{1B}":
                // ECMA-48, sections 5.4 and 5.3: parameters, then one final character.
                guard let next = rest.first, next == "[" || next == "O" else {
                    keys.append(.escape)
                    continue
                }
                rest.removeFirst()
                rest = rest.drop { !("\u{40}"..."\u{7E}").contains($0) }
                rest = rest.dropFirst()
            case _ where first.unicodeScalars.contains { $0.value < 0x20 }: break
            default: keys.append(.character(first))
            }
        }
        return keys
    }
}
