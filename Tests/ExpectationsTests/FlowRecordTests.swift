import Foundation
import LabRecords
import NetworkTypes
import Testing

@Suite struct FlowRecordTests {
    /// The shape of a day: sent on time but for some nanoseconds, answered in about the same time, some lost.
    private func record(_ count: Int64) -> FlowRecord {
        let request = FlowRequest(
            name: "workload", source: "a", sourceAddress: nil, destination: .v4(IPv4Address(rawValue: 0x0A00_0001)),
            interval: .seconds(1))
        return FlowRecord(
            request: request, id: 7, identifier: 9,
            sentAtNanoseconds: (0..<count).map { 2_000_000_000 + $0 * 1_000_000_000 + ($0 % 3) * 256 },
            roundTripNanoseconds: (0..<count).map { $0 % 50 == 49 ? -1 : 3_011_000 + $0 % 7 }, duplicates: 1,
            reordered: 2,
            unsent: 3, localErrors: ["no route"])
    }

    @Test(arguments: [0, 1, 2, 500] as [Int64])
    func `Comes back as it was`(count: Int64) throws {
        let whole = record(count)
        #expect(try JSONDecoder().decode(FlowRecord.self, from: JSONEncoder().encode(whole)) == whole)
    }

    @Test func `A million requests fit into one message`() throws {
        // 16 MB is what a frame may have; the rest of a record is small.
        #expect(try JSONEncoder().encode(record(100_000)).count < 1_400_000)
    }
}
