import Foundation
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Testing

/// Certificates that are revoked, or valid for a time.
@Suite("Predictions of certificates")
struct CertificatePredictionTests {
    private static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/certificates/lab.yaml")

    private static func lab(_ change: (String) -> String = { $0 }) throws -> Topology {
        try PredictedLab.resolve(change(String(contentsOf: file, encoding: .utf8)))
    }

    @Test(arguments: ["hq-gw", "branch-gw"])
    func `A revoked certificate keeps its tunnel down, and no other one`(node: String) throws {
        let lab = try Self.lab()
        let fault = try Fault("certificate office revoked at \(node)", in: lab)
        #expect(fault == .mismatch(tunnel: "office", .revoked, node: node) && !fault.isMomentary)
        let prediction = try PredictedLab.predict(fault.description, for: "to-branch", in: lab)
        #expect(prediction.effect.kind == "untilHealed" && prediction.comeback != nil)
        #expect(prediction.reasons.contains { $0.contains("a certificate that the lab's CA has revoked") })
        #expect(try PredictedLab.predict(fault.description, for: "to-plant", in: lab).effect.kind == "none")
    }

    @Test func `What cannot be revoked says why`() throws {
        let lab = try Self.lab()
        let named = #expect(throws: FaultError.self) { try Fault("certificate works revoked", in: lab) }
        #expect(named?.description.contains("O=certificates, OU=works, CN=hq-gw") ?? false)
        let keyed = #expect(throws: FaultError.self) {
            try Fault("certificate main revoked", in: PredictedLab.awsOci())
        }
        #expect(keyed?.description.contains("no certificate at tgw that the lab's own CA has signed") ?? false)
    }

    /// A prediction does not know how old the lab is.
    @Test func `Whether a certificate is still valid then is not computed`() throws {
        let lab = try Self.lab {
            $0.replacing("identity: branch.example.net}", with: "identity: branch.example.net, valid: 1h}")
        }
        let restarted = try PredictedLab.predict("daemon hq-gw/pluto restarted", for: "to-branch", in: lab)
        guard case .unpredictable(let doubt) = restarted.effect else {
            Issue.record("\(restarted)")
            return
        }
        #expect(doubt.contains("the certificate of branch-gw is valid for 1h"), "\(doubt)")
        let cut = try PredictedLab.predict("link branch-wan down", for: "to-branch", in: lab)
        #expect(cut.effect.kind == "untilHealed" && cut.comeback == nil, "\(cut)")
        #expect(
            cut.reasons.contains { $0.contains("When it comes back is not computed: office has to authenticate anew") })
        // Without a time there is one.
        let usual = try PredictedLab.predict("daemon hq-gw/pluto restarted", for: "to-branch", in: Self.lab())
        #expect(usual.effect.window != nil, "\(usual)")
    }
}
