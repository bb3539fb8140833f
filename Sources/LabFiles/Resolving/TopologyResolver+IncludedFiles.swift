import ConfigurationFormats
import YAMLReading

// What a user's own configuration includes, found beside the lab file.
extension TopologyResolver {
    /// The text of a user's configuration with what it includes, as far as that lies beside the lab file; nil where it cannot be had,
    /// which is reported.
    ///
    /// - Parameter needsAll: Whether the daemon does not start without a file that is included by its name.
    func configuration(_ name: Located<String>, place: String, needsAll: Bool = false) -> String? {
        guard let text = companion(name, place: place) else { return nil }
        do {
            let directory = IncludedText.Directory(names: file.companionNames, read: file.companion)
            return try IncludedText(text, name: name.value, in: directory, needsAll: needsAll).text
        } catch {
            collector.error(
                name.line, "\(place): \(name.value), line \(error.line): \(error.message)",
                "Put what it includes beside the lab file, each file once, or write it into \(name.value).")
            return nil
        }
    }
}
