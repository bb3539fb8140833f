import Glibc

/// A file's text in which each `include` has given way to what it names, between two comments that say so.
///
/// All of these formats have comments that begin with `#` and end with the line. Whoever reads such a text takes what stands between the
/// two for said in the line that includes it: the user's own file has no other.
public struct IncludedText: Hashable, Sendable {
    /// The user's file, as its daemon gets it.
    public let text: String

    /// Why a file cannot be put together.
    public struct Failure: Error, Hashable, Sendable {
        /// Of the user's own file, from 1.
        public let line: Int
        public let message: String

        public init(line: Int, message: String) {
            self.line = line
            self.message = message
        }
    }

    /// How deep files may include each other, and how many bytes they may have together.
    private static let deepest = 16
    private static let largest = 4 << 20

    private static let beginning = "# netlab: in place of "
    private static let end = "# netlab: end of what was included"

    /// Puts a file together, as far as what it includes is there; what is not stays as it is written.
    ///
    /// - Parameters:
    ///   - name: The file's, so that it is known when it includes itself.
    ///   - needsAll: Whether a file that is included by its name has to be there.
    public init(
        _ text: String, name: String, in directory: Directory, needsAll: Bool = false
    ) throws(Failure) {
        guard text.contains("include") else {
            self.text = text
            return
        }
        var size = 0
        func expand(_ text: String, names: [String], outermost: Int?) throws(Failure) -> String {
            size += text.utf8.count
            let failure = { (message: String, line: Int) in Failure(line: line, message: message) }
            guard size <= Self.largest else {
                throw failure("what it includes has more than \(Self.largest >> 20) MiB", outermost ?? 1)
            }
            var lines: [Substring] = []
            for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
            {
                let place = outermost ?? index + 1
                guard let pattern = Self.pattern(in: line) else {
                    lines.append(line)
                    continue
                }
                guard let found = try directory.files(pattern, line: place) else {
                    guard !needsAll || Directory.hasWildcard(pattern) else {
                        throw failure(
                            "it includes \(pattern), which is not beside it, and the daemon does not start without it",
                            place)
                    }
                    lines.append(line)
                    continue
                }
                lines.append("\(Self.beginning)\(line.trimmed)")
                for file in found {
                    guard !names.contains(file.name) else {
                        throw failure("it includes itself (\(pattern))", place)
                    }
                    guard names.count < Self.deepest else {
                        throw failure("files include each other more than \(Self.deepest) deep", place)
                    }
                    lines.append("# \(file.name)")
                    let inner = try expand(file.text, names: names + [file.name], outermost: place)
                    lines.append(inner.last?.isNewline ?? false ? inner.dropLast() : inner[...])
                }
                lines.append("\(Self.end)")
            }
            return lines.joined(separator: "\n")
        }
        self.text = try expand(text, names: [name], outermost: nil)
    }

    /// What a line includes, where that is all it does: `include PATTERN`, in quotes and with a semicolon or not.
    private static func pattern(in line: Substring) -> String? {
        let code = line.trimmed
        guard code.hasPrefix("include"), let space = code.dropFirst(7).first, space.isWhitespace || space == "\"" else {
            return nil
        }
        var rest = code.dropFirst(7).prefix { $0 != "#" }.trimmed
        if rest.hasSuffix(";") { rest = rest.dropLast().trimmed }
        let pattern = rest.unquoted
        guard !pattern.isEmpty, !pattern.hasPrefix("="), !pattern.contains("\"") else { return nil }
        return pattern
    }

    /// Where what a file includes is looked for: the directory that the user's file is in.
    ///
    /// `include /etc/ipsec.d/azure.conf` is found as `etc/ipsec.d/azure.conf`, `ipsec.d/azure.conf` or `azure.conf`, a pattern such
    /// as `/etc/ipsec.d/*.conf` in the first two of these directories alone, for the user's own has more than was meant.
    public struct Directory {
        /// The names of the files in a directory below, or in itself (`.`).
        let names: (String) -> [String]
        /// The text of a file, by its path from there.
        let read: (String) throws -> String

        public init(names: @escaping (String) -> [String], read: @escaping (String) throws -> String) {
            self.names = names
            self.read = read
        }

        static func hasWildcard(_ pattern: some StringProtocol) -> Bool { pattern.contains { "*?[".contains($0) } }

        /// The files that a pattern names, in the order of their names; nil where there are none.
        func files(_ pattern: String, line: Int) throws(Failure) -> [(name: String, text: String)]? {
            let parts = pattern.split(separator: "/").filter { $0 != "." }
            guard let last = parts.last, !parts.contains(".."), !parts.dropLast().contains(where: Self.hasWildcard)
            else { return nil }
            for start in parts.indices {
                let parent = parts[start..<parts.endIndex - 1].joined(separator: "/")
                let prefix = parent.isEmpty ? "" : "\(parent)/"
                guard Self.hasWildcard(last) else {
                    if let text = try? read("\(prefix)\(last)") { return [("\(prefix)\(last)", text)] }
                    continue
                }
                guard !parent.isEmpty || start == 0 && !pattern.hasPrefix("/") else { continue }
                let found = names(parent.isEmpty ? "." : parent).filter { fnmatch(String(last), $0, FNM_PERIOD) == 0 }
                var files: [(name: String, text: String)] = []
                for name in found.sorted() {
                    do { files.append(("\(prefix)\(name)", try read("\(prefix)\(name)"))) } catch {
                        throw Failure(line: line, message: "the file \(prefix)\(name) cannot be read: \(error)")
                    }
                }
                if !files.isEmpty { return files }
            }
            return nil
        }
    }

    /// The line of a user's own file in which something is said that stands in a line of what it was put together to, both from 1.
    public static func line(_ line: Int, of text: String) -> Int { Lines(of: text)[line] }

    /// The lines of a text as those of the user's own file.
    struct Lines {
        /// Nil where both are the same.
        private let numbers: [Int]?

        init(of text: String) {
            guard text.contains(IncludedText.beginning) else {
                numbers = nil
                return
            }
            var depth = 0
            var number = 0
            numbers = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
                if line.hasPrefix(IncludedText.beginning) { depth += 1 }
                if depth == 0 || depth == 1 && line.hasPrefix(IncludedText.beginning) { number += 1 }
                if depth > 0, line == IncludedText.end { depth -= 1 }
                return number
            }
        }

        /// - Parameter line: Of the text, from 1.
        subscript(line: Int) -> Int {
            guard let numbers, numbers.indices.contains(line - 1) else { return line }
            return numbers[line - 1]
        }
    }
}
