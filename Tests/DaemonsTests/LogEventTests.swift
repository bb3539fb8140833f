import Daemons
import LabRecords
import RoutingDaemons
import Testing

@Suite struct LogEventTests {
    /// The lab whose logs these are began at this date: 2026-11-21 08:48:37.526619 UTC.
    private static let start: Int64 = 1_795_250_917_526_619_000

    private func bird(_ name: String, sessions: Set<String> = ["main"]) throws -> [LabEvent] {
        BirdLog.events(
            try Fixture.text(name), node: "tgw", sessions: Dictionary(uniqueKeysWithValues: sessions.map { ($0, $0) }),
            realTimeOffset: Self.start)
    }

    private func pluto(_ name: String) throws -> [LabEvent] {
        PlutoLog.events(try Fixture.text(name), node: "tgw", realTimeOffset: Self.start)
    }

    private func said(_ events: [LabEvent]) -> [LabEvent.IKEEvent] {
        events.compactMap { if case .ike(_, let said, _) = $0.kind { said } else { nil } }
    }

    private func states(_ events: [LabEvent]) -> [String] {
        events.compactMap { event in
            guard case .session(_, let what) = event.kind else { return nil }
            if case .failed(let failure, let text) = what { return "\(text) (\(failure))" }
            return "\(what)"
        }
    }

