import Daemons
import Foundation
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Testing

/// Gateways that forget their translations, and tunnels whose end is behind them.
@Suite("Port translation")
struct PortTranslationTests {
    private static let file = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/shared-address/lab.yaml")

    private static func lab(_ changes: (String, String)...) throws -> Topology {
        var text = try String(contentsOf: file, encoding: .utf8)
        for (old, new) in changes {
            try #require(text.contains(old))
            text = text.replacing(old, with: new)
        }
        return try PredictedLab.resolve(text)
    }

    private static let libreswanHub = (
        "hub: {cloud: cloud, role: router, ike: strongswan,", "hub: {cloud: cloud, role: router,"
    )
    /// What the carrier's outside interface lets in that nobody inside has asked for: nothing.
    private static let filtered = ("role: internet-gateway", "role: internet-gateway\n    filter: {wan: []}")

    /// From the site the probe's own next packet makes the translation anew. From the cloud the end behind it has to speak: strongSwan asks
    /// after 10 s and one for whole seconds, libreswan after twice 10 s at the latest.
    @Test(arguments: ["nat carrier flushed", "nat home flushed"])
    func `A peer that heeds new ports is back with the next packet`(fault: String) throws {
        let lab = try Self.lab()
        let latest = { (probe: String) in try PredictedLab.predict(fault, for: probe, in: lab).outage?.last }
        #expect(try (40...100).contains(#require(try latest("a"))) && (40...100).contains(#require(try latest("b"))))
        #expect(try (11_000...11_200).contains(#require(try latest("to-a"))))
        #expect(try (20_000...20_200).contains(#require(try latest("to-b"))))
        let reasons = try PredictedLab.predict(fault, for: "to-a", in: lab).reasons.joined(separator: "\n")
        #expect(reasons.contains("does not know for which node behind it packets of a are"), "\(reasons)")
        #expect(reasons.contains("strongSwan at hub then sends to the new one"), "\(reasons)")
        #expect(reasons.contains("a-gw hears nothing more from there and asks whether its peer lives"), "\(reasons)")
    }

    /// libreswan sends ESP where it did, so that it matters who is first.
    @Test func `A peer that does not heed new ports is not computed`() throws {
        let lab = try Self.lab(Self.libreswanHub)
        for probe in ["a", "b", "to-a", "to-b"] {
            let prediction = try PredictedLab.predict("nat carrier flushed", for: probe, in: lab)
            guard case .unpredictable(let doubt) = prediction.effect else {
                Issue.record("\(prediction)")
                continue
            }
            #expect(doubt.contains("libreswan goes on sending ESP to the port that it knew"), "\(doubt)")
        }
    }

    /// With a filter that drops what nobody has asked for the port stays, unless another end wants the same.
    @Test func `A filter keeps the port`() throws {
        let both = try Self.lab(Self.libreswanHub, Self.filtered)
        #expect(try PredictedLab.predict("nat carrier flushed", for: "a", in: both).effect.kind == "unpredictable")
        let port = try String(
            contentsOf: Self.file.deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "port-translation/lab.yaml"), encoding: .utf8)
        for (filter, kind) in [("", "unpredictable"), ("\n    filter: {wan: []}", "moment")] {
            let text = port.replacing("ike: strongswan, ", with: "").replacing(
                "role: internet-gateway", with: "role: internet-gateway\(filter)")
            let lab = try PredictedLab.resolve(text)
            let prediction = try PredictedLab.predict("nat router flushed", for: "app", in: lab)
            #expect(prediction.effect.kind == kind, "\(prediction)")
        }
    }

    @Test func `An end that says nothing by itself, or is given up first, is not computed`() throws {
        let mute = try Self.lab(("    dpd: {delay: 10s, timeout: 60s}\n", ""))
        #expect(try PredictedLab.predict("nat home flushed", for: "to-a", in: mute).effect.kind == "unpredictable")
        #expect(try PredictedLab.predict("nat home flushed", for: "a", in: mute).effect.kind == "moment")
        let hasty = try Self.lab(("timeout: 60s", "timeout: 20s"))
        #expect(try PredictedLab.predict("nat home flushed", for: "to-a", in: hasty).effect.kind == "unpredictable")
    }

    @Test func `A gateway that forgets sooner than keep-alives come is not computed`() throws {
        let lab = try Self.lab(("udp-stream: 60s", "udp-stream: 20s"))
        let prediction = try PredictedLab.predict("link b-lan down", for: "a", in: lab)
        guard case .unpredictable(let doubt) = prediction.effect else {
            Issue.record("\(prediction)")
            return
        }
        #expect(doubt.contains("carrier forgets who has a after a silence of 20s"), "\(doubt)")
    }

    /// Nobody behind the gateway notices what it forgets of others.
    @Test func `A tunnel that is not behind it goes on`() throws {
        let lab = try PredictedLab.awsOci()
        #expect(try PredictedLab.predict("nat aws-igw flushed", for: "workload", in: lab).effect.kind == "none")
        #expect(
            try PredictedLab.predict("nat aws-igw flushed", for: "backup-inside", in: lab).effect.kind == "degraded")
    }
}
