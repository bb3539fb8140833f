import AgentProtocol
import ArgumentParser
import CommandSupport
import Glibc
import LabHost
import LabModel
import Pages
import Reporting
import Serving
import Watching

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Show a running lab as a live page in a browser on this machine.",
        discussion: """
            Prints the page's address, which has a token that nobody else knows, and answers on 127.0.0.1 until Ctrl-C, or until the lab \
            goes. The page shows the lab's picture with what is down and what tunnels carry, its tunnels, sessions, paths and faults, and \
            what has changed. Its buttons pause, advance, break and heal; each is a command, which the page and this terminal print.

            From another machine: ssh -L 8080:127.0.0.1:8080 HOST, with --port 8080.
            """)

    @OptionGroup var target: LabArgument

    @Option(help: "The port to answer on. (default: one that is free)")
    var port: UInt16 = 0

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        let server: LoopbackServer
        do throws(LoopbackServer.Failure) {
            server = try LoopbackServer(port: port)
        } catch {
            throw CommandError(
                message: "Nobody can be answered on 127.0.0.1, port \(port): \(error)",
                remedy: "Take another --port, or leave it out.")
        }
        let gate = PageGate(port: server.port, token: PageGate.makeToken())
        let (ends, end) = AsyncStream.makeStream(of: End.self)
        let signals = SignalWatch([SIGINT, SIGTERM, SIGHUP]) { end.yield(.signal($0)) }
        defer { signals.end() }
        let room = ServedLab(lab, topology)
        // Whoever took it down need not have a page open that would ask.
        let watch = Task {
            repeat { try await Task.sleep(for: .seconds(1)) } while await room.isThere
            end.yield(.gone)
        }
        defer { watch.cancel() }
        await room.look()
        server.start { request in
            guard let path = gate.path(of: request) else {
                return HTTPResponse(403, "Forbidden", "This page is not for you.")
            }
            return await room.answer(request, path: path)
        }
        StandardStream.output.write("\(lab.name): \(gate.address)\n")
        for await end in ends {
            switch end {
            case .signal(let number): throw ExitCode(128 + number)
            case .gone:
                throw CommandError(
                    message: "The lab \"\(lab.name)\" has gone.", remedy: "Bring it up again: netlab up \(target.lab)",
                    status: .labBroke)
            }
        }
    }

    private enum End: Sendable {
        case signal(Int32)
        case gone
    }
}

/// A lab that browsers look at: what they see of it, and what they do to it.
private actor ServedLab {
    private let lab: LabDirectory
    private let topology: Topology
    private let page: LivePage
    private var panel: WatchPanel
    private var lastLook: ContinuousClock.Instant?
    private var isLooking = false

    init(_ lab: LabDirectory, _ topology: Topology) {
        self.lab = lab
        self.topology = topology
        page = LivePage(topology)
        panel = WatchPanel(lab: lab.name)
    }

    func answer(_ request: HTTPRequest, path: String) async -> HTTPResponse {
        switch (request.method, path) {
        case (.get, ""): return HTTPResponse(200, "OK", type: "text/html; charset=utf-8", page.text)
        case (.get, LivePage.Path.script):
            return HTTPResponse(200, "OK", type: "text/javascript; charset=utf-8", LivePage.script)
        case (.get, LivePage.Path.state):
            await lookIfDue()
            return HTTPResponse(200, "OK", type: "text/html; charset=utf-8", page.state(panel))
        case (.post, LivePage.Path.action):
            guard request.headers[LivePage.header.lowercased()] != nil else {
                return HTTPResponse(403, "Forbidden", "Only the page itself may ask for this.")
            }
            return begin(String(decoding: request.body, as: UTF8.self))
        case (.get, LivePage.Path.action), (.post, _):
            return HTTPResponse(405, "Method Not Allowed", "This is asked for in another way.")
        case (.get, _): return HTTPResponse(404, "Not Found", "There is nothing here.")
        }
    }

    /// A lab whose clock stands still changes by actions alone, after each of which it is looked at; others twice a second at most,
    /// however many pages there are.
    private func lookIfDue() async {
        if let lastLook, ContinuousClock.now - lastLook < .milliseconds(500) { return }
        await look()
    }

    var isThere: Bool { if case .running = lab.state() { true } else { false } }

    func look() async {
        guard !isLooking else { return }
        isLooking = true
        lastLook = ContinuousClock.now
        // One that does not answer is looked for each second, whoever asks.
        if let status = try? await LabClient(lab).ask(ShowStatus()) { panel.show(status) }
        isLooking = false
    }

    private func begin(_ words: String) -> HTTPResponse {
        guard let action = WatchPanel.Action(words: words, in: topology) else {
            return HTTPResponse(400, "Bad Request", "There is no such action.")
        }
        guard let action = panel.doing(action) else {
            return HTTPResponse(409, "Conflict", "Something else is being done.")
        }
        panel.begin(action)
        if let command = action.command(for: lab.name) { StandardStream.output.write("$ \(command)\n") }
        Task {
            let failure = await action.perform(on: lab, topology)
            await done(failure)
        }
        return HTTPResponse(202, "Accepted", "")
    }

    private func done(_ failure: String?) async {
        panel.end(failure: failure)
        if let failure { StandardStream.output.write("\(failure)\n") }
        await look()
    }
}
