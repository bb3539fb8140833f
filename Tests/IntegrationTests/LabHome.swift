import Foundation
import SystemPackage
import Testing

/// A place for labs where no others are, so that tests and a developer's own labs never meet.
///
/// Has a runtime and a state directory of its own; the lab kernel is the user's. The path is short, because a Unix
/// socket's path has 107 bytes (unix(7)).
struct LabHome: Sendable {
    let path: FilePath
    let netlab: Netlab

    var runtime: FilePath { path.appending("run") }
    var state: FilePath { path.appending("state") }

    /// Runs `body` with a new home and takes it away afterwards, whether `body` throws or not.
    ///
    /// What is still up then is taken down first; a process that outlives that is an issue, and is killed.
    /// - Parameter labs: How many labs there will be at once in this home; in the whole run there are two at the most.
    static func with(labs: Int = 1, _ body: (LabHome) async throws -> Void) async throws {
        await LabPermits.shared.take(labs)
        do {
            let home = try LabHome()
            var failure: (any Error)?
            do {
                try await body(home)
            } catch {
                failure = error
            }
            try await home.clear()
            if let failure { throw failure }
        } catch {
            await LabPermits.shared.giveBack(labs)
            throw error
        }
        await LabPermits.shared.giveBack(labs)
    }

    private init() throws {
        // In a lab kernel, /tmp is the host's, to be read.
        let place = access("/tmp", W_OK) == 0 ? "/tmp" : "/run"
        var template = Array("\(place)/netlab-it-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = FilePath(platformString: template)
        for name in ["run", "state"] {
            try FileManager.default.createDirectory(
                atPath: path.appending(name).string, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        }
        netlab = Netlab(environment: [
            "XDG_RUNTIME_DIR": path.appending("run").string, "XDG_STATE_HOME": path.appending("state").string,
            "NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1",
        ])
    }

    private func clear() async throws {
        try await netlab.run("down", "--all")
        try await expectNoProcess()
        for process in Host.processes(naming: path) { kill(process, SIGKILL) }
        try FileManager.default.removeItem(atPath: path.string)
    }

    private func expectNoProcess(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let end = ContinuousClock.now + .seconds(3)
        while case let left = Host.processes(naming: path), !left.isEmpty {
            guard ContinuousClock.now < end else {
                Issue.record("still running: \(left.map(Host.description(of:)))", sourceLocation: sourceLocation)
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Copies a lab that comes with netlab and edits its file.
    ///
    /// - Returns: The copy's path, to be given to `up`.
    func copy(of name: String, as newName: String, editing edit: (String) -> String = { $0 }) throws -> String {
        let original = Netlab.checkout.appending("Labs").appending(name)
        let copy = path.appending(newName)
        // FileManager's own copying wants to give the copy the original's owner, which only root can.
        try FileManager.default.createDirectory(atPath: copy.string, withIntermediateDirectories: false)
        for file in try FileManager.default.contentsOfDirectory(atPath: original.string) {
            let text = Host.contents("\(original)/\(file)")
            let edited = file == "lab.yaml" ? edit(text.replacing("name: \(name)\n", with: "name: \(newName)\n")) : text
            try edited.write(toFile: "\(copy)/\(file)", atomically: true, encoding: .utf8)
        }
        return copy.string
    }

    /// Writes the smallest lab there is: `left <-> right`, without a daemon.
    func writePair(named name: String = "pair") throws -> String {
        let file = path.appending("\(name).yaml")
        let text = """
            name: \(name)
            title: two nodes and a wire
            clouds:
              here: {title: Here}
            nodes:
              left: {cloud: here, role: instance}
              right: {cloud: here, role: instance}
            links:
              wire: {ends: {left:eth0: 10.0.0.1/24, right:eth0: 10.0.0.2/24}, mtu: 1500, rate: 1gbit, delay: 1ms}
            probes:
              across: {from: left, to: right}
            """
        try text.write(toFile: file.string, atomically: true, encoding: .utf8)
        return file.string
    }

    /// Expects that nothing is left of any lab: no process, and no file but logs.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await expectNoProcess(sourceLocation: sourceLocation)
        let kept = ["netlab", "netlab/labs"]
        let files = Host.files(below: runtime).filter { !kept.contains($0) }
        #expect(files == [], "in the runtime directory", sourceLocation: sourceLocation)
        let others = Host.files(below: state).filter {
            $0.contains(".") && !$0.hasSuffix(".log") && !$0.hasPrefix("netlab/runs/")
        }
        #expect(others == [], "in the state directory", sourceLocation: sourceLocation)
    }
}

/// Keeps the number of labs that are up at once to what two processors can carry.
private actor LabPermits {
    static let shared = LabPermits(2)

    private var free: Int
    private var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    init(_ count: Int) { free = count }

    func take(_ count: Int) async {
        if count == 0 { return }
        if waiters.isEmpty, free >= count {
            free -= count
        } else {
            await withCheckedContinuation { waiters.append((count, $0)) }
        }
    }

    func giveBack(_ count: Int) {
        free += count
        // In order: one that wants two must not wait for ever behind many that want one.
        while let next = waiters.first, free >= next.count {
            free -= next.count
            waiters.removeFirst().continuation.resume()
        }
    }
}
