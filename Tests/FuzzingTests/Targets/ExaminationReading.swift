import CaptureFile
import Expectations
import LabRecords
import NetworkTypes
import Recordings

/// A capture file of a lab, which the guest writes: looked through for what expectations and flows ask for.
enum ExaminationReading {
    static func read(_ bytes: [UInt8]) throws {
        let file = try MemoryFile(bytes)
        var examination = try CaptureExamination(
            topology: SmallLab.topology, expectations: SmallLab.topology.expectations, keepsPackets: true)
        do {
            try examination.read(file.descriptor)
        } catch is CaptureFileError {
            return
        }
        file.rewind()
        let trace = try FlowTrace(descriptor: file.descriptor, flows: [record], topology: SmallLab.topology)
        try require(
            trace.packets == examination.quality.packets,
            "\(trace.packets) packets and \(examination.quality.packets)")
        try judge(examination, file)
    }

    private static func judge(_ examination: CaptureExamination, _ file: borrowing MemoryFile) throws {
        let topology = SmallLab.topology
        let judge = Judge(
            plan: CheckPlan(topology: topology, expectations: topology.expectations),
            observation: Observation(steps: [], capture: nil), transfers: nil, examination: examination,
            labFile: "lab.yaml")
        file.rewind()
        let descriptor = file.descriptor
        let verdicts = try judge.verdicts { numbers in
            try PacketRecordReader.lines(of: numbers, descriptor: descriptor, associations: [])
        }
        try require(verdicts.count == topology.expectations.count, "\(verdicts.count) verdicts")
    }

    private static let record = FlowRecord(
        request: FlowRequest(
            name: "there", source: "west", sourceAddress: nil, destination: .v4(IPv4Address(rawValue: 0x0A02_0002)),
            interval: .seconds(1)),
        id: 7, identifier: 1, sentAtNanoseconds: [0, 1_000_000_000], roundTripNanoseconds: [-1, -1], duplicates: 0,
        reordered: 0, unsent: 0, localErrors: [])
}
