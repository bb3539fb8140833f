import ConfigurationFormats
import Glibc
import YAMLReading

// What a user's own configuration includes, found beside the lab file.
extension TopologyResolver {
    /// The text of a user's configuration with what it includes, as far as that lies beside the lab file; nil where it cannot be had,
    /// which is reported.
    ///
    /// `include /etc/ipsec.d/azure.conf` is looked for as `etc/ipsec.d/azure.conf`, `ipsec.d/azure.conf` and `azure.conf`; a pattern such
    /// as `/etc/ipsec.d/*.conf` in those directories alone. What is not found stays as it is written.
    ///
    /// - Parameter needsAll: Whether the daemon does not start without a file that is included by its name.
    func configuration(_ name: Located<String>, place: String, needsAll: Bool = false) -> String? {
        guard let text = companion(name, place: place) else { return nil }
        do {
            return try IncludedText(text, name: name.value) { pattern, line throws(IncludedText.Failure) in
                let found = try includedFiles(pattern, line: line)
                if found == nil, needsAll, !Self.hasWildcard(pattern) {
                    throw IncludedText.Failure(
                        line: line,
                        message:
                            "it includes \(pattern), which is not beside the lab file, and the daemon does not start without it"
                    )
                }
                return found
            }.text
        } catch {
            collector.error(
                name.line, "\(place): \(name.value), line \(error.line): \(error.message)",
                "Put what it includes beside the lab file, each file once, or write it into \(name.value).")
            return nil
        }
    }

    private static func hasWildcard(_ pattern: some StringProtocol) -> Bool { pattern.contains { "*?[".contains($0) } }

    /// The files beside the lab file that a pattern names, in the order of their names; nil where there are none.
    private func includedFiles(
        _ pattern: String, line: Int
    ) throws(IncludedText.Failure) -> [(name: String, text: String)]? {
        let parts = pattern.split(separator: "/").filter { $0 != "." }
        guard let last = parts.last, !parts.contains(".."), !parts.dropLast().contains(where: Self.hasWildcard) else {
            return nil
        }
        for start in parts.indices {
            let directory = parts[start..<parts.endIndex - 1].joined(separator: "/")
            let isElsewhere = start > 0 || pattern.hasPrefix("/")
            guard Self.hasWildcard(last) else {
                let path = directory.isEmpty ? String(last) : "\(directory)/\(last)"
                if let text = try? file.companion(path) { return [(path, text)] }
                continue
            }
            // The lab's own directory has more than the one that was meant.
            guard !directory.isEmpty || !isElsewhere else { continue }
            let names = file.companionNames(directory.isEmpty ? "." : directory)
                .filter { fnmatch(String(last), $0, FNM_PERIOD) == 0 }.sorted()
            var files: [(name: String, text: String)] = []
            for name in names {
                let path = directory.isEmpty ? name : "\(directory)/\(name)"
                do {
                    files.append((path, try file.companion(path)))
                } catch {
                    throw IncludedText.Failure(line: line, message: "the file \(path) cannot be read: \(error)")
                }
            }
            if !files.isEmpty { return files }
        }
        return nil
    }
}
