import AgentProtocol
import Expectations

extension RunningLab {
    /// - Parameter progress: Called with the lab's time now and then.
    func play(
        _ script: Script, file: String, progress: @escaping @Sendable (LabTime) -> Void
    ) async throws -> ScriptRecord {
        throw LabFailure("Scripts are not played yet.")
    }
}
