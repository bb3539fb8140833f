import AgentProtocol
import Expectations

extension RunningLab {
    func run(_ probe: ProbeRequest) async throws -> ProbeResult {
        throw LabFailure("Probes are not there yet.")
    }
}
