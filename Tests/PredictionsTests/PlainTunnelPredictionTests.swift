import Foundation
import LabFiles
import LabModel
import Predictions
import Testing

/// Faults in a lab whose tunnels go through each other and negotiate nothing.
@Suite struct PlainTunnelPredictionTests {
    private static func lab(_ variant: String? = nil, of name: String = "aws-ipip6") throws -> Topology {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Labs/\(name)/lab.yaml")
        return try LabFile(text: String(contentsOf: file, encoding: .utf8), file: "lab.yaml", variant: variant) { _ in
            ""
        }.resolve().topology
    }

    @Test(arguments: [
        // Every link below, seen from the inner packet: nobody notices, and routes are static.
        ("blackhole core", "untilHealed"), ("blackhole access from router", "untilHealed"),
        ("blackhole direct-connect", "untilHealed"), ("link gateway-subnet down", "untilHealed"),
        ("node aws-router down", "untilHealed"), ("source-destination-check gateway on", "untilHealed"),
        ("drop icmp on ipip6", "untilHealed"),
        // A ping needs none of these; conversations that the fabric knows go on.
        ("drop frag-needed on access", "none"), ("drop esp on core", "none"),
        ("security gateway without 172.16.0.2/32 6in4", "none"), ("mtu router tun1 1300", "none"),
        ("delay core 20ms", "degraded"),
    ])
    func `An outage lasts until it is healed`(_ fault: String, _ kind: String) throws {
        for probe in ["site-to-web", "web-to-site"] {
            let prediction = try PredictedLab.predict(fault, for: probe, in: Self.lab())
            #expect(prediction.effect.kind == kind, "\(probe): \(prediction)")
            #expect(prediction.before == Prediction.Way(forth: ["ipip6"], back: ["ipip6"]))
        }
    }

    /// Where nothing is lost, nothing depends on when WireGuard's ends agree on keys again.
    @Test(arguments: [
        ("link line down", "six", true), ("link line down", "app", false), ("drop udp on a-wan", "app", true),
        ("drop esp on a-wan", "app", false), ("drop icmp on wide", "app", true), ("delay line 20ms", "six", true),
        ("delay line 20ms", "app", false), ("node b-gw rebooted", "app", true),
    ])
    func `WireGuard's handshakes are not computed`(_ fault: String, _ probe: String, _ isUnknown: Bool) throws {
        let prediction = try PredictedLab.predict(fault, for: probe, in: Self.lab(of: "wireguard"))
        if isUnknown {
            guard case .unpredictable(let why) = prediction.effect else {
                Issue.record("\(prediction)")
                return
            }
            #expect(why.contains("WireGuard's handshakes"), "\(why)")
        } else {
            #expect(prediction.effect.kind == "none", "\(prediction)")
        }
    }

    /// Over IPsec the wire shows ESP; without it, UDP.
    @Test(arguments: [
        ("drop udp on line", "six", "untilHealed"),
        ("drop esp on a-wan", "app", "untilHealed"), ("drop esp on line", "six", "none"),
        ("drop icmp on overlay", "app", "untilHealed"), ("drop icmp on line", "six", "none"),
        ("drop udp on overlay", "app", "none"), ("delay line 20ms", "six", "degraded"),
        ("link line down", "six", "untilHealed"),
        ("link line down", "app", "none"),
    ])
    func `VXLAN is lost with what carries it`(_ fault: String, _ probe: String, _ kind: String) throws {
        let prediction = try PredictedLab.predict(fault, for: probe, in: Self.lab(of: "vxlan-ipsec"))
        #expect(prediction.effect.kind == kind, "\(prediction)")
    }

    @Test(arguments: [
        ("no-protocol-4", "web-to-site", "the filter of router at lan2 lets in no such packet"),
        ("no-protocol-41", "site-to-web", "no security rule of gateway lets in what comes from 172.16.0.2"),
        ("no-router-list", "site-to-web", "aws-router is not in the potential router list of gateway"),
    ])
    func `What is missing is named`(_ variant: String, _ probe: String, _ reason: String) throws {
        let prediction = try PredictedLab.predict("delay core 20ms", for: probe, in: Self.lab(variant))
        guard case .unpredictable(let why) = prediction.effect else {
            Issue.record("\(prediction)")
            return
        }
        #expect(why.contains(reason), "\(why)")
    }
}
