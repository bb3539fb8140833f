import AgentProtocol
import KernelBuilds
import LabHost

/// A lab kernel with no lab in it: for one program, or to see that it runs.
package struct BareKernel {
    package let directory: LabDirectory
    private let kernel: BuiltKernel

    /// - Parameter purpose: The first part of its name.
    package init(_ purpose: String, kernel: BuiltKernel) throws {
        self.kernel = kernel
        directory = try LabDirectory(
            name: LabDirectory.ownName(purpose, number: 0), directories: LabLocator.directories)
    }

    /// Boots it.
    ///
    /// - Throws: ``LabFailure`` with the line of its console that says why it does not run; nothing is left behind then.
    package func boot() async throws {
        let supervision = Supervision(name: directory.name, source: Supervision.bare, kernel: .lab(kernel))
        try await LabLauncher.launch(
            directory, directories: LabLocator.directories, executable: Supervision.executable,
            arguments: supervision.arguments)
    }

    /// Ends it, and removes its logs.
    package func end() async {
        try? await LabLauncher.end(directory)
        directory.forget()
    }

    /// Boots a kernel, runs a program in it, and ends it: well under a second.
    ///
    /// - Returns: What doctor says of it.
    package static func examine(_ kernel: BuiltKernel) async -> DoctorFinding {
        func finding(_ status: DoctorFinding.Status, _ detail: String, _ remedy: String? = nil) -> DoctorFinding {
            DoctorFinding(
                name: "boot", purpose: "the lab kernel runs on this machine", status: status, detail: detail,
                remedy: remedy)
        }
        do {
            let begin = ContinuousClock.now
            let bare = try BareKernel("doctor", kernel: kernel)
            try await bare.boot()
            let result: Result<Int32, any Error>
            do {
                let request = ExecRequest(node: "", arguments: ["uname", "-r"], environment: [:], terminal: nil)
                result = .success(try await LabClient(bare.directory).ask(request))
            } catch { result = .failure(error) }
            let console = KernelConsole(bare.directory.console)
            await bare.end()
            guard try result.get() == 0 else {
                return finding(.missing, "it boots, but runs no program", "netlab kernel build --force")
            }
            let seconds = (ContinuousClock.now - begin).shortText
            switch console.usesSeccomp {
            case true?: return finding(.ok, "runs a program in \(seconds), with seccomp filters")
            case false?:
                return finding(
                    .warning, "runs a program in \(seconds), with ptrace: this machine gives no seccomp filters",
                    "Labs run, some two times slower. A container's profile may be what forbids them (--security-opt seccomp=…)."
                )
            case nil: return finding(.ok, "runs a program in \(seconds)")
            }
        } catch let failure as LabFailure {
            return finding(.missing, failure.message, failure.remedy)
        } catch let error as SetupError {
            return finding(.missing, error.reason, error.remedy)
        } catch {
            return finding(.missing, "\(error)")
        }
    }
}
