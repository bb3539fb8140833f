import DaemonProfiles
import Daemons
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Reporting
import Testing

@Suite struct PredictionReportTests {
    private let main = Prediction.Way(forth: ["main"], back: ["main"])

    /// Two nodes with a tunnel, and no routing daemon.
    private static func lab(_ daemon: String) throws -> Topology {
        let text = """
            name: two
            nodes:
              a: {role: router, ike: \(daemon)}
              b: {role: router, ike: \(daemon)}
            links:
              ab: {ends: {a:b: 10.0.0.1/24, b:a: 10.0.0.2/24}}
            tunnels:
              main:
                psk: secret-of-the-tunnel
                ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20}
                esp: {encryption: aes-256-gcm-16}
                ends:
                  a: {address: 10.0.0.1, interface: vpn, inside: 169.254.1.1/30}
                  b: {address: 10.0.0.2, interface: vpn, inside: 169.254.1.2/30}
            """
        return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    @Test func `It names the daemons that the lab runs and no others`() throws {
        let report = PredictionReport(
            of: try Self.lab("strongswan"), faults: [.nodeDown("a")], versions: .measured, predictions: [])
        #expect(report.text(style: .plain).hasPrefix("two: node a down  (strongSwan 5.9.8)\n"))
    }

    @Test func `Figures of another version are said to be`() throws {
        let versions = DaemonVersions([.charon: DaemonVersion(major: 6, minor: 0, patch: 1)])
        let caveat = "strongSwan is 6.0.1 here, and its figures were measured with 5.9.8: the windows may be others."
        let text = { (daemon: String) in
            PredictionReport(
                of: try Self.lab(daemon), faults: [.nodeDown("a")], versions: versions, predictions: []
            ).text(style: .plain)
        }
        #expect(try text("strongswan").hasSuffix(caveat))
        // The other daemon is as it was measured, whatever strongSwan is.
        #expect(try !text("libreswan").contains("measured"))
    }

    private func prediction(_ probe: String, _ effect: Prediction.Effect, reasons: [String]) -> Prediction {
        Prediction(
            fault: "f", probe: probe, effect: effect, comeback: Window(.zero, .seconds(16)), before: main,
            during: Prediction.Way(forth: ["main", "b"], back: []), reasons: reasons)
    }

    @Test func `A table and the reasons`() throws {
        let report = PredictionReport(
            of: try Self.lab("libreswan"), faults: [.nodeDown("f")], versions: .measured,
            predictions: [
                prediction("a", .outage(Window(.milliseconds(12_500), .seconds(33))), reasons: ["one.", "two."]),
                prediction("b", .outage(Window(.milliseconds(12_500), .seconds(33))), reasons: ["one.", "two."]),
                prediction("c", .unpredictable("why not"), reasons: ["three."]),
            ])
        #expect(
            report.text(style: .plain) == """
                two: node f down  (libreswan 4.10)

                PROBE  EFFECT                  OUTAGE        COMEBACK   BEFORE  DURING
                a      outage                  12.5s to 33s  0s to 16s  main    main+b / no tunnel
                b      outage                  12.5s to 33s  0s to 16s  main    main+b / no tunnel
                c      unpredictable: why not  -             0s to 16s  main    main+b / no tunnel

                a, b
                  - one.
                  - two.

                c
                  - three.
                """)
    }

    @Test func `A window that says nothing is warned of`() throws {
        let wide = prediction("a", .outage(Window(.zero, .seconds(100))), reasons: [])
        let report = PredictionReport(
            of: try Self.lab("libreswan"), faults: [.nodeDown("f")], versions: .measured, predictions: [wide])
        #expect(report.text(style: .plain).hasSuffix("The window of a is too wide to prove anything."))
        #expect(try JSONText.of(report).contains("\"say_nothing\" : [\n    \"a\"\n  ]"))
    }
}
