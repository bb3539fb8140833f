import Subprocess
import SystemPackage

/// The programs that build a kernel, run with an environment of their own and their output in the build's log.
package struct KernelBuildTools {
    private let searchPath: [FilePath]
    private let environment: Environment
    private let log: BuildLog?

    package init(searchPath: String?, home: String?, log: BuildLog?) {
        // What is found in whatever directory one happens to be in is nobody's compiler.
        let places = (searchPath ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
        let path = places.isEmpty ? "/usr/local/bin:/usr/bin:/bin" : places.joined(separator: ":")
        self.searchPath = ProgramSearch.directories(path)
        self.log = log
        // Nothing of the user's own (MAKEFLAGS, ARCH, CC, …) may change the kernel, and the same source gives the same
        // kernel on any day and machine with the same compiler.
        environment = .custom([
            "PATH": path, "HOME": home ?? "/", "LC_ALL": "C", "XZ_DEFAULTS": "--threads=0",
            "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER": "netlab",
            "KBUILD_BUILD_HOST": "lab", "KBUILD_BUILD_VERSION": "1",
        ])
    }

    /// What the tools have printed last.
    var lastLines: [String] { log?.lastLines ?? [] }

    // MARK: - Is everything there?

    /// What a build needs: a program, or a header that only a compiler's run would miss, and Debian's package of it.
    struct Requirement: Sendable, Hashable {
        let program: String
        let package: String
    }

    static let requirements = [
        Requirement(program: "make", package: "make"),
        Requirement(program: "gcc", package: "gcc"),
        Requirement(program: "ld", package: "binutils"),
        Requirement(program: "strip", package: "binutils"),
        Requirement(program: "flex", package: "flex"),
        Requirement(program: "bison", package: "bison"),
        Requirement(program: "bc", package: "bc"),
        Requirement(program: "tar", package: "tar"),
        Requirement(program: "xz", package: "xz-utils"),
    ]

    /// Throws `toolsMissing`, naming every program that is missing and the one command that installs them all.
    func check() throws(SetupError) {
        try Self.check(
            missing: Self.requirements.filter { find($0.program) == nil },
            headers: Self.cHeaders.contains { isReadable($0) })
    }

    static func check(missing: [Requirement], headers: Bool) throws(SetupError) {
        var names = missing.map(\.program)
        var packages: [String] = []
        for package in missing.map(\.package) where !packages.contains(package) {
            packages.append(package)
        }
        if !headers {
            names.append("the C library's headers")
            packages.append("libc6-dev")
        }
        guard !names.isEmpty else { return }
        throw SetupError(
            .toolsMissing, "to build the lab kernel, this machine lacks \(names.joined(separator: ", "))",
            remedy: "Install: apt-get install \(packages.joined(separator: " "))")
    }

    /// A program's path, or nil when it is nowhere in the search path.
    func find(_ program: String) -> FilePath? {
        ProgramSearch.find(program, in: searchPath)
    }

    private static let cHeaders: [FilePath] = ["/usr/include/stdio.h", "/usr/local/include/stdio.h"]

    private func isReadable(_ path: FilePath) -> Bool {
        (try? Stat(path)) != nil
    }

    // MARK: - Running

    /// Runs a program to its end; every line it prints goes to the log and to `onLine`.
    ///
    /// Throws `buildFailed` with the last lines when it does not end well. A cancelled task ends the program and what it
    /// has started.
    package func run(
        _ program: String, _ arguments: [String], in directory: FilePath, variables: [Environment.Key: String] = [:],
        because purpose: String, onLine: (String) -> Void = { _ in }
    ) async throws {
        log?.append("$ \(([program] + arguments).joined(separator: " "))")
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        let status: TerminationStatus
        do {
            status = try await Subprocess.run(
                executable(program, in: directory), arguments: Arguments(arguments),
                environment: environment.updating(variables.mapValues(Optional.some)),
                workingDirectory: directory, platformOptions: options, input: .none, output: .sequence,
                error: .combinedWithOutput
            ) { execution in
                for try await line in execution.standardOutput.strings() {
                    log?.append(line)
                    onLine(line)
                }
            }.terminationStatus
        } catch let error as SubprocessError {
            throw failure(purpose, "\(program): \(error)")
        }
        try Task.checkCancellation()
        guard status.isSuccess else {
            throw failure(purpose, "\(program) \(status.text)")
        }
    }

    /// Runs a program and returns what it prints, without white space at either end.
    package func output(
        _ program: String, _ arguments: [String], input: String = "", because purpose: String
    ) async throws -> String {
        do {
            let result = try await Subprocess.run(
                executable(program, in: "/"), arguments: Arguments(arguments), environment: environment,
                input: .string(input), output: .string(limit: 65536), error: .string(limit: 65536))
            try Task.checkCancellation()
            guard result.terminationStatus.isSuccess else {
                throw failure(purpose, "\(program) \(result.terminationStatus.text)\n\(result.standardError)")
            }
            return result.standardOutput.trimmed
        } catch let error as SubprocessError {
            throw failure(purpose, "\(program): \(error)")
        }
    }

    private func executable(_ program: String, in directory: FilePath) -> Executable {
        program.contains("/") ? .path(directory.pushing(FilePath(program))) : .name(program)
    }

    private func failure(_ purpose: String, _ what: String) -> SetupError {
        let end = log?.lastLines ?? []
        let lines = end.isEmpty ? "" : "\n" + end.map { "    \($0)" }.joined(separator: "\n")
        let place = log.map { "The whole log is in \($0.path). " } ?? ""
        return SetupError(
            .buildFailed, "could not \(purpose): \(what)\(lines)",
            remedy: "\(place)Mend what it names, then run `netlab kernel build` again.")
    }
}

extension TerminationStatus {
    fileprivate var text: String {
        switch self {
        case .exited(let code): "ended with exit code \(code)"
        case .signaled(let signal): "was ended by signal \(signal)"
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        let tail = reversed().drop(while: \.isWhitespace).reversed()
        return String(tail.drop(while: \.isWhitespace))
    }
}
