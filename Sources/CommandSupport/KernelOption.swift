import ArgumentParser
import Glibc
import KernelBuilds
import LabHost
import LabModel
import Reporting

/// Which kernel labs run on.
package struct KernelOption: ParsableArguments {
    package enum Choice: String, ExpressibleByArgument, CaseIterable {
        case lab, host, auto
    }

    @Option(
        help: """
            The kernel to run on: lab (one of the lab's own, any user, virtual time), host (this machine's, as root, in real \
            time), or auto (the host's if it has all that the labs need).
            """)
    package var kernel = Choice.lab

    package init() {}

    /// The kernel, with everything else that these labs need of the machine.
    ///
    /// What `auto` has chosen, and why, is said on standard error.
    ///
    /// - Throws: `SetupError` naming what is missing.
    package func chosen(for topologies: [Topology]) async throws -> ChosenKernel {
        try await Self.chosen(kernel, for: topologies)
    }

    package static func chosen(_ choice: Choice, for topologies: [Topology]) async throws -> ChosenKernel {
        let chosen = try await choose(choice, for: topologies)
        try await Machine.check(for: topologies, on: chosen.kind)
        return chosen
    }

    /// Refuses what only the lab kernel's virtual time can do.
    ///
    /// - Parameter option: What was asked for, as it was typed; nil for nothing.
    package static func refuse(_ option: String?, on kernel: ChosenKernel, because reason: String) throws {
        guard kernel == .host, let option else { return }
        throw CommandError(
            message: "\(option) is for labs on the lab kernel: \(reason).",
            remedy: "Leave out \(option), or take --kernel lab.")
    }

    private static func choose(_ choice: Choice, for topologies: [Topology]) async throws -> ChosenKernel {
        switch choice {
        case .lab: return .lab(try Machine.kernel())
        case .host:
            let missing = try await HostKernel.findings(for: topologies).filter { $0.obstacle != nil }
            guard let first = missing.first else { return .host }
            throw SetupError(
                .kernelUnusable,
                "this machine's kernel, \(ChosenKernel.hostRelease), cannot do all that the lab needs: "
                    + missing.map(\.name).joined(separator: ", "),
                remedy: "\(first.remedy) The lab kernel does all of it: --kernel lab")
        case .auto:
            let reason: String
            do {
                let missing = try await HostKernel.findings(for: topologies).filter { $0.obstacle != nil }
                if missing.isEmpty {
                    StandardStream.error.write(
                        "netlab: on this machine's kernel, \(ChosenKernel.hostRelease), which has all that is needed.\n"
                    )
                    return .host
                }
                reason =
                    "this machine's, \(ChosenKernel.hostRelease), lacks \(missing.map(\.name).joined(separator: ", "))"
            } catch let error as SetupError {
                reason = error.message
            }
            StandardStream.error.write("netlab: on the lab kernel: \(reason).\n")
            return .lab(try Machine.kernel())
        }
    }
}
