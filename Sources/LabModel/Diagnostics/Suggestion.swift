/// Finds the known name that a mistyped one most likely meant.
public enum Suggestion {
    /// The nearest of `known`, if it is near enough to be a slip: at most a third of the letters differ, or the end is
    /// missing.
    public static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        let ranked = known.map { (name: $0, distance: slip(from: $0.lowercased(), to: name.lowercased())) }
        guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
        return best.distance <= max(1, max(name.count, best.name.count) / 3) ? best.name : nil
    }

    /// `Did you mean "x"? ` where a near name is known, and always the list of what there is.
    public static func remedy(for name: String, among known: some Sequence<String>, noun: String) -> String {
        let names = known.sorted()
        guard !names.isEmpty else { return "There are no \(noun) to choose from." }
        let guess = nearest(to: name, among: names).map { "Did you mean \"\($0)\"? " } ?? ""
        return "\(guess)Known \(noun): \(names.joined(separator: ", "))."
    }

    /// How far a written name is from a known one; one that only breaks off counts as a single edit.
    private static func slip(from known: String, to written: String) -> Int {
        written.count >= 3 && known != written && known.hasPrefix(written) ? 1 : distance(written, known)
    }

    /// Levenshtein's edit distance with transpositions of neighbours counted as one edit.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
