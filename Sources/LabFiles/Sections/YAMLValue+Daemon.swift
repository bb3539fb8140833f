import DaemonProfiles
import Daemons
import LabModel
import YAMLReading

extension YAMLValue {
    /// One of some daemons, by what lab files call it.
    func daemon<Daemon>(among daemons: [Daemon], noun: String) -> Daemon? {
        guard let text = text("one of the \(noun)") else { return nil }
        let profiles = daemons.compactMap { $0 as? any DaemonProfile }
        if let place = profiles.firstIndex(where: { $0.keyword == text.value }) { return daemons[place] }
        collector.error(
            line, "\(path): \"\(text.value)\" is not one of the \(noun)",
            Suggestion.remedy(for: text.value, among: profiles.map(\.keyword), noun: noun))
        return nil
    }
}