    @Test func `A hold timer that ran out`() throws {
        let events = try bird("bird-tgw.log")
        #expect(
            states(events) == [
                "changing", "up", "Hold timer expired (holdTimer)", "stopping", "givingUpRoutes", "changing",
                "changing", "up",
                "Shutting down, by its operator (other)", "stopping", "givingUpRoutes", "changing", "changing",
            ])
        // 08:50:17.945 is so long after the start.
        #expect(events[2].nanoseconds == 100_418_381_000)
        #expect(events.allSatisfy { $0.node == "tgw" })
    }

    @Test func `A notification of the peer`() throws {
        #expect(states(try bird("bird-drg.log")).contains("the peer says: Administrative shutdown (notification)"))
        // Only the sessions asked for.
        #expect(try bird("bird-drg.log", sessions: ["other"]).isEmpty)
    }

    @Test func `Liveness from the first silence to the new tunnel`() throws {
        let events = try pluto("pluto-liveness.log")
        let established: [LabEvent.IKEEvent] = [.ikeEstablished, .childEstablished]
        #expect(
            said(events).filter { $0 != .other && $0 != .retransmission }.prefix(4) == [
                .peerDead, .peerDead, .deleted, .initiating,
            ])
        #expect(said(events).suffix(2) == established)
        #expect(said(events).filter { $0 == .retransmission }.count == 12)
        // 08:50:29.057378, to the microsecond.
        #expect(
            events.first { if case .ike(_, .peerDead, _) = $0.kind { true } else { false } }?.nanoseconds
                == 111_530_759_000)
    }

    /// The same, in the words of libreswan 5.2, and a renewal of the child SA.
    @Test func `A silent peer in the words of libreswan 5`() throws {
        let events = said(try pluto("pluto-peer-lost-5.2.log"))
        #expect(
            events.filter { $0 != .other && $0 != .retransmission } == [
                .ikeEstablished, .childEstablished, .peerDead, .deleted, .ikeEstablished, .childEstablished,
                .childRekeyed,
            ])
        #expect(events.filter { $0 == .retransmission }.count == 5)
    }

    @Test func `A delete of the peer`() throws {
        #expect(
            try said(pluto("pluto-deleted-by-peer.log")) == [
                .deleted, .other, .initiating, .ikeEstablished, .childEstablished,
            ])
    }

    @Test func `A wrong key`() throws {
        let events = try said(pluto("pluto-refused.log"))
        #expect(events.filter { $0 == .refused } == [.refused])
        #expect(events.first == .deleted && !events.contains(.ikeEstablished))
    }

    @Test func `Rekeying`() throws {
        let events = try said(pluto("pluto-rekeys.log"))
        #expect(events.filter { $0 == .childRekeyed }.count == 1 && events.filter { $0 == .ikeRekeyed }.count == 1)
        #expect(events.filter { $0 == .deleted }.count == 3)
        #expect(!events.contains(.childEstablished) && !events.contains(.ikeEstablished))
    }

    /// pluto's lines have no year: a lab that runs over New Year's Eve goes on in the next.
    @Test func `New year`() {
        let text = """
            Dec 31 23:59:59.500000: "main" #1: initiating IKEv2 connection
            Jan  1 00:00:00.500000: "main" #1: initiator established IKE SA; authenticated peer
            Feb 29 00:00:00.500000: "main" #2: initiator established Child SA using #1
            """
        // 2027-12-31 23:59:59 UTC; 2028 is a leap year.
        let events = PlutoLog.events(text, node: "a", realTimeOffset: 1_830_297_599_000_000_000)
        #expect(events.map(\.nanoseconds) == [500_000_000, 1_500_000_000, 59 * 86_400_000_000_000 + 1_500_000_000])
    }

    @Test func `Connections with instances`() {
        let text =
            "Nov 21 08:50:29.000001: \"roadwarrior\"[2] 192.0.2.1 #7: responder rekeyed Child SA #6 using #5; IPsec"
        let events = PlutoLog.events(text, node: "a", realTimeOffset: Self.start)
        #expect(
            events.map(\.kind) == [
                .ike(connection: "roadwarrior", .childRekeyed, text: "responder rekeyed Child SA #6 using #5; IPsec")
            ])
    }

    /// No cut and no flipped byte makes a parser do more than leave something out.
    @Test(arguments: ["bird-tgw.log", "pluto-liveness.log", "pluto-rekeys.log"]) func `Damaged text`(name: String)
        throws
    {
        let bytes = Array(try Fixture.text(name).utf8)
        let whole = try bird(name).count + pluto(name).count
        #expect(whole > 0)
        for index in stride(from: 0, to: bytes.count, by: 101) {
            let cut = String(decoding: bytes[..<index], as: UTF8.self)
            var damaged = bytes
            damaged[index] ^= 0x15
            for text in [cut, String(decoding: damaged, as: UTF8.self)] {
                let found =
                    BirdLog.events(text, node: "a", sessions: ["main": "main"], realTimeOffset: Self.start).count
                    + PlutoLog.events(text, node: "a", realTimeOffset: Self.start).count
                // A line end that is flipped in may make two of one.
                #expect(found <= whole + 1)
            }
        }
    }

    @Test func `BIRD's complaints are its last errors of a session`() throws {
        let text = try Fixture.text("bird-drg.log")
        #expect(
            Bird().complaints(in: text, about: "main") == [
                "main: Received: Administrative shutdown", "main: Error: Hold timer expired",
            ])
        #expect(Bird().complaints(in: text, about: "other").isEmpty)
    }

    @Test func `charon's complaints are forgiven by a child SA, and nobody's are told in any case`() {
        let refused = """
            2026-11-21T12:00:00.100 05[IKE] <main|1> initiating IKE_SA main[1] to 203.0.113.2
            2026-11-21T12:00:00.108 05[IKE] <main|1> received NO_PROPOSAL_CHOSEN notify error
            2026-11-21T12:00:00.108 05[IKE] <other|2> received AUTHENTICATION_FAILED notify error
            2026-11-21T12:00:00.109 05[IKE] <3> no IKE config found for 203.0.113.2...198.51.100.2, sending NO_PROPOSAL_CHOSEN
            2026-11-21T12:00:01.108 05[IKE] <main|4> received NO_PROPOSAL_CHOSEN notify error
            """
        #expect(
            StrongSwan().complaints(in: refused, about: "main") == [
                "no IKE config found for 203.0.113.2...198.51.100.2, sending NO_PROPOSAL_CHOSEN",
                "received NO_PROPOSAL_CHOSEN notify error",
            ])
        let up =
            refused
            + "\n2026-11-21T12:00:02.108 05[IKE] <main|5> CHILD_SA main{1} established with SPIs c168e3a8_i c44f6897_o and TS 0.0.0.0/0 === 0.0.0.0/0"
        #expect(StrongSwan().complaints(in: up, about: "main").isEmpty)
    }

    @Test func `charon's refusals come with what was offered, and its repetitions count until they are answered`() {
        let asked = """
            2026-11-21T12:00:04.100 13[IKE] <main|1> retransmit 1 of request with message ID 0
            2026-11-21T12:00:11.300 14[IKE] <main|1> retransmit 2 of request with message ID 0
            """
        let complaints = { StrongSwan().complaints(in: $0, about: "main") }
        #expect(complaints(asked) == ["retransmit 2 of request with message ID 0"])
        let answered =
            asked + """

                2026-11-21T12:00:11.308 15[ENC] <main|1> parsed IKE_SA_INIT response 0 [ N(NO_PROP) ]
                2026-11-21T12:00:11.308 15[IKE] <main|1> received NO_PROPOSAL_CHOSEN notify error
                """
        #expect(complaints(answered) == ["received NO_PROPOSAL_CHOSEN notify error"])
        let refusing = """
            2026-11-21T12:00:00.104 13[CFG] <1> received proposals: IKE:CAMELLIA_CBC_256/PRF_HMAC_SHA2_256/MODP_2048
            2026-11-21T12:00:00.104 13[CFG] <1> configured proposals: IKE:AES_CBC_256/PRF_HMAC_SHA2_256/MODP_2048
            2026-11-21T12:00:00.104 13[IKE] <1> received proposals unacceptable
            2026-11-21T12:00:09.104 13[IKE] <main|2> traffic selectors 10.1.0.0/16 === 10.2.0.0/16 unacceptable
            """
        #expect(
            complaints(refusing) == [
                "received proposals: IKE:CAMELLIA_CBC_256/PRF_HMAC_SHA2_256/MODP_2048",
                "configured proposals: IKE:AES_CBC_256/PRF_HMAC_SHA2_256/MODP_2048", "received proposals unacceptable",
                "traffic selectors 10.1.0.0/16 === 10.2.0.0/16 unacceptable",
            ])
    }
}
