import AgentProtocol
import CLinux
import Glibc
import NetworkTypes

// Programs that may not end.
extension NodeProcess {
    /// How many of the last lines are kept, and how long each may be, in bytes.
    private static let keptLines = 8
    private static let longestLine = 400

    /// Runs a program to its end, for a time of the lab's at most: then it is killed, with all that it has started.
    ///
    /// What it leaves running when it ends goes on.
    ///
    /// - Returns: Its exit code as a shell has it, nil where it was killed for its time; and the last lines that it printed, on either
    ///   stream.
    /// - Throws: ``LabFailure``; `CancellationError` where the task is cancelled, for which it is killed as well.
    public static func run(
        _ arguments: [String], in sandbox: NodeSandbox?, within limit: Duration
    ) async throws -> (code: Int32?, lastLines: [String]) {
        let null = try openNull()
        let (output, over) = (try Pipe(), try Pipe())
        let process: NodeProcess
        do {
            defer {
                close(null)
                close(output.writer)
            }
            process = try NodeProcess(arguments, in: sandbox, streams: (null, output.writer, output.writer))
        } catch {
            for descriptor in [output.reader, over.reader, over.writer] { close(descriptor) }
            throw error
        }
        async let lines = offThread { lastLines(from: output.reader, until: over.reader) }
        let alarm = Task {
            guard (try? await LabSleep.wait(for: limit)) != nil else { return false }
            process.send(SIGKILL)
            return true
        }
        let ended = await withTaskCancellationHandler {
            await Task { try await process.end() }.result
        } onCancel: {
            process.send(SIGKILL)
        }
        alarm.cancel()
        // Whoever goes on in the background may keep the output open: it is read no further.
        close(over.writer)
        let (wasKilled, said) = (await alarm.value, try await lines)
        try Task.checkCancellation()
        return (wasKilled ? nil : try ended.get().code, said)
    }

    /// Reads, on the calling thread, until nobody is left who could print, or the other pipe is closed and nothing more is there; closes
    /// both.
    private static func lastLines(from output: Int32, until over: Int32) -> [String] {
        var places = [output, over].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var lines: [String] = []
        var line: [UInt8] = []
        func finishLine() {
            // What would move a terminal's cursor, or is nothing in XML, is of no use in a report.
            let text = String(
                String.UnicodeScalarView(
                    String(decoding: line.prefix(longestLine), as: UTF8.self).unicodeScalars.map {
                        $0.properties.generalCategory == .control ? "\u{FFFD}" : $0
                    }))
            line = []
            if text.contains(where: { !$0.isWhitespace }) { lines = (lines + [text]).suffix(keptLines) }
        }
        // Of what goes on in the background as much as fits a pipe is read, and no more.
        var readsLeft = 8
        while readsLeft > 0 {
            guard poll(&places, nfds_t(places.count), -1) > 0 else { continue }
            guard places[0].revents != 0 else { break }
            if places[1].revents != 0 { readsLeft -= 1 }
            let count = read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte == 0x0A {
                    finishLine()
                } else if line.count < longestLine {
                    line.append(byte)
                }
            }
        }
        finishLine()
        close(output)
        close(over)
        return lines
    }
}
