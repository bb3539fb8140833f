import AgentProtocol
import LabModel

extension RunningLab {
    var activeFaults: [ActiveFault] { [] }

    func fail(_ faults: [Fault], for duration: Duration?) async throws -> [ActiveFault] { activeFaults }

    func heal(_ faults: [Fault]?) async throws -> [ActiveFault] { activeFaults }
}
