import AgentProtocol
import Glibc
import Logging
import SystemPackage

/// What a supervisor says to its agent: no more of it under way than the agent's end of the line has room for, and what is long by a file.
struct Outgoing: ~Copyable {
    private let line: FrameChannel<FromAgent, ToAgent>
    private let letterbox: FilePath?
    private let log: Logger
    private var letters = 0
    /// What has yet to be sent, and how much of what was sent the agent may not have read.
    private var waiting: [UInt8] = []
    private var unacknowledged = 0

    /// - Parameter letterbox: Where messages go that are too long for the line; nil for a line that takes any.
    init(line: FrameChannel<FromAgent, ToAgent>, letterbox: FilePath?, log: Logger) {
        self.line = line
        self.letterbox = letterbox
        self.log = log
    }

    /// Whether all of it is under way.
    var isEmpty: Bool { waiting.isEmpty }

    /// Sends a frame, now or when there is room.
    mutating func send(_ frame: Frame) throws {
        var bytes = frame.bytes
        if bytes.count > Letter.shortest, let letterbox, let letter = leave(bytes, in: letterbox) {
            bytes = try Frame(ToAgent.letter(letter)).bytes
        }
        waiting += bytes
        flush()
    }

    /// The agent has read so many bytes more.
    mutating func wasRead(_ count: Int) {
        unacknowledged -= count
        flush()
    }

    /// The agent has opened a letter, and its file can go.
    func wasOpened(_ letter: String) {
        if let letterbox, letter.hasPrefix("letter-"), !letter.contains("/") {
            unlink(letterbox.appending(letter).string)
        }
    }

    /// Leaves a frame in a file for the agent.
    ///
    /// - Returns: The file's name; nil where there is no room, and the line has to do.
    private mutating func leave(_ frame: [UInt8], in letterbox: FilePath) -> String? {
        letters += 1
        let name = "letter-\(letters)"
        let path = letterbox.appending(name)
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: [.ownerReadWrite])
            try file.closeAfter { _ = try file.writeAll(frame) }
            return name
        } catch {
            log.warning("\(path) cannot be written: \(error)")
            unlink(path.string)
            return nil
        }
    }

    /// Sends as much as the window lets through.
    private mutating func flush() {
        let count = min(waiting.count, LineWindow.bytes - unacknowledged)
        guard count > 0 else { return }
        line.send(bytes: waiting[..<count])
        waiting.removeFirst(count)
        unacknowledged += count
    }
}
