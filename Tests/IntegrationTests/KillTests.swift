import Foundation
import Testing

/// Labs whose parts are killed: whatever is met, and whenever, nothing is left that `gc` does not find.
///
/// `scripts/test-kills` runs them for longer.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct KillTests {
    /// How many kills there are; set by `scripts/test-kills`.
    static let count = ProcessInfo.processInfo.environment["NETLAB_KILLS"].flatMap { Int($0) }
    static let seed = ProcessInfo.processInfo.environment["NETLAB_SEED"].flatMap { UInt64($0) } ?? 1

    @Test func `Kills on the lab kernel leave nothing`() async throws {
        try await Self.killEverything(kernel: "lab", count: Self.count ?? 16)
    }

    /// Kills so many times, and expects that nothing is left each time.
    static func killEverything(kernel: String, count: Int) async throws {
        try await LabHome.with { home in
            let pair = try home.writePair()
            var chance = SplitMix64(state: seed)
            var run = try await KillRun(home: home, kernel: kernel, seed: chance.next(), warmingUpWith: pair)
            let steps = try await Self.steps(of: pair, in: home)
            // Three quarters of a long run go through the steps of a lab with daemons.
            let daemons = try await Self.steps(of: "aws-oci", in: home)
            let inOrder = count < 100 ? 0 : count * 3 / 4
            for number in 0..<count {
                let kill =
                    number < inOrder
                    ? Kill(
                        lab: "aws-oci", activity: .up,
                        victim: Kill.Victim.allCases.randomElement(using: &chance) ?? .kernel,
                        moment: .step(number * daemons / inOrder))
                    : Kill.random(lab: pair, steps: steps, using: &chance)
                try await run.perform(kill)
            }
            print("kills: seed \(seed): \(run.summary)")
            #expect(run.leaks == [])
            // Moments are random, and a busy machine is late for some of them.
            #expect(run.landed > count / 4)
        }
    }

    /// How many steps a lab's plan has: the sum of its stages'.
    private static func steps(of lab: String, in home: LabHome) async throws -> Int {
        let plan = try await home.netlab.succeed("plan", lab).output
        return plan.matches(of: #/(?m)^[a-z]+ \((\d+)\)$/#).compactMap { Int($0.1) }.reduce(0, +)
    }
}

extension MachineTests {
    @Test func `Kills on the host's kernel leave nothing`() async throws {
        #expect(HostState.isAlone)
        try await KillTests.killEverything(kernel: "host", count: KillTests.count ?? 8)
    }
}
