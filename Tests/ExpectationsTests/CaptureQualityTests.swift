import CaptureFile
import Expectations
import Testing

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east

@Suite("What a capture with gaps proves")
struct CaptureQualityTests {
    private static let expectations = """
        form: {encapsulation: [there, back], in: plain, on: wire}
        secret: {confidentiality: [there, back, inside], allow: [arp, ike]}
        """

    struct Gap: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let doubt: String
        let make: @Sendable (inout SyntheticCapture) -> Void
    }

    static let gaps = [
        Gap(testDescription: "dropped packets", doubt: "3 packets are missing from the capture") {
            $0.dropped = ["igw:lan": 1, "gw1:wan": 2]
        },
        Gap(testDescription: "a file that breaks off", doubt: "the capture file breaks off after") {
            $0.missingBytes = 10
        },
        Gap(testDescription: "a packet kept in part", doubt: "packets are not whole in the capture") { capture in
            capture.change(lastAt: "gw1:wan") { record in
                record.originalLength = record.bytes.count
                record.bytes.removeLast(40)
            }
        },
    ]

    @Test(arguments: gaps)
    func `It proves nothing right`(_ gap: Gap) throws {
        var capture = try SyntheticCapture.ordinary()
        gap.make(&capture)
        for isLive in [true, false] {
            let verdicts = try JudgedLab.verdicts(expecting: Self.expectations, of: capture, isLive: isLive)
            for name in ["form", "secret"] {
                let verdict = try #require(verdicts[name])
                #expect(verdict.outcome == .inconclusive)
                #expect(verdict.seen.contains(gap.doubt), "\(verdict.seen)")
            }
        }
    }

    @Test(arguments: gaps)
    func `What is wrong stays wrong`(_ gap: Gap) throws {
        var capture = try SyntheticCapture.ordinary()
        capture.add(Packets.ethernet(Packets.echo(west, east, sequence: 9)), at: "gw1:wan")
        try capture.send(Packets.echo(west, east, sequence: 10), .plainEast)
        gap.make(&capture)
        let verdicts = try JudgedLab.verdicts(expecting: Self.expectations, of: capture)
        #expect(verdicts["form"]?.outcome == .fail)
        #expect(verdicts["form"]?.seen == "1 packet in clear")
        #expect(verdicts["secret"]?.outcome == .fail)
    }

    @Test(arguments: gaps)
    func `What is missing is not held against what is there`(_ gap: Gap) throws {
        var capture = try SyntheticCapture.ordinary()
        try capture.send(Packets.echo(west, east, sequence: 9), .plainEast, entered: nil)
        try capture.send(Packets.echo(west, east, sequence: 10), .plainEast)
        let whole = try JudgedLab.verdicts(expecting: Self.expectations, of: capture)
        #expect(whole["form"]?.outcome == .fail)
        gap.make(&capture)
        let verdicts = try JudgedLab.verdicts(expecting: Self.expectations, of: capture)
        #expect(verdicts["form"]?.outcome == .inconclusive)
        #expect(verdicts["form"]?.seen.hasPrefix("1 packet that never entered the tunnel, but ") == true)
    }

    @Test(arguments: gaps)
    func `A probe that was not seen may be missing`(_ gap: Gap) throws {
        var capture = try SyntheticCapture.ordinary()
        gap.make(&capture)
        let verdict = try JudgedLab.verdict(
            expecting: "one: {encapsulation: [there, inside], in: plain, on: wire}", of: capture)
        #expect(verdict.outcome == .inconclusive)
        #expect(verdict.seen.hasPrefix("no packet of inside crossed that way, but "))
    }

    @Test
    func `A file that ends within its first packet`() throws {
        var capture = SyntheticCapture()
        capture.add(Packets.arp, at: "gw1:wan")
        // The packet's block has 32 bytes around it, the statistics' after it 48 with padding.
        capture.missingBytes = 60
        let topology = try JudgedLab.topology(expecting: Self.expectations)
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, keepsPackets: false)
        try capture.written().reading { try examination.read($0) }
        #expect(examination.quality.doubt == "the capture file breaks off after 0 packets")
    }

    @Test
    func `What is no capture file is an error`() throws {
        let topology = try JudgedLab.topology(expecting: Self.expectations)
        let file = try ScratchCapture()
        try file.replace(Array("this is no capture file, but long enough for one".utf8))
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, keepsPackets: false)
        #expect(throws: CaptureFileError.self) { try file.reading { try examination.read($0) } }
    }
}
