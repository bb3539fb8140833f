import Foundation
import HeaderStacks
import LabModel
import Testing

/// AWS's table of MTUs by algorithm, as `Labs/providers/aws.yaml` has it, is what ESP's arithmetic gives.
@Suite struct ProviderAdviceTests {
    private static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/providers/aws.yaml")

    @Test func `AWS advises what fits`() throws {
        let text = try String(contentsOf: Self.file, encoding: .utf8)
        let rows = text.matches(
            of: #/\{cipher: ([a-z0-9-]+)(?:, integrity: ([a-z0-9-]+))?(?<natT>, nat-t: yes)?, mtu: ([0-9]+)\}/#)
        #expect(rows.count == 10)
        for row in rows {
            let cipher = try #require(Cipher(rawValue: String(row.1)))
            let integrity = try row.2.map { try #require(IntegrityAlgorithm(rawValue: String($0))) }
            let encapsulation = ESPEncapsulation(
                transform: try ESPOverhead(cipher: cipher, integrity: integrity), family: .ipv4,
                isUDPEncapsulated: row.natT != nil)
            #expect(encapsulation.largestInner(within: 1500) == Int(row.4), "\(row.0)")
        }
    }
}
