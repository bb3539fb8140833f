import AgentProtocol
import Netlink
import NetworkTypes
import Testing

@testable import LabRecords
@testable import LabRuntime
@testable import Probing

extension ProbeTests {
    @Suite(.serialized) struct PathMTU {
        private func search(
            _ lab: ProbeLab, limit: Int? = nil, to destination: String = "10.2.0.10"
        ) async throws -> PathMTUResult {
            let result = try await lab.run(.pathMTU(limit: limit, tries: 2, timeout: .seconds(1)), to: destination)
            guard case .pathMTU(let found) = result.outcome else { throw LabFailure("not a path MTU: \(result)") }
            return found
        }

        private func one(_ lab: ProbeLab, length: Int, dontFragment: Bool) async throws -> OneEchoResult {
            let result = try await lab.run(.oneEcho(length: length, dontFragment: dontFragment, timeout: .seconds(1)))
            guard case .oneEcho(let found) = result.outcome else { throw LabFailure("not one echo: \(result)") }
            return found
        }

        @Test(arguments: [(1400, "10.2.0.10"), (1281, "10.2.0.10"), (1400, "fd00:2::10"), (1283, "fd00:2::10")])
        func `It is found to the byte and who said so is recorded`(mtu: Int, destination: String) async throws {
            try await ProbeLab.with(farMTU: mtu) { lab in
                let found = try await search(lab, to: destination)
                #expect(found.bytes == mtu)
                #expect(found.boundary == .notice)
                #expect(found.tooBigNotices.map(\.mtu) == [mtu, mtu])
                #expect(found.tooBigNotices.map(\.quotedLength) == [1500, mtu + 1])
                #expect(
                    found.tooBigNotices.first?.from == IPAddress(destination.contains(":") ? "fd00:1::1" : "10.1.0.1"))
                #expect(found.attempts.count == 4)
            }
        }

        @Test func `The kernel learns nothing from it and what the kernel knows is not believed`() async throws {
            try await ProbeLab.with { lab in
                _ = try await search(lab)
                #expect(!(try await lab.command("here", "ip", "route", "show", "cache").contains("mtu")))
                // A server that announces more than the link before it takes.
                try await lab.setMTU(1500, at: "there", "eth0")
                _ = try await lab.run(.bulk(bytes: 100_000, port: 5001, deadline: .seconds(60)))
                #expect(try await lab.command("here", "ip", "route", "show", "cache").contains("mtu 1400"))
                // The path grows, which the kernel does not know for ten minutes.
                try await lab.setMTU(1450, at: "middle", "far")
                #expect(try await search(lab).bytes == 1450)
            }
        }

        @Test func `Without the messages it is found too and named a black hole`() async throws {
            try await ProbeLab.with { lab in
                try await lab.filter(
                    "middle", hook: "output", "icmp type destination-unreachable icmp code frag-needed drop;")
                let found = try await search(lab)
                #expect(found.bytes == 1400)
                #expect(found.boundary == .blackHole)
                #expect(found.tooBigNotices.isEmpty)
            }
        }

        @Test func `The node's own interface says it by an error`() async throws {
            try await ProbeLab.with(nearMTU: 1300, farMTU: 1500) { lab in
                let found = try await search(lab, limit: 2000)
                #expect(found.bytes == 1300)
                #expect(found.boundary == .localError)
                #expect(
                    found.attempts.contains {
                        if case .localError(let error) = $0.outcome { error.name == "EMSGSIZE" } else { false }
                    })
            }
        }

        @Test func `Where all pass the limit is what was found`() async throws {
            try await ProbeLab.with(nearMTU: 1400) { lab in
                let found = try await search(lab)
                #expect(found.bytes == 1400)
                #expect(found.boundary == .limit)
                let unreached = try await search(lab, to: "10.2.0.99")
                #expect(unreached.bytes == nil)
                #expect(unreached.boundary == nil)
            }
        }

        @Test func `One byte more is refused with DF and comes in fragments without`() async throws {
            try await ProbeLab.with { lab in
                let fits = try await one(lab, length: 1400, dontFragment: true)
                #expect(fits.attempt.isAnswered)
                #expect(fits.requestFragments == 1)
                let refused = try await one(lab, length: 1401, dontFragment: true)
                #expect(refused.attempt.notice?.mtu == 1400)
                #expect(refused.attempt.notice?.quotedLength == 1401)
                #expect(refused.requestFragments == 0)
                let pieces = try await one(lab, length: 1401, dontFragment: false)
                #expect(pieces.attempt.isAnswered)
                #expect(pieces.requestFragments == 2)
                let local = try await one(lab, length: 1501, dontFragment: true)
                guard case .localError(let error) = local.attempt.outcome else {
                    Issue.record("\(local)")
                    return
                }
                #expect(error.name == "EMSGSIZE")
                // Two from here, the first of which the router splits once more.
                #expect(try await one(lab, length: 1501, dontFragment: false).requestFragments == 3)
            }
        }
    }

    /// The search alone, on paths made up.
    @Suite struct Search {
        private enum Path {
            case telling, silent, lying
        }

        private func search(_ path: Path, mtu: Int, limit: Int) -> PathMTUResult {
            PathMTUSearch(shortest: 44, limit: limit, tries: 2).run { length in
                let outcome: EchoAttempt.Outcome
                if length <= mtu {
                    outcome = .reply(roundTripNanoseconds: 1, timeToLive: 64, fragments: 1)
                } else if path == .silent {
                    outcome = .lost
                } else {
                    let claim = path == .telling ? mtu : mtu - 100
                    let from = IPAddress.v4(IPv4Address(rawValue: 1))
                    outcome = .notice(
                        message: ICMPNotice(
                            kind: .packetTooBig, from: from, type: 3, code: 4, mtu: claim, quotedLength: length,
                            afterNanoseconds: 1))
                }
                return EchoAttempt(sequence: 1, length: length, outcome: outcome)
            }
        }

        @Test(arguments: [44, 45, 68, 576, 1279, 1438, 1499, 1500])
        func `Every path's MTU is found, whatever its routers say`(mtu: Int) {
            for path in [Path.telling, .silent, .lying] {
                let found = search(path, mtu: mtu, limit: 1500)
                #expect(found.bytes == mtu, "\(path)")
                #expect(found.boundary == (mtu == 1500 ? .limit : path == .silent ? .blackHole : .notice), "\(path)")
                #expect(found.attempts.count <= 24, "\(path)")
            }
        }

        @Test func `A path that carries nothing has none`() {
            #expect(search(.silent, mtu: 20, limit: 1500).bytes == nil)
        }

        @Test func `One loss is not taken for a limit`() {
            var asked = 0
            let found = PathMTUSearch(shortest: 44, limit: 1500, tries: 2).run { length in
                asked += 1
                let outcome = EchoAttempt.Outcome.reply(roundTripNanoseconds: 1, timeToLive: 64, fragments: 1)
                return EchoAttempt(sequence: asked, length: length, outcome: asked == 2 ? .lost : outcome)
            }
            #expect(found.bytes == 1500)
            #expect(found.attempts.count == 3)
        }
    }
}
